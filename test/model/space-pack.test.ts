/** The texture space file: what goes in comes out, for the right head only; FLAME_texture.npz's layout. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import { memorySource, NpzStream } from '../../src/io/npz-stream.ts';
import { npzPieces } from '../../src/io/npz-write-stream.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { readFlameTexture } from '../../src/model/flame/texture.ts';
import { FLAME_FACES, flameTextureEntries } from '../../src/model/flame/texture-write.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { readSpacePack, uvLayoutHash, withTextureSpace, writeSpacePack } from '../../src/model/space-pack.ts';
import { writeFileAtomically } from '../../src/node/atomic.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { makeTinySpace } from '../helpers/tiny-space.ts';

const model = makeTinyHead();

describe('texture space file', () => {
  it.each([
    ['float32', 0],
    ['float16', 0.05 * 2 ** -11],
    // Half a step of the largest value / 127.
    ['int8', 0.05 / 127 / 2 + 1e-9],
  ] as const)('comes back, %s', async (precision, tolerance) => {
    const space = await makeTinySpace(model);
    const bytes = writeSpacePack(space, { precision });
    expect(writeSpacePack(space, { precision })).toEqual(bytes);
    const back = await readSpacePack(bytes);
    const { texture, hash, names, coverage, ...meta } = back;
    const { texture: wanted, coverage: seen, ...said } = space;
    expect(meta).toEqual(said);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(names).toEqual(wanted.names);
    expect(coverage).toEqual(seen);
    expect(texture.mean).toEqual(wanted.mean);
    const basis = wanted.basis as Float32Array;
    const worst = basis.reduce((m, x, i) => Math.max(m, Math.abs(x - texture.basis[i])), 0);
    expect(worst).toBeLessThanOrEqual(tolerance);
    expect(texture.basis.length).toBe(basis.length);
  });

  it('gives its first components alone', async () => {
    for (const precision of ['float16', 'int8'] as const) {
      const bytes = writeSpacePack(await makeTinySpace(model), { precision });
      const [all, two] = [await readSpacePack(bytes), await readSpacePack(bytes, 'x', { components: 2 })];
      expect(two.names).toEqual(all.names.slice(0, 2));
      expect(two.explained).toEqual(all.explained.slice(0, 2));
      expect(two.texture.basis).toEqual(all.texture.basis.slice(0, two.texture.basis.length));
      await expect(readSpacePack(bytes, 'my.space', { components: 4 })).rejects.toThrow(
        /my\.space: has 3 components; asked for 4/,
      );
    }
  });

  it('is worn by its head, whose hash then names both, and by no head of another layout', async () => {
    const space = await readSpacePack(writeSpacePack(await makeTinySpace(model)));
    const worn = await withTextureSpace(model, space);
    expect(worn.texture).toMatchObject({ width: 16, source: { name: 'tiny-space', hash: space.hash } });
    expect(worn.hash).not.toBe(model.hash);
    expect((await withTextureSpace(model, space)).hash).toBe(worn.hash);
    const other = makeTinyHead({ segments: 20 });
    await expect(withTextureSpace(other, space)).rejects.toThrow(InvalidArgumentError);
    await expect(withTextureSpace({ ...other, name: 'egg' }, space, 'my.space')).rejects.toThrow(
      /my\.space: was made for the head tiny-head, whose texture layout is not that of egg/,
    );
    // Where the vertices lie does not matter; where the colours go does.
    const moved = { ...model, template: model.template.map((x) => 2 * x) };
    expect(await uvLayoutHash(moved)).toBe(await uvLayoutHash(model));
    const uvs = model.uvs.slice();
    uvs[7] += 1e-3;
    expect(await uvLayoutHash({ ...model, uvs })).not.toBe(await uvLayoutHash(model));
  });

  it('damaged or foreign files are refused with what is wrong', async () => {
    const bytes = writeSpacePack(await makeTinySpace(model), { precision: 'float32' });
    const { tensors, metadata } = readSafetensors(bytes);
    const meta = JSON.parse(metadata['photofit']);
    const file = (change: object, edit?: (t: Map<string, ReturnType<typeof tensors.get>>) => void) => {
      const t = new Map(tensors) as Map<string, ReturnType<typeof tensors.get>>;
      edit?.(t);
      return writeSafetensors(t as typeof tensors, { photofit: JSON.stringify({ ...meta, ...change }) });
    };
    const nan = tensors.get('basis')!;
    const withNan = { ...nan, bytes: nan.bytes.slice() };
    new DataView(withNan.bytes.buffer).setFloat32(40, Number.NaN, true);
    for (const [bad, message] of [
      [bytes.subarray(0, bytes.length - 9), /truncated/],
      [new TextEncoder().encode('not a space at all'), /my\.space/],
      [writeSafetensors(tensors), /no texture space: its metadata has no entry/],
      [file({ format: 'head/1' }), /"head\/1".*"texture-space\/1"/],
      [file({ format: 'texture-space/9' }), /"texture-space\/9"/],
      [file({ layout: 'abc' }), /metadata layout/],
      [file({ names: ['a', 'b'] }), /explained variances for 2 components/],
      [file({ names: ['a'], explained: [1] }), /'basis' has the shape \[3,16,16,3\], must be \[1,16,16,3\]/],
      [file({}, (t) => t.delete('mean')), /'mean' is missing/],
      [file({}, (t) => t.set('extra', t.get('mean'))), /unexpected tensors: extra/],
      [file({}, (t) => t.set('basis', withNan)), /basis holds NaN at item 10/],
    ] as const) {
      const error = await readSpacePack(bad, 'my.space').catch((e: unknown) => e);
      expect(error).toBeInstanceOf(FormatError);
      expect((error as Error).message).toMatch(message);
    }
    const space = await makeTinySpace(model);
    const { texture } = space;
    for (const [change, message] of [
      [{ texture: { ...texture, width: 8 } }, /mean has 768 numbers/],
      [{ texture: { ...texture, names: ['a'] } }, /basis has 2304 numbers, 1 components take 768/],
      [{ explained: [1] }, /explained has 1 numbers/],
      [{ texture: { ...texture, mean: texture.mean.map(() => Number.NaN) } }, /mean holds NaN/],
    ] as const)
      expect(() => writeSpacePack({ ...space, ...change })).toThrow(message);
  });
});

/** As the tiny head, with as many triangles as FLAME has. */
function flameSized(): HeadModel {
  const repeat = (list: Uint32Array) =>
    Uint32Array.from({ length: 3 * FLAME_FACES }, (_, i) => list[i % list.length]);
  return { ...model, faces: repeat(model.faces), faceUvs: repeat(model.faceUvs) };
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return new Uint8Array(Buffer.concat(parts));
}

describe("FLAME_texture.npz's layout", () => {
  it('is read back as the same space, in BGR from 0 to 255', async () => {
    const head = flameSized();
    const { texture } = await makeTinySpace(model);
    const bytes = await bytesOf(npzPieces(flameTextureEntries(head, texture, { size: 16, components: 5 })));
    const npz = await NpzStream.open(memorySource(bytes));
    const back = await readFlameTexture(npz, {});
    expect(back).toMatchObject({ kind: 'flame', available: 5 });
    expect(back.texture.width).toBe(16);
    const first = await npz.array('mean');
    expect(first?.data[0]).toBeCloseTo(255 * texture.mean[2], 4);
    texture.mean.forEach((x, i) => {
      expect(back.texture.mean[i]).toBeCloseTo(x, 5);
    });
    (texture.basis as Float32Array).forEach((x, i) => {
      expect(back.texture.basis[i]).toBeCloseTo(x, 5);
    });
    expect(back.texture.basis.subarray(3 * 768).every((x) => x === 0)).toBe(true);
    expect(back.vt?.data[1]).toBeCloseTo(1 - model.uvs[1], 6);
    expect(back.ft?.shape).toEqual([FLAME_FACES, 3]);
  });

  it('maps of another size keep their averages; other heads are refused', async () => {
    const head = flameSized();
    const { texture } = await makeTinySpace(model);
    for (const size of [8, 32]) {
      const bytes = await bytesOf(npzPieces(flameTextureEntries(head, texture, { size, components: 3 })));
      const { texture: back } = await readFlameTexture(await NpzStream.open(memorySource(bytes)), {});
      const average = (x: Float32Array) => x.reduce((s, v) => s + v, 0) / x.length;
      // Edges are clamped, so that growing repeats a little of them.
      expect(average(back.mean)).toBeCloseTo(average(texture.mean), size === 8 ? 6 : 3);
      // A texel of the grown map lies between those around it.
      if (size === 32) expect(back.mean[3 * 33]).toBeLessThan(texture.mean[3]);
    }
    expect(() => flameTextureEntries(model, texture)).toThrow(
      /FLAME's mesh of 9976 triangles; tiny-head has/,
    );
    expect(() => flameTextureEntries(head, texture, { size: 0 })).toThrow(/options\.size/);
  });

  const python = spawnSync('python3', ['-c', 'import numpy']).status === 0;
  it.skipIf(!python)('is what the original loads (skipped: no python3 with numpy)', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'photofit-test-'));
    try {
      const file = path.join(folder, 'FLAME_texture.npz');
      const { texture } = await makeTinySpace(model);
      // 200 components, as the original reshapes to; 32 texels instead of 512 keep the file small.
      await writeFileAtomically(file, npzPieces(flameTextureEntries(flameSized(), texture, { size: 32 })));
      expect(existsSync(file)).toBe(true);
      const script = [
        'import numpy as np, sys, json',
        's = np.load(sys.argv[1])',
        "mean = s['mean'].reshape(1, -1); basis = s['tex_dir'].reshape(-1, 200)[:, :50]",
        'code = np.zeros(50); code[1] = 2',
        'texture = (mean[0] + (basis * code).sum(-1)).reshape(32, 32, 3)[:, :, [2, 1, 0]] / 255',
        "print(json.dumps([s['mean'].shape, s['tex_dir'].shape, s['vt'].shape, s['ft'].shape, str(s['mean'].dtype), texture[::2, ::2].tolist()]))",
      ].join('\n');
      const run = spawnSync('python3', ['-c', script, file], { encoding: 'utf8' });
      expect(run.status, run.stderr).toBe(0);
      const [mean, dir, vt, ft, dtype, picture] = JSON.parse(run.stdout);
      expect([mean, dir, vt, ft, dtype]).toEqual([
        [32, 32, 3],
        [32, 32, 3, 200],
        [model.uvs.length / 2, 2],
        [FLAME_FACES, 3],
        'float32',
      ]);
      const basis = texture.basis as Float32Array;
      // Texel (2x, 2y) of the grown map is a quarter texel left of and above texel (x, y): neighbours 3 to 1.
      for (const [y, x] of [
        [3, 4],
        [9, 7],
      ]) {
        const at = (yy: number, xx: number, c: number) => {
          const i = 3 * (16 * yy + xx) + c;
          return texture.mean[i] + 2 * basis[768 + i];
        };
        for (let c = 0; c < 3; c++) {
          const wanted =
            0.5625 * at(y, x, c) +
            0.1875 * at(y, x - 1, c) +
            0.1875 * at(y - 1, x, c) +
            0.0625 * at(y - 1, x - 1, c);
          expect(picture[y][x][c]).toBeCloseTo(wanted, 5);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
