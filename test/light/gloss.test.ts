import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { GLOSS_COUNT, glossBasis, mirroredBasis } from '../../src/light/gloss.ts';

describe('glossBasis', () => {
  it('is orthonormal over the sphere', () => {
    const N = 20000;
    const products = new Float64Array(GLOSS_COUNT * GLOSS_COUNT);
    const basis = new Float64Array(GLOSS_COUNT + 1);
    // A spiral of points, as good as evenly spread.
    for (let i = 0; i < N; i++) {
      const z = 1 - (2 * i + 1) / N;
      const turn = i * Math.PI * (3 - Math.sqrt(5));
      const r = Math.sqrt(1 - z * z);
      glossBasis(r * Math.cos(turn), r * Math.sin(turn), z, basis, 1);
      for (let a = 0; a < GLOSS_COUNT; a++)
        for (let b = 0; b < GLOSS_COUNT; b++)
          products[a * GLOSS_COUNT + b] += (basis[a + 1] * basis[b + 1]) / N;
    }
    expect(basis[0]).toBe(0);
    for (let a = 0; a < GLOSS_COUNT; a++)
      for (let b = 0; b < GLOSS_COUNT; b++)
        expect(Math.abs(products[a * GLOSS_COUNT + b] - (a === b ? 1 : 0))).toBeLessThan(2e-3);
  });
});

describe('mirroredBasis', () => {
  const perspective: Camera = {
    kind: 'perspective',
    focal: 300,
    principal: [100, 80],
    translation: [0, 0, -1],
  };
  const orthographic: Camera = {
    kind: 'orthographic',
    scale: 300,
    principal: [100, 80],
    translation: [0, 0, 0],
  };
  const unit = (...v: number[]) => v.map((x) => x / Math.hypot(...v));
  const basisOf = (v: readonly number[]) => {
    const out = new Float64Array(GLOSS_COUNT);
    glossBasis(v[0], v[1], v[2], out);
    return out;
  };
  const seen = (camera: Camera, x: number, y: number, normal: readonly number[]) => {
    const out = new Float64Array(GLOSS_COUNT);
    mirroredBasis(camera, x, y, [9, ...normal], 1, out);
    return out;
  };
  const close = (got: Float64Array, want: Float64Array) =>
    got.forEach((x, k) => {
      expect(x).toBeCloseTo(want[k], 10);
    });

  it('is what lies in the direction of the viewer where the surface faces it', () => {
    close(seen(orthographic, 10, 20, [0, 0, 1]), basisOf([0, 0, 1]));
    // Right of the middle and above it: the viewer is to the left and below.
    const v = unit(-60, -40, 300);
    close(seen(perspective, 160, 40, v), basisOf(v));
  });

  it('turns twice as far as the surface', () => {
    const a = 0.3;
    close(
      seen(orthographic, 0, 0, [Math.sin(a), 0, Math.cos(a)]),
      basisOf([Math.sin(2 * a), 0, Math.cos(2 * a)]),
    );
    close(
      seen(perspective, 100, 80, [0, Math.sin(a), Math.cos(a)]),
      basisOf([0, Math.sin(2 * a), Math.cos(2 * a)]),
    );
  });
});
