import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { type PaintedHead, paintHead } from '../../src/kernels/paint.ts';
import { createRasterizeOutput } from '../../src/kernels/rasterize.ts';
import { paintHeadReference } from '../../src/kernels/reference/paint.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('pixels of a painted head (%s)', (_name, create) => {
  const kernels = create();
  const [width, height, F, V, U] = [23, 17, 12, 9, 14];
  const columns = 3 * width;

  /** Faces anywhere, light from black to too bright, corners of the texture beyond its edges. */
  const scene = (mapSize: readonly [number, number] | null) => {
    const random = createRandom(mapSize ? mapSize[0] : 1);
    const some = (n: number, low: number, high: number) =>
      Float32Array.from({ length: n }, () => low + (high - low) * random.uniform());
    const numbers = (n: number, below: number) =>
      Uint32Array.from({ length: n }, () => Math.floor(below * random.uniform()));
    const raster = createRasterizeOutput(kernels, width, height);
    const bary = raster.barycentrics.view;
    raster.faceIndex.view.set(Int32Array.from(numbers(width * height, F + 3), (f) => (f < F ? f : -1)));
    for (let p = 0; p < width * height; p++) {
      const [a, b] = [random.uniform(), random.uniform()];
      bary.set([a * b, a * (1 - b), 1 - a], 3 * p);
    }
    const head: PaintedHead = {
      faces: kernels.u32(numbers(3 * F, V)),
      faceUvs: kernels.u32(numbers(3 * F, U)),
      hidden: kernels.u8(Uint8Array.from({ length: F }, (_, f) => (f === 2 ? 1 : 0))),
      uvs: kernels.f32(some(2 * U, -0.2, 1.2)),
      shades: kernels.f32(some(4 * V, -0.3, 1.6)),
      map: mapSize && {
        width: mapSize[0],
        height: mapSize[1],
        data: kernels.f32(some(3 * mapSize[0] * mapSize[1], 0, 1)),
      },
      plain: [153, 120, 90],
      clay: [204, 199, 194],
    };
    const pixels = kernels.u8(numbers(4 * columns * height, 256));
    const bounds = [1, 2, width - 1, height - 1] as const;
    return { raster, head, to: { pixels, columns, over: width, shape: 2 * width, bounds } };
  };

  it.each([
    ['a texture', [16, 12]],
    ['one of a single row', [5, 1]],
    ['no texture', null],
  ] as const)('are those of the reference, with %s', (_title, mapSize) => {
    const { raster, head, to } = scene(mapSize);
    const before = to.pixels.view.slice();
    const expected = paintHeadReference(raster, width, head, to);
    paintHead(kernels, raster, width, head, to);
    let [other, painted] = [0, 0];
    for (const [i, byte] of to.pixels.view.entries()) {
      // float32 cuts a number that lies near a whole one to the other.
      expect(Math.abs(byte - expected[i])).toBeLessThanOrEqual(1);
      if (byte !== expected[i]) other++;
      if (expected[i] !== before[i]) painted++;
    }
    expect(painted).toBeGreaterThan(500);
    expect(other).toBeLessThanOrEqual(0.002 * painted);
  });

  it.each([
    ['faceIndex', () => ({ raster: { faceIndex: kernels.i32(width * height + 1) } })],
    ['barycentrics', () => ({ raster: { barycentrics: kernels.f32(3 * width) } })],
    ['pixels', () => ({ to: { columns: columns + 1 } })],
    ['faces', () => ({ head: { hidden: kernels.u8(F + 1) } })],
    ['faces', () => ({ head: { faces: kernels.u32(3 * F - 1) } })],
    ['shades', () => ({ head: { shades: kernels.f32(4 * V - 1) } })],
    ['faceUvs', () => ({ head: { faceUvs: kernels.u32(3) } })],
    ['uvs', () => ({ head: { uvs: kernels.f32(2 * U + 1) } })],
    ['map', () => ({ head: { map: { width: 4, height: 5, data: kernels.f32(3 * 16) } } })],
    ['bounds', () => ({ to: { bounds: [0, 0, width + 1, height] as const } })],
    ['bounds', () => ({ to: { bounds: [0, 0, width, height + 1] as const } })],
    ['bounds', () => ({ to: { bounds: [-1, 0, width, height] as const } })],
    ['over and shape', () => ({ to: { shape: 2 * width + 1 } })],
    ['over and shape', () => ({ to: { over: -1 } })],
  ])('refuse what would be read or written beyond its end: %s', (named, wrong) => {
    const given = scene([4, 4]);
    const { raster, head, to }: { raster?: object; head?: object; to?: object } = wrong();
    const before = given.to.pixels.view.slice();
    expect(() =>
      paintHead(
        kernels,
        { ...given.raster, ...raster },
        width,
        { ...given.head, ...head },
        { ...given.to, ...to },
      ),
    ).toThrow(new RegExp(`^paintHead: ${named} must `));
    expect(given.to.pixels.view).toEqual(before);
  });

  it('are none where the head is beside the picture', () => {
    const { raster, head, to } = scene(null);
    const before = to.pixels.view.slice();
    paintHead(kernels, raster, width, head, { ...to, bounds: [width + 9, 0, width, height] });
    expect(to.pixels.view).toEqual(before);
  });
});
