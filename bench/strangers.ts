/**
 * Does `fitPerson` notice a stranger among three photos? Rendered people through the detector: half of the mixes show one
 * person three times, half have somebody else at a random place. Then the real photos of ../shared, where those are there:
 * all pairs show different people.
 *
 *   node scripts/run.mjs bench/strangers.ts [--people 30] [--mixes 100] [--model FILE.head]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Image8 } from '../src/core/image.ts';
import { createRandom } from '../src/core/random.ts';
import { agreement, SAME_PERSON, similarity } from '../src/fit/agreement.ts';
import { FaceView } from '../src/fit/face-view.ts';
import { FIT_PHOTO_DEFAULTS } from '../src/fit/fit-options.ts';
import type { FitState } from '../src/fit/parameters.ts';
import { prepareModel } from '../src/fit/prepare.ts';
import { RECIPE, runStages } from '../src/fit/recipe.ts';
import { fitMemory } from '../src/fit/resident.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { expose, photograph, sampleTruth } from '../test/helpers/synthetic.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    people: { type: 'string', default: '30' },
    mixes: { type: 'string', default: '100' },
  },
});
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const perception = await loadPerception();
const renderer = await createKernels();
const { kernels, resident } = await fitMemory(prepareModel(model));

/** A photo's own coarse fit, as `fitPerson` makes it first. */
async function alone(image: Image8): Promise<FitState | null> {
  const observation = (await perception.detect(image))[0];
  if (!observation) return null;
  const size = FIT_PHOTO_DEFAULTS.size;
  const view = new FaceView(kernels, resident, image, observation, size, {}, FIT_PHOTO_DEFAULTS.weights);
  const stages = RECIPE.slice(0, 4);
  const options = { size, light: 'rgb' } as const;
  const { states } = await runStages(kernels, model, [view], [view.initialState()], stages, options);
  return states[0];
}

const people: FitState[][] = [];
for (let p = 0; p < Number(values.people); p++) {
  const person = sampleTruth(model, createRandom(7000 + p)).params;
  const states: FitState[] = [];
  for (let q = 0; q < 3; q++) {
    const random = createRandom(90_000 + 10 * p + q);
    const sampled = sampleTruth(model, random);
    const params = { ...sampled.params, identity: person.identity, texture: person.texture };
    const truth = expose(renderer, model, { ...sampled, params });
    const state = await alone(photograph(renderer, model, truth, random));
    if (state) states.push(state);
  }
  if (states.length === 3) people.push(states);
}

const random = createRandom(1);
let right = 0;
const mixes = Number(values.mixes);
for (let m = 0; m < mixes; m++) {
  const a = random.below(people.length);
  const states = people[a].slice();
  let stranger = -1;
  if (m % 2 === 1) {
    const b = (a + 1 + random.below(people.length - 1)) % people.length;
    stranger = random.below(3);
    states[stranger] = people[b][random.below(3)];
  }
  const { same } = agreement(states);
  const expected = [0, 1, 2].filter((i) => i !== stranger);
  if (same.join() === expected.join()) right++;
}
console.log(`${people.length} rendered people with three pictures each`);
console.log(`the verdict is right on ${right} of ${mixes} mixes of three photos`);

const real: { name: string; state: FitState }[] = [];
for (const folder of ['../shared/data/ffhq', '../shared/data/photos'])
  if (existsSync(folder))
    for (const file of readdirSync(folder).filter((f) => /^\d+\.png$/.test(f))) {
      const state = await alone((await decodePhoto(path.join(folder, file))).image);
      if (state) real.push({ name: file, state });
    }
if (real.length === 0) console.log('real photos: skipped, ../shared/data is absent');
else {
  let [pairs, apart] = [0, 0];
  for (let i = 0; i < real.length; i++)
    for (let j = 0; j < i; j++) {
      pairs++;
      const s = similarity(real[i].state, real[j].state);
      if (s < SAME_PERSON) apart++;
      else console.log(`  ${real[i].name} and ${real[j].name} taken for one person (${s.toFixed(2)})`);
    }
  console.log(`${apart} of ${pairs} pairs of real photos of different people are told apart`);
}
perception.dispose();
