/**
 * A texture space in the layout of the official FLAME_texture.npz, which the original fitter loads as it stands:
 *
 *   mean (512,512,3), tex_dir (512,512,3,200)   float32, 0…255, BGR, a row per texel, components innermost, scaled to
 *                                               one standard deviation
 *   vt (U,2) float32 with v up, ft (F,3) uint32
 *
 * The original reshapes `tex_dir` to (-1, 200): with fewer components the rest are zeros, with more they are cut. Maps
 * of another size are resampled: averaged over boxes where ours is larger by a whole factor, else interpolated.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../../core/errors.ts';
import type { ProgressListener } from '../../core/progress.ts';
import { toFloat32 } from '../../io/dtypes.ts';
import type { NpyPieces } from '../../io/npz-write-stream.ts';
import type { Tensor } from '../../io/safetensors.ts';
import type { HeadModel, TextureSpace } from '../head-model.ts';
import { axisTaps } from '../resize-space.ts';

/** Options of {@link flameTextureEntries}. */
export interface FlameTextureWriteOptions {
  /** Width and height of the maps written. */
  readonly size?: number;
  /** Components written. */
  readonly components?: number;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link FlameTextureWriteOptions}: what the official file has and the original insists on. */
export const FLAME_TEXTURE_WRITE_DEFAULTS = { size: 512, components: 200 } as const;

/** Triangles of every FLAME head. */
export const FLAME_FACES = 9976;

/** A texture space whose basis may still be stored as a tensor (T,H,W,3) F32 or F16. */
export type StoredTexture = Omit<TextureSpace, 'basis'> & { readonly basis: Float32Array | Tensor };

/**
 * The arrays of the file, for `npzPieces`.
 * @throws {InvalidArgumentError} when the head is not FLAME's, or an option is out of range
 */
export function flameTextureEntries(
  model: HeadModel,
  texture: StoredTexture,
  options: FlameTextureWriteOptions = {},
): Record<string, NpyPieces> {
  const { size, components } = withDefaults(FLAME_TEXTURE_WRITE_DEFAULTS, options);
  if (model.faces.length !== 3 * FLAME_FACES)
    throw new InvalidArgumentError(
      `FLAME_texture.npz is for FLAME's mesh of ${FLAME_FACES} triangles; ${model.name} has ${model.faces.length / 3}`,
    );
  for (const [name, x] of [
    ['size', size],
    ['components', components],
  ] as const)
    if (!Number.isInteger(x) || x < 1)
      throw new InvalidArgumentError(
        `flameTextureEntries: options.${name} must be a positive integer, got ${x}`,
      );
  const { width, height, mean, basis, names } = texture;
  const rowLength = 3 * width;
  const meanRow = (y: number) => mean.subarray(y * rowLength, (y + 1) * rowLength);
  const basisRow = (t: number, y: number): Float32Array => {
    const at = (t * height + y) * rowLength;
    if (basis instanceof Float32Array) return basis.subarray(at, at + rowLength);
    const item = basis.dtype === 'F16' ? 2 : 4;
    return toFloat32({ ...basis, bytes: basis.bytes.subarray(at * item, (at + rowLength) * item) });
  };
  const T = Math.min(components, names.length);
  const xs = axisTaps(width, size);
  const ys = axisTaps(height, size);
  const line = new Float32Array(3 * size);

  /** Row `y` of the written map of one component: RGB. */
  const resampled = (row: (y: number) => Float32Array, y: number): Float32Array => {
    line.fill(0);
    for (const [sy, wy] of ys[y]) {
      const source = row(sy);
      for (let x = 0; x < size; x++)
        for (const [sx, wx] of xs[x]) {
          const w = wx * wy;
          for (let c = 0; c < 3; c++) line[3 * x + c] += w * source[3 * sx + c];
        }
    }
    return line;
  };

  function* meanPieces(): Iterable<Uint8Array> {
    for (let y = 0; y < size; y++) {
      const rgb = resampled(meanRow, y);
      yield bytesOf(rgb.map((_, i) => 255 * rgb[i + 2 - 2 * (i % 3)]));
    }
  }
  function* basisPieces(): Iterable<Uint8Array> {
    for (let y = 0; y < size; y++) {
      throwIfAborted(options.signal);
      options.onProgress?.({ stage: 'FLAME_texture.npz', fraction: y / size });
      const out = new Float32Array(3 * size * components);
      for (let t = 0; t < T; t++) {
        const rgb = resampled((sy) => basisRow(t, sy), y);
        for (let i = 0; i < 3 * size; i++) out[i * components + t] = 255 * rgb[i + 2 - 2 * (i % 3)];
      }
      yield bytesOf(out);
    }
  }
  const U = model.uvs.length / 2;
  return {
    mean: { dtype: '<f4', shape: [size, size, 3], pieces: meanPieces },
    tex_dir: { dtype: '<f4', shape: [size, size, 3, components], pieces: basisPieces },
    vt: {
      dtype: '<f4',
      shape: [U, 2],
      pieces: () => [bytesOf(model.uvs.map((x, i) => (i % 2 === 1 ? 1 - x : x)))],
    },
    ft: { dtype: '<u4', shape: [FLAME_FACES, 3], pieces: () => [bytesOf(model.faceUvs)] },
  };
}

function bytesOf(values: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
