/**
 * One photo's side of a fit: the crop around the face at every level of the pyramid, the skin mask, the first guess, the
 * problem of a stage, and the measured result.
 */
import { cropCamera, uncropCamera } from '../camera/project.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { PhotometricLoss } from '../kernels/photometric.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { headSizes } from '../model/head-model.ts';
import { tintMaps } from '../model/tint.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { cropCoverage, resampleCrop, resize } from '../render/resample.ts';
import type { CommonAlbedo, ComparedPhoto } from './common-albedo.ts';
import { cropObservation, dimSaturated, faceCrop, plane, sampleMask } from './face-crop.ts';
import {
  FIT_PHOTO_DEFAULTS,
  type FitWeights,
  MEASURED,
  type PersonOptions,
  type ViewOptions,
} from './fit-options.ts';
import { findGloss, type Gloss } from './gloss.ts';
import { findHair } from './hair.ts';
import { initialPose } from './initial-pose.ts';
import { type KnownSize, measured } from './known-size.ts';
import { measureFit } from './measure.ts';
import type { FitState, ParameterLayout } from './parameters.ts';
import type { PriorOptions } from './priors.ts';
import { createProblem, type FitProblem } from './problem.ts';
import { renderSkin } from './render-skin.ts';
import type { ResidentModel } from './resident.ts';
import { estimateSkin, faceHull, typicalResidual } from './skin.ts';
import { findTint, type Tint } from './tint.ts';
import type { CropTransform, EnergyPoint, PhotoFit } from './types.ts';

/** Expected distance of camera and head, metres, and the deviation of its logarithm: portraits and selfies. */
const DISTANCE = { metres: 0.9, sd: 0.4 };
/** Deviation of the focal length's logarithm when EXIF gives it; photos get cropped, so it is not law. */
const EXIF_FOCAL_SD = 0.15;
/** Standard deviations of the joints' rotations, radians per axis. */
export const JOINTS = {
  jaw: [0.15, 0.03, 0.03],
  left_eye: [0.25, 0.3, 0.01],
  right_eye: [0.25, 0.3, 0.01],
} as const;
/** Prior of the light, see `priors.ts`. */
export const LIGHT = { weight: 1, level: 0.06, bands: 0.25, colour: 0.04 };

/**
 * Where the model explains a photo better than `photometricSigma`, its colours are trusted more, down to this share:
 * the fit to a clean picture is limited by the picture, the fit to a face the model lacks by the model.
 */
export const NOISE_MIN = 0.25;
/** Share of `photometricSigma` below which the model explains a photo: nothing but noise is left. */
const EXPLAINED = 0.47;
/**
 * Gloss is looked for where the model does not explain the photo, at half the full size and above: a quarter of it has few
 * pixels, and the first guess has other faults.
 */
const GLOSS_LEVEL = 0.5;
/**
 * Tint at the full size alone. At half of it as well it took what shape and texture would have explained later: skin differences of
 * ten photos were 1 % higher.
 */
const TINT_LEVEL = 1;
/**
 * Width of the photometric loss in σ where the model does not explain the photo. What a model lacks are outliers; noise has
 * hardly any, and a loss that takes a median residual for half of one wastes it: there it widens to `explainedWidth`.
 */
const LACKING_WIDTH = 2;
/** Landmark error from which a fit is worth a warning, and the share of the visible skin region below which it is. */
const WARN_NME = 0.06;
const WARN_SKIN = 0.25;

/** The photometric part of a stage. */
export interface PhotometricStage {
  /** Pixels along the side of the picture compared. */
  readonly level: number;
  /** Width of the loss, in units of its final one. */
  readonly sigma: number;
  /** Compare below the brows only, and leave the landmarks out: for light and texture alone. */
  readonly hull?: boolean;
  /** Compare with the person's other photos too. */
  readonly common?: { readonly albedo: CommonAlbedo; readonly view: number };
}

/** See the header. */
export class FaceView {
  readonly crop: CropTransform;
  private readonly local: FaceObservation;
  private readonly eyeDistance: number;
  private readonly coverage: Float32Array;
  /** By level. */
  private readonly photos = new Map<number, ImageF>();
  private readonly hulls = new Map<number, Uint8Array>();
  private readonly coverages = new Map<number, Float32Array>();
  /** The mask made last. */
  private mask: SkinMask | null = null;
  /** Colour noise over `weights.photometricSigma`: what the last mask found the model to explain. */
  private noise = 1;

  constructor(
    private readonly kernels: Kernels,
    readonly resident: ResidentModel,
    private readonly image: Image8,
    private readonly observation: FaceObservation,
    private readonly size: number,
    private readonly options: ViewOptions,
    private readonly weights: FitWeights,
  ) {
    this.crop = faceCrop(observation, size);
    this.local = cropObservation(observation, this.crop);
    const l = this.local.landmarks68;
    this.eyeDistance = Math.hypot(l[72] - l[90], l[73] - l[91]);
    this.coverage = cropCoverage(image.width, image.height, this.crop);
  }

  /** Another view of the same photo that goes on from what this one has found by now. */
  again(): FaceView {
    const { kernels, resident, image, observation, size, options, weights } = this;
    const view = new FaceView(kernels, resident, image, observation, size, options, weights);
    view.noise = this.noise;
    return view;
  }

  /** Mean head, closed-form pose and camera, soft light from the front. */
  initialState(): FitState {
    const { model } = this.resident.prepared;
    const { S, E, J, T } = headSizes(model);
    const { origin, scale } = this.crop;
    const [cx, cy] = this.options.principal ?? [this.image.width / 2, this.image.height / 2];
    const { rotation, camera } = initialPose(model, this.local.landmarks68, {
      kind: this.options.camera ?? FIT_PHOTO_DEFAULTS.camera,
      principal: [(cx - origin[0]) * scale, (cy - origin[1]) * scale],
      focal: this.focal()?.pixels ?? null,
      distance: this.distance()?.metres ?? DISTANCE.metres,
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

  /**
   * The energy of a stage.
   * @param share of what is said of the person that this photo carries: one over the number of photos.
   */
  problem(
    state: FitState,
    layout: ParameterLayout,
    photometric: PhotometricStage | null,
    share: number,
    person: PersonOptions,
  ): FitProblem {
    const { weights } = this;
    const level = photometric?.level ?? 0;
    // The mask comes first: it measures the noise.
    const seen = !photometric
      ? null
      : photometric.hull
        ? { weights: Float32Array.from(this.hull(level)), photo: this.photo(level) }
        : this.skinMask(state, level);
    return createProblem(this.kernels, {
      prepared: this.resident.prepared,
      resident: this.resident,
      layout,
      observation: this.local,
      landmarks: photometric?.hull
        ? null
        : {
            weights,
            loss: { sigma: weights.landmarkSigma * this.eyeDistance, k: 2, weight: weights.landmarks },
          },
      photometric: photometric && {
        photo: seen!.photo,
        scale: level / this.size,
        mask: dimSaturated(seen!.weights, this.photo(level)),
        loss: this.loss(photometric.sigma * (photometric.hull ? 1 : this.noise)),
        common: photometric.common && {
          points: () => photometric.common!.albedo.of(photometric.common!.view),
          noise: () => photometric.common!.albedo.noise,
          // A texture space that explains the photo down to its noise has the skin already: held at a free albedo, the
          // shape of rendered heads of the model's own was off by 0.5 mm instead of 0.3.
          weight: weights.common * (1 - (NOISE_MIN / this.noise) ** 2),
        },
      },
      priors: this.priorOptions(share),
      known: this.knownSize(share, person),
    });
  }

  /** The picture that is compared with the person's other photos at a level. */
  compared(state: FitState, level: number): ComparedPhoto {
    const { photo, weights } = this.skinMask(state, level);
    return { photo, scale: level / this.size, mask: dimSaturated(weights, this.photo(level)) };
  }

  /** The result at `state`, with the energy of `problem` there. */
  result(state: FitState, problem: FitProblem, curve: readonly EnergyPoint[]): Omit<PhotoFit, 'timingMs'> {
    const { model } = this.resident.prepared;
    const { weights: mask, photo, gloss, tint } = this.skinMask(state, this.size);
    const terms = problem.terms(state);
    const { metrics, region } = measureFit(this.kernels, this.resident, state, this.local, photo, mask);
    const warnings: string[] = [];
    if (metrics.landmarkNmeInner51 > WARN_NME)
      warnings.push(
        `the landmarks are off by ${(100 * metrics.landmarkNmeInner51).toFixed(1)} % of the eye distance: look at the overlay before using this head`,
      );
    if (metrics.skinPixels < WARN_SKIN * region)
      warnings.push(
        `only ${Math.round((100 * metrics.skinPixels) / Math.max(region, 1))} % of the visible face looks like skin; the rest was left out`,
      );
    if (this.options.distance !== undefined && !this.focal()) {
      const missing = this.options.principal
        ? "the options do not say the focal length, and EXIF's is that of the whole photo"
        : 'neither the options nor EXIF say the focal length';
      warnings.push(
        `the distance was given, but ${missing}: without it the distance does not tell how large the head is`,
      );
    }
    const f32 = (x: Float64Array) => Float32Array.from(x);
    return {
      modelName: model.name,
      modelHash: model.hash,
      params: {
        identity: f32(state.identity),
        expression: f32(state.expression),
        pose: f32(state.pose),
        texture: f32(state.texture),
        ...(tint && { tint: f32(tint.coefficients) }),
      },
      camera: uncropCamera(state.camera, this.crop.origin, this.crop.scale),
      light: f32(state.light),
      ...(gloss && { gloss: f32(gloss.coefficients) }),
      image: { width: this.image.width, height: this.image.height },
      observation: this.observation,
      energy: { total: Object.values(terms).reduce((a, b) => a + b, 0), terms: { ...terms }, curve },
      metrics,
      skin: { crop: this.crop, mask: mask8(mask) },
      warnings,
    };
  }

  /**
   * Focal length in crop pixels with the deviation of its logarithm, null when neither the caller nor EXIF gave one. The
   * 35 mm equivalent refers to a 43.27 mm diagonal, that of the whole photo: of a crop nobody says how long that was.
   */
  private focal(): { readonly pixels: number; readonly sd: number } | null {
    const known = measured(this.options.focal, MEASURED.focal.sd);
    if (known) return { pixels: known.value * this.crop.scale, sd: known.sd };
    const f = this.options.focal35mm;
    if (!f || !(f > 0) || this.options.principal) return null;
    return {
      pixels: (f / 43.27) * Math.hypot(this.image.width, this.image.height) * this.crop.scale,
      // Whoever measures the distance knows whether the photo is as the camera took it.
      sd: this.options.distance === undefined ? EXIF_FOCAL_SD : MEASURED.focal.sd,
    };
  }

  private distance(): KnownSize['distance'] {
    const known = measured(this.options.distance, MEASURED.distance.sd);
    return known && { metres: known.value, sd: known.sd };
  }

  private knownSize(share: number, person: PersonOptions): KnownSize {
    const ipd = measured(person.ipd, MEASURED.ipd.sd);
    return { distance: this.distance(), ipd: ipd && { metres: ipd.value, sd: ipd.sd, weight: share } };
  }

  private photo(level: number): ImageF {
    let photo = this.photos.get(level);
    if (!photo) {
      photo = resampleCrop(this.image, this.cropAt(level), this.kernels);
      this.photos.set(level, photo);
    }
    return photo;
  }

  private cropAt(level: number): CropTransform {
    return { origin: this.crop.origin, scale: (this.crop.scale * level) / this.size, size: level };
  }

  /** Skin weights at a level: the user's mask, or the estimate from `state`. */
  private skinMask(state: FitState, level: number): SkinMask {
    if (this.mask?.state !== state || this.mask.level !== level) this.mask = this.makeSkinMask(state, level);
    return this.mask;
  }

  private makeSkinMask(state: FitState, level: number): SkinMask {
    const scale = level / this.size;
    const share = this.unexplained();
    const sd = scale < GLOSS_LEVEL ? 0 : share * this.weights.gloss;
    const tintSd = scale < TINT_LEVEL ? 0 : share * this.weights.tint;
    const maps = tintSd > 0 ? tintMaps(this.resident.prepared.model) : null;
    const asked = { normals: sd > 0, over: maps };
    const rendered = renderSkin(this.kernels, this.resident, state, level, scale, asked);
    const { rgb: render, normals } = rendered;
    const region = keepCovered(rendered.region, this.coverageAt(level));
    const given = this.options.mask && sampleMask(this.options.mask, this.image, this.cropAt(level));
    if (!given) this.leaveOutHair(region, render, level);
    const estimate = (photo: ImageF) =>
      given?.map((w, p) => w * region[p]) ??
      estimateSkin(this.kernels, { photo, render, region, core: this.hull(level) });
    let photo = this.photo(level);
    let weights = estimate(photo);
    let gloss: Gloss | null = null;
    if (normals) {
      const camera = cropCamera(state.camera, [0, 0], scale);
      const evidence = { photo, render, normals, region, mask: weights, camera };
      gloss = findGloss(this.kernels, evidence, this.loss(this.noise), sd);
    }
    if (gloss) {
      photo = gloss.matte;
      // Without its highlights more of the skin looks like skin.
      weights = estimate(photo);
    }
    let tint: Tint | null = null;
    if (rendered.points && maps) {
      const evidence = { photo, render, points: rendered.points, region, mask: weights, maps };
      tint = findTint(this.kernels, evidence, this.loss(this.noise), tintSd);
    }
    if (tint) photo = tint.photo;
    const typical = typicalResidual(this.kernels, photo, render, weights) / this.weights.photometricSigma;
    this.noise = Math.min(Math.max(typical, NOISE_MIN), 1);
    return { state, level, weights, photo, gloss, tint };
  }

  /** Takes pixels with hair over them out of `region`. */
  private leaveOutHair(region: Uint8Array, render: ImageF, level: number): void {
    const hair = findHair(this.kernels, {
      photo: this.photo(level),
      render,
      region,
      core: this.hull(level),
      landmarks68: this.local.landmarks68,
      scale: level / this.size,
    });
    for (let p = 0; p < region.length; p++) if (hair[p]) region[p] = 0;
  }

  /** How far gloss and tint may go, in [0, 1]: not at all where the model explains the photo without. */
  private unexplained(): number {
    return Math.max(0, 1 - (EXPLAINED / this.noise) ** 2);
  }

  /** The photometric loss at a share of its widest. */
  private loss(share: number): PhotometricLoss {
    const { photometricSigma, photometric, explainedWidth } = this.weights;
    const k = lossWidth(this.noise, explainedWidth);
    return { sigma: photometricSigma * share, k, weight: photometric };
  }

  /** The part of the picture that is face beyond doubt, at a level. */
  private hull(level: number): Uint8Array {
    let hull = this.hulls.get(level);
    if (!hull) {
      hull = keepCovered(faceHull(this.local.landmarks68, level / this.size, level), this.coverageAt(level));
      this.hulls.set(level, hull);
    }
    return hull;
  }

  private coverageAt(level: number): Float32Array {
    let coverage = this.coverages.get(level);
    if (!coverage) {
      coverage = resize(plane(this.coverage, this.size), level, level).data;
      this.coverages.set(level, coverage);
    }
    return coverage;
  }

  private priorOptions(share: number): PriorOptions {
    const focal = this.focal();
    return {
      identityWeight: this.weights.identity * share,
      skullWeight: this.weights.skull * share,
      expressionWeight: this.weights.expression,
      textureWeight: this.weights.texture * share,
      joints: JOINTS,
      light: LIGHT,
      focal: focal && { log: Math.log(focal.pixels), sd: focal.sd },
      distance: focal || this.options.distance !== undefined ? null : DISTANCE,
    };
  }
}

/** k of the photometric loss for a noise over `photometricSigma`, in [`NOISE_MIN`, 1]. */
export function lossWidth(noise: number, explained: number): number {
  const share = Math.max(0, EXPLAINED - noise) / (EXPLAINED - NOISE_MIN);
  return LACKING_WIDTH + (explained - LACKING_WIDTH) * share;
}

/** Skin as a state shows it at a level. */
interface SkinMask {
  readonly state: FitState;
  readonly level: number;
  readonly weights: Float32Array;
  /** What the state is compared with: the photo without its gloss and the skin's tint. */
  readonly photo: ImageF;
  readonly gloss: Gloss | null;
  readonly tint: Tint | null;
}

/** `flags` without the pixels that the photo does not cover; in place. */
function keepCovered(flags: Uint8Array, coverage: Float32Array): Uint8Array {
  for (let p = 0; p < flags.length; p++) if (coverage[p] <= 0.99) flags[p] = 0;
  return flags;
}

/** Weights in [0, 1] as bytes. */
function mask8(weights: Float32Array): Uint8Array {
  const out = new Uint8Array(weights.length);
  for (let p = 0; p < out.length; p++) out[p] = Math.round(255 * weights[p]);
  return out;
}
