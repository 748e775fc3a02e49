/** Finding faces: the example pictures, turned, small, several; pictures without faces; leaks, aborts. */
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { ibug68FromMesh } from '../../src/perceive/ibug68.ts';
import type { FaceObservation, FacePerception } from '../../src/perceive/types.ts';
import {
  CAT,
  canvas,
  eyeDistance,
  GREY,
  MONA_LISA,
  meanError,
  middle,
  PORTRAIT,
  paint,
  read,
} from './pictures.ts';

let perception: FacePerception;
let portrait: Image8;
/** The portrait's face, upright and at full size: the truth for the edited ones. */
let upright: FaceObservation;

beforeAll(async () => {
  perception = await loadPerception();
  portrait = await read(PORTRAIT);
  [upright] = await perception.detect(portrait);
});
afterAll(() => perception?.dispose());

async function only(image: Image8): Promise<FaceObservation> {
  const faces = await perception.detect(image);
  expect(faces.length).toBe(1);
  return faces[0];
}

describe('the example pictures', () => {
  it('portrait: the eyes are where they are in the photo', () => {
    // Pupils read off the twelvefold enlarged photo by eye, pixels.
    const pupils = [
      [157.3, 101.0],
      [201.0, 103.8],
    ];
    for (const [k, first] of [
      [0, 468],
      [1, 473],
    ]) {
      expect(Math.abs(upright.mesh![3 * first] - pupils[k][0])).toBeLessThan(1.2);
      expect(Math.abs(upright.mesh![3 * first + 1] - pupils[k][1])).toBeLessThan(1.2);
    }
  });

  it('fill in the contract', async () => {
    const faces = [upright, await only(await read(MONA_LISA))];
    for (const face of faces) {
      expect(face.landmarks68.length).toBe(136);
      expect(face.mesh!.length).toBe(478 * 3);
      expect(face.score).toBeGreaterThan(0.8);
      expect(face.score).toBeLessThanOrEqual(1);
      expect(face.mesh!.every(Number.isFinite)).toBe(true);
      const l = face.landmarks68;
      // The subject's right is the picture's left.
      expect(l[0]).toBeLessThan(l[2 * 16]);
      expect(l[2 * 36]).toBeLessThan(l[2 * 45]);
      for (const k of [36, 45, 30, 48, 54]) {
        expect(l[2 * k]).toBeGreaterThan(face.box.x);
        expect(l[2 * k]).toBeLessThan(face.box.x + face.box.width);
        expect(l[2 * k + 1]).toBeGreaterThan(face.box.y);
        expect(l[2 * k + 1]).toBeLessThan(face.box.y + face.box.height);
      }
      // Nearer parts have a smaller z: the nose before the face's edges.
      expect(face.mesh![3 * 4 + 2]).toBeLessThan(face.mesh![3 * 234 + 2]);
      expect(face.mesh![3 * 4 + 2]).toBeLessThan(face.mesh![3 * 454 + 2]);
    }
  });

  it('have irises: centre, towards the nose, top, away from the nose, bottom', async () => {
    for (const face of [upright, await only(await read(MONA_LISA))]) {
      const at = (i: number) => [face.mesh![3 * i], face.mesh![3 * i + 1]];
      for (const [first, nose] of [
        [468, 1],
        [473, -1],
      ]) {
        const [x, y] = at(first);
        const radii = [1, 2, 3, 4].map((k) => Math.hypot(at(first + k)[0] - x, at(first + k)[1] - y));
        expect(Math.max(...radii) / Math.min(...radii)).toBeLessThan(1.25);
        expect(Math.sign(at(first + 1)[0] - x)).toBe(nose);
        expect(at(first + 2)[1]).toBeLessThan(y);
        expect(Math.sign(at(first + 3)[0] - x)).toBe(-nose);
        expect(at(first + 4)[1]).toBeGreaterThan(y);
        // An iris measures 11.7 mm, outer eye corners lie some 90 mm apart.
        const part = (radii[0] + radii[2]) / eyeDistance(face.landmarks68);
        expect(part).toBeGreaterThan(0.1);
        expect(part).toBeLessThan(0.18);
      }
    }
  });

  it('are found alike in the mirror', async () => {
    const mirrored = await only(await read(PORTRAIT, (s) => s.flop()));
    const swapped = new Float32Array(4);
    [36, 45].forEach((k, n) => {
      swapped[2 * n] = portrait.width - mirrored.landmarks68[2 * (81 - k)];
      swapped[2 * n + 1] = mirrored.landmarks68[2 * (81 - k) + 1];
    });
    const eyes = eyeDistance(upright.landmarks68);
    // The network is not symmetric itself; 3 % of the eyes' distance is 2.5 pixels here.
    expect(
      Math.hypot(swapped[0] - upright.landmarks68[72], swapped[1] - upright.landmarks68[73]),
    ).toBeLessThan(0.03 * eyes);
    expect(
      Math.hypot(swapped[2] - upright.landmarks68[90], swapped[3] - upright.landmarks68[91]),
    ).toBeLessThan(0.03 * eyes);
  });
});

describe('the contour', () => {
  it.each([
    [0, 0.95],
    [25, 0.9],
    [-25, 0.9],
    [50, 0.8],
    [-50, 0.8],
  ])('is the silhouette of the mesh turned by %i° more', (degrees, least) => {
    const c = Math.cos((degrees * Math.PI) / 180);
    const s = Math.sin((degrees * Math.PI) / 180);
    const mesh = upright.mesh!.slice();
    for (let i = 0; i < 468; i++) {
      const [x, z] = [upright.mesh![3 * i] - 180, upright.mesh![3 * i + 2]];
      mesh[3 * i] = c * x + s * z;
      mesh[3 * i + 2] = -s * x + c * z;
    }
    const landmarks = ibug68FromMesh(mesh);
    // The middle of the face, near enough: rays from here to the contour.
    const [mx, my] = [0, 1].map((k) => [10, 152, 234, 454].reduce((sum, i) => sum + mesh[3 * i + k] / 4, 0));
    const ratios: number[] = [];
    for (let k = 0; k < 17; k++) {
      const [dx, dy] = [landmarks[2 * k] - mx, landmarks[2 * k + 1] - my];
      const length = Math.hypot(dx, dy);
      let farthest = 0;
      for (let i = 0; i < 468; i++) {
        const [px, py] = [mesh[3 * i] - mx, mesh[3 * i + 1] - my];
        const along = (px * dx + py * dy) / length;
        if (Math.abs(px * dy - py * dx) / length < 0.18 * along) farthest = Math.max(farthest, along);
      }
      ratios.push(length / farthest);
    }
    // 2.5 % outside of the mesh by intention; less at most where the nose sticks out over the far cheek. Points
    // fixed on the face oval fall to 0.78 at 25° and to 0.4 at 50°.
    expect(Math.max(...ratios)).toBeLessThan(1.06);
    expect(Math.min(...ratios)).toBeGreaterThan(least);
  });
});

describe('turned photos', () => {
  it.each([30, -30, 45, 60, 90, 120, 150, 180, 225, 270, 315])('by %i°', async (degrees) => {
    const image = await read(PORTRAIT, (s) => s.rotate(degrees, { background: GREY }));
    const face = await only(image);
    const c = Math.cos((degrees * Math.PI) / 180);
    const s = Math.sin((degrees * Math.PI) / 180);
    const truth = upright.landmarks68.slice();
    for (let k = 0; k < 68; k++) {
      const x = upright.landmarks68[2 * k] - portrait.width / 2;
      const y = upright.landmarks68[2 * k + 1] - portrait.height / 2;
      truth[2 * k] = c * x - s * y + image.width / 2;
      truth[2 * k + 1] = s * x + c * y + image.height / 2;
    }
    // Measured 0.01 to 0.02: the crop's resampling and the network's own noise.
    expect(meanError(face.landmarks68, truth, 17)).toBeLessThan(0.035);
  });
});

describe('small faces and several', () => {
  // The face is 0.27 of the portrait's width.
  it.each([
    { part: 0.1, width: 2000, height: 1400 },
    { part: 0.05, width: 4096, height: 2400 },
    { part: 0.05, width: 1600, height: 1600 },
    { part: 0.05, width: 900, height: 2600 },
  ])('a face of $part of the longer side of $width×$height', async ({ part, width, height }) => {
    const scale = (part * Math.max(width, height)) / upright.box.width;
    const w = Math.round(portrait.width * scale);
    const [left, top] = [Math.round(0.7 * (width - w)), Math.round(0.13 * height)];
    const image = await canvas(width, height, [{ picture: sharp(PORTRAIT).resize(w), left, top }]);
    const face = await only(image);
    const truth = upright.landmarks68.map((v, i) => v * (w / portrait.width) + (i % 2 ? top : left));
    // Coarser than the original where the face is reduced.
    expect(meanError(face.landmarks68, truth, 17)).toBeLessThan(0.04);
  });

  it('two faces, the larger first; three with one of them small', async () => {
    const pictures = [
      { picture: sharp(PORTRAIT), left: 30, top: 60 },
      {
        picture: sharp(MONA_LISA).extract({ left: 150, top: 60, width: 450, height: 480 }),
        left: 480,
        top: 20,
      },
    ];
    const two = await perception.detect(await canvas(1000, 560, pictures));
    expect(two.map((f) => Math.round(middle(f)[0] / 500))).toEqual([1, 0]);
    const small = { picture: sharp(PORTRAIT).resize(180), left: 1100, top: 600 };
    const three = await perception.detect(await canvas(1400, 900, [...pictures, small]));
    expect(three.length).toBe(3);
    const areas = three.map((f) => f.box.width * f.box.height);
    expect(areas).toEqual([...areas].sort((a, b) => b - a));
    expect(middle(three[2])[0]).toBeGreaterThan(1100);
  });

  it('a crowd of 24, each once', async () => {
    const pictures = Array.from({ length: 24 }, (_, k) => ({
      picture: sharp(PORTRAIT).extract({ left: 70, top: 0, width: 220, height: 220 }).resize(170),
      left: 190 * (k % 6) + 20,
      top: 190 * Math.floor(k / 6) + 15,
    }));
    const faces = await perception.detect(await canvas(1180, 790, pictures));
    expect(faces.length).toBe(24);
    const cells = new Set(
      faces.map((f) => `${Math.floor(middle(f)[0] / 193)} ${Math.floor(middle(f)[1] / 193)}`),
    );
    expect(cells.size).toBe(24);
  });
});

describe('no face', () => {
  const random = createRandom(11);
  it.each<[string, () => Image8 | Promise<Image8>]>([
    ['a cat', () => read(CAT)],
    ['a cat on its side', () => read(CAT, (s) => s.rotate(90))],
    ['1×1', () => paint(1, 1, () => 128)],
    ['1×500', () => paint(1, 500, () => 128)],
    ['black', () => paint(640, 480, () => 0)],
    ['white', () => paint(640, 480, () => 255)],
    ['noise', () => paint(512, 512, () => random.below(256))],
    ['coarse noise', () => read(CAT, (s) => s.resize(12, 12).resize(600, 600, { kernel: 'nearest' }))],
    ['stripes', () => paint(800, 600, (x, y) => (((x >> 4) + (y >> 5)) & 1) * 255)],
    [
      'a skin-coloured gradient',
      () => paint(700, 500, (x, y, c) => [220, 170, 140][c] * (0.5 + (x + y) / 2400)),
    ],
    ['12000×100', () => paint(12000, 100, (x, y) => (x * 7 + y * 13) & 255)],
    ['100×12000', () => paint(100, 12000, (x, y) => (x * 7 + y * 13) & 255)],
    [
      'the portrait without its head',
      () => read(PORTRAIT, (s) => s.extract({ left: 0, top: 190, width: 360, height: 210 })),
    ],
  ])('%s', async (_, image) => {
    expect(await perception.detect(await image())).toEqual([]);
  });
});

describe('behaviour', () => {
  it('leaves no tensors behind', async () => {
    await perception.detect(portrait);
    const before = tf.memory().numTensors;
    for (let k = 0; k < 20; k++) await perception.detect(portrait);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives the same for the same photo, and does not touch it', async () => {
    const copy = portrait.data.slice();
    const again = await only(portrait);
    expect(again).toEqual(upright);
    expect(portrait.data).toEqual(copy);
  });

  it('answers two calls at once', async () => {
    const [a, b] = await Promise.all([perception.detect(portrait), perception.detect(await read(MONA_LISA))]);
    expect(a[0]).toEqual(upright);
    expect(b.length).toBe(1);
  });

  it('stops when aborted, before and in the middle', async () => {
    await expect(perception.detect(portrait, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    const controller = new AbortController();
    const work = perception.detect(
      paint(1024, 1024, () => 90),
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 1);
    await expect(work).rejects.toThrow(AbortedError);
  });

  it('refuses pixels that are not RGBA of the stated size', async () => {
    const wrong = { width: 20, height: 20, data: new Uint8ClampedArray(20 * 20 * 3) };
    await expect(perception.detect(wrong)).rejects.toThrow(/1200 values, expected 20×20×4/);
  });

  it('frees its networks, says so when used afterwards, and leaves others alone', async () => {
    const before = tf.memory().numTensors;
    const second = await loadPerception();
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    second.dispose();
    second.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(second.detect(portrait)).rejects.toThrow(InvalidArgumentError);
    expect(await only(portrait)).toEqual(upright);
  });
});
