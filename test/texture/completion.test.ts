/** Completion on the small test head: what is hidden stays hidden, derivatives are right, runs can be made again. */
import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { answer, answerLoss } from '../../src/texture/completion/answer.ts';
import {
  buildCompletionAtlas,
  type KnownTexture,
  mirrorTexture,
  reduceMap,
  restrictAtlas,
  restrictTexture,
} from '../../src/texture/completion/atlas.ts';
import { answerCheck, checkQuestions } from '../../src/texture/completion/check.ts';
import { confidenceWeights } from '../../src/texture/completion/confidence.ts';
import { hide, question } from '../../src/texture/completion/examples.ts';
import { blendKnown, mirrorFill } from '../../src/texture/completion/mirror-fill.ts';
import { completeByPca, fitMissingPca } from '../../src/texture/completion/missing-pca.ts';
import { CANDIDATES, OUTPUT_CHANNELS } from '../../src/texture/completion/network.ts';
import { drawStrokes } from '../../src/texture/completion/strokes.ts';
import {
  ExampleRunner,
  initialState,
  resolveTraining,
  trainingStep,
} from '../../src/texture/completion/training.ts';
import { createTrainingSet } from '../../src/texture/completion/training-set.ts';
import type { TextureMapSource } from '../../src/texture/texture-map.ts';
import { texturePopulation } from '../helpers/texture-population.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = createKernelsSync();
const model = makeTinyHead();
const SIZE = 32;
const atlas = buildCompletionAtlas(kernels, model, SIZE);
const n = atlas.graph.texels.length;

const linear = (random: ReturnType<typeof createRandom>): KnownTexture => {
  const [a, b] = [random.normal(), random.normal()];
  const values = new Float32Array(3 * n);
  atlas.graph.texels.forEach((t, i) => {
    const [x, y] = [(t % SIZE) / SIZE, Math.floor(t / SIZE) / SIZE];
    for (let c = 0; c < 3; c++)
      values[3 * i + c] = 0.5 + 0.1 * a * (x - 0.5) + 0.1 * b * Math.sin(5 * y) + 0.05 * c;
  });
  return { values, weights: new Float32Array(n).fill(1) };
};
/** Without what `hidden` says. */
const without = (t: KnownTexture, hidden: (i: number) => boolean): KnownTexture => ({
  values: t.values.map((v, c) => (hidden(Math.floor(c / 3)) ? 0 : v)),
  weights: t.weights.map((w, i) => (hidden(i) ? 0 : w)),
});
const column = (i: number) => atlas.graph.texels[i] % SIZE;
const error = (a: Float32Array, b: Float32Array, at: (i: number) => boolean) => {
  let worst = 0;
  for (let c = 0; c < a.length; c++)
    if (at(Math.floor(c / 3))) worst = Math.max(worst, Math.abs(a[c] - b[c]));
  return worst;
};

describe('reducing maps', () => {
  it('averages what was seen and nothing else', () => {
    const size = 2 * SIZE;
    const albedo = new Float32Array(3 * size * size).fill(0.25);
    const visibility = new Uint8Array(size * size).fill(255);
    // Unseen texels of a colour that must not be found anywhere.
    for (let t = 0; t < visibility.length; t += 3) {
      visibility[t] = 20;
      albedo.fill(99, 3 * t, 3 * t + 3);
    }
    const { values, weights } = reduceMap(atlas, { size, albedo, visibility });
    expect(Math.max(...values)).toBeCloseTo(0.25, 5);
    expect(Math.min(...weights)).toBeGreaterThan(0.9);
    expect(() => reduceMap(atlas, { size: 40, albedo, visibility })).toThrow('does not divide into 32 × 32');
  });

  it('keeps values, mirror points and neighbours in a part of the atlas', () => {
    const keep = Uint8Array.from({ length: n }, (_, i) => (column(i) > 4 && column(i) < 27 ? 1 : 0));
    const part = restrictAtlas(kernels, atlas, keep);
    const whole = linear(createRandom(1));
    const there = mirrorTexture(part, restrictTexture(whole, keep));
    const here = restrictTexture(mirrorTexture(atlas, whole), keep);
    for (let i = 0; i < there.weights.length; i++)
      if (there.weights[i] > 0.999) expect(there.values[3 * i]).toBeCloseTo(here.values[3 * i], 5);
    expect(there.weights.filter((w) => w > 0.999).length).toBeGreaterThan(200);
  });
});

describe('classical completions', () => {
  it('mirror fill copies the other side and joins it without a step', () => {
    const whole = linear(createRandom(2));
    const symmetric: KnownTexture = { values: mirrorTexture(atlas, whole).values, weights: whole.weights };
    for (let c = 0; c < symmetric.values.length; c++)
      symmetric.values[c] = (symmetric.values[c] + whole.values[c]) / 2;
    const hidden = (i: number) => column(i) >= SIZE / 2 + 2 && atlas.mirrorWeights[4 * i] > 0;
    const filled = mirrorFill(kernels, atlas, without(symmetric, hidden));
    // What is hidden looks as its mirror image does, up to what fades in from the border.
    expect(error(filled, symmetric.values, hidden)).toBeLessThan(0.02);
  });

  it('where neither side was seen a constant goes on as itself, also over seams', () => {
    const flat = { values: new Float32Array(3 * n).fill(0.3), weights: new Float32Array(n).fill(1) };
    const known = without(flat, (i) => column(i) % 7 > 2);
    const unguided = { values: new Float32Array(3 * n), weights: new Float32Array(n) };
    const filled = mirrorFill(kernels, atlas, known, unguided);
    expect(error(filled, flat.values, (i) => atlas.graph.starts[i + 1] > atlas.graph.starts[i])).toBeLessThan(
      0.03,
    );
  });

  it('blending into a guide keeps its detail and ends at the known values', () => {
    const guide = linear(createRandom(3)).values;
    const known = without(
      { values: guide.map((v) => v + 0.1), weights: new Float32Array(n).fill(1) },
      (i) => column(i) > 12,
    );
    const out = blendKnown(kernels, atlas, known, guide, new Float32Array(n).fill(1), 0.1);
    expect(error(out, known.values, (i) => known.weights[i] > 0)).toBeLessThan(0.01);
    // The step of 0.1 fades: no neighbours differ from the guide's own difference by much.
    let worst = 0;
    for (let i = 0; i < n; i++)
      for (let k = atlas.graph.starts[i]; k < atlas.graph.starts[i + 1]; k++) {
        const j = atlas.graph.neighbours[k];
        worst = Math.max(worst, Math.abs(out[3 * i] - out[3 * j] - guide[3 * i] + guide[3 * j]));
      }
    expect(worst).toBeLessThan(0.035);
  });

  it('components are found from halves, and complete a half to the whole', async () => {
    const random = createRandom(4);
    const truth = Array.from({ length: 60 }, () => linear(random));
    const halves = truth.map((t, m) => without(t, (i) => (column(i) + 5 * m) % SIZE < SIZE / 2));
    const pca = await fitMissingPca(kernels, halves, { components: 2, iterations: 30 });
    expect(Math.sqrt(pca.noise)).toBeLessThan(0.004);
    const stranger = linear(random);
    const half = without(stranger, (i) => column(i) < SIZE / 2);
    const completed = completeByPca(pca, half, 1);
    expect(error(completed, stranger.values, () => true)).toBeLessThan(0.02);
  });

  it('where few maps show a place, components go on from its neighbours', async () => {
    const random = createRandom(8);
    const rim = (i: number) => column(i) >= SIZE - 8;
    const noisy = (t: KnownTexture) => ({ ...t, values: t.values.map((v) => v + 0.03 * random.normal()) });
    const maps = Array.from({ length: 60 }, (_, m) => {
      const one = noisy(linear(random));
      return m < 3 ? one : without(one, rim);
    });
    const [one, other] = [linear(random), linear(random)];
    const { starts, neighbours } = atlas.graph;
    // What sets two strangers apart: the mean, which only its own maps tell, is left out.
    const missed = async (strength: number) => {
      const smooth = { starts, neighbours, strength };
      const pca = await fitMissingPca(kernels, maps, { components: 2, iterations: 20, smooth });
      const [a, b] = [one, other].map((stranger) => completeByPca(pca, without(stranger, rim), 1));
      let sum = 0;
      for (let c = 0; c < 3 * n; c++)
        if (rim(Math.floor(c / 3))) sum += (a[c] - b[c] - one.values[c] + other.values[c]) ** 2;
      return Math.sqrt(sum);
    };
    expect((await missed(20)) / (await missed(0))).toBeLessThan(0.7);
  });

  it('a place that one person shows does not become that person for everybody', async () => {
    // As fourteen real photos did: the underside of a jaw seen in one orange photo was orange on every other face.
    const random = createRandom(9);
    const rim = (i: number) => column(i) >= SIZE - 6;
    const base = Float32Array.from({ length: 3 * n }, (_, c) => 0.5 + 0.1 * Math.sin(c % 3));
    const people = Array.from({ length: 14 }, (_, m) => {
      const bright = m === 0 ? -0.3 : 0.1 * random.normal();
      const values = base.map((x) => x + bright + 0.01 * random.normal());
      return without({ values, weights: new Float32Array(n).fill(1) }, (i) => m > 0 && rim(i));
    });
    const { starts, neighbours } = atlas.graph;
    const stranger = {
      values: base.map((x) => x + 0.05),
      weights: Float32Array.from({ length: n }, (_, i) => (rim(i) ? 0 : 1)),
    };
    const missed = async (smooth?: { strength: number; base: Float32Array }) => {
      const pca = await fitMissingPca(kernels, people, {
        components: 1,
        ...(smooth && { smooth: { starts, neighbours, ...smooth } }),
      });
      return error(completeByPca(pca, without(stranger, rim)), stranger.values, () => true);
    };
    expect(await missed()).toBeGreaterThan(0.15);
    expect(await missed({ strength: 4, base })).toBeLessThan(0.05);
  });

  it('the mean is that of people, not of the people who happen to show a place', async () => {
    const random = createRandom(5);
    // Bright people never show the left side.
    const maps = Array.from({ length: 80 }, () => {
      const bright = random.normal();
      const t = {
        values: new Float32Array(3 * n).fill(0.5 + 0.1 * bright),
        weights: new Float32Array(n).fill(1),
      };
      return without(t, (i) => bright > 0 && column(i) < SIZE / 2);
    });
    const pca = await fitMissingPca(kernels, maps, { components: 1, iterations: 40 });
    const [left, right] = [column, (i: number) => SIZE - 1 - column(i)].map((f) => {
      const part = Array.from({ length: n }, (_, i) => i).filter((i) => f(i) < 10);
      return part.reduce((sum, i) => sum + pca.mean[3 * i], 0) / part.length;
    });
    expect(Math.abs(left - right)).toBeLessThan(0.01);
    await expect(fitMissingPca(kernels, maps.slice(0, 1))).rejects.toThrow('at least two maps');
  });

  it('components hear between iterations that they are no longer wanted, and leave no memory behind', async () => {
    const random = createRandom(6);
    const maps = Array.from({ length: 8 }, () => linear(random));
    const controller = new AbortController();
    setTimeout(() => controller.abort());
    const used = kernels.bytesUsed;
    let last = 0;
    const learning = fitMissingPca(kernels, maps, {
      iterations: 1000,
      signal: controller.signal,
      onProgress: ({ fraction }) => {
        last = fraction;
      },
    });
    await expect(learning).rejects.toThrow(AbortedError);
    expect(last).toBeLessThan(0.5);
    expect(kernels.bytesUsed).toBe(used);
  });
});

describe('questions', () => {
  it('strokes are the same for the same seed, and of all sizes', () => {
    const share = (seed: number) => drawStrokes(64, createRandom(seed)).reduce((a, b) => a + b, 0) / 4096;
    expect(drawStrokes(64, createRandom(3))).toEqual(drawStrokes(64, createRandom(3)));
    const shares = Array.from({ length: 60 }, (_, s) => share(s)).sort((a, b) => a - b);
    expect(shares[0]).toBeLessThan(0.1);
    expect(shares[59]).toBeGreaterThan(0.4);
  });

  it('confidence is 1 where told, and falls into the hole', () => {
    const known = new Uint8Array(SIZE * SIZE).fill(1);
    for (let y = 4; y < 28; y++) known.fill(0, y * SIZE + 4, y * SIZE + 28);
    const w = confidenceWeights(known, SIZE);
    expect(w[0]).toBe(1);
    const [rim, middle] = [w[16 * SIZE + 4], w[16 * SIZE + 16]];
    expect(rim).toBeGreaterThan(middle);
    expect(middle).toBeGreaterThan(0.3);
  });

  it('nothing that is hidden or was not seen is told, and what was not seen is not asked', () => {
    const random = createRandom(6);
    const seen = without(linear(random), (i) => column(i) > 20);
    const other = without(linear(random), (i) => column(i) < 9);
    for (let seed = 0; seed < 30; seed++) {
      const { known, weights, hidden } = hide(atlas, seen, other, seed);
      let asked = 0;
      for (let i = 0; i < n; i++) {
        if (hidden[i] || seen.weights[i] === 0) {
          expect(known.weights[i]).toBe(0);
          expect(known.values[3 * i]).toBe(0);
        }
        if (seen.weights[i] === 0) expect(weights[i]).toBe(0);
        if (hidden[i]) asked += weights[i];
      }
      // Most of the loss is about what is hidden.
      const total = weights.reduce((a, b) => a + b, 0);
      if (asked > 0) expect(asked / total).toBeGreaterThan(0.5);
    }
  });
});

describe('answer', () => {
  const random = createRandom(7);
  const pixels = Uint32Array.from({ length: 20 }, (_, i) => 23 - i);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  const candidates = Array.from({ length: CANDIDATES }, () => normals(60).map((x) => 0.5 + 0.1 * x));

  it('begins as the mean of the completions', () => {
    const y = answer(new Float32Array(24 * OUTPUT_CHANNELS), pixels, candidates);
    expect(y[17]).toBeCloseTo((candidates[0][17] + candidates[1][17] + candidates[2][17]) / 3, 5);
  });

  it('the gradient of its loss is that of central differences', () => {
    const output = normals(24 * OUTPUT_CHANNELS);
    const truth = normals(60).map((x) => 0.5 + 0.1 * x);
    const weights = Float32Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 0 : random.uniform()));
    const gradient = new Float32Array(output.length);
    const loss = (o: Float32Array) =>
      answerLoss(o, pixels, candidates, truth, weights, new Float32Array(o.length));
    answerLoss(output, pixels, candidates, truth, weights, gradient);
    for (let trial = 0; trial < 8; trial++) {
      const d = normals(output.length);
      const h = 1e-2;
      const move = (k: number) => output.map((o, i) => o + k * d[i]);
      const numeric = (loss(move(h)) - loss(move(-h))) / (2 * h);
      const expected = gradient.reduce((sum, g, i) => sum + g * d[i], 0);
      // The corner of φ is 0.004 wide and a step moves by 0.001: a few per cent of curvature.
      expect(Math.abs(numeric - expected)).toBeLessThan(0.02 * Math.hypot(...gradient));
    }
  });

  it('texels without weight change neither loss nor gradient', () => {
    const output = normals(24 * OUTPUT_CHANNELS);
    const weights = Float32Array.from({ length: 20 }, (_, i) => (i < 10 ? 1 : 0));
    const run = (truth: Float32Array) => {
      const gradient = new Float32Array(output.length);
      return [answerLoss(output, pixels, candidates, truth, weights, gradient), gradient];
    };
    const truth = normals(60);
    expect(run(truth.map((x, c) => (c < 30 ? x : Number.NaN)))).toEqual(run(truth));
  });
});

describe('training', () => {
  const options = resolveTraining({ base: 8, batch: 2, steps: 40, rate: 2e-3, seed: 5 });

  const prepare = async () => {
    const people = texturePopulation(kernels, model, 16, 64, 3);
    const { set, atlas: part } = await createTrainingSet(kernels, atlas, people, {
      components: 4,
      iterations: 4,
    });
    const runner = new ExampleRunner(kernels, part, options.base);
    const { network } = runner.network;
    const gradients = [0, 1].map(() => new Float32Array(network.size));
    const start = () => initialState(network.initialParameters(options.seed));
    return { people, set, part, runner, gradients, start };
  };

  it('what no photo shows changes nothing, and the loss falls', async () => {
    const { people, set, runner, gradients, start } = await prepare();
    let state = start();
    // The same twelve questions before and after.
    const loss = () => {
      runner.network.network.load(state.parameters);
      let sum = 0;
      for (let i = 0; i < 12; i++) sum += runner.train(set, 77, 1, i, gradients[0]);
      return sum / 12;
    };
    const before = loss();
    for (let i = 0; i < 30; i++) state = trainingStep(runner, set, state, options, gradients);
    expect(loss()).toBeLessThan(0.95 * before);

    // The same maps with another colour, NaN, in every unseen texel.
    const spoiled: TextureMapSource = {
      ...people,
      async read(i) {
        const map = await people.read(i);
        for (let t = 0; t < map.visibility.length; t++)
          if (map.visibility[t] === 0) map.albedo.fill(Number.NaN, 3 * t, 3 * t + 3);
        return map;
      },
    };
    const again = await createTrainingSet(kernels, atlas, spoiled, { components: 4, iterations: 4 });
    expect(again.set.values).toEqual(set.values);
    let other = start();
    const second = new ExampleRunner(kernels, again.atlas, options.base);
    for (let i = 0; i < 3; i++) other = trainingStep(second, again.set, other, options, gradients);
    expect(other.losses).toEqual(state.losses.slice(0, 3));
  });

  it('is checked by components that have not seen the answer', async () => {
    const { set, part, runner, start } = await prepare();
    runner.network.network.load(start().parameters);
    const [question] = checkQuestions(part, set, 1);
    const { network } = answerCheck(runner, set, question);
    const nothing = set.pca.mean.map(() => Number.NaN);
    const blind = { ...set, pca: { ...set.pca, mean: nothing, basis: set.pca.basis.map(() => Number.NaN) } };
    expect(answerCheck(runner, blind, question).network).toEqual(network);
    expect(network.every(Number.isFinite)).toBe(true);
    // Of a map that nothing was learned from, all components know nothing.
    const heldOut = { ...blind, trained: 0 };
    expect(answerCheck(runner, heldOut, question).network.every(Number.isFinite)).toBe(false);
  });

  it('hears between the iterations of its components that it is no longer wanted', async () => {
    const people = texturePopulation(kernels, model, 8, 64, 3);
    const controller = new AbortController();
    const learned: string[] = [];
    const made = createTrainingSet(kernels, atlas, people, {
      components: 1,
      iterations: 3,
      signal: controller.signal,
      onProgress: ({ stage, fraction }) => {
        // As a signal of the system does: heard when nothing is being computed.
        if (stage === 'principal components' && learned.push(`${fraction}`) === 1)
          setTimeout(() => controller.abort());
      },
    });
    await expect(made).rejects.toBeInstanceOf(AbortedError);
    expect(learned).toHaveLength(1);
  });

  it('few maps are refused, with what to do', async () => {
    const people = texturePopulation(kernels, model, 3, 32, 1);
    await expect(createTrainingSet(kernels, atlas, people)).rejects.toThrow('at least 8 texture maps');
  });

  it('is about what more than a few maps show, and about the same when it is taken up again', async () => {
    const people = texturePopulation(kernels, model, 12, 64, 3);
    // Of the upper half of the face there are two photos.
    const rows = Array.from(people.face.keys()).filter((t) => people.face[t]);
    const middle = rows[rows.length >> 1];
    const maps: TextureMapSource = {
      ...people,
      async read(i) {
        const map = await people.read(i);
        if (i > 1) map.visibility.fill(0, 0, middle);
        return map;
      },
    };
    const base = new Float32Array(3 * n).fill(0.5);
    const make = (more: Parameters<typeof createTrainingSet>[3] = {}) =>
      createTrainingSet(kernels, atlas, maps, { components: 2, iterations: 3, folds: 2, base, ...more });
    const [any, some] = [await make(), await make({ least: 3 })];
    const count = ({ set }: typeof any) => set.keep.reduce((a, b) => a + b, 0);
    expect(count(some)).toBeLessThan(count(any));
    expect(count(some)).toBeGreaterThan(0.3 * count(any));
    expect(some.set.keep.every((k, i) => k <= any.set.keep[i])).toBe(true);
    // A checkpoint of any earlier choice goes on with its own.
    const again = await make({ least: 3, learned: any.set });
    expect(again.set.keep).toEqual(any.set.keep);
    expect(again.set.pca).toEqual(any.set.pca);
    await expect(make({ least: 12 })).rejects.toThrow('no texel is shown by more than 12 maps');
  });

  it('hiding everything or nothing is survived', async () => {
    const { set, part, runner } = await prepare();
    const nodes = part.graph.texels.length;
    const seen = { values: set.values.subarray(0, 3 * nodes), weights: set.weights.subarray(0, nodes) };
    for (const fill of [0, 1]) {
      const { known } = question(part, seen, new Uint8Array(nodes).fill(fill));
      expect(runner.complete(set.pca, known).values.every(Number.isFinite)).toBe(true);
    }
  });
});
