import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { CommonAlbedo, type ComparedPhoto } from '../../src/fit/common-albedo.ts';
import { createLayout, type FitState } from '../../src/fit/parameters.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import { createProblem, type ProblemInput } from '../../src/fit/problem.ts';
import { fitMemory, type ResidentModel } from '../../src/fit/resident.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { headSizes } from '../../src/model/head-model.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderState } from '../helpers/render-state.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const SIZE = 160;
const model = makeTinyHead();
const prepared = prepareModel(model);
let kernels: Kernels;
let resident: ResidentModel;
beforeAll(async () => {
  ({ kernels, resident } = await fitMemory(prepared));
});

/** The head from one side, in a light of its own. */
function stateFrom(yaw: number, kind: 'perspective' | 'orthographic' = 'perspective'): FitState {
  const random = createRandom(Math.round(10 * yaw) + 50);
  const { S, E, J, T } = headSizes(model);
  const pose = new Float64Array(3 * J);
  pose[1] = yaw;
  const light = Float64Array.from({ length: 27 }, (_, k) => (k < 3 ? 3 : 0.1 * random.normal()));
  const shared = createRandom(8);
  return {
    identity: Float64Array.from({ length: S }, () => 0.8 * shared.normal()),
    expression: new Float64Array(E),
    pose,
    texture: Float64Array.from({ length: T }, () => 0.6 * shared.normal()),
    light,
    camera:
      kind === 'perspective'
        ? { kind, focal: 560, principal: [80, 80], translation: [0, 0, -0.8] }
        : { kind, scale: 700, principal: [80, 80], translation: [0, 0, 0] },
  };
}

function photoOf(state: FitState): ComparedPhoto {
  const { rgb } = renderState(kernels, model, state, SIZE);
  return { photo: rgb, scale: 1, mask: new Float32Array(SIZE * SIZE).fill(1) };
}

/** Albedo at the centre of a face, by the nearest texel. */
function albedoAt(f: number, state: FitState): number[] {
  const { width, height, data } = albedoMap(model.texture!, state.texture);
  let [u, v] = [0, 0];
  for (let a = 0; a < 3; a++) {
    u += model.uvs[2 * model.faceUvs[3 * f + a]] / 3;
    v += model.uvs[2 * model.faceUvs[3 * f + a] + 1] / 3;
  }
  const t =
    3 * (Math.min(height - 1, Math.floor(v * height)) * width + Math.min(width - 1, Math.floor(u * width)));
  return [data[t], data[t + 1], data[t + 2]];
}

describe('CommonAlbedo', () => {
  it.each(['perspective', 'orthographic'] as const)('finds the albedo that all photos show, %s', (kind) => {
    const states = [-0.5, 0, 0.5].map((yaw) => stateFrom(yaw, kind));
    kernels.scope(() => {
      const common = new CommonAlbedo(kernels, resident, states.map(photoOf));
      common.update(states);
      const front = common.of(1);
      expect(front.faces.length).toBeGreaterThan(60);
      let sum = 0;
      for (const [k, f] of front.faces.entries())
        albedoAt(f, states[1]).forEach((a, c) => {
          sum += Math.abs(front.albedo[3 * k + c] - a);
        });
      // A texel of this head is two pixels wide.
      expect(sum / front.albedo.length).toBeLessThan(0.02);
      // A head turned by 30° shows some of its far side no longer.
      const all = new Set([0, 1, 2].flatMap((i) => [...common.of(i).faces]));
      expect(common.of(0).faces.length).toBeLessThan(all.size);
    });
  });

  it('photos agree less where the shape is wrong, and the problem says in which direction it is', () => {
    const states = [-0.5, 0, 0.5].map((yaw) => stateFrom(yaw));
    const photos = states.map(photoOf);
    const wrong = states.map((s) => ({ ...s, identity: s.identity.map((x, k) => (k === 0 ? x + 2 : x)) }));
    const noise = (at: readonly FitState[]) =>
      kernels.scope(() => {
        const common = new CommonAlbedo(kernels, resident, photos);
        common.update(at);
        return common.noise;
      });
    expect(noise(wrong)).toBeGreaterThan(1.2 * noise(states));
    const layout = createLayout(model, ['identity']);
    /** Gradient of the points' energy alone along the first component, at the wrong shape. */
    const slope = kernels.scope(() => {
      const common = new CommonAlbedo(kernels, resident, photos);
      common.update(wrong);
      let sum = 0;
      for (const [i, state] of wrong.entries()) {
        const photometric: NonNullable<ProblemInput['photometric']> = {
          ...photos[i],
          loss: { sigma: 0.05, k: 2, weight: 1e-6 },
          common: { points: () => common.of(i), noise: () => common.noise, weight: 100 },
        };
        const problem = createProblem(kernels, {
          prepared,
          resident,
          layout,
          observation: {
            box: { x: 0, y: 0, width: 1, height: 1 },
            score: 1,
            landmarks68: new Float32Array(136),
            mesh: null,
          },
          landmarks: null,
          photometric,
          priors: NO_PRIORS,
        });
        sum += problem.linearize(state).gradient[0];
      }
      return sum;
    });
    expect(slope).toBeGreaterThan(0);
  });

  it('what a single photo shows is not compared', () => {
    const states = [-1.5, 1.5].map((yaw) => stateFrom(yaw));
    kernels.scope(() => {
      const common = new CommonAlbedo(kernels, resident, states.map(photoOf));
      common.update(states);
      const [left, right] = [new Set(common.of(0).faces), new Set(common.of(1).faces)];
      for (const f of left) expect(right.has(f)).toBe(true);
    });
  });
});

const NO_PRIORS: ProblemInput['priors'] = {
  identityWeight: 0,
  skullWeight: 0,
  expressionWeight: 0,
  textureWeight: 0,
  joints: {},
  light: { weight: 0, level: 1, bands: 1, colour: 1 },
  focal: null,
  distance: null,
};
