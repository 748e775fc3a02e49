/** Teeth between lips that a detector draws shut: told in painted mouths and in rendered heads. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image8 } from '../../../src/core/image.ts';
import { createRandom } from '../../../src/core/random.ts';
import { lipTrust, teethBetween } from '../../../src/fit/video/seen-lips.ts';
import { createKernels, type Kernels } from '../../../src/kernels/runtime.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import { expose, observeTruth, photograph, sampleTruth } from '../../helpers/synthetic.ts';

const SIZE = 240;
const EYES = 100;
const SKIN = [200, 150, 130];
const LIPS = [180, 90, 90];
const TEETH = [190, 180, 170];
const DARK = [30, 12, 10];
const WHITE = new Float32Array(27).fill(1);

/** A mouth from x 60 to 180, its seam at y 120, with `between` as high as `apart`; lips reach 14 pixels up and down. */
function mouth(between: readonly number[], apart: number, tint: readonly number[] = [1, 1, 1]): Image8 {
  const data = new Uint8ClampedArray(4 * SIZE * SIZE).fill(255);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const away = Math.abs(y + 0.5 - 120);
      const inside = x >= 60 && x < 180;
      const colour = inside && away < apart / 2 ? between : inside && away < 14 + apart / 2 ? LIPS : SKIN;
      for (let c = 0; c < 3; c++) data[4 * (y * SIZE + x) + c] = tint[c] * colour[c];
    }
  return { width: SIZE, height: SIZE, data };
}

/** Landmarks of it as a detector has them that draws the lips `drawn` apart. */
function observed(apart: number, drawn: number): { landmarks68: Float32Array } {
  const landmarks68 = new Float32Array(136);
  const set = (l: number, x: number, y: number) => landmarks68.set([x, y], 2 * l);
  set(36, 70, 40);
  set(45, 70 + EYES, 40);
  set(60, 62, 120);
  set(64, 178, 120);
  for (const [k, x] of [90, 120, 150].entries()) {
    set(50 + k, x, 120 - 14 - apart / 2);
    set(58 - k, x, 120 + 14 + apart / 2);
    set(61 + k, x, 120 - drawn / 2);
    set(67 - k, x, 120 + drawn / 2);
  }
  return { landmarks68 };
}

describe('teethBetween', () => {
  it('measures teeth however near the lips are drawn to each other, and nothing but teeth', () => {
    // To a pixel, in eye distances.
    for (const apart of [4, 8])
      for (const width of teethBetween(mouth(TEETH, apart), observed(apart, 0.5).landmarks68, WHITE)!)
        expect(Math.abs(width - apart / EYES)).toBeLessThan(0.01);
    for (const [between, apart] of [
      [LIPS, 0],
      [DARK, 1],
      [DARK, 6],
    ] as const)
      expect([...teethBetween(mouth(between, apart), observed(apart, 1).landmarks68, WHITE)!]).toEqual([
        0, 0, 0,
      ]);
  });

  it('takes light that is red for that', () => {
    const tint = [1, 0.7, 0.6];
    const light = Float32Array.from({ length: 27 }, (_, i) => tint[i % 3]);
    const shut = observed(0, 1).landmarks68;
    expect([...teethBetween(mouth(LIPS, 0, tint), shut, light)!]).toEqual([0, 0, 0]);
    for (const width of teethBetween(mouth(TEETH, 6, tint), observed(6, 1).landmarks68, light)!)
      expect(Math.abs(width - 0.06)).toBeLessThan(0.01);
  });

  it('says nothing of a picture without colours, or beside the picture', () => {
    const grey = mouth(TEETH, 6);
    for (let i = 0; i < grey.data.length; i++) grey.data[i] = grey.data[i - (i % 4)];
    expect(teethBetween(grey, observed(6, 1).landmarks68, WHITE)).toBeNull();
    const away = observed(6, 1).landmarks68.map((x) => x - 1000);
    expect(teethBetween(mouth(TEETH, 6), away, WHITE)).not.toContain(Number.NaN);
    expect(teethBetween(mouth(TEETH, 6), new Float32Array(136).fill(Number.NaN), WHITE)).toBeNull();
  });
});

describe('lipTrust', () => {
  const SHUT = 0.02;
  const trust = (between: readonly number[], apart: number, drawn: number) =>
    lipTrust(mouth(between, apart), observed(apart, drawn), WHITE, SHUT)!;

  it('has lips in contact that are drawn shut and show no teeth, and only those', () => {
    const whole = trust(DARK, 1, 1).contact;
    expect(whole).toBeGreaterThan(1);
    expect(trust(DARK, 1, 2).contact).toBeCloseTo(whole, 6);
    expect(trust(DARK, 2, 2.5).contact).toBeCloseTo(whole / 2, 6);
    expect(trust(DARK, 3, 3).contact).toBe(0);
    expect(trust(TEETH, 4, 1).contact).toBe(0);
  });

  it('does not believe how lips are drawn that show teeth', () => {
    expect(trust(DARK, 1, 1).drawn).toEqual([1, 1, 1]);
    expect(trust(TEETH, 4, 1).drawn).toEqual([0, 0, 0]);
  });
});

describe('rendered heads', () => {
  let model: HeadModel;
  let kernels: Kernels;
  beforeAll(async () => {
    model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
    kernels = await createKernels();
  });

  /** Mean width of teeth between the lips of somebody who parts them by some share, as rendered. */
  function seen(seed: number, parted: number): number {
    const truth = sampleTruth(model, createRandom(seed));
    const expression = new Float32Array(truth.params.expression.length);
    for (const side of ['Left', 'Right'])
      expression[model.expressionNames.indexOf(`mouthUpperUp${side}`)] = parted;
    const params = { ...truth.params, expression, pose: new Float32Array(truth.params.pose.length) };
    const head = expose(kernels, model, { ...truth, params });
    const picture = photograph(kernels, model, head, createRandom(2));
    const { landmarks68 } = observeTruth(model, head, createRandom(1));
    const widths = teethBetween(picture, landmarks68, head.light)!;
    return (widths[0] + widths[1] + widths[2]) / 3;
  }

  it('show teeth where they part their lips, and none where they shut them', () => {
    for (const seed of [1, 3]) {
      expect(seen(seed, 0)).toBeLessThan(0.003);
      expect(seen(seed, 0.5)).toBeGreaterThan(0.01);
    }
  });
});
