import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { type GlossInput, glossPlane, growPlane, solveGloss, takeGloss } from '../../src/kernels/gloss.ts';
import { growPlaneReference, solveGlossReference } from '../../src/kernels/reference/gloss.ts';
import { GLOSS_COUNT, glossAt, glossRays, mirroredBasis } from '../../src/light/gloss.ts';
import { BUILDS } from './builds.ts';

const CAMERAS: Record<string, Camera> = {
  perspective: { kind: 'perspective', focal: 60, principal: [17, 11], translation: [0, 0, -0.5] },
  orthographic: { kind: 'orthographic', scale: 60, principal: [17, 11], translation: [0, 0, 0] },
};
const PRIOR = { sigma: 0.05, k: 2, weight: 600, deviations: [0.02] };

/** Noise and its render, normals all over the half sphere and some that are missing, a ragged region, a mask with holes. */
function scene(width: number, height: number, stride: number) {
  const random = createRandom(width + height);
  const pixels = width * height;
  const image = (f: () => number): ImageF => ({
    width,
    height,
    channels: 3,
    data: Float32Array.from({ length: 3 * pixels }, f),
  });
  const render = image(() => random.uniform());
  const photo = image(() => 0);
  photo.data.forEach((_, i) => {
    photo.data[i] = render.data[i] + 0.05 * random.normal() + 0.1 * random.uniform() ** 4;
  });
  const normals = new Float32Array(stride * pixels).fill(9);
  for (let p = 0; p < pixels; p++) {
    const n = [random.normal(), random.normal(), Math.abs(random.normal())];
    const length = p % 7 === 0 ? Infinity : Math.hypot(...n);
    normals.set(
      n.map((x) => x / length),
      stride * p,
    );
  }
  const region = Uint8Array.from({ length: pixels }, (_, p) =>
    p % 7 !== 0 && random.uniform() < 0.8 ? 1 : 0,
  );
  const mask = Float32Array.from({ length: pixels }, () => Math.max(0, random.uniform() - 0.2));
  return { width, height, stride, photo, render, normals, region, mask };
}

describe.each(BUILDS)('gloss (%s)', (_name, create) => {
  const kernels = create();
  type Scene = ReturnType<typeof scene>;
  const taken = (s: Scene, camera: Camera): GlossInput => ({
    width: s.width,
    height: s.height,
    ...glossRays(camera),
    normals: kernels.f32(s.normals),
    stride: s.stride,
    region: kernels.u8(s.region),
    photo: kernels.f32(s.photo.data),
    render: kernels.f32(s.render.data),
    mask: kernels.f32(s.mask),
    prior: PRIOR,
    every: 3,
    rounds: 3,
  });

  it.each([
    ['perspective', 37, 25, 3],
    ['orthographic', 20, 31, 3],
    ['perspective', 9, 8, 8],
    ['orthographic', 1, 5, 3],
  ])('the coefficients are the reference (%s, %i × %i, stride %i)', (kind, width, height, stride) => {
    const s = scene(width, height, stride);
    const camera = CAMERAS[kind];
    const basisAt = (p: number) => {
      const basis = new Float64Array(GLOSS_COUNT);
      mirroredBasis(camera, (p % width) + 0.5, Math.floor(p / width) + 0.5, s.normals, stride * p, basis);
      return basis;
    };
    const wanted = solveGlossReference(s, basisAt, PRIOR, 3, 3)!;
    const got = kernels.scope(() => solveGloss(kernels, taken(s, camera)))!;
    expect(got.length).toBe(GLOSS_COUNT);
    const most = Math.max(...wanted.map(Math.abs));
    expect(most).toBeGreaterThan(1e-4);
    // Both in float64: sums in another order.
    got.forEach((x, k) => {
      expect(Math.abs(x - wanted[k])).toBeLessThan(1e-10 * most);
    });
  });

  it('there are none where no pixel counts', () => {
    const s = scene(6, 5, 3);
    kernels.scope(() => {
      expect(
        solveGloss(kernels, taken({ ...s, mask: new Float32Array(30) }, CAMERAS.perspective)),
      ).toBeNull();
      expect(
        solveGloss(kernels, taken({ ...s, region: new Uint8Array(30) }, CAMERAS.perspective)),
      ).toBeNull();
    });
    expect(
      solveGlossReference({ ...s, mask: new Float32Array(30) }, () => new Float64Array(25), PRIOR, 3, 3),
    ).toBeNull();
  });

  it.each([
    ['perspective', 37, 25, 3, true],
    ['orthographic', 20, 31, 3, false],
    ['perspective', 9, 7, 8, false],
  ])(
    'pixels show the reference (%s, %i × %i, stride %i, region: %s)',
    (kind, width, height, stride, regional) => {
      const s = scene(width, height, stride);
      const camera = CAMERAS[kind];
      const random = createRandom(5);
      const coefficients = Float64Array.from({ length: GLOSS_COUNT }, () => 0.05 * random.normal());
      const basis = new Float64Array(GLOSS_COUNT);
      kernels.scope(() => {
        const out = kernels.f32(width * height);
        out.view.fill(7);
        const { region, ...view } = taken(s, camera);
        glossPlane(kernels, regional ? { ...view, region } : view, kernels.f64(coefficients), out);
        for (let p = 0; p < width * height; p++) {
          const [x, y] = [(p % width) + 0.5, Math.floor(p / width) + 0.5];
          const shows = regional ? s.region[p] : p % 7 !== 0;
          const wanted = shows ? glossAt(coefficients, camera, x, y, s.normals, stride * p, basis) : 0;
          expect(Math.abs(out.view[p] - wanted)).toBeLessThan(1e-7);
        }
      });
    },
  );

  it.each([
    [30, 20, 4],
    [1, 9, 2],
    [8, 1, 3],
  ])('is carried on as by the reference (%i × %i, %i far)', (width, height, rounds) => {
    const random = createRandom(width);
    const known = Uint8Array.from({ length: width * height }, () => (random.uniform() < 0.1 ? 1 : 0));
    const values = Float32Array.from({ length: width * height }, (_, p) => known[p] * random.normal());
    kernels.scope(() => {
      const got = kernels.f32(values);
      growPlane(kernels, got, kernels.u8(known), width, rounds);
      const wanted = growPlaneReference(values, known, width, rounds);
      expect(wanted.filter((x) => x !== 0).length).toBeGreaterThanOrEqual(known.filter((x) => x).length);
      got.view.forEach((x, p) => {
        expect(Math.abs(x - wanted[p])).toBeLessThan(1e-6);
      });
    });
  });

  it.each([0, 1, 3, 4, 23])('is taken from all three channels of %i pixels', (pixels) => {
    const random = createRandom(pixels);
    const colours = Float32Array.from({ length: 3 * pixels }, () => random.uniform());
    const gloss = Float32Array.from({ length: pixels }, () => random.normal());
    kernels.scope(() => {
      const got = kernels.f32(colours);
      const behind = kernels.f32([5, 6, 7, 8]);
      takeGloss(kernels, got, kernels.f32(gloss));
      expect([...got.view]).toEqual([...colours].map((x, c) => Math.fround(x - gloss[Math.floor(c / 3)])));
      expect([...behind.view]).toEqual([5, 6, 7, 8]);
    });
  });

  it.each([3, 4, 23])('leaves %i pixels as much as is said', (pixels) => {
    const random = createRandom(pixels);
    const colours = Float32Array.from({ length: 3 * pixels }, () => random.uniform());
    const gloss = Float32Array.from({ length: pixels }, () => random.normal());
    kernels.scope(() => {
      const got = kernels.f32(colours);
      takeGloss(kernels, got, kernels.f32(gloss), 0.25);
      const wanted = colours.map((x, c) => Math.max(x - gloss[Math.floor(c / 3)], 0.25));
      expect(wanted.filter((x) => x === 0.25).length).toBeGreaterThan(0);
      expect(got.view).toEqual(wanted);
    });
  });

  it('refuses shapes that do not match', () => {
    const s = scene(6, 5, 3);
    kernels.scope(() => {
      const input = taken(s, CAMERAS.perspective);
      const few = kernels.f32(3);
      expect(() => solveGloss(kernels, { ...input, mask: few })).toThrow(/mask must be \(H,W\)/);
      expect(() => solveGloss(kernels, { ...input, normals: few })).toThrow(/normals must be/);
      expect(() => glossPlane(kernels, input, kernels.f64(9), kernels.f32(30))).toThrow(/coefficients/);
      expect(() => growPlane(kernels, few, kernels.u8(9), 3, 1)).toThrow(/known/);
      expect(() => takeGloss(kernels, few, few)).toThrow(/colours/);
    });
  });
});
