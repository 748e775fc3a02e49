import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { findGloss as find, type GlossEvidence } from '../../src/fit/gloss.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { GLOSS_COUNT, glossBasis, mirroredBasis } from '../../src/light/gloss.ts';

const N = 64;
const CAMERA: Camera = { kind: 'perspective', focal: 90, principal: [32, 32], translation: [0, 0, -0.5] };
const LOSS = { sigma: 0.05, k: 2, weight: 600 };
const kernels = createKernelsSync();
const findGloss = (evidence: GlossEvidence, sd: number) => {
  const gloss = find(kernels, evidence, LOSS, sd);
  expect(kernels.bytesUsed).toBe(0);
  return gloss!;
};
const inside = (p: number) => Math.hypot((p % N) + 0.5 - 32, Math.floor(p / N) + 0.5 - 32) < 24;

/** A ball of skin with a highlight, coloured spots that no white gloss explains, and a strand in front of it. */
function ball(height: number): GlossEvidence & { readonly planted: Float64Array } {
  const random = createRandom(4);
  const picture = (): ImageF => ({ width: N, height: N, channels: 3, data: new Float32Array(3 * N * N) });
  const [photo, render, normals] = [picture(), picture(), picture()];
  const region = Uint8Array.from({ length: N * N }, (_, p) => (inside(p) ? 1 : 0));
  const planted = new Float64Array(N * N);
  const towards = new Float64Array(GLOSS_COUNT);
  glossBasis(0.36, 0.48, 0.8, towards);
  const basis = new Float64Array(GLOSS_COUNT);
  for (let p = 0; p < N * N; p++) {
    if (!region[p]) continue;
    const [x, y] = [(p % N) + 0.5, Math.floor(p / N) + 0.5];
    const n = [(x - 32) / 25, (32 - y) / 25, 0];
    n[2] = Math.sqrt(1 - n[0] ** 2 - n[1] ** 2);
    normals.data.set(n, 3 * p);
    mirroredBasis(CAMERA, x, y, normals.data, 3 * p, basis);
    // A lobe of order 4 about that direction, 25 at its top.
    for (let k = 0; k < GLOSS_COUNT; k++) planted[p] += (height / 25) * towards[k] * basis[k];
    const strand = Math.abs(x - y) < 3;
    for (let c = 0; c < 3; c++) {
      const skin = [0.6, 0.45, 0.35][c] * (0.7 + 0.3 * n[2]);
      render.data[3 * p + c] = skin;
      photo.data[3 * p + c] = strand ? 0.05 : skin + planted[p] + 0.01 * random.normal();
    }
  }
  return { photo, render, normals, region, mask: Float32Array.from(region), camera: CAMERA, planted };
}

/** Root mean square of f over the region. */
const rms = ({ region }: GlossEvidence, f: (p: number) => number) => {
  let [sum, count] = [0, 0];
  for (let p = 0; p < N * N; p++)
    if (region[p] && Math.abs((p % N) - Math.floor(p / N)) >= 3) {
      sum += f(p) ** 2;
      count++;
    }
  return Math.sqrt(sum / count);
};

describe('findGloss', () => {
  it('finds a white highlight beside a strand of hair, and takes it off', () => {
    const evidence = ball(0.3);
    const { coefficients, matte } = findGloss(evidence, 0.05);
    const found = (p: number) => evidence.photo.data[3 * p + 1] - matte.data[3 * p + 1];
    expect(rms(evidence, (p) => evidence.planted[p])).toBeGreaterThan(0.03);
    expect(rms(evidence, (p) => found(p) - evidence.planted[p])).toBeLessThan(0.006);
    const basis = new Float64Array(GLOSS_COUNT);
    const p = 28 * N + 40;
    mirroredBasis(CAMERA, 40.5, 28.5, evidence.normals.data, 3 * p, basis);
    const sum = coefficients.reduce((s, x, k) => s + x * basis[k], 0);
    for (let c = 0; c < 3; c++)
      expect(evidence.photo.data[3 * p + c] - matte.data[3 * p + c]).toBeCloseTo(sum, 6);
  });

  it('finds none where no skin counts', () => {
    const evidence = ball(0.3);
    expect(find(kernels, { ...evidence, mask: new Float32Array(N * N) }, LOSS, 0.05)).toBeNull();
    expect(find(kernels, { ...evidence, region: new Uint8Array(N * N) }, LOSS, 0.05)).toBeNull();
  });

  it('goes on a little beyond the border of the skin, and no farther', () => {
    const evidence = ball(0.3);
    const { matte } = findGloss(evidence, 0.05);
    const off = (x: number, y: number) => -matte.data[3 * (y * N + x)];
    // To the right of the ball, from 56 on.
    const [border, next] = [evidence.photo.data[3 * (26 * N + 54)] + off(54, 26), off(57, 26)];
    expect(Math.abs(next)).toBeGreaterThan(0.002);
    expect(Math.abs(next - border)).toBeLessThan(0.05);
    expect(off(62, 26)).toBeCloseTo(0, 10);
  });

  it('finds next to none in light of another colour, and less the less of it is expected', () => {
    const red = ball(0);
    for (let p = 0; p < N * N; p++)
      if (red.region[p]) {
        const shine = 0.15 * red.normals.data[3 * p + 2] ** 4;
        red.photo.data[3 * p] += shine;
        red.photo.data[3 * p + 1] -= 0.5 * shine;
        red.photo.data[3 * p + 2] -= 0.5 * shine;
      }
    const size = (e: GlossEvidence, sd: number) => {
      const { matte } = findGloss(e, sd);
      return rms(e, (p) => e.photo.data[3 * p] - matte.data[3 * p]);
    };
    expect(size(red, 0.05)).toBeLessThan(0.004);
    const white = ball(0.3);
    expect(size(white, 0.001)).toBeLessThan(0.5 * size(white, 0.05));
  });
});
