/**
 * The recipe for one face in one photo: minimise the energy of `problem.ts` in stages, each of which starts
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
import type { Image8, ImageF } from '../core/image.ts';
import type { Kernels, MemoryMark } from '../kernels/runtime.ts';
import { headSizes } from '../model/head-model.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { cropCoverage, resampleCrop, resize } from '../render/resample.ts';
import { minimize } from '../solve/levenberg-marquardt.ts';
import { cropObservation, dimSaturated, faceCrop, plane, sampleMask } from './face-crop.ts';
import { FIT_PHOTO_DEFAULTS, type FitPhotoOptions, type FitWeights } from './fit-options.ts';
import { initialPose } from './initial-pose.ts';
import { measureFit } from './measure.ts';
import { type BlockName, createLayout, type FitState } from './parameters.ts';
import type { PreparedModel } from './prepare.ts';
import type { PriorOptions } from './priors.ts';
import { createProblem, type EnergyTerms, type FitProblem } from './problem.ts';
import { renderSkin } from './render-skin.ts';
import type { ResidentModel } from './resident.ts';
import { estimateSkin, faceHull, typicalResidual } from './skin.ts';
import type { CropTransform, EnergyPoint, PhotoFit } from './types.ts';

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

/**
 * Where the model explains a photo better than `photometricSigma`, its colours are trusted more, down to this share:
 * the fit to a clean picture is limited by the picture, the fit to a face the model lacks by the model.
 */
const NOISE_MIN = 0.4;

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

/** Runs the stages; holds what they share. */
export class PhotoFitter {
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
  /** The mask made last. */
  private mask: { readonly state: FitState; readonly level: number; readonly weights: Float32Array } | null =
    null;
  private cost = 0;
  /** Colour noise over `weights.photometricSigma`: what the last mask found the model to explain. */
  private noise = 1;
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
          sigma: plan[i].sigma * this.noise,
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
      this.resident,
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
    if (this.mask?.state !== this.state || this.mask.level !== level)
      this.mask = { state: this.state, level, weights: this.makeSkinMask(level) };
    return this.mask.weights;
  }

  private makeSkinMask(level: number): Float32Array {
    const photo = this.photo(level);
    const rendered = renderSkin(this.kernels, this.resident, this.state, level, level / this.size);
    const coverage = resize(plane(this.coverage, this.size), level, level).data;
    const region = rendered.region.map((seen, p) => (coverage[p] > 0.99 ? seen : 0));
    const core = this.hull(level);
    const scale = (this.crop.scale * level) / this.size;
    const mask = this.options.mask
      ? sampleMask(this.options.mask, this.image, { origin: this.crop.origin, scale, size: level }).map(
          (w, p) => w * region[p],
        )
      : estimateSkin({ photo, render: rendered.rgb, region, core });
    const typical = typicalResidual(photo, rendered.rgb, mask) / this.weights.photometricSigma;
    this.noise = Math.min(Math.max(typical, NOISE_MIN), 1);
    return mask;
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
            mask: dimSaturated(
              plan.mask ?? resize(plane(this.coverage, this.size), level, level).data,
              this.photo(level),
            ),
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

function sum(terms: EnergyTerms): number {
  return Object.values(terms).reduce((a, b) => a + b, 0);
}
