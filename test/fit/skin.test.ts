import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { estimateSkin, faceHull } from '../../src/fit/skin.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';

const kernels = createKernelsSync();
const N = 112;
const picture = (f: (x: number, y: number, c: number) => number): ImageF => ({
  width: N,
  height: N,
  channels: 3,
  data: Float32Array.from({ length: 3 * N * N }, (_, i) =>
    f(Math.floor(i / 3) % N, Math.floor(i / (3 * N)), i % 3),
  ),
});
const SKIN = [0.7, 0.5, 0.4];
const disc = (x: number, y: number, cx: number, cy: number, r: number) => Math.hypot(x - cx, y - cy) < r;
const region = Uint8Array.from({ length: N * N }, (_, p) =>
  disc(p % N, Math.floor(p / N), 56, 56, 45) ? 1 : 0,
);

/** Mean weight over the pixels of a disc. */
function mean(mask: Float32Array, cx: number, cy: number, r: number): number {
  let [sum, count] = [0, 0];
  for (let p = 0; p < N * N; p++)
    if (disc(p % N, Math.floor(p / N), cx, cy, r)) {
      sum += mask[p];
      count++;
    }
  return sum / count;
}

describe('estimateSkin', () => {
  const random = createRandom(1);
  const render = picture((x, _, c) => SKIN[c] * (0.8 + (0.4 * x) / N));
  const noisy = (value: number) => value + 0.02 * random.normal();
  const occluders: [string, number[]][] = [
    ['dark hair', [0.12, 0.09, 0.08]],
    ['a blue mask', [0.3, 0.5, 0.8]],
    ['a white microphone', [0.95, 0.95, 0.95]],
  ];
  it.each(occluders)('leaves out %s and keeps the rest', (_, colour) => {
    const photo = picture((x, y, c) =>
      noisy(disc(x, y, 40, 75, 14) ? colour[c] : SKIN[c] * (0.8 + (0.4 * x) / N)),
    );
    const mask = estimateSkin(kernels, { photo, render, region });
    expect(mean(mask, 40, 75, 10)).toBeLessThan(0.1);
    expect(mean(mask, 66, 45, 14)).toBeGreaterThan(0.9);
  });

  it('keeps skin whose texture the model does not know: freckles and fine wrinkles', () => {
    const photo = picture((x, y, c) =>
      noisy(SKIN[c] * (0.8 + (0.4 * x) / N) * ((x + 2 * y) % 7 === 0 ? 0.8 : 1)),
    );
    expect(mean(estimateSkin(kernels, { photo, render, region }), 56, 56, 38)).toBeGreaterThan(0.9);
  });

  it('drops islands beyond an occluder that the core does not reach', () => {
    const core = Uint8Array.from(region, (r, p) => (r && Math.floor(p / N) > 60 ? 1 : 0));
    // A band of hair across the forehead with skin colour above it.
    const photo = picture((x, y, c) => noisy(y > 30 && y < 44 ? 0.1 : SKIN[c] * (0.8 + (0.4 * x) / N)));
    const mask = estimateSkin(kernels, { photo, render, region, core });
    expect(mean(mask, 56, 20, 6)).toBe(0);
    expect(mean(mask, 56, 75, 20)).toBeGreaterThan(0.9);
  });

  it('is zero outside the region and empty without one', () => {
    const mask = estimateSkin(kernels, { photo: render, render, region });
    for (let p = 0; p < N * N; p++) if (!region[p]) expect(mask[p]).toBe(0);
    expect(
      estimateSkin(kernels, { photo: render, render, region: new Uint8Array(N * N) }).every((w) => w === 0),
    ).toBe(true);
  });
});

describe('faceHull', () => {
  it('is the convex hull of the landmarks, scaled', () => {
    const landmarks = new Float32Array(136);
    for (let l = 0; l < 68; l++) {
      const a = (2 * Math.PI * l) / 68;
      const r = l % 2 === 0 ? 30 : 10;
      landmarks[2 * l] = 56 + r * Math.cos(a);
      landmarks[2 * l + 1] = 50 + r * Math.sin(a);
    }
    const hull = faceHull(landmarks, 0.5, 56);
    for (let p = 0; p < hull.length; p++) {
      const d = Math.hypot((p % 56) + 0.5 - 28, Math.floor(p / 56) + 0.5 - 25);
      if (d < 14.8) expect(hull[p]).toBe(1);
      if (d > 15.1) expect(hull[p]).toBe(0);
    }
  });
});
