/**
 * Tracking a face through a video, frame by frame: who it is once (`find-identity.ts`), then pose, expression, jaw, gaze
 * and light of every frame. Perception (`watch-video.ts`) runs beside the solve, where it lives on another thread; nothing is
 * kept but the last frames, so memory does not grow with the video.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../../core/errors.ts';
import type { ProgressListener } from '../../core/progress.ts';
import type { FrameRange, VideoFrame, VideoSource } from '../../core/video.ts';
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../../perceive/types.ts';
import { prepareModel } from '../prepare.ts';
import { fitMemory } from '../resident.ts';
import { type EvidenceStore, type FrameEvidence, frameEvidence } from './evidence.ts';
import { FIND_IDENTITY_DEFAULTS, findIdentity } from './find-identity.ts';
import type { FaceChoice, Sighting } from './follow.ts';
import {
  FRAME_SOLVER_DEFAULTS,
  type FrameSolution,
  FrameSolver,
  type FrameSolverOptions,
  type SolverMemory,
} from './frame-solver.ts';
import { personalModel } from './personal-model.ts';
import type { TrackedFrame, TrackIdentity } from './types.ts';
import { type Watch, type WatchResume, watchVideo } from './watch-video.ts';

/** Options of {@link trackVideo}. */
export interface TrackVideoOptions extends FrameRange {
  readonly perception: FacePerception;
  /** Who it is; found from the video where absent. */
  readonly identity?: TrackIdentity;
  /** Whom to follow where there are several people. */
  readonly face?: FaceChoice;
  /** Where a track was broken off; frames up to there are skipped. Needs `identity`. */
  readonly resume?: ResumePoint;
  /** Looks at the frames, in this range, from after `resume`; {@link watchVideo} with `perception` where absent. */
  readonly watch?: Watch;
  /** Where to keep what each frame says, for `smoothTrack`. */
  readonly evidence?: EvidenceStore;
  /** Told after each frame with a face, before it is given, what the next one starts from: see {@link ResumePoint}. */
  readonly onSolved?: (memory: SolverMemory) => void;
  readonly solver?: Partial<FrameSolverOptions>;
  /** Fraction of the frames done, where the source says how many there are. */
  readonly onProgress?: ProgressListener;
}

/** All that the next frame of a track depends on: it comes out as if the track had not been broken off. */
export interface ResumePoint {
  /**
   * The last one given; where the face is away there, the last one that shows it, since how hard it is looked for depends on the
   * frames since then. Those are given again.
   */
  readonly frame: TrackedFrame;
  /** What `onSolved` was told last; null where no frame had a face yet. */
  readonly solver: SolverMemory | null;
}

/** Landmark error, over the eye distance, from which a face does not look like the person followed. */
const STRANGER = 0.09;
/** The same from which a frame may be of another shot than the one it was followed from; usual are 0.01 to 0.04. */
const MISFIT = 0.045;

/**
 * Tracks the face in `source`. Every frame gives one {@link TrackedFrame}, in order.
 * @throws {NoFaceError} when no identity is given and the video shows no face.
 * @throws {InvalidArgumentError} on an identity of another model or options out of range.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function* trackVideo(
  source: VideoSource,
  model: HeadModel,
  options: TrackVideoOptions,
): AsyncGenerator<TrackedFrame, void, undefined> {
  const { perception, signal, resume, onProgress } = options;
  const identity = options.identity ?? (await findIdentity(source, model, options));
  checkIdentity(identity, model, options);
  const person = personalModel(model, identity);
  const { kernels, resident } = await fitMemory(prepareModel(person));
  const solving = withDefaults(FRAME_SOLVER_DEFAULTS, options.solver);
  const solver = new FrameSolver(kernels, resident, identity, solving);
  if (resume?.solver) solver.resume(resume.solver);
  const recognise = (faces: readonly FaceObservation[]) => {
    const mismatch = faces.map((face) => solver.mismatch(face));
    const best = mismatch.indexOf(Math.min(...mismatch));
    return mismatch[best] < STRANGER ? faces[best] : null;
  };
  const { start, end, fps, face = FIND_IDENTITY_DEFAULTS.face } = options;
  const watch = options.watch
    ? options.watch(recognise)
    : watchVideo(source, { start, end, fps, signal, perception, face, resume: watchFrom(resume), recognise });
  const total = framesExpected(source, options);
  let last: TrackedFrame | null = resume?.frame ?? null;
  let done = 0;
  for await (const { frame, cut, sighting } of watch) {
    throwIfAborted(signal);
    const anew = sighting !== null && (!sighting.tracked || last === null || last.status === 'lost' || cut);
    const solved = sighting && solveFrame(solver, frame, sighting.observation, anew);
    if (solved) options.evidence?.put(solved.evidence);
    if (solved && solver.memory) options.onSolved?.(solver.memory);
    last =
      sighting && solved
        ? trackedFrame(frame, cut, sighting, solved)
        : lostFrame(frame, cut, last, identity, model);
    done++;
    onProgress?.({ stage: 'tracking', fraction: total ? Math.min(done / total, 1) : 0 });
    yield last;
  }
}

/** A frame that was solved. */
interface SolvedFrame {
  readonly solution: FrameSolution;
  readonly evidence: FrameEvidence;
  /** Without the frame before it. */
  readonly anew: boolean;
}

/**
 * Solves a frame; one that follows another and does not fit is solved anew, and taken so where that fits at least twice as well: a cut
 * between pictures that are alike, such as a closer shot before the same wall, is not seen by `watch-video.ts`.
 */
function solveFrame(
  solver: FrameSolver,
  frame: VideoFrame,
  observation: FaceObservation,
  anew: boolean,
): SolvedFrame {
  const solve = (from: boolean): SolvedFrame => {
    const solution = solver.solve(frame, observation, from);
    const evidence = frameEvidence(frame.index, solution, solver.layout, solver.faceLayout.size);
    return { solution, evidence, anew: from };
  };
  const followed = solve(anew);
  const error = followed.solution.metrics.landmarkNmeInner51;
  if (anew || !(error > MISFIT)) return followed;
  const { memory } = solver;
  const afresh = solve(true);
  if (afresh.solution.metrics.landmarkNmeInner51 < 0.5 * error) return afresh;
  if (memory) solver.resume(memory);
  return followed;
}

/** Where watching goes on for a track that does. */
export function watchFrom(resume: ResumePoint | undefined): WatchResume | null {
  if (!resume) return null;
  const { index, time, observation } = resume.frame;
  return { index, time, observation, known: resume.solver !== null };
}

function checkIdentity(identity: TrackIdentity, model: HeadModel, options: TrackVideoOptions): void {
  const { S, T } = headSizes(model);
  if (identity.identity.length !== S || identity.texture.length !== T)
    throw new InvalidArgumentError(
      `trackVideo: the identity has ${identity.identity.length} shape and ${identity.texture.length} texture ` +
        `coefficients, the model ${model.name} ${S} and ${T}; give the model it was found with (${identity.modelName})`,
    );
  if (options.resume && !options.identity)
    throw new InvalidArgumentError(
      'trackVideo: options.resume needs options.identity, that of the track broken off',
    );
  const size = options.solver?.size ?? FRAME_SOLVER_DEFAULTS.size;
  if (!Number.isInteger(size) || size < 64 || size > 1024 || size % 4 !== 0)
    throw new InvalidArgumentError(
      `trackVideo: options.solver.size must be a multiple of 4 in 64…1024, got ${size}`,
    );
  const detail = options.solver?.detail ?? FRAME_SOLVER_DEFAULTS.detail;
  if (!(detail >= 1 && detail <= 8))
    throw new InvalidArgumentError(`trackVideo: options.solver.detail must be in 1…8, got ${detail}`);
}

function framesExpected(source: VideoSource, { start = 0, end, fps }: FrameRange): number | null {
  const { duration, frameCount } = source;
  if (duration === null || frameCount === null || !(duration > 0)) return frameCount;
  const seconds = Math.max(Math.min(end ?? duration, duration) - start, 0);
  return Math.ceil(seconds * Math.min(fps ?? Infinity, frameCount / duration));
}

function trackedFrame(
  frame: VideoFrame,
  cut: boolean,
  { observation }: Sighting,
  { solution: { state, metrics, skinShare }, anew }: SolvedFrame,
): TrackedFrame {
  const { landmarkNmeInner51, skinL1 } = metrics;
  const confidence =
    Math.min(observation.score, 1) *
    Math.exp(-((landmarkNmeInner51 / 0.08) ** 2)) *
    Math.min(1, 0.4 + skinShare);
  return {
    index: frame.index,
    time: frame.time,
    status: anew ? 'acquired' : 'tracked',
    cut,
    expression: Float32Array.from(state.expression),
    pose: Float32Array.from(state.pose),
    camera: state.camera,
    light: Float32Array.from(state.light),
    landmarkNme: landmarkNmeInner51,
    skinL1,
    confidence: Math.min(Math.max(confidence, 0), 1),
    observation,
  };
}

/** A frame without the face: as the last one that had it, or the neutral head. */
function lostFrame(
  frame: VideoFrame,
  cut: boolean,
  last: TrackedFrame | null,
  identity: TrackIdentity,
  model: HeadModel,
): TrackedFrame {
  const { E, J } = headSizes(model);
  const { expression, pose, camera, light } = last ?? {
    expression: new Float32Array(E),
    pose: new Float32Array(3 * J),
    camera: identity.camera,
    light: identity.light,
  };
  return {
    index: frame.index,
    time: frame.time,
    status: 'lost',
    cut,
    expression,
    pose,
    camera,
    light,
    landmarkNme: Number.NaN,
    skinL1: Number.NaN,
    confidence: 0,
    observation: null,
  };
}
