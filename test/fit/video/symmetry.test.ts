import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { landmarkTargets, projectTargets } from '../../../src/fit/landmark-energy.ts';
import type { LandmarkGap, LipTrust } from '../../../src/fit/landmark-gaps.ts';
import { createLayout, type FitState } from '../../../src/fit/parameters.ts';
import { sidePairs, symmetryPrior } from '../../../src/fit/video/symmetry.ts';
import { type HeadModel, headSizes } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import { poseHead } from '../../../src/model/pose.ts';
import { observeTruth, sampleTruth } from '../../helpers/synthetic.ts';

let model: HeadModel;
beforeAll(async () => {
  model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
});

describe('sidePairs', () => {
  it('pairs what moves one side each, and not what moves the whole mouth to a side', () => {
    const names = sidePairs(model).map((pair) => pair.map((e) => model.expressionNames[e]));
    expect(names).toContainEqual(['eyeBlinkLeft', 'eyeBlinkRight']);
    expect(names).toContainEqual(['mouthUpperUpLeft', 'mouthUpperUpRight']);
    expect(names.flat()).not.toContain('mouthLeft');
  });

  it('finds the same by their shapes where they have no names', () => {
    const expressionNames = model.expressionNames.map((_, i) => `expression ${i}`);
    expect(sidePairs({ ...model, expressionNames })).toEqual(sidePairs(model));
  });

  it('finds none among expressions that move both sides', () => {
    const n = model.template.length;
    const both = model.expressionBasis.slice();
    for (const [a, b] of sidePairs(model))
      for (let i = 0; i < n; i++) both[a * n + i] = both[b * n + i] += both[a * n + i];
    const expressionNames = model.expressionNames.map((_, i) => `expression ${i}`);
    expect(sidePairs({ ...model, expressionNames, expressionBasis: both })).toEqual([]);
  });
});

describe('symmetryPrior', () => {
  it('has the gradient of its energy, and none for a face of equal sides', () => {
    const random = createRandom(5);
    const layout = createLayout(model, ['joint:jaw', 'expression']);
    const { offset, size } = layout.blocks.get('expression')!;
    const prior = symmetryPrior(model, layout, { sd: 0.15, k: 2 });
    const stateOf = (expression: Float64Array) => ({ expression }) as FitState;
    const n = layout.size;
    const nothing = () => ({ cost: 0, hessian: new Float64Array(n * n), gradient: new Float64Array(n) });
    const expression = Float64Array.from({ length: headSizes(model).E }, () => random.uniform());
    const { cost, gradient } = prior.add(nothing(), stateOf(expression));
    expect(cost).toBe(prior.cost(stateOf(expression)));
    for (let e = 0; e < size; e++) {
      const at = (d: number) => prior.cost(stateOf(expression.map((x, i) => (i === e ? x + d : x))));
      expect(gradient[offset + e]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 4);
    }
    const even = prior.add(nothing(), stateOf(expression.fill(0.3)));
    expect(even.cost).toBe(0);
    expect(Math.max(...even.gradient.map(Math.abs))).toBe(0);
  });

  it('refuses a deviation that is none', () => {
    const layout = createLayout(model, ['expression']);
    for (const sd of [0, -1, Number.NaN])
      expect(() => symmetryPrior(model, layout, { sd, k: 1 })).toThrow('symmetry must be a positive number');
  });
});

describe('gaps of the lips', () => {
  it('want the neutral mouth where lips are drawn on each other, and the less the wider they are drawn apart', () => {
    const random = createRandom(3);
    const truth = sampleTruth(model, random);
    const params = {
      ...truth.params,
      expression: new Float32Array(truth.params.expression.length),
      identity: new Float32Array(truth.params.identity.length),
      pose: truth.params.pose.map((x, i) => (i < 3 ? x : 0)),
    };
    const seen = observeTruth(model, { ...truth, params }, random);
    const drawn = (apart: number, trust?: LipTrust) => {
      const landmarks68 = seen.landmarks68.slice();
      for (const [upper, lower] of [
        [61, 67],
        [62, 66],
        [63, 65],
      ])
        for (const i of [0, 1])
          landmarks68[2 * lower + i] =
            landmarks68[2 * upper + i] + apart * (landmarks68[114 + i] - landmarks68[102 + i]);
      const weights = { inner: 1, contour: 1, mesh: 1, iris: 1, gap: 1, lips: trust };
      return landmarkTargets(model, { ...seen, landmarks68 }, { ...params, camera: truth.camera }, weights);
    };
    const shut = drawn(0);
    const projected = projectTargets(shut, poseHead(model, params).vertices, truth.camera);
    const wide = drawn(2);
    const lips = shut.gaps.slice(4);
    expect(lips).toHaveLength(3);
    for (const [i, gap] of lips.entries()) {
      const { first, second, across } = gap;
      const between = [0, 1].map((a) => across[a] * (projected[3 * first + a] - projected[3 * second + a]));
      expect(gap.apart / (between[0] + between[1])).toBeCloseTo(1, 3);
      expect(wide.gaps[4 + i].apart).toBeLessThan(gap.apart);
      expect(wide.gaps[4 + i].weight).toBeLessThan(0.1 * gap.weight);
    }
    // What is not believed counts nothing, lips in contact what they are told to, however they are drawn.
    const weightsOf = (gaps: readonly LandmarkGap[]) => gaps.slice(4).map(({ weight }) => weight);
    const usual = lips[0].weight;
    const doubted = weightsOf(drawn(0, { drawn: [1, 0.5, 0], contact: 0 }).gaps);
    for (const [i, share] of [1, 0.5, 0].entries()) expect(doubted[i]).toBeCloseTo(share * usual, 6);
    for (const apart of [0, 2])
      for (const weight of weightsOf(drawn(apart, { drawn: [0, 0, 0], contact: 2 }).gaps))
        expect(weight).toBeCloseTo(2 * usual, 6);
    // Lids are what they were.
    expect(drawn(0, { drawn: [0, 0, 0], contact: 2 }).gaps.slice(0, 4)).toEqual(shut.gaps.slice(0, 4));
  });
});

describe('landmarks of the eyes', () => {
  it('count as told, and others as before', () => {
    const random = createRandom(4);
    const truth = sampleTruth(model, random);
    const seen = observeTruth(model, truth, random);
    const head = { pose: truth.params.pose, camera: truth.camera };
    const weights = { inner: 0.5, contour: 0.25, mesh: 0.4, iris: 0.6 };
    const plain = landmarkTargets(model, seen, head, weights).weights;
    const told = landmarkTargets(model, seen, head, { ...weights, eyes: 3 }).weights;
    for (const [l, w] of plain.entries()) expect(told[l]).toBeCloseTo(l >= 36 && l < 48 ? 3 * w : w, 6);
    expect(plain[36]).toBe(0.5);
  });
});
