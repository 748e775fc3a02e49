/**
 * The state of a head in one frame after another: pose, expression, jaw, gaze and light of a person who is known
 * (`personal-model.ts`). A frame starts from the one before it and takes a few Levenberg-Marquardt steps on landmarks
 * and photometry at a small size; a face that was just found anew first goes through landmarks alone.
 */
import type { Camera } from '../../camera/camera.ts';
import { cropCamera, uncropCamera } from '../../camera/project.ts';
import type { ImageF } from '../../core/image.ts';
import type { VideoFrame } from '../../core/video.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { headSizes } from '../../model/head-model.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import { cropCoverage, resampleCrop } from '../../render/resample.ts';
import { type LeastSquaresProblem, minimize, type NormalEquations } from '../../solve/levenberg-marquardt.ts';
import { cropObservation, dimSaturated, faceCrop } from '../face-crop.ts';
import { JOINTS, LIGHT, NOISE_MIN } from '../face-view.ts';
import { FIT_PHOTO_DEFAULTS, type FitWeights } from '../fit-options.ts';
import { initialPose } from '../initial-pose.ts';
import type { LipTrust } from '../landmark-gaps.ts';
import { measureFit } from '../measure.ts';
import { type BlockName, createLayout, type FitState, type ParameterLayout } from '../parameters.ts';
import type { PriorOptions } from '../priors.ts';
import { createProblem, type EquationsRoom, type FitProblem } from '../problem.ts';
import { renderSkin } from '../render-skin.ts';
import type { ResidentModel } from '../resident.ts';
import { estimateSkin, faceHull, typicalResidual } from '../skin.ts';
import type { CropTransform, FitMetrics } from '../types.ts';
import { withoutBias } from './detector-bias.ts';
import { enlarge, keepCovered, shareKept } from './frame-masks.ts';
import { colourShares } from './free-expressions.ts';
import {
  MOTION_BLOCKS,
  type MotionDeviations,
  motionDeviations,
  motionLayout,
  predict,
  withMotionPrior,
} from './motion.ts';
import { lipTrust } from './seen-lips.ts';
import { type SymmetryPrior, symmetryPrior } from './symmetry.ts';
import { rowsTouch, upperEdge } from './teeth-rows.ts';
import type { TrackIdentity } from './types.ts';

/** Tuning of {@link FrameSolver}. */
export interface FrameSolverOptions {
  /** Pixels along the side of the crop that is fitted first and skin is told in, a multiple of 4. */
  readonly size: number;
  /** The crop that is fitted last is this many times as fine, to a whole pixel. */
  readonly detail: number;
  /** Levenberg-Marquardt steps of a frame that follows another one, at most. */
  readonly iterations: number;
  /** Colours count less with heads that have components for expressions, see `free-expressions.ts`. */
  readonly weights: FitWeights;
  readonly motion: MotionDeviations;
  /**
   * Deviation of the difference between the expressions of both sides, in an expression's own; `Infinity` lets each go
   * its way. See `symmetry.ts`.
   */
  readonly symmetry: number;
}

/** Defaults of {@link FrameSolverOptions}. */
export const FRAME_SOLVER_DEFAULTS: FrameSolverOptions = {
  size: 64,
  detail: 2,
  iterations: 5,
  weights: { ...FIT_PHOTO_DEFAULTS.weights, landmarks: 20, gap: 2, photometric: 2000 },
  motion: {
    root: 0.1,
    jaw: 0.15,
    eyes: 0.2,
    translation: 0.012,
    depth: 0.03,
    expression: 1.5,
    light: 0.03,
  },
  symmetry: 0.33,
};

/** What a frame's solve gives; the camera is in pixels of the frame. */
export interface FrameSolution {
  readonly state: FitState;
  readonly metrics: FitMetrics;
  /** Share of the visible skin region that looks like skin. */
  readonly skinShare: number;
  /** `state` with its camera in pixels of the crop. */
  readonly crop: FitState;
  /**
   * The energy around `around`, without the motion's prior: what the frame itself says. Its arrays are made anew when the
   * next one is solved. Camera in crop pixels.
   */
  readonly evidence: { readonly around: FitState; readonly equations: NormalEquations };
}

/** The state of a frame, camera in pixels of the frame. */
export interface SolvedState {
  readonly state: FitState;
  /** Seconds. */
  readonly time: number;
}

/** What the next frame's solve starts from. */
export interface SolverMemory {
  /** The last frame that had a face. */
  readonly last: SolvedState;
  /** The one before it, in one go: says where the head is heading. */
  readonly before: SolvedState | null;
  /** Part of the picture that was fitted. */
  readonly crop: CropTransform;
}

/**
 * Widths of the photometric loss in units of what the model leaves unexplained in the coarse crop, their shares of the
 * iterations, and whether they compare the finer crop. A mouth that opens moves lips by more than the final width bears: with
 * that alone they are taken for outliers and lag. On a talking head whose truth is known (`bench/track-truth.ts`) the face's
 * error fell from 0.31 to 0.28 mm by a wide step, and by a sixth more with six steps instead of three.
 *
 * An upper lip is three pixels high at 96², so that what it moves by hardly shows; but at 192² throughout, steps from the
 * frame before end in the wrong places (the jaw lags by 0.14 frames, the face is 0.30 mm wrong). So the wide steps see a
 * coarse picture and the last ones a fine one, which leaves more unexplained.
 *
 * A frame that follows another one is linearised once for each width; further steps are chord steps (`problem.ts`). Five
 * such steps made smaller errors than four linearised ones (0.257 against 0.273 mm) in less time; one linearisation and
 * seven steps take as long and follow worse (0.276 mm).
 */
const WIDTHS = [
  { sigma: 2.3, share: 1 / 3, fine: false },
  { sigma: 1.3, share: 2 / 3, fine: true },
] as const;
/** Steps of a frame without one before it, over those of others; each is linearised. */
const ACQUIRING = 2;
/** Width of the motion's robust loss in deviations. */
const MOTION_K = 2;
/** Width of the robust loss of {@link FrameSolverOptions.symmetry} in deviations. */
const SYMMETRY_K = 1;
/** Share of the last move that is expected to go on. */
const INERTIA = 0.7;
/** Frames a second that deviations of motion are given for. */
const REFERENCE_FPS = 25;
/** A crop is kept while the face's own square stays within these bounds of it: size ratio, and shift over its side. */
const CROP_KEPT = { growth: 1.08, shift: 0.06 };
/**
 * Deviation of the jaw where teeth are seen to touch, radians. The chin of a filmed person said 3°, and with five times as much the
 * jaw was still open by half of that.
 */
const TOUCHING = 0.002;
const POSE: readonly BlockName[] = ['joint:root', 'translation'];

/** A crop as it is compared with the head. */
interface ComparedPicture {
  readonly photo: ImageF;
  /** (photo.height,photo.width) weights of pixels being skin. */
  readonly mask: Float32Array;
  /** Its pixels per pixel of the crop that the state's camera is of. */
  readonly scale: number;
}

/** A frame's landmarks as they are compared. */
interface Unbiased {
  readonly observation: FaceObservation;
  /** Distance of the outer corners of the eyes as they were detected, pixels. */
  readonly eyes: number;
  /** What the picture shows of the lips; null where it is not looked at. */
  readonly lips: LipTrust | null;
  /** How surely it shows that the teeth touch, 0 … 1. */
  readonly rows: number;
}

/** Solves frames in their order. */
export class FrameSolver {
  /** Columns of a frame's evidence: pose, jaw, gaze and expression, then light. */
  readonly layout: ParameterLayout;
  private readonly poseLayout: ParameterLayout;
  /** Its first columns: all but light. */
  readonly faceLayout: ParameterLayout;
  private readonly deviations: Float64Array;
  /** Of the motion's prior. */
  private readonly room: Float64Array;
  /** Of a frame's equations in `layout`: half a megabyte a frame that nobody has to collect. */
  private readonly equations: EquationsRoom;
  /** Of a frame's finer crop: a quarter of a megabyte a frame. */
  private readonly detailRoom: { readonly colours: Float32Array; readonly mask: Float32Array };
  private readonly symmetry: SymmetryPrior;
  /** Vertices of the upper teeth's edge. */
  private readonly edge: Uint32Array;
  /** How much colours count with this model, over `weights.photometric`. */
  private readonly colours: number;
  private crop: CropTransform | null = null;
  /** As in {@link SolverMemory}. */
  private last: SolvedState | null = null;
  private before: SolvedState | null = null;
  /** The last frame's: what V8 has compiled of closures that nobody holds goes with the next collection of garbage. */
  private readonly kept: FitProblem[] = [];
  /** Colour noise over `weights.photometricSigma`: what the model leaves unexplained. */
  private noise = 1;

  constructor(
    private readonly kernels: Kernels,
    /** Of the personal model. */
    private readonly resident: ResidentModel,
    private readonly identity: TrackIdentity,
    private readonly options: FrameSolverOptions = FRAME_SOLVER_DEFAULTS,
  ) {
    const { model } = resident.prepared;
    this.layout = createLayout(model, [...MOTION_BLOCKS, 'light']);
    this.poseLayout = createLayout(model, POSE);
    this.faceLayout = motionLayout(model);
    this.deviations = motionDeviations(model, this.layout, options.motion);
    const square = () => new Float64Array(this.layout.size ** 2);
    this.room = square();
    this.equations = { hessian: square(), photometric: square() };
    const pixels = Math.round(options.detail * options.size) ** 2;
    this.detailRoom = { colours: new Float32Array(3 * pixels), mask: new Float32Array(pixels) };
    this.colours = colourShares(model).frames;
    this.edge = upperEdge(model);
    this.symmetry = symmetryPrior(model, this.layout, { sd: options.symmetry, k: SYMMETRY_K });
  }

  /** What the next frame starts from; null before the first one. */
  get memory(): SolverMemory | null {
    const { last, before, crop } = this;
    return last && crop && { last, before, crop };
  }

  /** Goes on from there as if nothing had been in between. */
  resume({ last, before, crop }: SolverMemory): void {
    this.last = last;
    this.before = before;
    this.crop = crop;
  }

  /**
   * Solves a frame.
   * @param anew the face has just been found: the frame before says nothing about where it is.
   */
  solve(frame: VideoFrame, observation: FaceObservation, anew: boolean): FrameSolution {
    const { kernels, resident, options, layout } = this;
    if (anew || !this.last) {
      this.crop = null;
      this.before = null;
    }
    const crop = this.nextCrop(observation);
    const local = cropObservation(observation, crop);
    const photo = resampleCrop(frame.image, crop, kernels);
    const previous = anew ? null : this.last;
    const interval = previous ? Math.max(frame.time - previous.time, 1e-3) : 0;
    let state: FitState;
    if (previous) {
      const passed = this.before ? previous.time - this.before.time : 0;
      const share = passed > 0 ? Math.min((INERTIA * interval) / passed, 1) : 0;
      state = this.toCrop(predict(previous.state, this.before?.state ?? null, share), crop);
    } else state = this.fromLandmarks(local, crop, frame.time);
    const mask = this.skinMask(state, frame, local, photo, crop);

    // A random walk: the variance grows with the time between frames.
    const spread = Math.sqrt(Math.max(interval * REFERENCE_FPS, 1e-3));
    const prior = previous && {
      prediction: state,
      deviations: times(this.deviations, spread),
      k: MOTION_K,
      room: this.room,
    };
    const coarse = { photo, mask: dimSaturated(mask.weights, photo), scale: 1 };
    const detailed = this.detailed(frame, crop, mask.weights);
    const { light } = this.last?.state ?? this.identity;
    const lips = lipTrust(frame.image, observation, light, this.identity.detectorBias?.lips);
    const rows = rowsTouch(frame.image, observation, light, {
      model: resident.prepared.model,
      edge: this.edge,
      ...this.toFrame(state, crop),
    });
    const unbiased = { ...this.unbiased(local, frame.time), lips, rows };
    let evidence: FrameSolution['evidence'] | null = null;
    kernels.scope(() => {
      let problem = this.problem(layout, unbiased, coarse);
      const problems = [problem];
      let linearized = false;
      const { symmetry } = this;
      const followed: LeastSquaresProblem<FitState> = {
        ...problem,
        cost: (at) => problem.cost(at) + symmetry.cost(at),
        linearize: (around) => {
          const chord = previous !== null && linearized;
          const equations = symmetry.add(
            chord ? problem.relinearize(around) : problem.linearize(around),
            around,
          );
          linearized = true;
          evidence = { around, equations };
          return equations;
        },
      };
      for (const { sigma, share, fine } of WIDTHS) {
        if (fine) {
          problem = this.problem(layout, unbiased, detailed);
          problems.push(problem);
        }
        problem.widen(sigma);
        linearized = false;
        state = minimize(prior ? withMotionPrior(followed, layout, prior) : followed, state, {
          iterations: Math.max(1, Math.round(share * options.iterations * (previous ? 1 : ACQUIRING))),
          tolerance: 1e-3,
          kernels,
        }).state;
      }
      this.kept.splice(0, this.kept.length, ...problems);
    });
    const { metrics } = measureFit(kernels, resident, state, local, photo, mask.weights);
    const full = this.toFrame(state, crop);
    this.before = previous;
    this.last = { state: full, time: frame.time };
    return { state: full, crop: state, metrics, skinShare: mask.share, evidence: evidence! };
  }

  /** How badly `observation` fits this person, from landmarks alone: mean distance over the eye distance. */
  mismatch(observation: FaceObservation): number {
    const { kernels, resident, options } = this;
    const crop = faceCrop(observation, options.size);
    const local = cropObservation(observation, crop);
    const state = this.fromLandmarks(local, crop);
    const black = {
      width: options.size,
      height: options.size,
      channels: 3,
      data: new Float32Array(3 * options.size ** 2),
    };
    const nobody = new Float32Array(options.size ** 2);
    return measureFit(kernels, resident, state, local, black, nobody).metrics.landmarkNmeInner51;
  }

  /** A state from landmarks alone, camera in crop pixels. */
  private fromLandmarks(local: FaceObservation, crop: CropTransform, time = Number.NaN): FitState {
    const { kernels, resident, identity } = this;
    const { model } = resident.prepared;
    const { E, J } = headSizes(model);
    const { camera, light } = this.last?.state ?? identity;
    const cropped = cropCamera(identity.camera, crop.origin, crop.scale);
    const { rotation, camera: placed } = initialPose(model, local.landmarks68, {
      kind: camera.kind,
      principal: cropped.principal,
      focal: cropped.kind === 'perspective' ? cropped.focal : null,
      distance: 1,
    });
    const pose = new Float64Array(3 * J);
    pose.set(rotation, 0);
    let state: FitState = {
      identity: new Float64Array(0),
      expression: new Float64Array(E),
      pose,
      texture: new Float64Array(0),
      light: Float64Array.from(light),
      camera: { ...cropped, translation: placed.translation } as Camera,
    };
    const unbiased = this.unbiased(local, time);
    for (const layout of [this.poseLayout, this.faceLayout])
      kernels.scope(() => {
        state = minimize(this.problem(layout, unbiased, null), state, { iterations: 10 }).state;
      });
    return state;
  }

  /** An observation without what the detector always does wrong with this face, and the distance of the eyes as it was. */
  private unbiased(local: FaceObservation, time: number): Unbiased {
    const { detectorBias } = this.identity;
    const { model } = this.resident.prepared;
    const l = local.landmarks68;
    return {
      observation: detectorBias ? withoutBias(model, local, detectorBias, time) : local,
      eyes: Math.hypot(l[72] - l[90], l[73] - l[91]),
      lips: null,
      rows: 0,
    };
  }

  private problem(
    layout: ParameterLayout,
    { observation, eyes, lips, rows }: Unbiased,
    picture: ComparedPicture | null,
  ): FitProblem {
    const { weights } = this.options;
    return createProblem(this.kernels, {
      prepared: this.resident.prepared,
      resident: this.resident,
      layout,
      observation,
      landmarks: {
        weights: { ...weights, lips },
        loss: { sigma: weights.landmarkSigma * eyes, k: 2, weight: weights.landmarks },
      },
      photometric: picture && {
        photo: picture.photo,
        mask: picture.mask,
        scale: picture.scale,
        loss: {
          sigma: weights.photometricSigma * this.noise,
          k: 2,
          weight: this.colours * weights.photometric,
        },
      },
      priors: this.priors(rows),
      // Evidence is the last equations made, and is taken before the next frame's.
      ...(layout === this.layout && { room: this.equations }),
    });
  }

  /** @param rows how surely the teeth touch */
  private priors(rows: number): PriorOptions {
    const { expression } = this.options.weights;
    const [opens, ...turns] = JOINTS.jaw;
    const jaw = 1 / Math.sqrt(1 / opens ** 2 + rows / TOUCHING ** 2);
    return {
      identityWeight: 0,
      skullWeight: 0,
      expressionWeight: expression,
      textureWeight: 0,
      joints: { ...JOINTS, jaw: [jaw, ...turns] },
      light: LIGHT,
      focal: null,
      distance: null,
    };
  }

  /** The crop as fine as it is fitted last, with the skin weights (size,size) of the coarse one. */
  private detailed(frame: VideoFrame, crop: CropTransform, skin: Float32Array): ComparedPicture {
    const size = Math.round(this.options.detail * crop.size);
    const detail = size / crop.size;
    const { colours, mask } = this.detailRoom;
    const finer = { ...crop, scale: detail * crop.scale, size };
    const photo = resampleCrop(frame.image, finer, this.kernels, colours);
    enlarge(skin, crop.size, mask, size);
    return { photo, mask: dimSaturated(mask, photo, mask), scale: detail };
  }

  /** Skin weights for a state, and the share of the visible skin region that they keep. */
  private skinMask(
    state: FitState,
    frame: VideoFrame,
    local: FaceObservation,
    photo: ImageF,
    crop: CropTransform,
  ): { readonly weights: Float32Array; readonly share: number } {
    const { kernels, resident, options } = this;
    const rendered = renderSkin(kernels, resident, state, options.size, 1);
    const coverage = cropCoverage(frame.image.width, frame.image.height, crop);
    const { region } = rendered;
    const core = faceHull(local.landmarks68, 1, options.size);
    keepCovered(region, coverage);
    keepCovered(core, coverage);
    const weights = estimateSkin(kernels, { photo, render: rendered.rgb, region, core });
    const typical = typicalResidual(kernels, photo, rendered.rgb, weights) / options.weights.photometricSigma;
    this.noise = Math.min(Math.max(typical, NOISE_MIN), 1);
    return { weights, share: shareKept(region, weights) };
  }

  /** The last crop while it still fits the face, so that pixels are sampled at the same places; else a new one. */
  private nextCrop(observation: FaceObservation): CropTransform {
    const wanted = faceCrop(observation, this.options.size);
    const last = this.crop;
    if (last) {
      const side = last.size / last.scale;
      const middle = (c: CropTransform, a: number) => c.origin[a] + c.size / c.scale / 2;
      const shift = Math.hypot(middle(wanted, 0) - middle(last, 0), middle(wanted, 1) - middle(last, 1));
      const growth = Math.abs(Math.log(wanted.scale / last.scale));
      if (shift < CROP_KEPT.shift * side && growth < Math.log(CROP_KEPT.growth)) return last;
    }
    this.crop = wanted;
    return wanted;
  }

  private toCrop(state: FitState, crop: CropTransform): FitState {
    return { ...state, camera: cropCamera(state.camera, crop.origin, crop.scale) };
  }

  /** The identity's camera with the state's translation: focal length and principal point stay to the bit. */
  private toFrame(state: FitState, crop: CropTransform): FitState {
    const { translation } = uncropCamera(state.camera, crop.origin, crop.scale);
    return { ...state, camera: { ...this.identity.camera, translation } as Camera };
  }
}

function times(numbers: Float64Array, factor: number): Float64Array {
  const out = new Float64Array(numbers.length);
  for (let i = 0; i < out.length; i++) out[i] = numbers[i] * factor;
  return out;
}
