/**
 * Speed of tracking after the identity stage: landmarks and solve of every frame at 256², perception on a thread beside
 * the solve. The video is a rendered talking head, in memory before the clock starts. Needs a build (`npm run build`):
 * the perception thread is a built module.
 *
 *   node scripts/run.mjs bench/track-speed.ts [--frames 150] [--size 256] [--model FILE.head]
 *
 * Prints frames a second for perception alone, for the solve alone, and for both together.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { VideoFrame, VideoSource } from '../src/core/video.ts';
import { prepareModel } from '../src/fit/prepare.ts';
import { fitMemory } from '../src/fit/resident.ts';
import { findIdentity } from '../src/fit/video/find-identity.ts';
import { FrameSolver } from '../src/fit/video/frame-solver.ts';
import { personalModel } from '../src/fit/video/personal-model.ts';
import { trackVideo } from '../src/fit/video/track-video.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import type { FaceObservation, FacePerception } from '../src/perceive/types.ts';
import { filmTalkingHead } from '../test/helpers/filmed-head.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    frames: { type: 'string', default: '150' },
    size: { type: 'string', default: '256' },
  },
});
const built = new URL('../dist/node/threaded-perception.js', `file://${process.argv[1]}`).href;
const { loadThreadedPerception }: { loadThreadedPerception(): Promise<FacePerception> } = await import(built);
// As the command does it.
enableRelaxedSimd();
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const perception = await loadThreadedPerception();
const film = filmTalkingHead(await createKernels(), model, {
  frames: Number(values.frames),
  fps: 25,
  size: Number(values.size),
  seed: 1,
});
const frames: VideoFrame[] = [];
for await (const frame of film.source.frames()) frames.push(frame);
const source: VideoSource = {
  ...film.source,
  async *frames() {
    yield* frames;
  },
};

const clock = async (name: string, run: () => Promise<void>) => {
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${name.padEnd(24)} ${(frames.length / seconds).toFixed(1).padStart(6)} frames/s  ${((1000 * seconds) / frames.length).toFixed(1).padStart(6)} ms/frame`,
  );
};
const start = performance.now();
const identity = await findIdentity(film.source, model, { perception, size: 160, candidates: 12 });
console.log(`identity (160², 12 looked at) ${((performance.now() - start) / 1000).toFixed(1)} s`);
const together = async () => {
  for await (const frame of trackVideo(source, model, { perception, identity }))
    if (frame.status === 'lost') throw new Error(`frame ${frame.index} was lost`);
};
const seen: FaceObservation[] = [];
await together();
await clock('perception', async () => {
  let [face] = await perception.detect(frames[0].image);
  seen.push(face);
  for (const { image } of frames.slice(1)) {
    face = (await perception.track!(image, face)) ?? face;
    seen.push(face);
  }
});
const memory = await fitMemory(prepareModel(personalModel(model, identity)));
const solver = new FrameSolver(memory.kernels, memory.resident, identity);
await clock('solve', async () => {
  for (const [i, frame] of frames.entries()) solver.solve(frame, seen[i], i === 0);
});
await clock('landmarks and solve', together);
perception.dispose();
