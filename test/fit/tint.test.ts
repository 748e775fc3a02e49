import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { fitPhoto } from '../../src/fit/fit-photo.ts';
import { renderFit } from '../../src/fit/render-fit.ts';
import { findTint, type TintEvidence } from '../../src/fit/tint.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { TINT_COLOURS, TINT_COUNT, TINT_MODES, tintMaps } from '../../src/model/tint.ts';
import { resampleCrop } from '../../src/render/resample.ts';
import { solveTextureOffset } from '../../src/texture/solve-offset.ts';
import { expose, observeTruth, photograph, sampleTruth } from '../helpers/synthetic.ts';

const kernels = createKernelsSync();
const model = await readHeadPack(readFileSync('models/open-head.head'));
const maps = tintMaps(model)!;
const LOSS = { sigma: 0.05, k: 2, weight: 600 };

/** Red cheeks and a pale forehead, no more than people have. */
const TINT = Float32Array.from({ length: TINT_COUNT }, (_, k) => 0.13 * Math.sin(2.4 * k));

const N = 64;
const inside = (x: number, y: number) => Math.hypot(x - 32, y - 32) < 24;

/** A flat picture of the middle of the UV map with a tint, and a strand of hair in front of it. */
function planted(tint: Float32Array): TintEvidence {
  const random = createRandom(4);
  const picture = () => ({ width: N, height: N, channels: 3, data: new Float32Array(3 * N * N) });
  const [photo, render] = [picture(), picture()];
  const region = new Uint8Array(N * N);
  const pixels: number[] = [];
  const places: number[] = [];
  for (let y = 0; y < N; y++)
    for (let x = 0; x < N; x++) {
      if (!inside(x + 0.5, y + 0.5)) continue;
      const p = y * N + x;
      region[p] = 1;
      pixels.push(p);
      const u = 16 + Math.floor(x / 2);
      const v = 12 + Math.floor(y / 2);
      places.push(u + 0.5, v + 0.5);
      const at = TINT_MODES * (v * maps.width + u);
      for (let c = 0; c < 3; c++) {
        let change = 0;
        for (let k = 0; k < TINT_MODES; k++)
          change +=
            maps.data[at + k] * (tint[k] * TINT_COLOURS[c] + tint[TINT_MODES + k] * TINT_COLOURS[3 + c]);
        const skin = [0.6, 0.45, 0.35][c] * (0.7 + 0.01 * x);
        render.data[3 * p + c] = skin;
        photo.data[3 * p + c] = Math.abs(x - y) < 2 ? 0.05 : skin * (1 + change) + 0.01 * random.normal();
      }
    }
  const points = { pixels: Uint32Array.from(pixels), places: Float32Array.from(places) };
  return { photo, render, points, region, mask: Float32Array.from(region), maps };
}

describe('findTint', () => {
  const rms = (a: Float32Array, b: Float32Array, region: Uint8Array) => {
    let [sum, count] = [0, 0];
    for (let p = 0; p < N * N; p++) {
      if (!region[p] || Math.abs((p % N) - Math.floor(p / N)) < 2) continue;
      for (let i = 3 * p; i < 3 * p + 3; i++) sum += (a[i] - b[i]) ** 2;
      count += 3;
    }
    return Math.sqrt(sum / count);
  };

  it('finds what was planted beside a strand of hair, and takes it off', () => {
    const evidence = planted(TINT);
    const { photo, render, region } = evidence;
    const found = findTint(kernels, evidence, LOSS, 0.2)!;
    expect(kernels.bytesUsed).toBe(0);
    expect(found.coefficients.length).toBe(TINT_COUNT);
    expect(rms(photo.data, render.data, region)).toBeGreaterThan(0.04);
    // The photo's noise is 0.01.
    expect(rms(found.photo.data, render.data, region)).toBeLessThan(0.014);
  });

  it('finds little where little is expected, and none where no skin counts', () => {
    const evidence = planted(TINT);
    const size = (sd: number) =>
      rms(findTint(kernels, evidence, LOSS, sd)!.photo.data, evidence.photo.data, evidence.region);
    expect(size(0.002)).toBeLessThan(0.5 * size(0.2));
    expect(findTint(kernels, { ...evidence, mask: new Float32Array(N * N) }, LOSS, 0.2)).toBeNull();
    expect(findTint(kernels, { ...evidence, region: new Uint8Array(N * N) }, LOSS, 0.2)).toBeNull();
  });

  it('goes on a little beyond the border of the skin, and no farther', () => {
    const evidence = planted(TINT);
    const { photo } = findTint(kernels, evidence, LOSS, 0.2)!;
    const off = (x: number, y: number) =>
      [0, 1, 2].map((c) => evidence.photo.data[3 * (y * N + x) + c] - photo.data[3 * (y * N + x) + c]);
    // To the right of the skin, from 56 on.
    off(57, 26).forEach((x, c) => {
      expect(Math.abs(x - off(55, 26)[c])).toBeLessThan(0.03);
    });
    expect(Math.max(...off(57, 26).map(Math.abs))).toBeGreaterThan(1e-4);
    expect(off(62, 26)).toEqual([0, 0, 0]);
  });
});

describe('skin of a tint that the head lacks', () => {
  const random = createRandom(100);
  const sampled = sampleTruth(model, random);
  // More of it than people have: the model is to lack something, and knows light and skin well otherwise.
  const tint = TINT.map((x) => 1.7 * x);
  const truth = expose(kernels, model, { ...sampled, params: { ...sampled.params, tint } });
  const image = photograph(kernels, model, truth, random);
  const observation = observeTruth(model, truth, random);

  it('is met better with it, in pictures and textures as in numbers', async () => {
    const fit = await fitPhoto(image, model, { observation });
    const plain = await fitPhoto(image, model, { observation, weights: { tint: 0 } });
    expect(plain.params).not.toHaveProperty('tint');
    expect(fit.params.tint).toHaveLength(TINT_COUNT);
    expect(fit.metrics.skinL1).toBeLessThan(0.8 * plain.metrics.skinL1);

    // What is drawn is what was measured.
    const { crop, mask } = fit.skin;
    const photo = resampleCrop(image, crop).data;
    const drawn = renderFit(kernels, fit, model, { size: crop.size }).rgb.data;
    let [sum, count] = [0, 0];
    for (let p = 0; p < mask.length; p++) {
      if (mask[p] < 128) continue;
      count++;
      for (let i = 3 * p; i < 3 * p + 3; i++) sum += Math.abs(drawn[i] - photo[i]) / 3;
    }
    expect(Math.abs(sum / count - fit.metrics.skinL1)).toBeLessThan(0.03 * fit.metrics.skinL1);

    // A texture begins with it.
    const { before } = solveTextureOffset(kernels, fit, image, model, { size: 128 }).metrics;
    const without = { ...fit, params: { ...fit.params, tint: undefined } };
    const bare = solveTextureOffset(kernels, without, image, model, { size: 128 }).metrics.before;
    expect(before.l1).toBeLessThan(0.85 * bare.l1);
  });

  it('is not looked for where the model explains the picture without', async () => {
    const random = createRandom(100);
    const own = expose(kernels, model, sampleTruth(model, random));
    const picture = photograph(kernels, model, own, random);
    const fit = await fitPhoto(picture, model, { observation: observeTruth(model, own, random) });
    expect(fit.params).not.toHaveProperty('tint');
  });
});
