/**
 * What each frame says about its own motion, kept for smoothing: the quadratic model of its energy around the tracked
 * state (Gauss-Newton), without the prior that tied it to its neighbours and with light held fixed.
 *
 * Packed as float32 lower triangles, 9 kB a frame for open-head's 67 columns: 47 MB for 5,000 frames, beside some 7 kB
 * a frame that a track itself takes. Whoever wants less gives a store of his own, which may put them on disk.
 */
import type { ParameterLayout } from '../parameters.ts';
import type { FrameSolution } from './frame-solver.ts';
import { relativeCoordinates } from './motion.ts';

/** One frame's energy as a function of a small move d from the tracked state: gᵀd + ½dᵀHd. */
export interface FrameEvidence {
  /** Number of the frame. */
  readonly index: number;
  /** (n(n+1)/2) float32: H, lower triangle row by row, in the columns of `motionLayout`. */
  readonly information: Float32Array;
  /** (n) float32: g. */
  readonly gradient: Float32Array;
}

/** Keeps the frames' evidence. */
export interface EvidenceStore {
  /** Called once per frame that has a face, in order. */
  put(evidence: FrameEvidence): void;
  /** The evidence of a frame, null for a frame without; called once for each. */
  get(index: number): FrameEvidence | null;
}

/** A store in memory. */
export function memoryEvidence(): EvidenceStore {
  const frames = new Map<number, FrameEvidence>();
  return {
    put: (evidence) => void frames.set(evidence.index, evidence),
    get: (index) => frames.get(index) ?? null,
  };
}

/**
 * The evidence of a solved frame.
 * @param layout columns of the solve; those of motion come first.
 * @param n columns of motion.
 */
export function frameEvidence(
  index: number,
  { evidence, crop }: Pick<FrameSolution, 'evidence' | 'crop'>,
  layout: ParameterLayout,
  n: number,
): FrameEvidence {
  const { around, equations } = evidence;
  const { hessian, gradient } = equations;
  const N = layout.size;
  const moved = relativeCoordinates(layout, crop, around);
  const information = new Float32Array((n * (n + 1)) / 2);
  const g = new Float32Array(n);
  for (let i = 0, o = 0; i < n; i++) {
    let sum = gradient[i];
    for (let j = 0; j < n; j++) sum += hessian[i * N + j] * moved[j];
    g[i] = sum;
    for (let j = 0; j <= i; j++, o++) information[o] = hessian[i * N + j];
  }
  return { index, information, gradient: g };
}
