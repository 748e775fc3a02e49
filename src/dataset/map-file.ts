/**
 * Texture maps as bytes: a NumPy archive with
 *
 *   albedo      (H,W,3) uint8, 255 = 1, or float16; sRGB-encoded RGB
 *   visibility  (H,W) uint8, 255 seen face on, 0 not seen
 *   layout_hash (32) uint8, SHA-256 of the UV layout (`uvLayoutHash`) that it lies on; all zero where not known
 *
 * Where nothing was seen the albedo is a guess: the fit's own in `fits/…/map.npz`, the completion's in `completed/`.
 * Eight bits are the default: their rounding, 0.3/255, is far below what a fit can tell, and a 512² map takes 0.5 MB in
 * place of 1.1. The same map gives the same bytes.
 */
import { withDefaults } from '../core/defaults.ts';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { type NpyArray, npyArray, toFloat32 } from '../io/npy.ts';
import { npzGet, readNpz, requireFinite, writeNpz } from '../io/npz.ts';
import type { TextureMap } from '../texture/texture-map.ts';

/** Options of {@link encodeMap}. */
export interface EncodeMapOptions {
  /** How albedo is stored; values outside [0, 1] survive in `float16` only. */
  readonly precision?: 'uint8' | 'float16';
  /** Hash of the UV layout, 64 hexadecimal digits. */
  readonly layoutHash?: string;
}

/** Defaults of {@link EncodeMapOptions}. */
export const ENCODE_MAP_DEFAULTS = { precision: 'uint8' } as const satisfies EncodeMapOptions;

/** A map with the UV layout it belongs to. */
export interface DecodedMap extends TextureMap {
  /** Hash of the UV layout; null where the file does not say. */
  readonly layoutHash: string | null;
}

/**
 * A map as the bytes of an npz file.
 * @throws {InvalidArgumentError} when its arrays are not of its size or the hash is none
 */
export function encodeMap(map: TextureMap, options: EncodeMapOptions = {}): Uint8Array {
  const { precision, layoutHash } = withDefaults(ENCODE_MAP_DEFAULTS, options);
  const { size, albedo, visibility } = map;
  if (albedo.length !== 3 * size * size || visibility.length !== size * size)
    throw new InvalidArgumentError(
      `encodeMap: a map of ${size}² texels has ${3 * size * size} values and ${size * size} visibilities, got ${albedo.length} and ${visibility.length}`,
    );
  if (layoutHash !== undefined && !/^[0-9a-f]{64}$/.test(layoutHash))
    throw new InvalidArgumentError(`encodeMap: options.layoutHash must be 64 hexadecimal digits`);
  const shape = [size, size, 3];
  const stored: NpyArray =
    precision === 'uint8'
      ? npyArray(
          Uint8Array.from(albedo, (x) => Math.min(255, Math.max(0, Math.round(255 * x)))),
          shape,
        )
      : { dtype: '<f2', shape, fortranOrder: false, data: albedo };
  const hash = layoutHash
    ? Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(layoutHash.slice(2 * i, 2 * i + 2), 16))
    : new Uint8Array(32);
  return writeNpz({
    albedo: stored,
    visibility: npyArray(visibility, [size, size]),
    layout_hash: npyArray(hash),
  });
}

/**
 * Reads a map.
 * @param name how errors call the file
 * @throws {FormatError} when it is no map
 */
export function decodeMap(bytes: Uint8Array, name = 'map.npz'): DecodedMap {
  const npz = readNpz(bytes, name);
  const stored = npzGet(npz, 'albedo', name);
  const seen = npzGet(npz, 'visibility', name);
  const [size] = stored.shape;
  const wrong = (what: string) => new FormatError(`${name}: ${what}; it is no texture map`);
  if (stored.shape.length !== 3 || stored.shape[1] !== size || stored.shape[2] !== 3 || !(size > 0))
    throw wrong(`albedo has shape (${stored.shape.join(', ')}), not (size, size, 3)`);
  if (seen.shape.length !== 2 || seen.shape[0] !== size || seen.shape[1] !== size)
    throw wrong(`visibility has shape (${seen.shape.join(', ')}), not (${size}, ${size})`);
  if (seen.dtype !== '|u1' || seen.fortranOrder)
    throw wrong(`visibility is ${seen.dtype}, not uint8 by rows`);
  if (!['|u1', '<f2', '<f4'].includes(stored.dtype))
    throw wrong(`albedo is ${stored.dtype}, not uint8, float16 or float32`);
  const albedo = requireFinite(toFloat32(stored), 'albedo', name);
  if (stored.dtype === '|u1') for (let i = 0; i < albedo.length; i++) albedo[i] /= 255;
  const hash = npz.get('layout_hash')?.data;
  const known = hash instanceof Uint8Array && hash.length === 32 && hash.some((x) => x !== 0);
  return {
    size,
    albedo,
    visibility: seen.data as Uint8Array,
    layoutHash: known ? Array.from(hash, (x) => x.toString(16).padStart(2, '0')).join('') : null,
  };
}
