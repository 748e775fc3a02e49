/** Texture maps as files and folders of them: what the stages of a texture space hand to each other. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { gateFileText } from '../../src/dataset/gate-file.ts';
import { workPaths } from '../../src/dataset/layout.ts';
import { decodeMap, encodeMap } from '../../src/dataset/map-file.ts';
import { npyArray } from '../../src/io/npy.ts';
import { readNpz, writeNpz } from '../../src/io/npz.ts';
import { openFittedMaps, openMapFolder, writeMap } from '../../src/node/map-folder.ts';
import type { TextureMap } from '../../src/texture/texture-map.ts';
import { temporaryFolder } from '../cli/helpers.ts';

const HASH = 'ab'.repeat(32);

function randomMap(size: number, seed: number): TextureMap {
  const random = createRandom(seed);
  return {
    size,
    albedo: Float32Array.from({ length: 3 * size * size }, () => 1.1 * random.uniform() - 0.05),
    visibility: Uint8Array.from({ length: size * size }, () => random.below(256)),
  };
}

describe('a texture map as a file', () => {
  const map = randomMap(16, 1);

  it('comes back to half a step of 8 bits, clamped to [0, 1]', () => {
    const back = decodeMap(encodeMap(map, { layoutHash: HASH }));
    expect(back.size).toBe(16);
    expect(back.layoutHash).toBe(HASH);
    expect(back.visibility).toEqual(map.visibility);
    const worst = Math.max(
      ...back.albedo.map((x, i) => Math.abs(x - Math.min(1, Math.max(0, map.albedo[i])))),
    );
    expect(worst).toBeLessThanOrEqual(0.5 / 255 + 1e-6);
  });

  it('keeps what leaves [0, 1] in half precision', () => {
    const back = decodeMap(encodeMap(map, { precision: 'float16' }));
    const worst = Math.max(...back.albedo.map((x, i) => Math.abs(x - map.albedo[i])));
    // Half precision has 11 bits: 2^-12 of the largest value, 1.05.
    expect(worst).toBeLessThanOrEqual(2 ** -11);
    expect(back.layoutHash).toBeNull();
  });

  it('is refused with numbers that are none', () => {
    const entries = Object.fromEntries(readNpz(encodeMap(map, { precision: 'float16' })).entries());
    const albedo = Float32Array.from(map.albedo);
    albedo[5] = Number.NaN;
    const bytes = writeNpz({ ...entries, albedo: npyArray(albedo, [16, 16, 3]) });
    expect(() => decodeMap(bytes, 'maps/x.npz')).toThrow(/^maps\/x\.npz: array "albedo" has NaN at item 5/);
  });

  it('has the arrays that other programs expect, and the same bytes each time', () => {
    const bytes = encodeMap(map, { layoutHash: HASH });
    expect(encodeMap(map, { layoutHash: HASH })).toEqual(bytes);
    const npz = readNpz(bytes);
    expect(npz.get('albedo')).toMatchObject({ dtype: '|u1', shape: [16, 16, 3] });
    expect(npz.get('visibility')).toMatchObject({ dtype: '|u1', shape: [16, 16] });
  });

  it('refuses what is no map, and says what is wrong', () => {
    const u8 = (...shape: number[]) => npyArray(new Uint8Array(shape.reduce((a, b) => a * b, 1)), shape);
    const read = (arrays: Parameters<typeof writeNpz>[0]) => () => decodeMap(writeNpz(arrays), 'x.npz');
    expect(read({ albedo: u8(4, 4, 3) })).toThrow(/x\.npz: array "visibility" is missing/);
    expect(read({ albedo: u8(4, 5, 3), visibility: u8(4, 5) })).toThrow(/albedo has shape \(4, 5, 3\)/);
    expect(read({ albedo: u8(4, 4, 3), visibility: u8(4, 5) })).toThrow(/visibility has shape/);
    const floats = npyArray(new Float32Array(16), [4, 4]);
    expect(read({ albedo: u8(4, 4, 3), visibility: floats })).toThrow(/visibility is <f4, not uint8/);
    expect(() => decodeMap(new Uint8Array(100), 'x.npz')).toThrow(/x\.npz/);
    expect(() => encodeMap({ ...map, size: 15 })).toThrow(/a map of 15² texels/);
    expect(() => encodeMap(map, { layoutHash: 'abc' })).toThrow(/64 hexadecimal/);
  });
});

describe('a folder of maps', () => {
  it('lists files and folders by name and reads them one at a time', async () => {
    const folder = temporaryFolder();
    await writeMap(path.join(folder, 'b.npz'), randomMap(8, 2), { layoutHash: HASH });
    await writeMap(path.join(folder, 'a', 'map.npz'), randomMap(8, 3), { layoutHash: HASH });
    mkdirSync(path.join(folder, '.c.partial'));
    writeFileSync(path.join(folder, 'notes.txt'), '');
    // Where completed maps are, a work folder of `space complete --out` holds no map of its own.
    mkdirSync(path.join(folder, 'completed'));
    const maps = await openMapFolder(folder);
    expect(maps.names).toEqual(['a', 'b']);
    expect([maps.size, maps.layoutHash]).toEqual([8, HASH]);
    expect((await maps.read(1)).visibility).toEqual(randomMap(8, 2).visibility);
  });

  it('refuses maps that do not go together', async () => {
    const folder = temporaryFolder();
    await writeMap(path.join(folder, 'a.npz'), randomMap(8, 2), { layoutHash: HASH });
    await writeMap(path.join(folder, 'b.npz'), randomMap(16, 2), { layoutHash: HASH });
    await writeMap(path.join(folder, 'c.npz'), randomMap(8, 2), { layoutHash: 'cd'.repeat(32) });
    const maps = await openMapFolder(folder);
    await expect(maps.read(1)).rejects.toThrow(/b\.npz: has 16² texels/);
    await expect(maps.read(2)).rejects.toThrow(/c\.npz: lies on another UV layout/);
  });

  it('of a work folder: those that passed the gate', async () => {
    const work = temporaryFolder();
    const paths = workPaths(work);
    await expect(openFittedMaps(work)).rejects.toThrow(/run photofit space fit first/);
    const [a, b] = ['a1', 'b2'].map((h) => h.repeat(32));
    for (const hash of [a, b]) await writeMap(`${paths.fit(hash)}/map.npz`, randomMap(8, 1));
    const rejected = [{ hash: a, reason: 'blur', why: 'too blurred' }];
    writeFileSync(paths.gate, gateFileText({ format: 'space-gate/1', thresholds: {}, kept: [b], rejected }));
    expect((await openFittedMaps(work)).names).toEqual([b]);
    writeFileSync(paths.gate, gateFileText({ format: 'space-gate/1', thresholds: {}, kept: [], rejected }));
    await expect(openFittedMaps(work)).rejects.toThrow(/none of the fits/);
    writeFileSync(paths.gate, '{}');
    await expect(openFittedMaps(work)).rejects.toThrow(/gate\.json: is not the list/);
  });

  it('says when there is none', async () => {
    const folder = temporaryFolder();
    await expect(openMapFolder(path.join(folder, 'x'))).rejects.toThrow(/no such folder/);
    await expect(openMapFolder(folder)).rejects.toThrow(/holds no texture maps/);
  });
});
