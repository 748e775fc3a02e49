import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { fitPhoto } from '../../src/fit/fit-photo.ts';
import { findHair } from '../../src/fit/hair.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhoto } from '../../src/node/photo.ts';

const kernels = createKernelsSync();
const N = 112;
const SKIN = [0.7, 0.5, 0.4];
/** As bright as the skin, but blond. */
const HAIR = [0.62, 0.54, 0.38];
const [X, Y] = [56, 60];

type Place = (x: number, y: number) => boolean;
const face: Place = (x, y) => Math.hypot((x - X) / 36, (y - Y) / 46) < 1;
const brow: Place = (x, y) => x > 55 && x < 88 && Math.abs(y - 45) < 2.5;
const picture = (f: (x: number, y: number, c: number) => number): ImageF => ({
  width: N,
  height: N,
  channels: 3,
  data: Float32Array.from({ length: 3 * N * N }, (_, i) =>
    f(Math.floor(i / 3) % N, Math.floor(i / (3 * N)), i % 3),
  ),
});
const flags = (f: Place) =>
  Uint8Array.from({ length: N * N }, (_, p) => (f(p % N, Math.floor(p / N)) ? 1 : 0));
const share = (hair: Uint8Array, where: Place) => {
  let [found, all] = [0, 0];
  for (let p = 0; p < hair.length; p++)
    if (where(p % N, Math.floor(p / N))) {
      found += hair[p];
      all++;
    }
  return found / all;
};

/** Chin, brows and eyes where this face has them; at twice the size. */
const landmarks68 = new Float32Array(136);
const mark = (l: number, x: number, y: number) => landmarks68.set([2 * x, 2 * y], 2 * l);
mark(8, X, Y + 44);
for (let k = 0; k < 5; k++) {
  mark(17 + k, 30 + 5 * k, 45);
  mark(22 + k, 57 + 7 * k, 45);
}
for (let k = 0; k < 6; k++) {
  mark(36 + k, 36 + 2 * k, 54);
  mark(42 + k, 66 + 2 * k, 54);
}
const region = flags(face);
const core = flags((x, y) => face(x, y) && y > 42);
const shade = (x: number) => 0.8 + (0.4 * x) / N;
const render = picture((x, y, c) => (face(x, y) ? SKIN[c] * shade(x) : 0));

/** Noisy skin with something else in places. */
function photograph(what: (x: number, y: number, c: number) => number | null): ImageF {
  const random = createRandom(7);
  return picture((x, y, c) => (what(x, y, c) ?? SKIN[c] * shade(x)) + 0.02 * random.normal());
}

const find = (photo: ImageF) => findHair(kernels, { photo, render, region, core, landmarks68, scale: 0.5 });
const strand: Place = (x, y) => Math.abs(x - 70 - 0.2 * (y - 45)) < 5 && y < 70;

describe('findHair', () => {
  it('finds a strand as bright as skin that hangs over the face, and leaves the rest', () => {
    const random = createRandom(1);
    const lit = Array.from({ length: N }, () => 0.7 + 0.4 * random.uniform());
    const hair = find(photograph((x, y, c) => (!face(x, y) || strand(x, y) ? HAIR[c] * lit[x] : null)));
    expect(share(hair, (x, y) => face(x, y) && strand(x, y))).toBeGreaterThan(0.95);
    const far: Place = (x, y) => face(x, y) && (Math.abs(x - 70 - 0.2 * (y - 45)) > 8 || y > 75);
    expect(share(hair, far)).toBeLessThan(0.01);
  });

  it('leaves a brow of the same colour that a strand crosses but for where it does', () => {
    const hair = find(
      photograph((x, y, c) => (!face(x, y) || strand(x, y) || brow(x, y) ? HAIR[c] * 0.8 : null)),
    );
    expect(share(hair, (x, y) => brow(x, y) && strand(x, y))).toBeGreaterThan(0.9);
    expect(share(hair, (x, y) => brow(x, y) && Math.abs(x - 70) > 11)).toBeLessThan(0.05);
  });

  it('takes neither shadows nor what does not hang together with the hair around', () => {
    const shadow: Place = (x, y) => x > 62 && y < 80;
    const mole: Place = (x, y) => Math.hypot(x - 45, y - 80) < 4;
    const hair = find(
      photograph((x, y, c) => {
        if (!face(x, y) || mole(x, y)) return HAIR[c] * 0.9;
        return shadow(x, y) ? 0.5 * SKIN[c] * shade(x) : null;
      }),
    );
    expect(share(hair, face)).toBeLessThan(0.01);
  });

  it('finds nothing where the face is surrounded by skin', () => {
    const spots: Place = (x, y) => (x * 7 + y * 3) % 11 === 0;
    const hair = find(photograph((x, y, c) => (spots(x, y) ? SKIN[c] * shade(x) * 0.8 : null)));
    expect(share(hair, face)).toBe(0);
  });

  it('works upside down: up is where the brows are', () => {
    const turn = (image: ImageF) => ({ ...image, data: image.data.slice() });
    const photo = turn(photograph((x, y, c) => (!face(x, y) || strand(x, y) ? HAIR[c] : null)));
    const flip = <A extends Float32Array | Uint8Array>(a: A, channels: number): A => {
      const out = a.slice() as A;
      for (let p = 0; p < N * N; p++)
        for (let c = 0; c < channels; c++) out[channels * (N * N - 1 - p) + c] = a[channels * p + c];
      return out;
    };
    const hair = findHair(kernels, {
      photo: { ...photo, data: flip(photo.data, 3) },
      render: { ...render, data: flip(render.data, 3) },
      region: flip(region, 1),
      core: flip(core, 1),
      landmarks68: landmarks68.map((x) => 2 * N - x),
      scale: 0.5,
    });
    expect(share(flip(hair, 1), (x, y) => face(x, y) && strand(x, y))).toBeGreaterThan(0.95);
  });
});

// Strands that were taken for skin: pixels of the photos that show hair, and skin and brows beside it.
const STRANDS = [
  {
    file: 'ffhq/00001.png',
    hair: [
      [175, 79],
      [185, 104],
      [193, 134],
      [166, 73],
    ],
    skin: [
      [127, 73],
      [175, 158],
      [151, 107],
    ],
  },
  {
    file: 'photos/00018.png',
    hair: [
      [370, 367],
      [399, 331],
      [344, 440],
    ],
    skin: [
      [507, 367],
      [428, 433],
    ],
  },
];

describe.skipIf(!existsSync('../shared/data'))('strands on photos (needs ../shared)', () => {
  it.each(STRANDS)('$file: hair is left out of the skin, skin and brows stay', async (strand) => {
    const model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
    const perception = await loadPerception();
    const photo = await decodePhoto(`../shared/data/${strand.file}`);
    const { skin } = await fitPhoto(photo.image, model, { perception });
    perception.dispose();
    const { origin, scale, size } = skin.crop;
    const at = ([x, y]: number[]) =>
      skin.mask[Math.floor((y - origin[1]) * scale) * size + Math.floor((x - origin[0]) * scale)];
    for (const point of strand.hair) expect(at(point), `${point}`).toBe(0);
    for (const point of strand.skin) expect(at(point), `${point}`).toBeGreaterThan(200);
  });
});
