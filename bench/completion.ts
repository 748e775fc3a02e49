/**
 * Completion of textures on a population whose truth is known: trains the network on maps of people seen from one side
 * each, and compares it with the classical completions on people it has not seen, on held-out strokes and on what their
 * photo does not show.
 *
 *   node scripts/run.mjs bench/completion.ts --threads 2 --minutes 60 --seed 1 --out out/completion
 *
 * Writes loss.csv, results.json, model.safetensors and PNG grids into --out. Steps are as many as fit the minutes (timed
 * on the first few), or --steps. --layers times the convolutions instead. Needs no packages once bundled:
 *   npx esbuild bench/completion.ts --bundle --platform=node --format=esm --outfile=completion.mjs
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import type { Image8 } from '../src/core/image.ts';
import { createRandom } from '../src/core/random.ts';
import { sha256HexPlain } from '../src/core/sha256.ts';
import { encodePng } from '../src/io/png.ts';
import {
  convBackwardSource,
  convBackwardWeights,
  convForward,
  packConvWeights,
  planConv,
} from '../src/kernels/conv.ts';
import { createKernels, type Kernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { uvLayoutHash } from '../src/model/space-pack.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import { startTrainingThreads } from '../src/node/training-threads.ts';
import {
  buildCompletionAtlas,
  type CompletionAtlas,
  type KnownTexture,
  reduceMap,
  restrictTexture,
} from '../src/texture/completion/atlas.ts';
import { encodeCheckpoint } from '../src/texture/completion/checkpoint.ts';
import { exampleSeed, question } from '../src/texture/completion/examples.ts';
import { headMean } from '../src/texture/completion/full-size.ts';
import { blendKnown, mirrorFill } from '../src/texture/completion/mirror-fill.ts';
import { completeByPca } from '../src/texture/completion/missing-pca.ts';
import { drawStrokes } from '../src/texture/completion/strokes.ts';
import { ExampleRunner, initialState, resolveTraining } from '../src/texture/completion/training.ts';
import { createTrainingSet, LEAST_MAPS, type TrainingSet } from '../src/texture/completion/training-set.ts';
import { texturePopulation } from '../test/helpers/texture-population.ts';

interface Person {
  readonly known: KnownTexture;
  readonly truth: KnownTexture;
}
const METHODS = [
  'mirror + harmonic',
  'mirror + harmonic about the mean',
  'principal components',
  'mirror + harmonic about the components',
  'network',
  'network, blended',
] as const;

if (isMainThread) await main();

async function main(): Promise<void> {
  const { values: o } = parseArgs({
    options: {
      threads: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '5' },
      steps: { type: 'string' },
      seed: { type: 'string', default: '1' },
      maps: { type: 'string', default: '300' },
      tests: { type: 'string', default: '40' },
      size: { type: 'string', default: '128' },
      base: { type: 'string', default: '16' },
      batch: { type: 'string', default: '16' },
      rate: { type: 'string', default: '1e-3' },
      components: { type: 'string', default: '24' },
      model: { type: 'string', default: 'models/open-head.head' },
      out: { type: 'string', default: 'out/completion' },
      layers: { type: 'boolean', default: false },
    },
  });
  enableRelaxedSimd();
  const kernels = await createKernels({ relaxed: true });
  if (o.layers) return layers(kernels);
  mkdirSync(o.out, { recursive: true });
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const say = (text: string) => console.log(`${seconds().toFixed(0).padStart(5)} s  ${text}`);
  const model = await readHeadPack(new Uint8Array(readFileSync(o.model)));
  const size = Number(o.size);
  const [maps, tests, seed] = [Number(o.maps), Number(o.tests), Number(o.seed)];
  const whole = buildCompletionAtlas(kernels, model, size);
  const people = texturePopulation(kernels, model, maps + tests, Math.max(256, size), seed);
  const training = { ...people, names: people.names.slice(0, maps) };
  const mean = headMean(model, whole);
  const { set, atlas } = await createTrainingSet(kernels, whole, training, {
    shared: true,
    ...(mean && { base: mean }),
    least: LEAST_MAPS,
    components: Number(o.components),
  });
  say(
    `${maps} maps read, components learned (σ ${Math.sqrt(set.pca.noise).toFixed(4)}), ${set.pca.shown.length} texels`,
  );
  const face = people.face.map((f) => 255 * f);
  const held: Person[] = [];
  for (let i = maps; i < maps + tests; i++)
    held.push({
      known: restrictTexture(reduceMap(whole, await people.read(i)), set.keep),
      truth: restrictTexture(
        reduceMap(whole, { size: people.size, albedo: people.truth(i), visibility: face }),
        set.keep,
      ),
    });

  const base = Number(o.base);
  const runner = new ExampleRunner(kernels, atlas, base);
  const parameters = runner.network.network.initialParameters(seed);
  say(`${parameters.length} parameters, window ${runner.window.width} × ${runner.window.height}`);
  const options = { base, batch: Number(o.batch), rate: Number(o.rate), seed };
  const threads = { threads: Number(o.threads), worker: fileURLToPath(import.meta.url) };
  const start = async (steps: number) => {
    const state = initialState(parameters, true);
    const full = resolveTraining({ ...options, steps });
    return { state, full, team: await startTrainingThreads(atlas, set, state, full, threads) };
  };
  let steps = Number(o.steps ?? 0);
  if (!o.steps) {
    const { state, team } = await start(1000);
    let s = await team.step(state);
    const from = performance.now();
    for (let i = 0; i < 4; i++) s = await team.step(s);
    const each = (performance.now() - from) / 4000;
    await team.close();
    // Validation and the like take some 5 %.
    steps = Math.max(20, Math.floor((57 * Number(o.minutes)) / each));
    say(`${each.toFixed(2)} s per step of ${options.batch}: ${steps} steps`);
  }
  const { state: first, full, team } = await start(steps);
  let state = first;
  const csv = ['step,seconds,loss,heldOutStrokes,unseen'];
  const begun = performance.now();
  const every = Math.max(10, Math.ceil(steps / 12));
  let last = 0;
  while (state.step < steps) {
    state = await team.step(state);
    const loss = state.losses[state.step - 1];
    let more = ',';
    if (state.step % every === 0 || state.step === steps) {
      runner.network.network.load(state.parameters);
      const e = evaluate(runner, atlas, set, held.slice(0, 6), seed, ['network']);
      more = `${e.strokes.network.mae},${e.unseen.network.mae}`;
      const took = (performance.now() - begun) / 1000;
      const mean = state.losses.slice(last).reduce((a, b) => a + b, 0) / (state.step - last);
      last = state.step;
      const left = (took / state.step) * (steps - state.step);
      say(
        `step ${state.step} of ${steps}, loss ${mean.toFixed(5)}, strokes ${e.strokes.network.mae.toFixed(5)}, ` +
          `unseen ${e.unseen.network.mae.toFixed(5)}, ${left.toFixed(0)} s left`,
      );
    }
    csv.push(`${state.step},${((performance.now() - begun) / 1000).toFixed(1)},${loss},${more}`);
    if (more !== ',') writeFileSync(path.join(o.out, 'loss.csv'), `${csv.join('\n')}\n`);
  }
  const trainingSeconds = (performance.now() - begun) / 1000;
  await team.close();

  runner.network.network.load(state.parameters);
  const errors = evaluate(runner, atlas, set, held, seed, METHODS);
  const results = {
    cpu: cpus()[0]?.model,
    threads: Number(o.threads),
    trainingSeconds,
    threadMinutes: (trainingSeconds * Number(o.threads)) / 60,
    steps,
    ...options,
    size,
    maps,
    tests,
    components: set.pca.components,
    parameters: parameters.length,
    parametersSha256: sha256HexPlain(new Uint8Array(Float32Array.from(state.parameters).buffer)),
    unit: 'mean absolute and root mean square error of sRGB albedo in [0, 1], texels never told, seen in 4 maps or more',
    errors,
  };
  writeFileSync(path.join(o.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(
    path.join(o.out, 'model.safetensors'),
    encodeCheckpoint({
      model: { name: model.name, hash: model.hash },
      layout: await uvLayoutHash(model),
      checks: [],
      size,
      options: full,
      maps: sha256HexPlain(new TextEncoder().encode(training.names.join('\n'))),
      state,
      shapes: runner.network.network.parameters,
      keep: set.keep,
      pca: set.pca,
      folds: set.folds,
    }),
  );
  writeFileSync(
    path.join(o.out, 'unseen.png'),
    encodePng(grid(runner, atlas, set, held.slice(0, 8), seed, false)),
  );
  writeFileSync(
    path.join(o.out, 'strokes.png'),
    encodePng(grid(runner, atlas, set, held.slice(0, 8), seed, true)),
  );
  say('errors (mean absolute):');
  for (const method of METHODS)
    console.log(
      `  ${method.padEnd(42)} strokes ${errors.strokes[method].mae.toFixed(5)}  unseen ${errors.unseen[method].mae.toFixed(5)}`,
    );
  console.log(
    `trained for ${(trainingSeconds / 60).toFixed(1)} min on ${o.threads} threads; ${o.out}/results.json`,
  );
}

type Method = (typeof METHODS)[number];
interface ErrorSums {
  readonly mae: number;
  readonly rmse: number;
  readonly texels: number;
}

/** Completions of a texture by each method asked for, all (n,3). */
function completions(
  runner: ExampleRunner,
  atlas: CompletionAtlas,
  set: TrainingSet,
  known: KnownTexture,
  methods: readonly Method[],
): Map<Method, Float32Array> {
  const out = new Map<Method, Float32Array>();
  const { pca } = set;
  const { values, candidates } = runner.complete(pca, known);
  for (const method of methods) {
    if (method === 'mirror + harmonic') out.set(method, mirrorFill(runner.kernels, atlas, known));
    else if (method === 'principal components') out.set(method, completeByPca(pca, known));
    else if (method === 'mirror + harmonic about the mean') out.set(method, candidates[1]);
    else if (method === 'mirror + harmonic about the components') out.set(method, candidates[2]);
    else if (method === 'network') out.set(method, values);
    else
      out.set(
        method,
        blendKnown(
          runner.kernels,
          atlas,
          known,
          values,
          new Float32Array(known.weights.length).fill(1),
          0.05,
        ),
      );
  }
  return out;
}

/** Strokes over what a person's photo shows; the same for every method. */
function strokesOver(atlas: CompletionAtlas, person: Person, seed: number, index: number): Uint8Array {
  const strokes = drawStrokes(atlas.size, createRandom(exampleSeed(seed, 1_000_000, index)));
  return Uint8Array.from(person.known.weights, (w, i) => (w > 0 && strokes[atlas.graph.texels[i]] ? 1 : 0));
}

function evaluate(
  runner: ExampleRunner,
  atlas: CompletionAtlas,
  set: TrainingSet,
  held: readonly Person[],
  seed: number,
  methods: readonly Method[],
): Record<'strokes' | 'unseen', Record<Method, ErrorSums>> {
  const sums = { strokes: new Map<Method, number[]>(), unseen: new Map<Method, number[]>() };
  held.forEach((person, index) => {
    const hidden = strokesOver(atlas, person, seed, index);
    const told = question(atlas, person.known, hidden).known;
    for (const [where, known, asked] of [
      ['strokes', told, (i: number) => hidden[i] === 1],
      ['unseen', person.known, (i: number) => person.known.weights[i] === 0],
    ] as const)
      for (const [method, values] of completions(runner, atlas, set, known, methods)) {
        const sum = sums[where].get(method) ?? [0, 0, 0];
        for (let i = 0; i < known.weights.length; i++) {
          if (!asked(i) || person.truth.weights[i] < 0.9 || set.pca.shown[i] < 4) continue;
          sum[2]++;
          for (let c = 3 * i; c < 3 * i + 3; c++) {
            const e = values[c] - person.truth.values[c];
            sum[0] += Math.abs(e) / 3;
            sum[1] += (e * e) / 3;
          }
        }
        sums[where].set(method, sum);
      }
  });
  const finish = (map: Map<Method, number[]>) =>
    Object.fromEntries(
      [...map].map(([method, [a, b, n]]) => [method, { mae: a / n, rmse: Math.sqrt(b / n), texels: n }]),
    ) as Record<Method, ErrorSums>;
  return { strokes: finish(sums.strokes), unseen: finish(sums.unseen) };
}

/** Told, truth and completions, a row per person, each twice its size. */
function grid(
  runner: ExampleRunner,
  atlas: CompletionAtlas,
  set: TrainingSet,
  held: readonly Person[],
  seed: number,
  strokes: boolean,
): Image8 {
  const { window } = runner;
  const scale = 2;
  const columns = 2 + METHODS.length;
  const [w, h] = [scale * window.width, scale * window.height];
  const [width, height] = [columns * (w + 4), held.length * (h + 4)];
  const image = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(255) };
  held.forEach((person, row) => {
    const hidden = strokesOver(atlas, person, seed, row);
    const known = strokes ? question(atlas, person.known, hidden).known : person.known;
    const tiles = [known.values, person.truth.values];
    for (const values of completions(runner, atlas, set, known, METHODS).values()) {
      // What is known stays; the last method says itself how it goes over into the rest.
      const last = tiles.length === columns - 1;
      tiles.push(
        values.map((x, c) => {
          const k = last ? 0 : known.weights[Math.floor(c / 3)];
          return k * known.values[c] + (1 - k) * x;
        }),
      );
    }
    tiles.forEach((values, column) => {
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const t = (window.y + Math.floor(y / scale)) * atlas.size + window.x + Math.floor(x / scale);
          const i = atlas.graph.nodes[t];
          const at = 4 * ((row * (h + 4) + y) * width + column * (w + 4) + x);
          for (let c = 0; c < 3; c++) image.data[at + c] = i < 0 ? 40 : 255 * values[3 * i + c];
        }
    });
  });
  return image;
}

/** Speed of the network's convolutions, one thread. */
function layers(kernels: Kernels): void {
  console.log('size in out kernel stride dilation   forward  to source  to weights  (Gflop/s)');
  for (const [n, c, o, k, s, d] of [
    [128, 24, 16, 7, 1, 1],
    [128, 16, 32, 7, 2, 1],
    [64, 32, 32, 5, 1, 1],
    [32, 64, 64, 7, 1, 1],
    [32, 64, 64, 7, 1, 4],
    [32, 64, 64, 3, 1, 2],
    [128, 16, 16, 3, 1, 1],
    [128, 112, 16, 3, 1, 1],
  ])
    kernels.scope(() => {
      const plan = planConv(kernels, {
        height: n,
        width: n,
        channels: c,
        outs: o,
        kernel: k,
        stride: s,
        dilation: d,
        padding: (d * (k - 1)) / 2,
      });
      const random = createRandom(1);
      const array = (length: number) => kernels.f32(Float32Array.from({ length }, () => random.normal()));
      const [x, w, b] = [array(n * n * c), array(k * k * c * o), array(o)];
      const [y, dw, dx] = [array(plan.outHeight * plan.outWidth * o), array(k * k * c * o), array(n * n * c)];
      packConvWeights(plan, w);
      const flop = 2 * plan.outHeight * plan.outWidth * o * c * k * k;
      const speed = (run: () => void) => {
        let best = Number.POSITIVE_INFINITY;
        for (let i = 0; i < 15; i++) {
          const from = performance.now();
          run();
          best = Math.min(best, performance.now() - from);
        }
        return (flop / best / 1e6).toFixed(1).padStart(10);
      };
      console.log(
        [n, c, o, k, s, d].map((v) => String(v).padStart(4)).join(' '),
        speed(() => convForward(kernels, plan, x, b, y)),
        speed(() => convBackwardSource(kernels, plan, y, dx)),
        speed(() => convBackwardWeights(kernels, plan, x, y, dw, b)),
      );
    });
}
