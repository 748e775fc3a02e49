/**
 * Smoothing of a whole track: a second pass in which all frames of a shot are solved together,
 *
 *   min Σ_t E_t(d_t) + ½ Σ_t Σ_c ρ( a_tc² / σ_c² ),
 *
 * E_t the quadratic model of what frame t says (`evidence.ts`), d_t the move of its state from the tracked one, and a_tc
 * the acceleration of column c (second difference, at the frames' own times). ρ is Cauchy's: noise is small everywhere
 * and gets averaged out as far as the frames' evidence allows, a blink or a plosive is large for two frames and costs
 * little. That is no moving average: where a frame is sure of a column, as of the lips' closing, it keeps it; where it
 * is not, its neighbours say. Nothing lags, since the future counts as much as the past.
 *
 * Re-weighted least squares; each round is one block-tridiagonal system over the shot (`kernels/sequence.ts`), float64. Expressions stay within their ranges: what leaves is held at the border in the next round. Shots are
 * separated by cuts and losses. Rotations: a_t = log(R_{t+1}R_tᵀ) − log(R_tR_{t−1}ᵀ) at the tracked states plus the second
 * difference of d, right to first order in the turn between frames.
 */
import { throwIfAborted } from '../../core/errors.ts';
import { eventsHandled, type ProgressListener } from '../../core/progress.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { type SequenceSystem, solveSequence } from '../../kernels/sequence.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { cauchyWeight } from '../../solve/robust.ts';
import { landmarkError } from '../measure.ts';
import { type FitState, type ParameterLayout, retractState } from '../parameters.ts';
import { prepareModel } from '../prepare.ts';
import { fitMemory } from '../resident.ts';
import type { EvidenceStore } from './evidence.ts';
import { type MotionDeviations, motionDeviations, motionLayout, relativeCoordinates } from './motion.ts';
import { personalModel } from './personal-model.ts';
import { stateOf } from './tracked-state.ts';
import type { TrackedFrame, VideoTrack } from './types.ts';

/** Options of {@link smoothTrack}. */
export interface SmoothTrackOptions {
  /** What the frames said while they were tracked: the `evidence` given to `trackVideo`. */
  readonly evidence: EvidenceStore;
  /** How strongly: 1 is usual, 2 lets half of the accelerations pass. */
  readonly strength?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Defaults of {@link smoothTrack}. */
export const SMOOTH_TRACK_DEFAULTS = { strength: 1 } as const;

/** Deviations of the second difference at 25 frames a second. */
export const ACCELERATION: MotionDeviations = {
  root: 0.002,
  jaw: 0.012,
  eyes: 0.045,
  translation: 0.00025,
  depth: 0.0005,
  expression: 0.18,
  light: 1,
};

const REFERENCE_INTERVAL = 1 / 25;
/** Width of the robust loss in deviations, and rounds of re-weighting. */
const K = 2;
const ROUNDS = 4;
/** Stiffness that holds an expression at its border, over the frame's own. */
const BORDER = 1e3;

/**
 * Smooths a track. Frames without a face stay as they are; identity and texture are not touched.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function smoothTrack(
  track: VideoTrack,
  model: HeadModel,
  options: SmoothTrackOptions,
): Promise<VideoTrack> {
  const person = personalModel(model, track.identity);
  const layout = motionLayout(person);
  const { kernels, resident } = await fitMemory(prepareModel(person));
  const strength = options.strength ?? SMOOTH_TRACK_DEFAULTS.strength;
  const sd = motionDeviations(person, layout, ACCELERATION).map((s) => s / strength);
  const frames = track.frames.slice();
  let done = 0;
  for (const [begin, end] of shots(frames)) {
    const shot = frames.slice(begin, end);
    const states = shot.map(stateOf);
    const moves = await solveShot(kernels, person, layout, shot, states, sd, options, (rounds) =>
      options.onProgress?.({
        stage: 'smoothing',
        fraction: (done + (rounds / ROUNDS) * shot.length) / Math.max(frames.length, 1),
      }),
    );
    done += shot.length;
    for (const [i, frame] of shot.entries()) {
      const state = retractState(
        person,
        layout,
        states[i],
        moves.subarray(i * layout.size, (i + 1) * layout.size),
      );
      const smoothed = {
        ...frame,
        expression: Float32Array.from(state.expression),
        pose: Float32Array.from(state.pose),
        camera: state.camera,
      };
      const landmarkNme = frame.observation ? landmarkError(resident, state, frame.observation) : Number.NaN;
      frames[begin + i] = { ...smoothed, landmarkNme };
    }
  }
  options.onProgress?.({ stage: 'smoothing', fraction: 1 });
  return { ...track, frames };
}

/** Ranges of frames that follow each other without loss or cut. */
function shots(frames: readonly TrackedFrame[]): [number, number][] {
  const out: [number, number][] = [];
  let begin = -1;
  for (const [i, frame] of frames.entries()) {
    if (begin >= 0 && (frame.status === 'lost' || frame.status === 'acquired' || frame.cut)) {
      out.push([begin, i]);
      begin = -1;
    }
    if (begin < 0 && frame.status !== 'lost') begin = i;
  }
  if (begin >= 0) out.push([begin, frames.length]);
  return out;
}

/** Moves (T,n) of a shot's states. */
async function solveShot(
  kernels: Kernels,
  person: HeadModel,
  layout: ParameterLayout,
  frames: readonly TrackedFrame[],
  states: readonly FitState[],
  sd: Float64Array,
  { evidence, signal }: SmoothTrackOptions,
  onRound: (done: number) => void,
): Promise<Float64Array> {
  const n = layout.size;
  const T = frames.length;
  let moves: Float64Array = new Float64Array(T * n);
  if (T < 3) return moves;
  const stencils = secondDifferences(frames);
  const still = accelerations(layout, states, frames, stencils);
  const bounds = expressionBounds(person, layout, states);
  const held = new Int8Array(T * n);
  for (let round = 0; round < ROUNDS; round++) {
    await eventsHandled();
    throwIfAborted(signal);
    const prior = priorOf(stencils, still, moves, sd, n);
    const system = systemOf(frames, evidence, prior, bounds, held, n);
    const solved = solveSequence(kernels, system);
    if (!solved) break;
    moves = solved;
    hold(moves, bounds, held, round === ROUNDS - 1);
    onRound(round + 1);
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
  frames: readonly TrackedFrame[],
  evidence: EvidenceStore,
  prior: Prior,
  bounds: Bounds,
  held: Int8Array,
  n: number,
): SequenceSystem {
  const right = prior.right.slice();
  const stiffness = new Float64Array(right.length);
  for (const [t, frame] of frames.entries()) {
    const said = evidence.get(frame.index);
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
    const said = evidence.get(frames[t].index);
    for (let i = 0, k = 0; i < n; i++) {
      if (said) for (let j = 0; j <= i; j++, k++) out[i * n + j] = said.information[k];
      out[i * n + i] += prior.diagonal[t * n + i] + stiffness[t * n + i] + 1e-6;
    }
  };
  return { length: frames.length, size: n, diagonal, next: prior.next, nextButOne: prior.nextButOne, right };
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
