/**
 * The recipe for one photo: find the face, then minimise the energy of `problem.ts` in stages, each of which starts
 * where the last one stopped:
 *
 *   pose         root rotation, translation; landmarks
 *   landmarks    + jaw, gaze, focal length, identity, expression; landmarks
 *   light        light and texture alone, coarse picture, wide loss
 *   photometric  everything, over a pyramid of pictures; the skin mask is re-estimated before each level
 *
 * All stages are Levenberg-Marquardt on analytic Jacobians. The energy's weights are in {@link FIT_PHOTO_DEFAULTS}.
 */
import { uncropCamera } from '../camera/project.ts';
import { InvalidArgumentError, NoFaceError, throwIfAborted } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { Kernels, MemoryMark } from '../kernels/runtime.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { cropCoverage, resampleCrop, resize } from '../render/resample.ts';
import { minimize } from '../solve/levenberg-marquardt.ts';
import { initialPose } from './initial-pose.ts';
import { measureFit, renderState } from './measure.ts';
import { type BlockName, createLayout, type FitState } from './parameters.ts';
import { type PreparedModel, prepareModel } from './prepare.ts';
import type { PriorOptions } from './priors.ts';
import { createProblem, type EnergyTerms, type FitProblem } from './problem.ts';
import { fitMemory, type ResidentModel } from './resident.ts';
import { estimateSkin, faceHull } from './skin.ts';
import type { CropTransform, EnergyPoint, PhotoFit } from './types.ts';

/** Options of {@link fitPhoto}. */
export interface FitPhotoOptions {
  /** Finds the face; not needed when `observation` is given. */
  readonly perception?: FacePerception;
  /** The face, where it is known already, in pixels of the photo. */
  readonly observation?: FaceObservation;
  /** Which face: the largest, or its number in order of size from 0. */
  readonly face?: 'largest' | number;
  readonly camera?: 'perspective' | 'orthographic';
  /** One light for all channels or one per channel. */
  readonly light?: 'rgb' | 'mono';
  /** 35 mm equivalent focal length from EXIF, null or absent when not known. */
  readonly focal35mm?: number | null;
  /** Skin mask over the whole photo, one channel in [0, 1]: replaces the estimate. */
  readonly mask?: ImageF | null;
  /** Pixels along the side of the crop that is fitted, a multiple of 4. */
  readonly size?: number;
  /** Landmarks only: no photometric stages (light and texture are still estimated). */
  readonly landmarksOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** Override weights; see {@link FIT_PHOTO_DEFAULTS}. */
  readonly weights?: Partial<FitWeights>;
}

/** Weights of the energy. Energies are negative log-likelihoods up to these factors. */
export interface FitWeights {
  /** Weight of the landmark energy: the number of landmarks' worth of evidence. */
  readonly landmarks: number;
  /** Landmark noise as a fraction of the outer-eye-corner distance. */
  readonly landmarkSigma: number;
  /** Relative weights of the landmark kinds. */
  readonly inner: number;
  readonly contour: number;
  readonly mesh: number;
  readonly iris: number;
  /** Weight of the photometric energy: the number of independent pixels' worth of evidence. */
  readonly photometric: number;
  /** Colour noise, RGB in [0, 1]. */
  readonly photometricSigma: number;
  readonly identity: number;
  readonly expression: number;
  readonly texture: number;
}

/** Defaults of {@link fitPhoto}. */
export const FIT_PHOTO_DEFAULTS = {
  face: 'largest',
  camera: 'perspective',
  light: 'rgb',
  size: 224,
  weights: {
    landmarks: 60,
    landmarkSigma: 0.015,
    inner: 1,
    contour: 0.25,
    mesh: 0.4,
    iris: 0.6,
    photometric: 1500,
    photometricSigma: 0.06,
    identity: 1,
    expression: 1,
    texture: 1,
  },
} as const;

/** Expected distance of camera and head, metres, and the deviation of its logarithm: portraits and selfies. */
const DISTANCE = { metres: 0.9, sd: 0.4 };
/** Deviation of the focal length's logarithm when EXIF gives it; photos get cropped, so it is not law. */
const EXIF_FOCAL_SD = 0.15;
const JOINTS = {
  jaw: [0.15, 0.03, 0.03],
  left_eye: [0.25, 0.3, 0.01],
  right_eye: [0.25, 0.3, 0.01],
} as const;
const LIGHT = { weight: 1, level: 0.06, bands: 0.25, colour: 0.04 };
/** Channel value from which a pixel counts as blown out. */
const SATURATED = 0.98;
/** The crop is this many times the larger side of the landmarks' box, and sits this far above its centre. */
const CROP_MARGIN = 1.5;
const CROP_LIFT = 0.08;

const POSE: BlockName[] = ['joint:root', 'translation'];
const GEOMETRY: BlockName[] = [
  ...POSE,
  'focal',
  'joint:jaw',
  'joint:left_eye',
  'joint:right_eye',
  'identity',
  'expression',
];
const APPEARANCE: BlockName[] = ['light', 'texture'];

/**
 * Fits `model` to the face in `image`.
 * @throws {NoFaceError} when there is no face, or not the one asked for.
 * @throws {InvalidArgumentError} on options out of range.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function fitPhoto(
  image: Image8,
  model: HeadModel,
  options: FitPhotoOptions = {},
): Promise<PhotoFit> {
  const size = options.size ?? FIT_PHOTO_DEFAULTS.size;
  if (!Number.isInteger(size) || size < 64 || size > 1024 || size % 4 !== 0)
    throw new InvalidArgumentError(`fitPhoto: options.size must be a multiple of 4 in 64…1024, got ${size}`);
  const start = performance.now();
  options.onProgress?.({ stage: 'perceive', fraction: 0 });
  const observation = options.observation ?? (await observe(image, options));
  throwIfAborted(options.signal);
  const perceived = performance.now();
  const { kernels, resident } = await fitMemory(prepareModel(model));
  const fit = kernels.scope(() =>
    new PhotoFitter(image, resident, kernels, observation, size, options).run(),
  );
  return {
    ...fit,
    timingMs: { perceive: perceived - start, solve: performance.now() - perceived },
  };
}

async function observe(image: Image8, options: FitPhotoOptions): Promise<FaceObservation> {
  if (!options.perception)
    throw new InvalidArgumentError(
      'fitPhoto: options.perception or options.observation is needed to find the face',
    );
  const faces = await options.perception.detect(image, { signal: options.signal });
  if (faces.length === 0) throw new NoFaceError('no face was found in the picture');
  const wanted = options.face ?? FIT_PHOTO_DEFAULTS.face;
  const index = wanted === 'largest' ? 0 : wanted;
  const face = faces[index];
  if (!face)
    throw new NoFaceError(
      `face ${index} was asked for, but the picture has ${faces.length} (they are numbered from 0, largest first)`,
    );
  return face;
}

/** Runs the stages; holds what they share. */
class PhotoFitter {
  private readonly prepared: PreparedModel;
  private readonly crop: CropTransform;
  private readonly local: FaceObservation;
  private readonly weights: FitWeights;
  private readonly eyeDistance: number;
  private readonly warnings: string[] = [];
  private readonly curve: EnergyPoint[] = [];
  private readonly coverage: Float32Array;
  private readonly photos = new Map<number, ImageF>();
  private state: FitState;
  private problem: FitProblem | null = null;
  /** Memory below the present problem's. */
  private mark: MemoryMark | null = null;
  private cost = 0;
  private done = 0;

  constructor(
    private readonly image: Image8,
    private readonly resident: ResidentModel,
    private readonly kernels: Kernels,
    private readonly observation: FaceObservation,
    private readonly size: number,
    private readonly options: FitPhotoOptions,
  ) {
    this.prepared = resident.prepared;
    this.weights = { ...FIT_PHOTO_DEFAULTS.weights, ...options.weights };
    this.crop = faceCrop(observation, size);
    this.local = cropObservation(observation, this.crop);
    const l = this.local.landmarks68;
    this.eyeDistance = Math.hypot(l[72] - l[90], l[73] - l[91]);
    this.coverage = cropCoverage(image.width, image.height, this.crop);
    this.state = this.initialState();
  }

  run(): Omit<PhotoFit, 'timingMs'> {
    const { model } = this.prepared;
    const levels = [this.size / 4, this.size / 2, this.size];
    this.stage('pose', POSE, { iterations: 12, progress: 0.05 });
    this.stage('landmarks', GEOMETRY, { iterations: 12, progress: 0.2 });
    // Light comes from below the brows, where there is no hair: what it predicts above tells hair from forehead.
    this.stage('light', APPEARANCE, {
      iterations: 4,
      progress: 0.3,
      level: levels[0],
      sigma: 3,
      mask: Float32Array.from(this.hull(levels[0])),
      blind: true,
    });
    let mask: Float32Array;
    if (!this.options.landmarksOnly) {
      const plan = [
        { iterations: 5, progress: 0.45, sigma: 2 },
        { iterations: 5, progress: 0.7, sigma: 1.3 },
        { iterations: 4, progress: 0.95, sigma: 1 },
      ];
      for (let i = 0; i < levels.length; i++) {
        mask = this.skinMask(levels[i]);
        this.stage(`photometric ${levels[i]}`, [...GEOMETRY, ...APPEARANCE], {
          ...plan[i],
          level: levels[i],
          mask,
        });
      }
    } else {
      this.stage('appearance', APPEARANCE, {
        iterations: 4,
        progress: 0.95,
        level: levels[1],
        mask: this.skinMask(levels[1]),
      });
    }
    mask = this.skinMask(this.size);
    const terms = this.problem!.terms(this.state);
    const measured = measureFit(
      this.kernels,
      this.prepared,
      this.state,
      this.local,
      this.photo(this.size),
      mask,
    );
    const { metrics, region } = measured;
    if (metrics.landmarkNmeInner51 > 0.06)
      this.warnings.push(
        `the landmarks are off by ${(100 * metrics.landmarkNmeInner51).toFixed(1)} % of the eye distance: look at the overlay before using this head`,
      );
    if (metrics.skinPixels < 0.25 * region)
      this.warnings.push(
        `only ${Math.round((100 * metrics.skinPixels) / Math.max(region, 1))} % of the visible face looks like skin; the rest was left out`,
      );
    this.options.onProgress?.({ stage: 'done', fraction: 1, energy: this.cost });
    const f32 = (x: Float64Array) => Float32Array.from(x);
    const camera = uncropCamera(this.state.camera, this.crop.origin, this.crop.scale);
    return {
      modelName: model.name,
      modelHash: model.hash,
      params: {
        identity: f32(this.state.identity),
        expression: f32(this.state.expression),
        pose: f32(this.state.pose),
        texture: f32(this.state.texture),
      },
      camera,
      light: f32(this.state.light),
      image: { width: this.image.width, height: this.image.height },
      observation: this.observation,
      energy: { total: sum(terms), terms: { ...terms }, curve: this.curve },
      metrics,
      skin: { crop: this.crop, mask: Uint8Array.from(mask, (w) => Math.round(255 * w)) },
      warnings: this.warnings,
    };
  }

  private initialState(): FitState {
    const { model } = this.prepared;
    const { S, E, J, T } = headSizes(model);
    const { width, height } = this.image;
    const focal = this.exifFocal();
    const principal = [
      (width / 2 - this.crop.origin[0]) * this.crop.scale,
      (height / 2 - this.crop.origin[1]) * this.crop.scale,
    ] as const;
    const { rotation, camera } = initialPose(model, this.local.landmarks68, {
      kind: this.options.camera ?? FIT_PHOTO_DEFAULTS.camera,
      principal,
      focal: focal === null ? null : focal,
      distance: DISTANCE.metres,
    });
    const pose = new Float64Array(3 * J);
    pose.set(rotation, 0);
    const light = new Float64Array(27);
    for (let c = 0; c < 3; c++) {
      light[c] = 2.8;
      light[9 + c] = 0.3;
    }
    return {
      identity: new Float64Array(S),
      expression: new Float64Array(E),
      pose,
      texture: new Float64Array(T),
      light,
      camera,
    };
  }

  /** Focal length in crop pixels, null when EXIF gave none. The 35 mm equivalent refers to a 43.27 mm diagonal. */
  private exifFocal(): number | null {
    const f = this.options.focal35mm;
    if (!f || !(f > 0)) return null;
    return (f / 43.27) * Math.hypot(this.image.width, this.image.height) * this.crop.scale;
  }

  private photo(level: number): ImageF {
    let photo = this.photos.get(level);
    if (!photo) {
      const scale = (this.crop.scale * level) / this.size;
      photo = resampleCrop(this.image, { origin: this.crop.origin, scale, size: level });
      this.photos.set(level, photo);
    }
    return photo;
  }

  /** Skin weights at a level: the user's mask, or the estimate from the current state. */
  private skinMask(level: number): Float32Array {
    const photo = this.photo(level);
    const rendered = renderState(this.kernels, this.prepared, this.state, level, level / this.size);
    const coverage = resize(plane(this.coverage, this.size), level, level).data;
    const region = new Uint8Array(level * level);
    for (let p = 0; p < region.length; p++) {
      const f = rendered.raster.faceIndex[p];
      region[p] = f >= 0 && this.prepared.skinFaces[f] && coverage[p] > 0.99 ? 1 : 0;
    }
    if (!this.options.mask)
      return estimateSkin({ photo, render: rendered.rgb, region, core: this.hull(level) });
    const scale = (this.crop.scale * level) / this.size;
    return sampleMask(this.options.mask, this.image, { origin: this.crop.origin, scale, size: level }).map(
      (w, p) => w * region[p],
    );
  }

  /** The part of the picture that is face beyond doubt, at a level. */
  private hull(level: number): Uint8Array {
    const hull = faceHull(this.local.landmarks68, level / this.size, level);
    const coverage = resize(plane(this.coverage, this.size), level, level).data;
    return hull.map((h, p) => (coverage[p] > 0.99 ? h : 0));
  }

  private stage(
    name: string,
    blocks: readonly BlockName[],
    plan: {
      readonly iterations: number;
      readonly progress: number;
      readonly level?: number;
      readonly sigma?: number;
      readonly mask?: Float32Array;
      /** The picture decides light and texture only: landmarks are left out of the energy. */
      readonly blind?: boolean;
    },
  ): void {
    const { weights, prepared, options } = this;
    const layout = createLayout(prepared.model, blocks, { light: options.light ?? FIT_PHOTO_DEFAULTS.light });
    const level = plan.level ?? 0;
    if (this.mark) this.kernels.release(this.mark);
    this.mark = this.kernels.mark();
    this.problem = createProblem(this.kernels, {
      prepared,
      resident: this.resident,
      layout,
      observation: this.local,
      landmarks: plan.blind
        ? null
        : {
            weights,
            loss: { sigma: weights.landmarkSigma * this.eyeDistance, k: 2, weight: weights.landmarks },
          },
      photometric: level
        ? {
            photo: this.photo(level),
            scale: level / this.size,
            mask: dimSaturated(plan.mask ?? resize(plane(this.coverage, this.size), level, level).data, this.photo(level)),
            loss: {
              sigma: weights.photometricSigma * (plan.sigma ?? 1),
              k: 2,
              weight: weights.photometric,
            },
          }
        : null,
      priors: this.priorOptions(),
    });
    const from = this.done;
    const result = minimize(this.problem, this.state, {
      iterations: plan.iterations,
      signal: options.signal,
      onIteration: (iteration, energy) => {
        this.curve.push({ stage: name, iteration, energy });
        options.onProgress?.({
          stage: name,
          fraction: from + ((plan.progress - from) * iteration) / plan.iterations,
          energy,
        });
      },
    });
    this.curve.push({ stage: name, iteration: result.iterations, energy: result.cost });
    this.state = result.state;
    this.cost = result.cost;
    this.done = plan.progress;
  }

  private priorOptions(): PriorOptions {
    const focal = this.exifFocal();
    return {
      identityWeight: this.weights.identity,
      expressionWeight: this.weights.expression,
      textureWeight: this.weights.texture,
      joints: JOINTS,
      light: LIGHT,
      focal: focal === null ? null : { log: Math.log(focal), sd: EXIF_FOCAL_SD },
      distance: focal === null ? DISTANCE : null,
    };
  }
}

/** The square around a face that is fitted. */
export function faceCrop(observation: FaceObservation, size: number): CropTransform {
  const points = observation.mesh;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  const grow = (x: number, y: number) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    x0 = Math.min(x0, x);
    y0 = Math.min(y0, y);
    x1 = Math.max(x1, x);
    y1 = Math.max(y1, y);
  };
  const l = observation.landmarks68;
  for (let i = 0; i < 68; i++) grow(l[2 * i], l[2 * i + 1]);
  if (points) for (let i = 0; i < points.length; i += 3) grow(points[i], points[i + 1]);
  const side = CROP_MARGIN * Math.max(x1 - x0, y1 - y0, 1);
  const lift = points ? 0 : CROP_LIFT * side;
  return {
    origin: [(x0 + x1) / 2 - side / 2, (y0 + y1) / 2 - side / 2 - lift],
    scale: size / side,
    size,
  };
}

function cropObservation(o: FaceObservation, crop: CropTransform): FaceObservation {
  const landmarks68 = o.landmarks68.map((x, i) => (x - crop.origin[i % 2]) * crop.scale);
  const mesh = o.mesh
    ? o.mesh.map((x, i) => (i % 3 === 2 ? x * crop.scale : (x - crop.origin[i % 3]) * crop.scale))
    : null;
  return { box: o.box, score: o.score, landmarks68, mesh };
}

function sampleMask(mask: ImageF, photo: Image8, crop: CropTransform): Float32Array {
  const out = new Float32Array(crop.size * crop.size);
  for (let y = 0; y < crop.size; y++)
    for (let x = 0; x < crop.size; x++) {
      const u = (crop.origin[0] + (x + 0.5) / crop.scale) / photo.width;
      const v = (crop.origin[1] + (y + 0.5) / crop.scale) / photo.height;
      if (u < 0 || v < 0 || u >= 1 || v >= 1) continue;
      const p = Math.floor(v * mask.height) * mask.width + Math.floor(u * mask.width);
      out[y * crop.size + x] = mask.data[p * mask.channels];
    }
  return out;
}

/** Blown-out pixels say no more than "at least this bright": they hardly count. */
function dimSaturated(mask: Float32Array, photo: ImageF): Float32Array {
  return mask.map((w, p) =>
    Math.max(photo.data[3 * p], photo.data[3 * p + 1], photo.data[3 * p + 2]) > SATURATED ? 0.1 * w : w,
  );
}

function plane(data: Float32Array, size: number): ImageF {
  return { width: size, height: size, channels: 1, data };
}

function sum(terms: EnergyTerms): number {
  return Object.values(terms).reduce((a, b) => a + b, 0);
}
