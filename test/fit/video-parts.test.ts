/** Parts of video tracking by themselves: the personal model, cuts, the motion's prior. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createLayout, type FitState, retractState } from '../../src/fit/parameters.ts';
import {
  type MotionDeviations,
  motionDeviations,
  predict,
  relativeCoordinates,
  withMotionPrior,
} from '../../src/fit/video/motion.ts';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import { isCut, sceneOf } from '../../src/fit/video/scene.ts';
import { headSizes } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import type { LeastSquaresProblem } from '../../src/solve/levenberg-marquardt.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const { S, E, J, T } = headSizes(model);
const random = createRandom(3);
const normal = (n: number, sd: number) => Float64Array.from({ length: n }, () => sd * random.normal());

function someState(): FitState {
  return {
    identity: normal(S, 1),
    expression: Float64Array.from({ length: E }, () => 0.2 + 0.5 * random.uniform()),
    pose: normal(3 * J, 0.3),
    texture: normal(T, 1),
    light: normal(27, 0.5),
    camera: {
      kind: 'perspective',
      focal: 500,
      principal: [50, 50],
      translation: [0.1 * random.normal(), 0.1 * random.normal(), -0.8],
    },
  };
}

describe('personalModel', () => {
  it('is the same head and the same skin as the model with that identity and texture', () => {
    const state = someState();
    const person = personalModel(model, state);
    expect(headSizes(person)).toMatchObject({ S: 0, T: 0, E, J });
    const wanted = poseHead(model, state).vertices;
    const got = poseHead(person, { ...state, identity: [] }).vertices;
    for (let i = 0; i < wanted.length; i++) expect(Math.abs(got[i] - wanted[i])).toBeLessThan(1e-6);
    const albedo = albedoMap(model.texture!, state.texture).data;
    const own = albedoMap(person.texture!, []).data;
    for (let i = 0; i < albedo.length; i++) expect(Math.abs(own[i] - albedo[i])).toBeLessThan(1e-6);
  });

  it('has the skin that the texture space has not, of any size, but for an albedo that is given', () => {
    const state = someState();
    const plain = personalModel(model, state).texture!;
    const skin = { width: 1, height: 1, channels: 3, data: Float32Array.of(0.1, -0.05, 0) };
    const got = personalModel(model, { ...state, skin }).texture!.mean;
    for (let i = 0; i < got.length; i++) expect(got[i] - plain.mean[i]).toBeCloseTo(skin.data[i % 3], 6);
    const white = { width: plain.width, height: plain.height, channels: 3, data: plain.mean.map(() => 1) };
    expect(personalModel(model, { ...state, skin }, white).texture!.mean).toEqual(white.data);
  });
});

describe('motion', () => {
  const layout = createLayout(model, ['joint:root', 'joint:jaw', 'translation', 'expression', 'light']);

  it('coordinates are the steps that retraction takes', () => {
    const state = someState();
    const step = normal(layout.size, 0.05);
    const moved = retractState(model, layout, state, step);
    const x = relativeCoordinates(layout, moved, state);
    for (let c = 0; c < layout.size; c++) expect(x[c]).toBeCloseTo(step[c], 10);
  });

  it('the prior has the derivative that finite differences show', () => {
    const prediction = someState();
    const state = retractState(model, layout, prediction, normal(layout.size, 0.1));
    const sd: MotionDeviations = {
      root: 0.05,
      jaw: 0.07,
      eyes: 0.1,
      translation: 0.02,
      depth: 0.03,
      expression: 0.4,
      light: 0.1,
    };
    const nothing: LeastSquaresProblem<FitState> = {
      cost: () => 0,
      linearize: () => ({
        cost: 0,
        hessian: new Float64Array(layout.size ** 2),
        gradient: new Float64Array(layout.size),
      }),
      retract: (s, step) => retractState(model, layout, s, step),
    };
    const problem = withMotionPrior(nothing, layout, {
      prediction,
      deviations: motionDeviations(model, layout, sd),
      k: 2,
    });
    const { gradient, hessian, cost } = problem.linearize(state);
    expect(cost).toBeCloseTo(problem.cost(state), 12);
    const h = 1e-5;
    for (let c = 0; c < layout.size; c++) {
      const along = (d: number) => {
        const step = new Float64Array(layout.size);
        step[c] = d;
        return problem.cost(problem.retract(state, step));
      };
      const wanted = (along(h) - along(-h)) / (2 * h);
      expect(Math.abs(gradient[c] - wanted)).toBeLessThan(1e-4 * Math.max(1, Math.abs(wanted)));
      expect(hessian[c * layout.size + c]).toBeGreaterThan(0);
    }
  });

  it('predicts a head that goes on turning and moving', () => {
    const before = someState();
    const step = new Float64Array(layout.size);
    step.set([0.02, -0.03, 0.01]);
    const t = layout.blocks.get('translation')!.offset;
    step.set([0.004, 0.002, -0.01], t);
    const now = retractState(model, layout, before, step);
    const x = relativeCoordinates(layout, predict(now, before, 1), now);
    for (let c = 0; c < layout.size; c++) expect(x[c]).toBeCloseTo(step[c], 9);
    expect(predict(now, null, 1)).toBe(now);
  });
});

describe('isCut', () => {
  const picture = (paint: (x: number, y: number) => readonly [number, number, number]) => {
    const [width, height] = [160, 90];
    const data = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) data.set(paint(x, y), 4 * (y * width + x));
    return sceneOf({ width, height, data });
  };
  const head = (cx: number) =>
    picture((x, y) => (Math.hypot(x - cx, y - 45) < 30 ? [200, 150, 130] : [60, 80, 110]));

  it('is none where a head moves or a camera pans', () => {
    expect(isCut(head(60), head(75))).toBe(false);
    const pan = (o: number) => picture((x) => [100 + 80 * Math.sin((x + o) / 9), 120, 90]);
    expect(isCut(pan(0), pan(14))).toBe(false);
  });

  it('is one where another place is shown', () => {
    const other = picture((x, y) => (Math.hypot(x - 90, y - 50) < 25 ? [190, 140, 120] : [210, 200, 160]));
    expect(isCut(head(80), other)).toBe(true);
  });
});
