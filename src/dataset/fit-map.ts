/**
 * One photo through the fit stage: shape, pose, expression, the initial space's texture coefficients and light (the fit),
 * then the texture offset over the skin, and from that the map with its visibility and the measures that the gate wants.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import { faceSharpness } from '../fit/face-sharpness.ts';
import { fitPhoto } from '../fit/fit-photo.ts';
import { headYaw } from '../fit/landmark-energy.ts';
import type { PhotoFit } from '../fit/types.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { solveTextureOffset, type TextureOffset } from '../texture/solve-offset.ts';
import { buildTexelGraph } from '../texture/texel-graph.ts';
import type { TextureMap } from '../texture/texture-map.ts';
import { perceptualHash } from './perceptual-hash.ts';
import type { PhotoMeasures } from './photo-files.ts';
import type { PhotoFitSettings } from './work-file.ts';

/** A photo ready to be fitted. */
export interface MapPhoto {
  /** Name without folder, for the record. */
  readonly name: string;
  readonly photo: DecodedPhoto;
  readonly observation: FaceObservation;
  /** Faces found in the photo. */
  readonly faces: number;
  /** (H,W) skin in [0, 1], where known. */
  readonly mask?: Float32Array | null;
}

/** What fitting a photo gives. */
export interface FittedMap {
  readonly fit: PhotoFit;
  readonly offset: TextureOffset;
  readonly map: TextureMap;
  readonly measures: PhotoMeasures;
}

/**
 * Makes sure that maps can be made on `model`.
 * @throws {InvalidArgumentError} when it has no UV map or its texture is not square
 */
export function checkMapModel(model: HeadModel): void {
  if (model.uvs.length === 0)
    throw new InvalidArgumentError(`${model.name}: the head has no UV map, so it can't have a texture space`);
  const { texture } = model;
  if (texture && texture.width !== texture.height)
    throw new InvalidArgumentError(
      `${model.name}: its texture is ${texture.width} × ${texture.height} texels; texture spaces are built on square maps`,
    );
}

/**
 * Fits one photo.
 * @throws {AbortedError} when `signal` is aborted
 */
export async function fitMap(
  kernels: Kernels,
  input: MapPhoto,
  model: HeadModel,
  settings: PhotoFitSettings,
  signal?: AbortSignal,
): Promise<FittedMap> {
  const { photo, observation, mask } = input;
  const { image } = photo;
  const fit = await fitPhoto(image, model, {
    observation,
    light: settings.light,
    camera: settings.camera,
    size: settings.size,
    focal35mm: photo.focal35mm,
    mask: mask && { width: image.width, height: image.height, channels: 1, data: mask },
    // Spaces of many photos were measured with the gloss in the maps, over the head's own texture.
    weights: { gloss: 0, tint: 0 },
    signal,
  });
  const size = settings.map as 512;
  const offset = solveTextureOffset(kernels, fit, image, model, { size, signal });
  const map: TextureMap = {
    size,
    albedo: offset.albedo.data,
    visibility: Uint8Array.from(offset.visibility, (v) => Math.round(255 * v)),
  };
  const l = observation.landmarks68;
  const measures: PhotoMeasures = {
    format: 'space-measures/1',
    file: input.name,
    landmarks: digits(fit.metrics.landmarkNmeInner51),
    residual: digits(offset.metrics.before.l1),
    residual_offset: digits(offset.metrics.after.l1),
    coverage: digits(faceCoverage(kernels, model, map)),
    sharpness: digits(faceSharpness(image, fit.skin.crop, l)),
    eye_distance: digits(Math.hypot(l[72] - l[90], l[73] - l[91])),
    yaw: digits((180 / Math.PI) * headYaw(model, fit.params.pose)),
    faces: input.faces,
    perceptual_hash: perceptualHash(image),
  };
  return { fit, offset, map, measures };
}

/** Six significant digits: more is noise to whoever reads it. */
const digits = (x: number) => Number(x.toPrecision(6));

/** Side of the map on which coverage is counted. */
const COVERAGE_SIZE = 128;

const faceTexels = new WeakMap<HeadModel, Uint32Array>();

/** Mean visibility, in [0, 1], over the texels of the model's `face` region. */
function faceCoverage(kernels: Kernels, model: HeadModel, map: TextureMap): number {
  let texels = faceTexels.get(model);
  if (!texels) faceTexels.set(model, (texels = findFaceTexels(kernels, model)));
  const k = map.size / COVERAGE_SIZE;
  let sum = 0;
  for (const t of texels) {
    const x = Math.floor(((t % COVERAGE_SIZE) + 0.5) * k);
    const y = Math.floor((Math.floor(t / COVERAGE_SIZE) + 0.5) * k);
    sum += map.visibility[y * map.size + x];
  }
  return texels.length > 0 ? sum / (255 * texels.length) : 0;
}

function findFaceTexels(kernels: Kernels, model: HeadModel): Uint32Array {
  const graph = buildTexelGraph(kernels, model, COVERAGE_SIZE, COVERAGE_SIZE);
  const face = new Set(model.regions.get('face') ?? model.regions.get('skin'));
  return graph.texels.filter(
    (_, i) => graph.rings[i] === 0 && [0, 1, 2].every((a) => face.has(model.faces[3 * graph.faces[i] + a])),
  );
}
