import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { skullPrecision } from '../../src/fit/skull-prior.ts';
import { type HeadModel, headSizes, neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const { S } = headSizes(model);

/** Sum of squared distances of vertices from where the mean head has them. */
function moved(m: HeadModel, vertices: Iterable<number>, identity: Float32Array): number {
  const got = poseHead(m, { ...neutralParams(m), identity }).vertices;
  let sum = 0;
  for (const v of vertices) for (let a = 0; a < 3; a++) sum += (got[3 * v + a] - m.template[3 * v + a]) ** 2;
  return sum;
}

function form(K: Float64Array, x: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < S; j++) for (let k = 0; k < S; k++) sum += x[j] * K[j * S + k] * x[k];
  return sum;
}

describe('skullPrecision', () => {
  it('measures how far the scalp moves, over how far a random head moves it', () => {
    const scalp = model.regions.get('scalp')!;
    const unit = (k: number) => new Float32Array(S).map((_, i) => (i === k ? 1 : 0));
    const expected = Array.from({ length: S }, (_, k) => moved(model, scalp, unit(k))).reduce(
      (a, b) => a + b,
    );
    const random = createRandom(3);
    for (let trial = 0; trial < 5; trial++) {
      const identity = Float32Array.from({ length: S }, () => random.normal());
      // Float32 vertices some 0.1 m from the origin that move by millimetres.
      expect(form(skullPrecision(model), identity)).toBeCloseTo(moved(model, scalp, identity) / expected, 4);
    }
  });

  it('takes what is not face above the brows for skull where a model does not say', () => {
    const regions = new Map(model.regions);
    regions.delete('scalp');
    const other = { ...model, regions };
    const face = new Set(
      ['face', 'skin', 'left_eyeball', 'right_eyeball'].flatMap((name) => [...model.regions.get(name)!]),
    );
    const { faces, barycentrics } = model.landmarks.inner51;
    const height = (l: number) =>
      [0, 1, 2].reduce(
        (y, i) => y + barycentrics[3 * l + i] * model.template[3 * model.faces[3 * faces[l] + i] + 1],
        0,
      );
    const brows = Array.from({ length: 10 }, (_, l) => height(l)).reduce((a, b) => a + b) / 10;
    const behind = Array.from({ length: model.template.length / 3 }, (_, v) => v).filter((v) => !face.has(v));
    const rest = behind.filter((v) => model.template[3 * v + 1] > brows);
    expect(rest.length).toBeGreaterThan(5);
    expect(rest.length).toBeLessThan(behind.length);
    const [a, b] = [0, 1].map((k) => new Float32Array(S).map((_, i) => (i === k ? 1 : 0)));
    const K = skullPrecision(other);
    expect(form(K, a) / form(K, b)).toBeCloseTo(moved(other, rest, a) / moved(other, rest, b), 3);
    expect(K).not.toEqual(skullPrecision(model));
  });

  it('is nothing for a model that is all face', () => {
    const V = model.template.length / 3;
    const all = { ...model, regions: new Map([['skin', Uint32Array.from({ length: V }, (_, v) => v)]]) };
    expect(skullPrecision(all).every((x) => x === 0)).toBe(true);
  });
});
