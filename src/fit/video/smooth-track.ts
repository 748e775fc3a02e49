/**
 * Smoothing of a track: a second pass in which the frames of a shot are solved together,
 *
 *   min Σ_t E_t(d_t) + ½ Σ_t Σ_c ρ( a_tc² / σ_c² ),
 *
 * E_t the quadratic model of what frame t says (`evidence.ts`), d_t the move of its state from the tracked one, and a_tc
 * the acceleration of column c (second difference, at the frames' own times). ρ is Cauchy's: noise is small everywhere
 * and gets averaged out as far as the frames' evidence allows, a blink or a plosive is large for two frames and costs
 * little. That is no moving average: where a frame is sure of a column, as of the lips' closing, it keeps it; where it
 * is not, its neighbours say. Nothing lags, since the future counts as much as the past.
 *
 * Re-weighted least squares; each round is one block-tridiagonal system (`kernels/sequence.ts`), float64. Expressions stay within their ranges: what leaves is held at the border in the next round. Shots are
 * separated by cuts and losses. Rotations: a_t = log(R_{t+1}R_tᵀ) − log(R_tR_{t−1}ᵀ) at the tracked states plus the second
 * difference of d, right to first order in the turn between frames.
 *
 * A long shot is solved in blocks, each with a second of frames before and after it that are solved along and not kept:
 * what lies farther away does not reach it (400 frames of a talking face: at most 2e-5 mm at a vertex from the whole shot in one). So frames are
 * smooth soon after they are tracked, and memory does not grow with the shot.
 */
import { withDefaults } from '../../core/defaults.ts';
import { throwIfAborted } from '../../core/errors.ts';
import { eventsHandled, type ProgressListener } from '../../core/progress.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { type SequenceSystem, solveSequence } from '../../kernels/sequence.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { cauchyWeight } from '../../solve/robust.ts';
import { landmarkError } from '../measure.ts';
import { type FitState, type ParameterLayout, retractState } from '../parameters.ts';
import { prepareModel } from '../prepare.ts';
import { fitMemory, type ResidentModel } from '../resident.ts';
import type { EvidenceStore, FrameEvidence } from './evidence.ts';
import { type MotionDeviations, motionDeviations, motionLayout, relativeCoordinates } from './motion.ts';
import { personalModel } from './personal-model.ts';
import { stateOf } from './tracked-state.ts';
import type { TrackedFrame, TrackIdentity, VideoTrack } from './types.ts';

/** Options of {@link TrackSmoother}. */
export interface SmootherOptions {
  /** How strongly: 1 is usual, 2 lets half of the accelerations pass. */
  readonly strength?: number;
  /** Frames that a shot is solved for at a time, besides those around them. */
  readonly block?: number;
}

/** Options of {@link smoothTrack}. */
export interface SmoothTrackOptions extends SmootherOptions {
  /** What the frames said while they were tracked: the `evidence` given to `trackVideo`. */
  readonly evidence: EvidenceStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Defaults of {@link SmootherOptions}. */
export const SMOOTH_TRACK_DEFAULTS = { strength: 1, block: 64 } as const;

/** Deviations of the second difference at 25 frames a second. */
export const ACCELERATION: MotionDeviations = {
  root: 0.002,
  jaw: 0.016,
  eyes: 0.045,
  translation: 0.00025,
  depth: 0.0005,
  expression: 0.22,
  light: 1,
};

const REFERENCE_INTERVAL = 1 / 25;
/** Width of the robust loss in deviations, and rounds of re-weighting. */
const K = 2;
const ROUNDS = 4;
/** Frames, and seconds, on each side of a block that are solved along with it, at the usual strength. */
const CONTEXT = { frames: 25, seconds: 1 } as const;
/** Stiffness that holds an expression at its border, over the frame's own. */
const BORDER = 1e3;

/**
 * Smooths a track. Frames without a face stay as they are; identity and texture are not touched.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function smoothTrack(
  track: VideoTrack,
  model: HeadModel,
  { evidence, signal, onProgress, ...options }: SmoothTrackOptions,
): Promise<VideoTrack> {
  const smoother = await createSmoother(track.identity, model, options);
  const frames: TrackedFrame[] = [];
  for (const [i, frame] of track.frames.entries()) {
    const settled = smoother.put(frame, evidence.get(frame.index));
    if (settled.length > 0) {
      await eventsHandled();
      throwIfAborted(signal);
      onProgress?.({ stage: 'smoothing', fraction: i / track.frames.length });
    }
    frames.push(...settled);
  }
  frames.push(...smoother.end());
  onProgress?.({ stage: 'smoothing', fraction: 1 });
  return { ...track, frames };
}

/** Makes a {@link TrackSmoother}. */
export async function createSmoother(
  identity: TrackIdentity,
  model: HeadModel,
  options: SmootherOptions = {},
): Promise<TrackSmoother> {
  const person = personalModel(model, identity);
  const { kernels, resident } = await fitMemory(prepareModel(person));
  return new TrackSmoother(kernels, resident, options);
}

/** A frame and what it said. */
interface Said {
  readonly frame: TrackedFrame;
  readonly said: FrameEvidence | null;
}

/** Smooths the frames of a track as they come, a second and a block behind. */
export class TrackSmoother {
  readonly #kernels: Kernels;
  readonly #resident: ResidentModel;
  readonly #person: HeadModel;
  readonly #layout: ParameterLayout;
  /** (n) deviations of accelerations. */
  readonly #sd: Float64Array;
  readonly #block: number;
  readonly #context: { readonly frames: number; readonly seconds: number };
  /** The shot under way, from as far before its first frame that is not settled as matters. */
  #shot: Said[] = [];
  /** Frames of it that are settled. */
  #settled = 0;

  /**
   * @param resident of a person's model (`personalModel`)
   * @internal
   */
  constructor(kernels: Kernels, resident: ResidentModel, options: SmootherOptions) {
    const { strength, block } = withDefaults(SMOOTH_TRACK_DEFAULTS, options);
    this.#kernels = kernels;
    this.#resident = resident;
    this.#person = resident.prepared.model;
    this.#layout = motionLayout(this.#person);
    this.#sd = motionDeviations(this.#person, this.#layout, ACCELERATION).map((s) => s / strength);
    this.#block = block;
    // A smoothing spline reaches as far as the square root of its stiffness, about.
    const reach = Math.sqrt(Math.max(strength, 1));
    this.#context = { frames: Math.ceil(CONTEXT.frames * reach), seconds: CONTEXT.seconds * reach };
  }

  /**
   * The next frame, in order.
   * @param said its evidence; null where it has none
   * @returns the next frames that are smooth for good, in order; often none. Frames without a face stay as they are.
   */
  put(frame: TrackedFrame, said: FrameEvidence | null): TrackedFrame[] {
    const lost = frame.status === 'lost';
    const out = lost || frame.status === 'acquired' || frame.cut ? this.end() : [];
    if (lost) return [...out, frame];
    this.#shot.push({ frame, said });
    const end = this.#settled + this.#block;
    if (this.#beyond(end, this.#shot.length - 1)) out.push(...this.#settle(end));
    return out;
  }

  /** The frames that are left, when there are no more. */
  end(): TrackedFrame[] {
    const out = this.#settle(this.#shot.length);
    this.#shot = [];
    this.#settled = 0;
    return out;
  }

  /** Whether places `a` and `b` of the shot are so far from each other that one does not matter to the other. */
  #beyond(a: number, b: number): boolean {
    const { frames, seconds } = this.#context;
    return b - a >= frames && this.#shot[b].frame.time - this.#shot[a].frame.time >= seconds;
  }

  /** Smooths the shot and gives its frames up to `end`. */
  #settle(end: number): TrackedFrame[] {
    const shot = this.#shot;
    if (end <= this.#settled) return [];
    const { size } = this.#layout;
    const states = shot.map(({ frame }) => stateOf(frame));
    const moves = solveShot(this.#kernels, this.#person, this.#layout, shot, states, this.#sd);
    const out: TrackedFrame[] = [];
    for (let i = this.#settled; i < end; i++)
      out.push(this.#moved(shot[i].frame, states[i], moves.subarray(i * size, (i + 1) * size)));
    let first = 0;
    while (first + 1 < end && end < shot.length && this.#beyond(first + 1, end)) first++;
    this.#shot = shot.slice(first);
    this.#settled = end - first;
    return out;
  }

  #moved(frame: TrackedFrame, tracked: FitState, move: Float64Array): TrackedFrame {
    const state = retractState(this.#person, this.#layout, tracked, move);
    const { observation } = frame;
    return {
      ...frame,
      expression: Float32Array.from(state.expression),
      pose: Float32Array.from(state.pose),
      camera: state.camera,
      landmarkNme: observation ? landmarkError(this.#resident, state, observation) : Number.NaN,
    };
  }
}

/** Moves (T,n) of a shot's states. */
function solveShot(
  kernels: Kernels,
  person: HeadModel,
  layout: ParameterLayout,
  shot: readonly Said[],
  states: readonly FitState[],
  sd: Float64Array,
): Float64Array {
  const n = layout.size;
  const frames = shot.map(({ frame }) => frame);
  const T = frames.length;
  let moves: Float64Array = new Float64Array(T * n);
  if (T < 3) return moves;
  const stencils = secondDifferences(frames);
  const still = accelerations(layout, states, frames, stencils);
  const bounds = expressionBounds(person, layout, states);
  const held = new Int8Array(T * n);
  for (let round = 0; round < ROUNDS; round++) {
    const prior = priorOf(stencils, still, moves, sd, n);
    const system = systemOf(shot, prior, bounds, held, n);
    const solved = solveSequence(kernels, system);
    if (!solved) break;
    moves = solved;
    hold(moves, bounds, held, round === ROUNDS - 1);
  }
  return moves;
}

/** Weights of frames t−1, t, t+1 in the acceleration at t, times the square of the reference interval; (T,3). */
function secondDifferences(frames: readonly TrackedFrame[]): Float64Array {
  const out = new Float64Array(3 * frames.length);
  for (let t = 1; t + 1 < frames.length; t++) {
    const before = Math.max(frames[t].time - frames[t - 1].time, 1e-3);
    const after = Math.max(frames[t + 1].time - frames[t].time, 1e-3);
    const scale = (2 * REFERENCE_INTERVAL ** 2) / (before + after);
    out.set([scale / before, -scale / before - scale / after, scale / after], 3 * t);
  }
  return out;
}

/** (T,n) accelerations of the tracked states, which no move adds to. */
function accelerations(
  layout: ParameterLayout,
  states: readonly FitState[],
  frames: readonly TrackedFrame[],
  stencils: Float64Array,
): Float64Array {
  const n = layout.size;
  const out = new Float64Array(frames.length * n);
  for (let t = 1; t + 1 < frames.length; t++) {
    const before = relativeCoordinates(layout, states[t], states[t - 1]);
    const after = relativeCoordinates(layout, states[t + 1], states[t]);
    for (let c = 0; c < n; c++) out[t * n + c] = stencils[3 * t + 2] * after[c] - stencils[3 * t] * before[c];
  }
  return out;
}

/** Normal equations of the prior at `moves`: (T,n) each. */
interface Prior {
  readonly diagonal: Float64Array;
  readonly next: Float64Array;
  readonly nextButOne: Float64Array;
  readonly right: Float64Array;
}

function priorOf(
  stencils: Float64Array,
  still: Float64Array,
  moves: Float64Array,
  sd: Float64Array,
  n: number,
): Prior {
  const T = still.length / n;
  const array = () => new Float64Array(T * n);
  const out: Prior = { diagonal: array(), next: array(), nextButOne: array(), right: array() };
  for (let t = 1; t + 1 < T; t++) {
    const [p, q, r] = stencils.subarray(3 * t, 3 * t + 3);
    for (let c = 0; c < n; c++) {
      const o = t * n + c;
      const a = still[o] + p * moves[o - n] + q * moves[o] + r * moves[o + n];
      const w = cauchyWeight((a / sd[c]) ** 2, K) / sd[c] ** 2;
      out.diagonal[o - n] += w * p * p;
      out.diagonal[o] += w * q * q;
      out.diagonal[o + n] += w * r * r;
      out.next[o - n] += w * p * q;
      out.next[o] += w * q * r;
      out.nextButOne[o - n] += w * p * r;
      out.right[o - n] -= w * p * still[o];
      out.right[o] -= w * q * still[o];
      out.right[o + n] -= w * r * still[o];
    }
  }
  return out;
}

function systemOf(
  shot: readonly Said[],
  prior: Prior,
  bounds: Bounds,
  held: Int8Array,
  n: number,
): SequenceSystem {
  const right = prior.right.slice();
  const stiffness = new Float64Array(right.length);
  for (const [t, { said }] of shot.entries()) {
    for (let c = 0; c < n; c++) {
      const o = t * n + c;
      if (said) right[o] -= said.gradient[c];
      if (held[o] === 0) continue;
      const own = said ? said.information[(c * (c + 3)) / 2] : 0;
      stiffness[o] = BORDER * (own + prior.diagonal[o] + 1);
      right[o] += stiffness[o] * (held[o] < 0 ? bounds.lower[o] : bounds.upper[o]);
    }
  }
  const diagonal = (t: number, out: Float64Array) => {
    const { said } = shot[t];
    for (let i = 0, k = 0; i < n; i++) {
      if (said) for (let j = 0; j <= i; j++, k++) out[i * n + j] = said.information[k];
      out[i * n + i] += prior.diagonal[t * n + i] + stiffness[t * n + i] + 1e-6;
    }
  };
  return { length: shot.length, size: n, diagonal, next: prior.next, nextButOne: prior.nextButOne, right };
}

/** (T,n) admissible moves. */
interface Bounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

function expressionBounds(person: HeadModel, layout: ParameterLayout, states: readonly FitState[]): Bounds {
  const n = layout.size;
  const lower = new Float64Array(states.length * n).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(states.length * n).fill(Number.POSITIVE_INFINITY);
  const block = layout.blocks.get('expression');
  if (block)
    for (const [t, { expression }] of states.entries())
      for (let e = 0; e < block.size; e++) {
        lower[t * n + block.offset + e] = person.expressionRange[2 * e] - expression[e];
        upper[t * n + block.offset + e] = person.expressionRange[2 * e + 1] - expression[e];
      }
  return { lower, upper };
}

/** Notes which moves are to be held at a border, and lets go of those that are drawn inwards; clips them at the end. */
function hold(moves: Float64Array, { lower, upper }: Bounds, held: Int8Array, clip: boolean): void {
  for (let o = 0; o < moves.length; o++) {
    // Held ones lie within the border by what pulls them inwards.
    if (held[o] < 0) held[o] = moves[o] > lower[o] ? 0 : -1;
    else if (held[o] > 0) held[o] = moves[o] < upper[o] ? 0 : 1;
    else held[o] = moves[o] < lower[o] ? -1 : moves[o] > upper[o] ? 1 : 0;
    if (clip) moves[o] = Math.min(Math.max(moves[o], lower[o]), upper[o]);
  }
}
