/** A texture space at another size: averaged over boxes where it shrinks by a whole factor, else interpolated. */
import type { TextureSpace } from './head-model.ts';

/** `space` with `size` texels along each side and its first `components`, or all where it has fewer. */
export function resizeSpace(space: TextureSpace, size: number, components: number): TextureSpace {
  const { width, height, mean, basis, names } = space;
  const T = Math.min(components, names.length);
  const n = 3 * size * size;
  const out = new Float32Array(T * n);
  for (let t = 0; t < T; t++)
    out.set(resizeMap(basis.subarray(t * mean.length, (t + 1) * mean.length), width, height, size), t * n);
  return {
    width: size,
    height: size,
    mean: resizeMap(mean, width, height, size),
    basis: out,
    names: names.slice(0, T),
  };
}

/** (height,width,3) to (size,size,3). */
export function resizeMap(map: Float32Array, width: number, height: number, size: number): Float32Array {
  if (width === size && height === size) return map;
  const xs = axisTaps(width, size);
  const ys = axisTaps(height, size);
  const out = new Float32Array(3 * size * size);
  for (let y = 0, o = 0; y < size; y++)
    for (let x = 0; x < size; x++, o += 3)
      for (const [sy, wy] of ys[y])
        for (const [sx, wx] of xs[x]) {
          const i = 3 * (sy * width + sx);
          for (let c = 0; c < 3; c++) out[o + c] += wx * wy * map[i + c];
        }
  return out;
}

/** For each of `to` texels along an axis: the texels of `from` it is made of, and their weights. */
export function axisTaps(from: number, to: number): (readonly [number, number])[][] {
  return Array.from({ length: to }, (_, i) => {
    if (from % to === 0) {
      const n = from / to;
      return Array.from({ length: n }, (_, k) => [i * n + k, 1 / n] as const);
    }
    const x = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const left = Math.floor(x);
    const part = x - left;
    if (part === 0) return [[left, 1] as const];
    return [[left, 1 - part] as const, [left + 1, part] as const];
  });
}
