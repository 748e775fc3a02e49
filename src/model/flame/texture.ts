/**
 * FLAME's texture spaces into a `TextureSpace`, streamed: whatever the file's size, memory holds the components kept at
 * the size kept, and one piece of the file.
 *
 *   FLAME_texture.npz          mean (512,512,3), tex_dir (512,512,3,200), vt, ft; 0…255, BGR, components innermost,
 *                              scaled to one standard deviation
 *   FLAME_albedo_from_BFM.npz  MU (786432), PC (786432,199); as above but 0…1
 *   albedoModel2020_FLAME_albedoPart.npz (AlbedoMM, Smith et al. 2020)
 *                              MU, PC, specMU, specPC, vt, ft; diffuse and specular albedo in linear light sharing 145
 *                              coefficients, shown as (0.6·(d+s))^(1/2.2). Our space is linear in encoded colours:
 *                              component k is the half difference of the shown picture at ±1 sd. Its channel order is
 *                              not documented, so the redder of the outer channels over the map is taken as red.
 *   texture_256.npz            mean (H,W,3), basis (T,H,W,3), 0…255, BGR: our small stand-in
 *
 * Reduction averages boxes of texels (`area`) or takes every n-th (`nearest`, as the original's interpolate does).
 */
import { FormatError, InvalidArgumentError } from '../../core/errors.ts';
import type { ProgressListener } from '../../core/progress.ts';
import { decodeElements, type NpyArray, type NpyHeader, toFloat32 } from '../../io/npy.ts';
import { requireFinite } from '../../io/npz.ts';
import type { NpyStream, NpzStream } from '../../io/npz-stream.ts';
import type { TextureSpace } from '../head-model.ts';

/** What to keep of a texture space. */
export interface FlameTextureOptions {
  /** Components kept, the first ones; at most what the file has. */
  readonly textureComponents?: number;
  /** Width and height kept; must divide the file's. */
  readonly textureSize?: number;
  /** How texels are joined when `textureSize` is smaller. */
  readonly textureReduction?: 'area' | 'nearest';
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link FlameTextureOptions}: what the original keeps; less where the file has less. */
export const FLAME_TEXTURE_DEFAULTS = {
  textureComponents: 50,
  textureSize: 256,
  textureReduction: 'area',
} as const satisfies FlameTextureOptions;

/** A texture space and the UV layout that came with it. */
export interface FlameTexture {
  readonly texture: TextureSpace;
  readonly kind: 'flame' | 'bfm' | 'albedomm' | 'small';
  /** Components in the file. */
  readonly available: number;
  readonly vt: NpyArray | null;
  readonly ft: NpyArray | null;
}

type Settings = Required<
  Pick<FlameTextureOptions, 'textureComponents' | 'textureSize' | 'textureReduction'>
> &
  FlameTextureOptions;

/** Sums elements of (H,W,3,K), given in order, into (T,size,size,3). */
class Reduction {
  readonly out: Float32Array;
  readonly #side: number;
  readonly #K: number;
  readonly #T: number;
  readonly #size: number;
  readonly #nearest: boolean;
  #next = 0;

  constructor(side: number, K: number, T: number, options: Settings, out?: Float32Array) {
    this.#side = side;
    this.#K = K;
    this.#T = T;
    this.#size = options.textureSize;
    this.#nearest = options.textureReduction === 'nearest';
    this.out = out ?? new Float32Array(T * this.#size ** 2 * 3);
  }

  /** The next elements of the file. */
  push(values: ArrayLike<number>): void {
    const K = this.#K;
    const T = this.#T;
    const side = this.#side;
    const size = this.#size;
    const n = side / size;
    const weight = this.#nearest ? 1 : 1 / (n * n);
    const plane = size * size * 3;
    const { out } = this;
    let i = 0;
    while (i < values.length) {
      const k = this.#next % K;
      const run = Math.min(K - k, values.length - i);
      const item = (this.#next - k) / K;
      const channel = item % 3;
      const x = ((item - channel) / 3) % side;
      const y = Math.floor(item / (3 * side));
      if (!this.#nearest || (x % n === 0 && y % n === 0)) {
        const target = (Math.floor(y / n) * size + Math.floor(x / n)) * 3 + channel;
        const end = Math.min(k + run, T);
        for (let j = k, s = i; j < end; j++, s++) out[j * plane + target] += weight * values[s];
      }
      this.#next += run;
      i += run;
    }
  }
}

/**
 * Reads a texture space from an opened archive.
 * @throws {FormatError} when it is none of the kinds above.
 * @throws {InvalidArgumentError} when more components are asked for than there are, or a size that does not divide.
 */
export async function readFlameTexture(
  npz: NpzStream,
  options: FlameTextureOptions = {},
): Promise<FlameTexture> {
  const has = (key: string) => npz.keys.includes(key);
  const vt = (await npz.array('vt')) ?? null;
  const ft = (await npz.array('ft')) ?? null;
  if (has('mean') && has('tex_dir'))
    return { ...(await linearSpace(npz, 'mean', 'tex_dir', 255, options)), kind: 'flame', vt, ft };
  if (has('MU') && has('PC') && has('specMU'))
    return { ...(await albedoSpace(npz, options)), kind: 'albedomm', vt, ft };
  if (has('MU') && has('PC'))
    return { ...(await linearSpace(npz, 'MU', 'PC', 1, options)), kind: 'bfm', vt, ft };
  if (has('mean') && has('basis')) return { ...(await smallSpace(npz, options)), kind: 'small', vt, ft };
  throw new FormatError(
    `FLAME texture: none of the known layouts (mean + tex_dir, MU + PC); the file has ${npz.keys.join(', ')}`,
  );
}

/** Whether an archive's arrays look like a texture space. */
export function isFlameTexture(keys: readonly string[]): boolean {
  const has = (...names: string[]) => names.every((n) => keys.includes(n));
  return has('mean', 'tex_dir') || has('MU', 'PC') || has('mean', 'basis');
}

/** Width = height of a map of (side,side,3[,K]) or (side²·3[,K]). */
function sideOf(header: NpyHeader, withK: boolean, key: string): number {
  const shape = withK ? header.shape.slice(0, -1) : header.shape;
  const side = Math.sqrt(shape.reduce((a, b) => a * b, 1) / 3);
  if (!Number.isInteger(side) || side < 1 || header.fortranOrder || !/^.f/.test(header.dtype))
    throw new FormatError(
      `FLAME texture: ${key} has shape (${header.shape}) of ${header.dtype}${header.fortranOrder ? ' in Fortran order' : ''}; a square map of floats was expected`,
    );
  return side;
}

/** What is kept of a file of `side`² texels and K components. */
function settle(side: number, K: number, options: FlameTextureOptions): Settings {
  const size = options.textureSize ?? Math.min(FLAME_TEXTURE_DEFAULTS.textureSize, side);
  const T = options.textureComponents ?? Math.min(FLAME_TEXTURE_DEFAULTS.textureComponents, K);
  const textureReduction = options.textureReduction ?? FLAME_TEXTURE_DEFAULTS.textureReduction;
  if (!Number.isInteger(size) || size < 1 || side % size !== 0)
    throw new InvalidArgumentError(
      `readFlame: options.textureSize must divide ${side}, the size of the file; got ${size}`,
    );
  if (!Number.isInteger(T) || T < 0 || T > K)
    throw new InvalidArgumentError(
      `readFlame: options.textureComponents must be a whole number from 0 to ${K}, what the file has; got ${T}`,
    );
  return { ...options, textureSize: size, textureComponents: T, textureReduction };
}

/** How errors call the file. */
const NAME = 'FLAME texture';

async function open(npz: NpzStream, key: string): Promise<NpyStream> {
  const stream = await npz.stream(key);
  if (!stream) throw new FormatError(`FLAME texture: array ${key} is missing`);
  return stream;
}

/** Runs an array's elements through a reduction; `from`…`to` is its part of the progress. */
async function reduceStream(
  stream: NpyStream,
  sink: Reduction,
  options: Settings,
  from: number,
  to: number,
): Promise<Float32Array> {
  const { itemSize, dtype, bigEndian, count } = stream.header;
  const total = count * itemSize;
  let seen = 0;
  let told = 0;
  let rest = new Uint8Array(0);
  for await (const piece of stream.pieces(options.signal)) {
    const take = Math.min(piece.length, total - seen);
    if (take === 0) continue; // still to be drained, for the checksum
    seen += take;
    let bytes = piece.subarray(0, take);
    if (rest.length > 0) {
      const joined = new Uint8Array(rest.length + take);
      joined.set(rest);
      joined.set(bytes, rest.length);
      bytes = joined;
    }
    const whole = bytes.length - (bytes.length % itemSize);
    sink.push(decodeElements(bytes.subarray(0, whole), dtype, bigEndian) as Float32Array);
    rest = bytes.slice(whole);
    if (options.onProgress && seen - told > total / 100) {
      told = seen;
      options.onProgress({ stage: 'texture', fraction: from + ((to - from) * seen) / total });
    }
  }
  options.onProgress?.({ stage: 'texture', fraction: to });
  return sink.out;
}

/** (…,H,W,3) BGR in 0…`white` to RGB in [0, 1], in place. */
function toRgb(values: Float32Array, white: number): Float32Array {
  for (let i = 0; i < values.length; i += 3) {
    const blue = values[i];
    values[i] = values[i + 2] / white;
    values[i + 1] /= white;
    values[i + 2] = blue / white;
  }
  return values;
}

function space(mean: Float32Array, basis: Float32Array, size: number, T: number): TextureSpace {
  const names = Array.from({ length: T }, (_, k) => `texture_${String(k + 1).padStart(3, '0')}`);
  return { width: size, height: size, mean, basis, names };
}

async function linearSpace(
  npz: NpzStream,
  meanKey: string,
  basisKey: string,
  white: number,
  wanted: FlameTextureOptions,
): Promise<{ texture: TextureSpace; available: number }> {
  const basisStream = await open(npz, basisKey);
  const meanStream = await open(npz, meanKey);
  const side = sideOf(basisStream.header, true, basisKey);
  const available = basisStream.header.shape.at(-1) ?? 0;
  if (sideOf(meanStream.header, false, meanKey) !== side)
    throw new FormatError(`FLAME texture: ${meanKey} and ${basisKey} differ in size`);
  const options = settle(side, available, wanted);
  const { textureComponents: T, textureSize: size } = options;
  const mean = await reduceStream(meanStream, new Reduction(side, 1, 1, options), options, 0, 0.01);
  const basis = await reduceStream(basisStream, new Reduction(side, available, T, options), options, 0.01, 1);
  requireFinite(mean, meanKey, NAME);
  requireFinite(basis, basisKey, NAME);
  return { texture: space(toRgb(mean, white), toRgb(basis, white), size, T), available };
}

async function albedoSpace(
  npz: NpzStream,
  wanted: FlameTextureOptions,
): Promise<{ texture: TextureSpace; available: number }> {
  const basisStream = await open(npz, 'PC');
  const specularStream = await open(npz, 'specPC');
  const side = sideOf(basisStream.header, true, 'PC');
  const available = basisStream.header.shape.at(-1) ?? 0;
  if (`${specularStream.header.shape}` !== `${basisStream.header.shape}`)
    throw new FormatError('FLAME texture: PC and specPC differ in shape');
  const options = settle(side, available, wanted);
  const { textureComponents: T, textureSize: size } = options;
  const mean = await reduceStream(
    await open(npz, 'MU'),
    new Reduction(side, 1, 1, options),
    options,
    0,
    0.01,
  );
  const meanSink = new Reduction(side, 1, 1, options, mean);
  await reduceStream(await open(npz, 'specMU'), meanSink, options, 0.01, 0.02);
  const basis = await reduceStream(
    basisStream,
    new Reduction(side, available, T, options),
    options,
    0.02,
    0.51,
  );
  await reduceStream(specularStream, new Reduction(side, available, T, options, basis), options, 0.51, 1);
  requireFinite(mean, 'MU or specMU', NAME);
  requireFinite(basis, 'PC or specPC', NAME);
  const texels = mean.length;
  for (let k = 0; k < T; k++)
    for (let i = 0; i < texels; i++) {
      const j = k * texels + i;
      basis[j] = (shown(mean[i] + basis[j]) - shown(mean[i] - basis[j])) / 2;
    }
  for (let i = 0; i < texels; i++) mean[i] = shown(mean[i]);
  let redness = 0;
  for (let i = 0; i < texels; i += 3) redness += mean[i] - mean[i + 2];
  if (redness < 0) {
    toRgb(mean, 1);
    toRgb(basis, 1);
  }
  return { texture: space(mean, basis, size, T), available };
}

/** Linear albedo as AlbedoMM's authors show it. */
function shown(albedo: number): number {
  return (0.6 * Math.max(albedo, 0)) ** (1 / 2.2);
}

async function smallSpace(
  npz: NpzStream,
  wanted: FlameTextureOptions,
): Promise<{ texture: TextureSpace; available: number }> {
  const mean = await npz.array('mean');
  const basis = await npz.array('basis');
  const shape = basis?.shape ?? [];
  if (!mean || !basis || shape.length !== 4 || shape[1] !== shape[2] || shape[3] !== 3 || basis.fortranOrder)
    throw new FormatError(`FLAME texture: basis has shape (${shape}), (T,H,H,3) expected`);
  const [available, side] = shape;
  const settings = settle(side, available, wanted);
  const { textureComponents: T, textureSize: size } = settings;
  const reduce = (values: Float32Array) => {
    const sink = new Reduction(side, 1, 1, settings);
    sink.push(values);
    return toRgb(sink.out, 255);
  };
  const values = requireFinite(toFloat32(basis), 'basis', NAME);
  const out = new Float32Array(T * size * size * 3);
  const plane = side * side * 3;
  for (let k = 0; k < T; k++)
    out.set(reduce(values.subarray(k * plane, (k + 1) * plane)), k * size * size * 3);
  return { texture: space(reduce(requireFinite(toFloat32(mean), 'mean', NAME)), out, size, T), available };
}
