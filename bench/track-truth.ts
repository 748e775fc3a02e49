/**
 * Known truth for tracking: an animated head (random identity and texture, speech-like mouth, blinks, brows, turning,
 * moving) is rendered with sensor noise, hidden for half a second, cut to another place, and tracked from the pictures
 * alone. Prints how well the motion is followed, frame by frame on its own, tracked, and smoothed.
 *
 *   node scripts/run.mjs bench/track-truth.ts [--heads 3] [--seed 1] [--frames 200] [--size 384]
 *       [--landmarks detected|exact] [--crooked] [--solver JSON] [--model FILE.head]
 *
 * `alone` fits every frame without its neighbours: what tracking and smoothing have to beat. With `--crooked` the sides
 * of mouth and brows move independently: what a prior that draws both sides together must not flatten.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { prepareModel } from '../src/fit/prepare.ts';
import { fitMemory } from '../src/fit/resident.ts';
import { memoryEvidence } from '../src/fit/video/evidence.ts';
import { findIdentity } from '../src/fit/video/find-identity.ts';
import { FRAME_SOLVER_DEFAULTS, FrameSolver } from '../src/fit/video/frame-solver.ts';
import { personalModel } from '../src/fit/video/personal-model.ts';
import { smoothTrack } from '../src/fit/video/smooth-track.ts';
import { trackVideo } from '../src/fit/video/track-video.ts';
import type { TrackedFrame, TrackIdentity } from '../src/fit/video/types.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { loadPerception } from '../src/node/perception.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import type { FacePerception } from '../src/perceive/types.ts';
import { filmTalkingHead, type TalkingHead, trueLandmarks } from '../test/helpers/filmed-head.ts';
import { curves, jitter, motionError } from '../test/helpers/track-truth.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    heads: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    frames: { type: 'string', default: '200' },
    size: { type: 'string', default: '384' },
    landmarks: { type: 'string', default: 'detected' },
    crooked: { type: 'boolean', default: false },
    solver: { type: 'string', default: '{}' },
    strength: { type: 'string', default: '1' },
    brief: { type: 'boolean', default: false },
  },
});
// As the command does it.
enableRelaxedSimd();
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const kernels = await createKernels();
const detector = await loadPerception();
const count = Number(values.frames);
const size = Number(values.size);
/** For trying other settings: JSON of FrameSolverOptions. */
const solver = { ...FRAME_SOLVER_DEFAULTS, ...JSON.parse(values.solver) };
const strength = Number(values.strength);

interface Tracks {
  readonly alone: TrackedFrame[];
  readonly tracked: TrackedFrame[];
  readonly smoothed: readonly TrackedFrame[];
}

async function track(
  film: TalkingHead,
  perception: FacePerception,
  identity: TrackIdentity,
): Promise<Tracks> {
  const evidence = memoryEvidence();
  const memory = await fitMemory(prepareModel(personalModel(model, identity)));
  const own = new FrameSolver(memory.kernels, memory.resident, identity, solver);
  const tracked: TrackedFrame[] = [];
  const alone: TrackedFrame[] = [];
  // The same pictures and landmarks for both.
  const source = {
    ...film.source,
    async *frames() {
      for await (const frame of film.source.frames()) {
        pictures.set(frame.index, frame);
        yield frame;
      }
    },
  };
  const pictures = new Map();
  for await (const frame of trackVideo(source, model, { perception, identity, evidence, solver })) {
    tracked.push(frame);
    const picture = pictures.get(frame.index);
    pictures.delete(frame.index);
    if (!frame.observation) {
      alone.push(frame);
      continue;
    }
    const { state } = own.solve(picture, frame.observation, true);
    alone.push({
      ...frame,
      expression: Float32Array.from(state.expression),
      pose: Float32Array.from(state.pose),
      camera: state.camera,
    });
  }
  const smoothed = await smoothTrack({ identity, width: size, height: size, frames: tracked }, model, {
    evidence,
    strength,
  });
  return { alone, tracked, smoothed: smoothed.frames };
}

const KINDS = ['alone', 'tracked', 'smoothed'] as const;
const number = (x: number, digits = 3) => x.toFixed(digits).padStart(9);
for (let h = 0; h < Number(values.heads); h++) {
  const seed = 100 * Number(values.seed) + h;
  const events = { occlusion: [Math.round(0.45 * count), 12] as const, cut: Math.round(0.7 * count) };
  const options = { frames: count, fps: 25, size, seed, crooked: values.crooked };
  const film = filmTalkingHead(kernels, model, { ...options, ...events });
  const perceptionOf = (f: TalkingHead) =>
    values.landmarks === 'exact' ? trueLandmarks(model, f, seed) : detector;
  const identity = await findIdentity(film.source, model, { perception: perceptionOf(film) });
  const moving = await track(film, perceptionOf(film), identity);
  const film2 = filmTalkingHead(kernels, model, { ...options, frames: 40, still: true });
  const still = await track(film2, perceptionOf(film2), identity);

  console.log(`head ${h}: key frames ${identity.keyFrames.join(' ')}`);
  const { tracked } = moving;
  const status = (from: number) => tracked.slice(from).findIndex((f) => f.status !== 'lost');
  const lost = tracked.filter((f) => f.status === 'lost').map((f) => f.index);
  console.log(
    `  hidden ${events.occlusion[0]}…${events.occlusion[0] + 11}, lost ${lost[0]}…${lost.at(-1)} (${lost.length}), found again after ` +
      `${status(events.occlusion[0] + 12)} frames; cut at ${events.cut}, seen at ${tracked
        .filter((f) => f.cut)
        .map((f) => f.index)
        .join(' ')}, found after ${status(events.cut)}`,
  );
  console.log('              correlation  lag frames  correlation  lag frames  correlation  lag frames');
  const table = KINDS.map((kind) => curves(model, film, moving[kind]));
  for (let c = 0; c < table[0].length && !values.brief; c++)
    console.log(
      `  ${table[0][c].name.padEnd(18)}`,
      table.map((t) => number(t[c].correlation) + number(t[c].lag, 2)).join('   '),
    );
  console.log('  kind       mean corr  least corr  face mm   rotation°  still jitter mm  moving 2nd diff mm');
  for (const [k, kind] of KINDS.entries()) {
    const error = motionError(model, film, identity, moving[kind]);
    const c = table[k].map((x) => x.correlation);
    console.log(
      `  ${kind.padEnd(9)}`,
      number(c.reduce((a, b) => a + b, 0) / c.length),
      number(Math.min(...c)),
      number(error.face),
      number(error.rotation),
      number(jitter(model, identity, still[kind].slice(2)), 4),
      number(jitter(model, identity, moving[kind]), 4),
    );
  }
}
detector.dispose();
