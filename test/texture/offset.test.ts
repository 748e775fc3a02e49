/** The texture offset on scenes whose truth is known. */
import { describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import type { ImageF } from '../../src/core/image.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { fillOffset } from '../../src/texture/fill.ts';
import { buildOffsetAtlas, takeAtlas } from '../../src/texture/offset-atlas.ts';
import { ORIGIN } from '../../src/texture/origin.ts';
import {
  solvePersonTexture,
  solveTextureOffset,
  type TextureOffset,
} from '../../src/texture/solve-offset.ts';
import { makeScene, type Scene } from './scene.ts';

const kernels = await createKernels();
const solve = (s: Scene, options = {}) => solveTextureOffset(kernels, s.fit, s.photo, s.model, options);

/** Mean absolute difference over texels that `test` chooses. */
function meanError(a: ImageF, b: ImageF, test: (t: number) => boolean): number {
  let [sum, n] = [0, 0];
  for (let t = 0; t < a.width * a.height; t++) {
    if (!test(t)) continue;
    n++;
    for (let c = 0; c < 3; c++) sum += Math.abs(a.data[3 * t + c] - b.data[3 * t + c]) / 3;
  }
  expect(n).toBeGreaterThan(100);
  return sum / n;
}

function expectSound(result: TextureOffset): void {
  expect(result.albedo.data.every((x) => x >= 0 && x <= 1)).toBe(true);
  expect(result.offset.data.every(Number.isFinite)).toBe(true);
  expect(result.visibility.every((v) => v >= 0 && v <= 1)).toBe(true);
}

describe('solveTextureOffset', () => {
  it('finds the truth where it is seen, and renders as the photo', () => {
    const scene = makeScene(kernels);
    const result = solve(scene);
    expectSound(result);
    const seen = (t: number) => result.visibility[t] > 0.9;
    const before = meanError(scene.parametric, scene.truth, seen);
    const after = meanError(result.albedo, scene.truth, seen);
    // The photo has 2 texels per pixel and noise of 0.01.
    expect(after).toBeLessThan(0.3 * before);
    expect(result.metrics.after.l1).toBeLessThan(0.4 * result.metrics.before.l1);
    expect(result.metrics.after.psnrDb).toBeGreaterThan(32);
    expect(result.metrics.shadingShare).toBeGreaterThan(0);
    expect(result.metrics.shadingShare).toBeLessThanOrEqual(1);
  });

  it('beats division by the mean shading at least twice, for random lights', () => {
    for (const seed of [11, 12, 13]) {
      const scene = makeScene(kernels, { seed });
      const result = solve(scene);
      const flat = new Float32Array(27);
      // The same light without its direction: what dividing by the mean shading assumes.
      for (let c = 0; c < 3; c++) {
        const constant = 0.2820948;
        const front = scene.fit.light[9 + c] * 1.0233267 * (2 / 3) + scene.fit.light[24 + c] * 0.2477 * 0.5;
        flat[c] = scene.fit.light[c] + front / constant;
      }
      const divided = solveTextureOffset(kernels, { ...scene.fit, light: flat }, scene.photo, scene.model, {
        smoothness: 1e-4,
        prior: 1e-4,
      });
      const seen = (t: number) => result.visibility[t] > 0.9;
      const error = meanError(result.albedo, scene.truth, seen);
      expect(error).toBeLessThan(0.5 * meanError(divided.albedo, scene.truth, seen));
    }
  });

  it('smears nothing of the background onto the head', () => {
    // The background is pure blue, the skin is not.
    const scene = makeScene(kernels, { yaw: 0.4 });
    const { albedo, origin } = solve(scene);
    let worst = -1;
    for (let t = 0; t < origin.length; t++)
      if (origin[t] !== ORIGIN.none) worst = Math.max(worst, albedo.data[3 * t + 2] - albedo.data[3 * t]);
    const truth = scene.truth.data;
    let natural = -1;
    for (let t = 0; t < origin.length; t++)
      if (origin[t] !== ORIGIN.none) natural = Math.max(natural, truth[3 * t + 2] - truth[3 * t]);
    expect(worst).toBeLessThan(natural + 0.06);
  });

  it('takes unseen texels from the mirrored side', () => {
    // Two moles, mirror images of each other; turned by 40° only one of them is seen.
    const mole = (u: number, v: number) =>
      -0.3 * Math.exp(-(((Math.abs(u - 0.5) - 0.19) / 0.025) ** 2) - ((v - 0.42) / 0.025) ** 2);
    const scene = makeScene(kernels, { yaw: 0.7, offset: mole });
    const result = solve(scene);
    const hidden = (t: number) => {
      const [x, y] = [t % 512, Math.floor(t / 512)];
      return (
        Math.hypot((Math.abs(x / 512 - 0.5) - 0.19) / 0.025, (y / 512 - 0.42) / 0.025) < 1 &&
        result.origin[t] === ORIGIN.mirror
      );
    };
    const before = meanError(scene.parametric, scene.truth, hidden);
    expect(before).toBeGreaterThan(0.1);
    expect(meanError(result.albedo, scene.truth, hidden)).toBeLessThan(0.35 * before);
  });

  it('leaves the parametric texture alone when nothing counts as skin', () => {
    const scene = makeScene(kernels, { mask: 'none' });
    const result = solve(scene);
    expectSound(result);
    expect(result.visibility.every((v) => v === 0)).toBe(true);
    expect(meanError(result.albedo, scene.parametric, () => true)).toBeLessThan(1e-6);
    expect(result.metrics.skinPixels).toBe(0);
  });

  it('keeps data within the charts that the photo shows, and continues it in them', () => {
    const { model } = makeScene(kernels, { noise: 0 });
    const made = buildOffsetAtlas(kernels, model, 64, 64);
    const { graph } = made;
    const n = graph.texels.length;
    const skull = graph.charts[graph.nodes[20 * 64 + 32]];
    const seen = Float32Array.from({ length: 4 * n }, (_, i) =>
      i % 4 < 3 && graph.charts[i >> 2] === skull ? 0.2 : 0,
    );
    const visibility = Float32Array.from(graph.charts, (c, i) =>
      c === skull && graph.texels[i] % 64 > 40 ? 1 : 0,
    );
    const { offset, origin } = kernels.scope(() => {
      const out = kernels.f32(4 * n);
      const atlas = takeAtlas(kernels, made);
      const [s, v, base] = [kernels.f32(seen), kernels.f32(visibility), kernels.f32(4 * n)];
      const decided = fillOffset(kernels, atlas, s, v, base, out);
      return { offset: out.view.slice(), origin: decided };
    });
    let [unseen, far] = [0, 0];
    for (let i = 0; i < n; i++) {
      if (graph.charts[i] === skull) {
        if (visibility[i] > 0) expect(offset[4 * i]).toBeCloseTo(0.2, 2);
        else if (offset[4 * i] > 0.02) far++;
        continue;
      }
      unseen += Math.abs(offset[4 * i]);
      expect(origin[i]).toBe(ORIGIN.parametric);
    }
    expect(unseen).toBe(0);
    expect(far).toBeGreaterThan(100);
  });

  it('is sound when half the face lies outside the photo', () => {
    const scene = makeScene(kernels, { shift: 200 });
    const result = solve(scene);
    expectSound(result);
    expect(result.metrics.after.l1).toBeLessThan(result.metrics.before.l1);
  });

  it('can be cancelled before and on the way', () => {
    const scene = makeScene(kernels);
    expect(() => solve(scene, { signal: AbortSignal.abort() })).toThrow(AbortedError);
    const controller = new AbortController();
    const onProgress = (event: { stage: string }) => {
      if (event.stage === 'texture: solve') controller.abort();
    };
    expect(() => solve(scene, { signal: controller.signal, onProgress })).toThrow(AbortedError);
  });

  it('refuses what does not belong together', () => {
    const scene = makeScene(kernels);
    const other = { ...scene.fit, modelHash: 'f'.repeat(64) };
    expect(() => solve({ ...scene, fit: other })).toThrow(/another head model/);
    const small = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
    expect(() => solve({ ...scene, photo: small })).toThrow(/400 × 400/);
    for (const options of [{ size: 300 }, { smoothness: 0 }, { prior: Number.NaN }, { iterations: 1.5 }])
      expect(() => solve(scene, options)).toThrow(InvalidArgumentError);
  });
});

describe('solvePersonTexture', () => {
  it('shows more of a head from two sides than from either, and stays as true', () => {
    const [left, right] = [makeScene(kernels, { yaw: 0.6 }), makeScene(kernels, { yaw: -0.6, seed: 2 })];
    const { texture, metrics } = solvePersonTexture(kernels, [left, right], left.model);
    expectSound(texture);
    expect(metrics).toHaveLength(2);
    const alone = [left, right].map((scene) => solve(scene));
    const count = (v: Float32Array) => v.reduce((n, x) => n + (x > 0.5 ? 1 : 0), 0);
    expect(count(texture.visibility)).toBeGreaterThan(
      1.15 * Math.max(...alone.map((a) => count(a.visibility))),
    );
    for (const [i, a] of alone.entries()) {
      const seen = (t: number) => a.visibility[t] > 0.9;
      const own = meanError(a.albedo, left.truth, seen);
      expect(meanError(texture.albedo, left.truth, seen)).toBeLessThan(1.3 * own + 0.003);
      expect(metrics[i].after.l1).toBeLessThan(0.6 * metrics[i].before.l1);
    }
  });

  it('is the texture of one photo for one photo, and refuses fits of different people', () => {
    const scene = makeScene(kernels);
    const { texture } = solvePersonTexture(kernels, [scene], scene.model);
    expect(texture.albedo.data).toEqual(solve(scene).albedo.data);
    const texture2 = scene.fit.params.texture.map((t) => t + 1);
    const other = { ...scene, fit: { ...scene.fit, params: { ...scene.fit.params, texture: texture2 } } };
    expect(() => solvePersonTexture(kernels, [scene, other], scene.model)).toThrow(/fitPerson/);
    expect(() => solvePersonTexture(kernels, [], scene.model)).toThrow(InvalidArgumentError);
  });
});
