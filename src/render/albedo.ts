/** Albedo maps: a texture space's coefficients made into a map, and maps sampled at UV positions. */
import type { ImageF } from '../core/image.ts';
import { blendshapes } from '../kernels/blendshapes.ts';
import { appearanceStride, paddedComponents } from '../kernels/photometric.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { resizeMap } from '../kernels/texture-map.ts';
import { tintMap } from '../kernels/tint.ts';
import type { HeadModel, HeadParams, TextureSpace } from '../model/head-model.ts';
import { tintChange, tintMaps } from '../model/tint.ts';
import { resize } from './resample.ts';

/** mean + Σ coefficient·component, (H,W,3) float32, not clamped; four components per pass over the map. */
export function albedoMap(space: TextureSpace, coefficients: ArrayLike<number>): ImageF {
  const { mean, basis } = space;
  const sum = new Float32Array(mean);
  const n = sum.length;
  const used: number[] = [];
  for (let t = 0; t < coefficients.length; t++) if (coefficients[t] !== 0) used.push(t);
  for (let u = 0; u < used.length; u += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => used[Math.min(u + k, used.length - 1)]);
    const [wa, wb, wc, wd] = [0, 1, 2, 3].map((k) => (u + k < used.length ? coefficients[used[u + k]] : 0));
    const [pa, pb, pc, pd] = [a * n, b * n, c * n, d * n];
    for (let i = 0; i < n; i++)
      sum[i] += wa * basis[pa + i] + wb * basis[pb + i] + wc * basis[pc + i] + wd * basis[pd + i];
  }
  return { width: space.width, height: space.height, channels: 3, data: sum };
}

/** What colours a head. */
export type Skin = Pick<HeadParams, 'texture' | 'tint'>;

/** The albedo that `params` say, (H,W,3) float32, not clamped: that of their texture, with their tint; null for heads without. */
export function skinAlbedo(model: HeadModel, { texture, tint }: Skin): ImageF | null {
  if (!model.texture) return null;
  const map = albedoMap(model.texture, texture);
  const maps = tint && tintMaps(model);
  if (maps) {
    const change = resize(tintChange(maps, tint), map.width, map.height).data;
    for (let i = 0; i < change.length; i++) map.data[i] *= 1 + change[i];
  }
  return map;
}

/** {@link skinAlbedo} in kernel memory; the caller gives it back. */
export function takeSkinAlbedo(kernels: Kernels, model: HeadModel, { texture, tint }: Skin): F32 | null {
  const space = model.texture;
  if (!space) return null;
  const map = takeAlbedoMap(kernels, space, texture);
  const maps = tint && tintMaps(model);
  if (maps)
    kernels.scope(() => {
      const change = kernels.f32(map.length, false);
      const { width, height, data } = tintChange(maps, tint);
      resizeMap(kernels, kernels.f32(data), [width, height], change, [space.width, space.height]);
      tintMap(kernels, map, change);
    });
  return map;
}

/** Components added at a time by {@link takeAlbedoMap}: what they take of kernel memory. */
const AT_A_TIME = 4;

/** {@link albedoMap} in kernel memory, (H,W,3) float32; the caller gives it back. */
export function takeAlbedoMap(
  kernels: Kernels,
  { mean, basis }: TextureSpace,
  coefficients: ArrayLike<number>,
): F32 {
  const sum = kernels.f32(mean);
  const n = sum.length;
  kernels.scope(() => {
    const components = kernels.f32(AT_A_TIME * n, false);
    const weights = kernels.f32(AT_A_TIME);
    for (let t = 0; t < coefficients.length; t += AT_A_TIME) {
      const count = Math.min(AT_A_TIME, coefficients.length - t);
      components.view.set(basis.subarray(t * n, (t + count) * n));
      for (let k = 0; k < AT_A_TIME; k++) weights.view[k] = k < count ? coefficients[t + k] : 0;
      blendshapes(kernels, sum, components, weights, sum);
    }
  });
  return sum;
}

/** Bilinear sample at (u, v) in [0, 1] (v down), texel centres at half-integers, edges clamped. */
export function sampleMap(map: ImageF, u: number, v: number, out: Float32Array, offset: number): void {
  const { width, height, channels, data } = map;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const ix = Math.min(Math.floor(x), Math.max(width - 2, 0));
  const iy = Math.min(Math.floor(y), Math.max(height - 2, 0));
  const fx = x - ix;
  const fy = y - iy;
  const a = (iy * width + ix) * channels;
  const right = width > 1 ? channels : 0;
  const below = height > 1 ? width * channels : 0;
  const w00 = (1 - fx) * (1 - fy);
  const w10 = fx * (1 - fy);
  const w01 = (1 - fx) * fy;
  const w11 = fx * fy;
  for (let c = 0; c < channels; c++)
    out[offset + c] =
      w00 * data[a + c] +
      w10 * data[a + right + c] +
      w01 * data[a + below + c] +
      w11 * data[a + below + right + c];
}

/**
 * A texture space with all its numbers of one texel together, (H,W,`appearanceStride(T)`): mean RGB and a zero, then
 * the components of red, of green and of blue, each filled up with zeros to whole vectors. At most `size` wide, see
 * {@link shrinkMap}.
 */
export function appearanceMap(space: TextureSpace, size: number): ImageF {
  const { width, height, mean, basis } = space;
  const texels = width * height;
  const T = basis.length / mean.length;
  const channel = paddedComponents(T);
  const stride = appearanceStride(T);
  const data = new Float32Array(texels * stride);
  for (let i = 0, o = 0; i < texels; i++, o += stride)
    for (let c = 0; c < 3; c++) {
      data[o + c] = mean[3 * i + c];
      for (let t = 0, b = o + 4 + c * channel, at = 3 * i + c; t < T; t++, at += 3 * texels)
        data[b + t] = basis[at];
    }
  return shrinkMap({ width, height, channels: stride, data }, size);
}

/** Halves a map, by averaging texels, until it is at most `size` wide, so that a small picture does not alias. */
export function shrinkMap(map: ImageF, size: number): ImageF {
  if (map.width <= size || map.width % 2 !== 0 || map.height % 2 !== 0) return map;
  const { channels, data } = map;
  const [width, height] = [map.width / 2, map.height / 2];
  const half = new Float32Array(width * height * channels);
  const row = map.width * channels;
  for (let y = 0, o = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = 2 * y * row + 2 * x * channels;
      for (let c = 0; c < channels; c++, o++)
        half[o] =
          0.25 * (data[i + c] + data[i + channels + c] + data[i + row + c] + data[i + row + channels + c]);
    }
  return shrinkMap({ width, height, channels, data: half }, size);
}

/**
 * A texture space with all its numbers of one texel together, (H,W,3·(1+T)): mean first, then component by component;
 * shrunk by averaging 2×2 texels until at most `size` wide, so that a small picture does not alias.
 */
export function texelMajor(space: TextureSpace, size: number): ImageF {
  const T = space.basis.length / space.mean.length;
  const stride = 3 * (1 + T);
  let step = 1;
  while (space.width / step > size && space.width % (2 * step) === 0 && space.height % (2 * step) === 0)
    step *= 2;
  const width = space.width / step;
  const height = space.height / step;
  const data = new Float32Array(width * height * stride);
  const plane = (source: Float32Array, base: number, to: number) => {
    const k = 1 / (step * step);
    for (let y = 0; y < space.height; y++)
      for (let x = 0; x < space.width; x++) {
        const o = (Math.floor(y / step) * width + Math.floor(x / step)) * stride + to;
        const i = base + (y * space.width + x) * 3;
        data[o] += k * source[i];
        data[o + 1] += k * source[i + 1];
        data[o + 2] += k * source[i + 2];
      }
  };
  plane(space.mean, 0, 0);
  for (let t = 0; t < T; t++) plane(space.basis, t * space.mean.length, 3 * (1 + t));
  return { width, height, channels: stride, data };
}
