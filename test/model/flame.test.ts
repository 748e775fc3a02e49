import { describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import { npyArray } from '../../src/io/npy.ts';
import { readNpz, writeNpz } from '../../src/io/npz.ts';
import { memorySource, NpzStream } from '../../src/io/npz-stream.ts';
import { flameEdition } from '../../src/model/flame/edition.ts';
import { flameContourRow } from '../../src/model/flame/landmarks.ts';
import { flamePackInfo } from '../../src/model/flame/pack-info.ts';
import { type FlameFiles, readFlame } from '../../src/model/flame/read-flame.ts';
import { readFlameTexture } from '../../src/model/flame/texture.ts';
import { headSizes, neutralParams } from '../../src/model/head-model.ts';
import { readHeadPack, writeHeadPack } from '../../src/model/pack.ts';
import { poseHead } from '../../src/model/pose.ts';
import * as tiny from './tiny-flame.ts';

const files = (more: Partial<FlameFiles> = {}): FlameFiles => ({
  geometry: tiny.geometryFile(),
  landmarks: tiny.landmarkFile(),
  ...more,
});
const openNpz = (bytes: Uint8Array) => NpzStream.open(memorySource(bytes));

describe('FLAME geometry', () => {
  it('turns the components outwards and drops the zero ones at the end', async () => {
    const head = await readFlame(files({ template: tiny.templateFile() }));
    expect(headSizes(head)).toMatchObject({ V: tiny.V, F: tiny.F, S: tiny.S, E: tiny.E, J: tiny.J, T: 0 });
    for (const [k, i] of [
      [0, 0],
      [2, 17],
      [5, 3 * tiny.V - 1],
    ]) {
      expect(head.identityBasis[k * 3 * tiny.V + i]).toBe(Math.fround(tiny.component(i, k)));
      if (k < tiny.E)
        expect(head.expressionBasis[k * 3 * tiny.V + i]).toBe(Math.fround(tiny.component(i, 300 + k)));
    }
    expect(head.joints.map((j) => [j.name, j.parent])).toEqual([
      ['root', -1],
      ['neck', 0],
      ['jaw', 1],
      ['left_eye', 1],
      ['right_eye', 1],
    ]);
    expect([...head.expressionRange]).toEqual([-Infinity, Infinity, -Infinity, Infinity]);
    expect([...head.expressionSd]).toEqual([1, 1]);
  });

  it('moves the joints with the components by which the regressor moves them', async () => {
    const head = await readFlame(files());
    const identity = new Float32Array(tiny.S);
    const expression = new Float32Array(tiny.E);
    identity[3] = 2;
    expression[1] = -1;
    const { skeleton, bind } = poseHead(head, { ...neutralParams(head), identity, expression });
    for (let j = 0; j < tiny.J; j++)
      for (let a = 0; a < 3; a++) {
        const middle = (bind[3 * j + a] + bind[3 * (j + 7) + a]) / 2;
        expect(skeleton.rest[3 * j + a]).toBeCloseTo(middle, 7);
      }
  });

  it('keeps as many components as asked for', async () => {
    const head = await readFlame(files(), {
      identityComponents: 4,
      expressionComponents: 1,
      expressionRange: [0, 1],
    });
    expect(headSizes(head)).toMatchObject({ S: 4, E: 1 });
    expect([...head.expressionRange]).toEqual([0, 1]);
    await expect(readFlame(files(), { identityComponents: 301 })).rejects.toThrow(
      'options.identityComponents must be a whole number from 0 to 300, got 301',
    );
    await expect(readFlame(files(), { expressionRange: [0.5, 1] })).rejects.toThrow(InvalidArgumentError);
  });

  it('names what is missing and what does not fit', async () => {
    const { weights, posedirs, ...rest } = tiny.geometryDict();
    await expect(readFlame(files({ geometry: tiny.geometryFile(rest) }), { path: 'g.pkl' })).rejects.toThrow(
      /g.pkl: posedirs, weights missing/,
    );
    const wrong = { ...tiny.geometryDict(), v_template: npyArray(new Float64Array(6), [2, 3]) };
    await expect(readFlame(files({ geometry: tiny.geometryFile(wrong) }))).rejects.toThrow(
      /shapedirs has shape/,
    );
    await expect(readFlame({ geometry: tiny.geometryFile() })).rejects.toThrow(
      /without landmarks.*landmark_embedding/,
    );
    await expect(readFlame(files({ geometry: new Uint8Array(100) }))).rejects.toThrow(FormatError);
  });
});

describe('FLAME landmarks', () => {
  it('sorts the contour by yaw: rows 0…39 turn towards +x, 40…78 away', async () => {
    const { contour, inner51 } = (await readFlame(files())).landmarks;
    expect(contour.yaws.length).toBe(79);
    const at = (degrees: number) => contour.points.faces[17 * (39 + degrees) + 5];
    expect([0, 1, 39, -1, -39].map(at)).toEqual([0, 1, 39, 40, 78].map((r) => tiny.faceOf(r, 5)));
    expect(contour.yaws[39 + 20]).toBeCloseTo((20 * Math.PI) / 180, 6);
    expect(inner51.faces[7]).toBe(tiny.faceOf(100, 7));
    const row = (degrees: number) => flameContourRow(contour, (degrees * Math.PI) / 180) - 39;
    expect([0, 0.4, 0.6, -12.4, -12.6, 38.6, 70, -70].map(row)).toEqual([0, 0, 1, -12, -13, 39, 39, -39]);
  });

  it('reads the separate pair alike, and the edition with eyes', async () => {
    const one = await readFlame(files({ mediapipe: tiny.mediapipeFile() }));
    const pair = await readFlame({
      geometry: tiny.geometryFile(),
      ...tiny.landmarkPair(),
      mediapipe: tiny.mediapipeFile(),
    });
    expect(pair.landmarks).toEqual(one.landmarks);
    expect(pair.full68).toBeNull();
    expect(pair.missing.map((m) => m.file)).toEqual(['texture', 'masks', 'template']);
    expect([...pair.landmarks.mesh.indices]).toEqual([276, 4]);
    const eyes = await readFlame(
      files({ landmarks: tiny.landmarkFile(53, 70), mediapipe: tiny.mediapipeFile() }),
    );
    expect(eyes.landmarks).toEqual(one.landmarks);
    expect(eyes.full68).toEqual(one.full68);
    await expect(
      readFlame({ geometry: tiny.geometryFile(), staticEmbedding: tiny.landmarkPair().staticEmbedding }),
    ).rejects.toThrow(/flame_dynamic_embedding.npy/);
  });
});

describe('FLAME regions and texture coordinates', () => {
  it('takes the masks where given', async () => {
    const { regions } = await readFlame(files({ masks: tiny.masksFile() }));
    expect([...(regions.get('face') ?? [])]).toEqual([10, 11, 12, 13]);
    expect([...(regions.get('ears') ?? [])]).toEqual([0, 1]);
    expect([...(regions.get('skin') ?? [])]).toEqual([10, 11, 12, 13, 20]);
    expect([...(regions.get('right_eyeball') ?? [])]).toEqual([85, 86, 87, 88]);
  });

  it('finds the eyeballs without masks: left is +x', async () => {
    const { regions } = await readFlame(files());
    expect([...(regions.get('left_eyeball') ?? [])]).toEqual([81, 82, 83, 84]);
    expect([...(regions.get('right_eyeball') ?? [])]).toEqual([85, 86, 87, 88]);
    const skin = regions.get('skin') ?? [];
    expect(skin.length).toBeGreaterThan(10);
    for (const v of skin) expect(v).toBeLessThan(81);
  });

  it('turns v downwards', async () => {
    const head = await readFlame(files({ template: tiny.templateFile() }));
    expect(head.uvSource).toBe('template');
    const [u, v] = tiny.uvOf(30);
    expect(head.uvs[60]).toBeCloseTo(u, 6);
    expect(head.uvs[61]).toBeCloseTo(1 - v, 6);
    expect([...head.faceUvs]).toEqual([...head.faces]);
  });

  it('makes a cylinder where there is no layout, and refuses a texture without one', async () => {
    const head = await readFlame(files());
    expect(head.uvSource).toBe('cylinder');
    for (const x of head.uvs) expect(x >= 0 && x <= 1).toBe(true);
    await expect(readFlame(files({ texture: tiny.textureFile(8, 2) }))).rejects.toThrow(
      /head_template_mesh.obj/,
    );
  });

  it('refuses a template of another mesh', async () => {
    const other = new TextEncoder().encode('v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n');
    await expect(readFlame(files({ template: other }))).rejects.toThrow(/1 triangles, the model has/);
  });
});

describe('FLAME texture spaces', () => {
  const rgb = (y: number, x: number, c: number, k: number) => tiny.texel(y, x, 2 - c, k) / 255;

  it.each([
    ['stored float32', { compress: false }],
    ['deflated float32', { compress: true }],
    ['deflated float64', { compress: true, double: true }],
  ])('reads %s: RGB, 0…1, component outermost', async (_, how) => {
    const { texture, available, kind } = await readFlameTexture(await openNpz(tiny.textureFile(16, 5, how)), {
      textureComponents: 3,
    });
    expect([texture.width, texture.height, available, kind]).toEqual([16, 16, 5, 'flame']);
    expect(texture.basis.length).toBe(3 * 16 * 16 * 3);
    for (const [y, x, c] of [
      [0, 0, 0],
      [3, 9, 1],
      [15, 15, 2],
    ]) {
      expect(texture.mean[(y * 16 + x) * 3 + c]).toBeCloseTo(rgb(y, x, c, -1), 6);
      for (let k = 0; k < 3; k++)
        expect(texture.basis[((k * 16 + y) * 16 + x) * 3 + c]).toBeCloseTo(rgb(y, x, c, k), 6);
    }
  });

  it('reduces by averages or by picking', async () => {
    const area = await readFlameTexture(await openNpz(tiny.textureFile(16, 2)), { textureSize: 4 });
    const nearest = await readFlameTexture(await openNpz(tiny.textureFile(16, 2)), {
      textureSize: 4,
      textureReduction: 'nearest',
    });
    let sum = 0;
    for (let y = 4; y < 8; y++) for (let x = 8; x < 12; x++) sum += rgb(y, x, 1, 1) / 16;
    const at = ((1 * 4 + 1) * 4 + 2) * 3 + 1;
    expect(area.texture.basis[at]).toBeCloseTo(sum, 6);
    expect(nearest.texture.basis[at]).toBeCloseTo(rgb(4, 8, 1, 1), 6);
    await expect(
      readFlameTexture(await openNpz(tiny.textureFile(16, 2)), { textureSize: 5 }),
    ).rejects.toThrow('options.textureSize must divide 16');
    await expect(
      readFlameTexture(await openNpz(tiny.textureFile(16, 2)), { textureComponents: 3 }),
    ).rejects.toThrow('from 0 to 2');
  });

  it('refuses numbers that are none, naming the array', async () => {
    const spoilt = async (key: 'mean' | 'tex_dir', at: number) => {
      const arrays = readNpz(tiny.textureFile(16, 2));
      const entries = Object.fromEntries(arrays.entries());
      (entries[key].data as Float32Array)[at] = Number.NaN;
      return openNpz(writeNpz(entries));
    };
    await expect(readFlameTexture(await spoilt('tex_dir', 77))).rejects.toThrow(
      /FLAME texture: array "tex_dir" has NaN/,
    );
    await expect(readFlameTexture(await spoilt('mean', 3))).rejects.toThrow(/array "mean" has NaN/);
  });

  it('gives the same whatever the pieces of the stream', async () => {
    const bytes = tiny.textureFile(16, 5, { double: true });
    const whole = await readFlameTexture(await openNpz(bytes));
    // Every read of more than 1000 bytes comes in odd-sized pieces.
    const npz = await openNpz(bytes);
    const stream = npz.stream.bind(npz);
    npz.stream = async (key) => {
      const s = await stream(key);
      return (
        s && {
          header: s.header,
          async *pieces() {
            for await (const piece of s.pieces())
              for (let i = 0; i < piece.length; i += 37) yield piece.slice(i, i + 37);
          },
        }
      );
    };
    expect((await readFlameTexture(npz)).texture).toEqual(whole.texture);
  });

  it('tells progress, and stops when asked', async () => {
    const fractions: number[] = [];
    const bytes = tiny.textureFile(16, 5);
    await readFlameTexture(await openNpz(bytes), { onProgress: (e) => fractions.push(e.fraction) });
    expect(fractions.at(-1)).toBe(1);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    const abort = AbortSignal.abort();
    await expect(readFlameTexture(await openNpz(bytes), { signal: abort })).rejects.toThrow('cancelled');
  });

  it('notices damage: checksum, cut', async () => {
    const bytes = tiny.textureFile(16, 5);
    const damaged = bytes.slice();
    damaged[bytes.length >> 1] ^= 1;
    await expect(readFlameTexture(await openNpz(damaged))).rejects.toThrow(/tex_dir.npy is damaged/);
    await expect(openNpz(bytes.slice(0, -30))).rejects.toThrow(FormatError);
  });

  it('reads the BFM texture space: flat, 0…1', async () => {
    const flat = (k: number, n: number) =>
      Float32Array.from({ length: n }, (_, i) => 0.5 + 0.3 * tiny.noise(i, k));
    const bytes = writeNpz({ MU: npyArray(flat(0, 48)), PC: npyArray(flat(1, 96), [48, 2]) });
    const { texture, kind } = await readFlameTexture(await openNpz(bytes));
    expect([kind, texture.width]).toEqual(['bfm', 4]);
    expect(texture.mean[0]).toBeCloseTo(0.5 + 0.3 * tiny.noise(2, 0), 6);
    expect(texture.basis[48 + 5]).toBeCloseTo(0.5 + 0.3 * tiny.noise(2 * 3 + 1, 1), 6);
  });

  it('reads AlbedoMM: shown colours, diffuse and specular sharing coefficients', async () => {
    const T = 2;
    const map = (seed: number, scale: number, offset: (c: number) => number) =>
      Float64Array.from({ length: 48 }, (_, i) => offset(i % 3) + scale * tiny.noise(i, seed));
    const dirs = (seed: number) =>
      Float64Array.from({ length: 48 * T }, (_, i) => 0.02 * tiny.noise(i, seed));
    // Redder in channel 0: the file is RGB.
    const [MU, specMU, PC, specPC] = [
      map(0, 0.02, (c) => 0.4 - 0.1 * c),
      map(1, 0.01, () => 0.1),
      dirs(2),
      dirs(3),
    ];
    const bytes = writeNpz({
      MU: npyArray(MU, [4, 4, 3]),
      PC: npyArray(PC, [4, 4, 3, T]),
      specMU: npyArray(specMU, [4, 4, 3]),
      specPC: npyArray(specPC, [4, 4, 3, T]),
    });
    const { texture, kind } = await readFlameTexture(await openNpz(bytes));
    expect(kind).toBe('albedomm');
    const shown = (i: number, a: number) =>
      (0.6 * (MU[i] + specMU[i] + a * (PC[i * T + 1] + specPC[i * T + 1]))) ** (1 / 2.2);
    for (const i of [0, 7, 47]) {
      expect(texture.mean[i]).toBeCloseTo(shown(i, 0), 6);
      expect(texture.basis[48 + i]).toBeCloseTo((shown(i, 1) - shown(i, -1)) / 2, 6);
    }
  });
});

describe('FLAME editions and packs', () => {
  it('tells editions by checksum, then by name', () => {
    const hash = 'efcd14cc4a69f3a3d9af8ded80146b5b6b50df3bd74cf69108213b144eba725b';
    expect(flameEdition(hash, 'x.pkl')).toMatchObject({ id: '2020', gender: 'generic', verified: true });
    const id = (path: string) => flameEdition('', path).id;
    expect(['FLAME2017/generic_model.pkl', 'FLAME2019/male_model.pkl', 'flame2023.pkl'].map(id)).toEqual([
      '2017',
      '2019',
      '2023',
    ]);
    expect(['flame2023_no_jaw.pkl', 'flame2023_Open.pkl', 'generic_model.pkl'].map(id)).toEqual([
      '2023-no-jaw',
      '2023-open',
      'unknown',
    ]);
    expect(flameEdition('', 'flame2023_Open.pkl').license).toBe('CC-BY-4.0');
    expect(flameEdition('', 'FLAME2020/female_model.pkl').gender).toBe('female');
  });

  it('goes through a pack', async () => {
    const head = await readFlame(
      files({ template: tiny.templateFile(), texture: tiny.textureFile(8, 2), masks: tiny.masksFile() }),
      { path: 'flame2023.pkl' },
    );
    const pack = await readHeadPack(writeHeadPack(head, { ...flamePackInfo(head), precision: 'float32' }));
    expect([pack.name, pack.version, pack.provenance.edition]).toEqual([
      'flame-2023',
      '2023',
      'FLAME 2023, generic',
    ]);
    expect(pack.identityBasis).toEqual(head.identityBasis);
    expect(pack.poseBasis).toEqual(head.poseBasis);
    expect(pack.texture).toEqual(head.texture);
    expect(pack.expressionRange).toEqual(head.expressionRange);
    expect(pack.regions).toEqual(head.regions);
    expect(Object.keys(pack.provenance.missing as object)).toEqual(['mediapipe']);
  });
});
