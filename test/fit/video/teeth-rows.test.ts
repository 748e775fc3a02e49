/** Whether rows of teeth touch, told in pictures of heads whose jaw is known, and what a frame's solve makes of it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { prepareModel } from '../../../src/fit/prepare.ts';
import { fitMemory } from '../../../src/fit/resident.ts';
import { FrameSolver } from '../../../src/fit/video/frame-solver.ts';
import { personalModel } from '../../../src/fit/video/personal-model.ts';
import { rowsTouch, upperEdge } from '../../../src/fit/video/teeth-rows.ts';
import { createKernels, type Kernels } from '../../../src/kernels/runtime.ts';
import { type HeadModel, jointIndex } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import { rotationFromAxisAngle } from '../../../src/model/rotation.ts';
import { expose, observeTruth, photograph, sampleTruth, type Truth } from '../../helpers/synthetic.ts';

const SEEDS = [1, 3, 5];
/** Of 255: so dark that it is taken for teeth by less than a half. */
const GREY = 38;

describe('rows of teeth', () => {
  let model: HeadModel;
  let kernels: Kernels;
  let jaw: number;
  beforeAll(async () => {
    model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
    kernels = await createKernels();
    jaw = jointIndex(model, 'jaw');
  });

  /** A head that looks ahead, with the lips `parted` and the jaw `opened` by some radians. */
  function head(seed: number, parted: number, opened: number): Truth {
    const truth = sampleTruth(model, createRandom(seed));
    const expression = new Float32Array(truth.params.expression.length);
    for (const side of ['Left', 'Right'])
      for (const lip of ['mouthUpperUp', 'mouthLowerDown'])
        expression[model.expressionNames.indexOf(`${lip}${side}`)] = parted;
    const pose = new Float32Array(truth.params.pose.length);
    pose[3 * jaw] = opened;
    return expose(kernels, model, { ...truth, params: { ...truth.params, expression, pose } });
  }

  /** How surely its rows are seen to touch, by whoever takes it to be some metres lower than it is. */
  function touch(seed: number, parted: number, opened: number, lower: readonly number[] = [0]): number[] {
    const truth = head(seed, parted, opened);
    const picture = photograph(kernels, model, truth, createRandom(2));
    const seen = observeTruth(model, truth, createRandom(1));
    const [x, y, z] = truth.camera.translation;
    return lower.map((metres) =>
      rowsTouch(picture, seen, truth.light, {
        model: personalModel(model, truth.params),
        edge: upperEdge(model),
        pose: truth.params.pose,
        camera: { ...truth.camera, translation: [x, y - metres, z] },
      }),
    );
  }

  it('touch where lips part over shut teeth', () => {
    for (const seed of SEEDS) expect(touch(seed, 0.7, 0)[0]).toBeGreaterThan(0.7);
  });

  it('do not where a gap is seen, whether the head is where it is taken to be or lower or higher', () => {
    for (const seed of SEEDS)
      for (const opened of [0.05, 0.15])
        expect(Math.max(...touch(seed, 0.7, opened, [-0.0015, 0, 0.0015]))).toBeLessThan(0.1);
  });

  it('are not told where lips are shut, or of a head without teeth or a jaw', () => {
    for (const seed of SEEDS) expect(touch(seed, 0, 0)[0]).toBeLessThan(0.1);
    expect(upperEdge({ ...model, regions: new Map() })).toHaveLength(0);
    expect(upperEdge({ ...model, joints: model.joints.filter(({ name }) => name !== 'jaw') })).toHaveLength(
      0,
    );
  });

  it('are where the head has them, however it is turned about whichever point', () => {
    for (const [pitch, yaw] of [
      [0.15, 0],
      [0.1, -0.3],
    ]) {
      const truth = head(1, 0.7, 0);
      truth.params.pose.set([pitch, yaw, 0]);
      const turned = expose(kernels, model, truth);
      const picture = photograph(kernels, model, turned, createRandom(2));
      const seen = observeTruth(model, turned, createRandom(1));
      const { pose } = turned.params;
      const person = personalModel(model, turned.params);
      const edge = upperEdge(model);
      const [x, y, z] = turned.camera.translation;
      const all = { model: person, edge, pose, camera: turned.camera };
      const here = rowsTouch(picture, seen, turned.light, all);
      expect(here).toBeGreaterThan(0.9);
      // The same head with its root elsewhere, at the same place in space.
      const p = [0.01, -0.1, -0.03];
      const jointTemplate = person.jointTemplate.map((at, i) => at + (p[i] ?? 0));
      const r = rotationFromAxisAngle(pose[0], pose[1], pose[2]);
      const moved = (a: number) => r[3 * a] * p[0] + r[3 * a + 1] * p[1] + r[3 * a + 2] * p[2] - p[a];
      const translation = [x + moved(0), y + moved(1), z + moved(2)] as const;
      const there = {
        ...all,
        model: { ...person, jointTemplate },
        camera: { ...turned.camera, translation },
      };
      expect(Math.abs(rowsTouch(picture, seen, turned.light, there) - here)).toBeLessThan(1e-3);
    }
  });

  // It was 0 over 0, and the jaw's deviation NaN.
  it('are a number where teeth may be seen, none for sure, above pure black', () => {
    const truth = head(1, 0.7, 0.05);
    const picture = photograph(kernels, model, truth, createRandom(2));
    const seen = observeTruth(model, truth, createRandom(1));
    const middle = (seen.landmarks68[2 * 62 + 1] + seen.landmarks68[2 * 66 + 1]) / 2;
    const { width, data } = picture;
    for (let p = 0; p < data.length; p += 4)
      if (data[p] < 1.35 * data[p + 1]) data.fill(p / 4 / width < middle ? GREY : 0, p, p + 3);
    const { camera, light, params } = truth;
    const who = { model: personalModel(model, params), edge: upperEdge(model), pose: params.pose, camera };
    expect(rowsTouch(picture, seen, light, who)).toBeLessThan(0.1);
  });

  it('say in a frame that the jaw rests, as surely as landmarks and colours say anything of it', async () => {
    /** The second frame's information on the jaw's opening, 1/rad², and how far it is opened. */
    const solved = async (opened: number) => {
      const truth = head(3, 0.7, opened);
      const image = photograph(kernels, model, truth, createRandom(2));
      const seen = observeTruth(model, truth, createRandom(1));
      const { identity, texture } = truth.params;
      const { camera, light } = truth;
      const person = { identity, texture, camera, light, keyFrames: [], modelName: '', modelHash: '' };
      const memory = await fitMemory(prepareModel(personalModel(model, person)));
      const solver = new FrameSolver(memory.kernels, memory.resident, person);
      solver.solve({ index: 0, time: 0, image }, seen, true);
      const { evidence, state } = solver.solve({ index: 1, time: 0.04, image }, seen, false);
      const { size, joints } = solver.layout;
      const column = joints.find(({ joint }) => joint === jaw)!.offset;
      return { said: evidence.equations.hessian[column * (size + 1)], jaw: state.pose[3 * jaw] };
    };
    const [shut, open] = [await solved(0), await solved(0.08)];
    expect(shut.said).toBeGreaterThan(open.said + 3e5);
    expect(Math.abs(shut.jaw)).toBeLessThan(0.003);
    expect(Math.abs(open.jaw - 0.08)).toBeLessThan(0.02);
  });
});
