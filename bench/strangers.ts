/**
 * Does `fitPerson` notice a stranger among three photos? Mixes of three through the detector, half of them of one person, half
 * with somebody else at a random place: rendered people (the first 30 are those that `agreement.ts` was tuned on, so the
 * default starts behind them), and frames of the video of ../shared with its photos as strangers. Then those photos
 * in pairs, which all show different people, and the video's frames in pairs, which show one.
 *
 *   node scripts/run.mjs bench/strangers.ts [--people 30] [--first 30] [--mixes 200] [--seed 1] [--model FILE.head]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Image8 } from '../src/core/image.ts';
import { createRandom, type Random } from '../src/core/random.ts';
import { agreement, type PersonEvidence } from '../src/fit/agreement.ts';
import { FaceView } from '../src/fit/face-view.ts';
import { FIT_PHOTO_DEFAULTS } from '../src/fit/fit-options.ts';
import { prepareModel } from '../src/fit/prepare.ts';
import { RECIPE, runStages } from '../src/fit/recipe.ts';
import { fitMemory } from '../src/fit/resident.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { openVideo } from '../src/node/video-source.ts';
import { expose, photograph, sampleTruth } from '../test/helpers/synthetic.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    people: { type: 'string', default: '30' },
    first: { type: 'string', default: '30' },
    mixes: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const [first, count, mixes] = [values.first, values.people, values.mixes].map(Number);
/** Every so many frames of the video. */
const STRIDE = 16;
const DATA = '../shared/data';
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const perception = await loadPerception();
const renderer = await createKernels();
const { kernels, resident } = await fitMemory(prepareModel(model));

/** A photo's own coarse fit, as `fitPerson` makes it first, and its face's descriptor. */
async function look(image: Image8): Promise<PersonEvidence | null> {
  const observation = (await perception.detect(image))[0];
  if (!observation) return null;
  const size = FIT_PHOTO_DEFAULTS.size;
  const view = new FaceView(kernels, resident, image, observation, size, {}, FIT_PHOTO_DEFAULTS.weights);
  const stages = RECIPE.slice(0, 4);
  const options = { size, light: 'rgb', unfinished: true } as const;
  const { states } = await runStages(kernels, model, [view], [view.initialState()], stages, options);
  return { state: states[0], descriptor: await perception.describe!(image, observation) };
}

const WAYS: readonly [string, (photos: readonly PersonEvidence[]) => readonly number[]][] = [
  ['fits and descriptors', (photos) => agreement(photos).same],
  ['fits alone', (photos) => agreement(photos.map(({ state }) => ({ state }))).same],
];

/** How often the verdict is right on mixes of three; `strangerTo` gives somebody else than person a. */
function tell(
  name: string,
  people: readonly (readonly PersonEvidence[])[],
  strangerTo: (a: number, random: Random) => PersonEvidence,
): void {
  const right = WAYS.map(() => [0, 0]);
  const random = createRandom(Number(values.seed));
  for (let m = 0; m < mixes; m++) {
    const a = random.below(people.length);
    const left = people[a].slice();
    const photos = [0, 1, 2].map(() => left.splice(random.below(left.length), 1)[0]);
    const stranger = m % 2 === 1 ? random.below(3) : -1;
    if (stranger >= 0) photos[stranger] = strangerTo(a, random);
    const expected = [0, 1, 2].filter((i) => i !== stranger).join();
    for (const [w, [, verdict]] of WAYS.entries()) if (verdict(photos).join() === expected) right[w][m % 2]++;
  }
  for (const [w, [way]] of WAYS.entries())
    console.log(
      `${name}, ${way}: right on ${right[w][0] + right[w][1]} of ${mixes} mixes of three photos ` +
        `(${right[w][0]} of ${mixes - (mixes >> 1)} of one person, ${right[w][1]} of ${mixes >> 1} with a stranger)`,
    );
}

const people: PersonEvidence[][] = [];
for (let p = first; p < first + count; p++) {
  const person = sampleTruth(model, createRandom(7000 + p)).params;
  const photos: PersonEvidence[] = [];
  for (let q = 0; q < 3; q++) {
    const random = createRandom(90_000 + 10 * p + q);
    const sampled = sampleTruth(model, random);
    const params = { ...sampled.params, identity: person.identity, texture: person.texture };
    const truth = expose(renderer, model, { ...sampled, params });
    const photo = await look(photograph(renderer, model, truth, random));
    if (photo) photos.push(photo);
  }
  if (photos.length === 3) people.push(photos);
}
console.log(`${people.length} rendered people with three pictures each`);
tell('rendered', people, (a, random) => {
  const b = (a + 1 + random.below(people.length - 1)) % people.length;
  return people[b][random.below(3)];
});

const real: { name: string; photo: PersonEvidence }[] = [];
const frames: { name: string; photo: PersonEvidence }[] = [];
if (existsSync(DATA)) {
  for (const folder of ['ffhq', 'photos'].map((name) => path.join(DATA, name)))
    for (const file of readdirSync(folder).filter((f) => /^\d+\.png$/.test(f))) {
      const photo = await look((await decodePhoto(path.join(folder, file))).image);
      if (photo) real.push({ name: file, photo });
    }
  const video = await openVideo(path.join(DATA, 'video', 'talking.mp4'));
  for await (const { index, image } of video.frames({})) {
    const photo = index % STRIDE === 0 ? await look(image) : null;
    if (photo) frames.push({ name: `frame ${index}`, photo });
  }
  tell('video', [frames.map(({ photo }) => photo)], (_, random) => real[random.below(real.length)].photo);
  pairs('real photos of different people', real, false);
  pairs('frames of one person', frames, true);
} else console.log(`real photos: skipped, ${DATA} is absent`);
perception.dispose();

/** How many pairs are taken for what they are. */
function pairs(
  what: string,
  photos: readonly { name: string; photo: PersonEvidence }[],
  same: boolean,
): void {
  for (const [way, verdict] of WAYS) {
    let [all, right] = [0, 0];
    for (const [i, a] of photos.entries())
      for (const b of photos.slice(0, i)) {
        all++;
        if ((verdict([a.photo, b.photo]).length === 2) === same) right++;
        else if (!same) console.log(`  ${a.name} and ${b.name} taken for one person`);
      }
    console.log(`${right} of ${all} pairs of ${what} are told right by ${way}`);
  }
}
