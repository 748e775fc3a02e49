/**
 * Where a texture space begins, before any photo: carried over from another surface, taken from a head that has one, or
 * nothing but a colour.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel, TextureSpace } from '../model/head-model.ts';
import { resizeSpace } from '../model/resize-space.ts';
import { type SpaceInput, uvLayoutHash } from '../model/space-pack.ts';
import type { FacePerception } from '../perceive/types.ts';
import { type ColouredSurface, headSurface } from './coloured-surface.ts';
import { registerSurface } from './register-surface.ts';
import { SPACE_INIT_DEFAULTS } from './space-defaults.ts';
import { findSurfaceLandmarks } from './surface-landmarks.ts';
import { transferColours } from './transfer-colours.ts';

/** Options of {@link spaceFromSurface} and {@link spaceFromHead}. */
export interface SpaceInitOptions {
  /** Texels along each side of the map. */
  readonly size?: number;
  /** Components kept, the first ones; at most what there are. */
  readonly components?: number;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** An initial space, and what is worth knowing about it. */
export interface InitialSpace {
  readonly space: SpaceInput;
  /** Mean distance of head and surface after registration, metres; 0 where nothing was registered. */
  readonly distance: number;
  /** Fraction of the used texels that colours were carried onto. */
  readonly covered: number;
  readonly warnings: readonly string[];
}

/** What is said about a space in its file. */
export type SpaceAbout = Pick<SpaceInput, 'name' | 'license' | 'credits' | 'provenance'>;

/**
 * Carries a surface's colours onto a head.
 * @param perception finds the face where the surface has no landmarks; called only then
 * @throws {InvalidArgumentError} when an option is out of range, or the face is not found
 * @throws {AbortedError} when cancelled
 */
export async function spaceFromSurface(
  surface: ColouredSurface,
  model: HeadModel,
  about: SpaceAbout,
  perception: () => Promise<FacePerception>,
  options: SpaceInitOptions = {},
): Promise<InitialSpace> {
  const { size, components } = check(options);
  const { signal, onProgress } = options;
  const kernels = await createKernels();
  onProgress?.({ stage: 'landmarks', fraction: 0 });
  const landmarks =
    surface.landmarks ?? (await findSurfaceLandmarks(kernels, surface, await perception(), signal));
  throwIfAborted(signal);
  const registration = await registerSurface(
    model,
    { ...surface, landmarks },
    {
      signal,
      onProgress: ({ stage, fraction }) => onProgress?.({ stage, fraction: 0.05 + 0.45 * fraction }),
    },
  );
  const { texture, coverage, covered } = transferColours(kernels, model, surface, registration, {
    size,
    components,
    signal,
    onProgress: ({ stage, fraction }) => onProgress?.({ stage, fraction: 0.5 + 0.5 * fraction }),
  });
  const space = await describe(model, texture, coverage, about);
  return { space, distance: registration.distance, covered, warnings: registration.fit.warnings };
}

/**
 * A head's own texture space: as it is where `model` has the same texture layout, else carried over.
 * @throws {InvalidArgumentError} when `from` has no texture space, or an option is out of range
 * @throws {AbortedError} when cancelled
 */
export async function spaceFromHead(
  from: HeadModel,
  model: HeadModel,
  about: SpaceAbout,
  options: SpaceInitOptions = {},
): Promise<InitialSpace> {
  const { size, components } = check(options);
  if ((await uvLayoutHash(from)) !== (await uvLayoutHash(model)))
    return spaceFromSurface(headSurface(from), model, about, noPerception, options);
  const { texture } = from;
  if (!texture) throw new InvalidArgumentError(`spaceFromHead: ${from.name} has no texture space`);
  const resized = resizeSpace(texture, size, components);
  return { space: await describe(model, resized, null, about), distance: 0, covered: 1, warnings: [] };
}

/**
 * One colour all over the head, and three components that are uniform too, so that a fit can still find a person's
 * tone: darker or lighter (18 % of the colour per standard deviation, as much as the first component of the embedded
 * space), redder or greener, bluer or yellower (both 2 %).
 * @param rgb sRGB-encoded, in [0, 1]
 * @throws {InvalidArgumentError} when it is no colour, or an option is out of range
 */
export async function spaceFromColour(
  rgb: readonly [number, number, number],
  model: HeadModel,
  about: SpaceAbout,
  options: Pick<SpaceInitOptions, 'size'> = {},
): Promise<InitialSpace> {
  const { size } = check(options);
  if (!rgb.every((x) => x >= 0 && x <= 1))
    throw new InvalidArgumentError(`spaceFromColour: rgb must be three numbers from 0 to 1, got ${rgb}`);
  const uniform = [rgb, rgb.map((x) => 0.18 * x), [0.02, -0.02, 0], [0.01, 0.01, -0.02]];
  const n = 3 * size * size;
  const [mean, ...basis] = uniform.map((colour) => Float32Array.from({ length: n }, (_, i) => colour[i % 3]));
  const flat = new Float32Array(n * basis.length);
  basis.forEach((values, t) => {
    flat.set(values, t * n);
  });
  const names = ['lightness', 'redness', 'yellowness'];
  const texture = { width: size, height: size, mean, basis: flat, names };
  return { space: await describe(model, texture, null, about), distance: 0, covered: 0, warnings: [] };
}

async function describe(
  model: HeadModel,
  texture: TextureSpace,
  coverage: Uint8Array | null,
  about: SpaceAbout,
): Promise<SpaceInput> {
  return {
    ...about,
    model: { name: model.name, hash: model.hash },
    layout: await uvLayoutHash(model),
    explained: [],
    maps: 0,
    texture,
    coverage,
  };
}

function check(options: SpaceInitOptions): { size: number; components: number } {
  const { size, components } = withDefaults(SPACE_INIT_DEFAULTS, options);
  if (!Number.isInteger(size) || size < 16 || size > 4096)
    throw new InvalidArgumentError(`space init: size must be a whole number from 16 to 4096, got ${size}`);
  if (!Number.isInteger(components) || components < 1)
    throw new InvalidArgumentError(`space init: components must be a positive integer, got ${components}`);
  return { size, components };
}

async function noPerception(): Promise<FacePerception> {
  throw new InvalidArgumentError('space init: heads have landmarks of their own');
}
