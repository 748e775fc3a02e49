/** One face's motion on another head: what stays, what moves, and between which heads. */
import { beforeAll, describe, expect, it } from 'vitest';
import { projectPoints } from '../../../src/camera/project.ts';
import { InvalidArgumentError } from '../../../src/core/errors.ts';
import { createRandom } from '../../../src/core/random.ts';
import { correspond } from '../../../src/fit/video/correspondence.ts';
import { blinksOf, lidsOf } from '../../../src/fit/video/lids.ts';
import { lipsOf } from '../../../src/fit/video/lips.ts';
import {
  faceCentre,
  fitCamera,
  halfSampleMode,
  neutralOf,
  type TransferSource,
  type TransferTarget,
  transferMotion,
} from '../../../src/fit/video/transfer.ts';
import type { VideoTrack } from '../../../src/fit/video/types.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { poseHead } from '../../../src/model/pose.ts';
import { surfacePoint } from '../../../src/model/surface-point.ts';
import { loadHeadModel } from '../../../src/node/models.ts';
import { makeHeadFit } from '../../helpers/open-head-fit.ts';
import { makeTinyTrack } from '../../helpers/tiny-track.ts';

describe('transfer', () => {
  let model: HeadModel;
  let track: VideoTrack;
  let source: TransferSource;
  let target: TransferTarget;

  beforeAll(async () => {
    model = await loadHeadModel('open-head');
    const made = makeTinyTrack(model, 9);
    // Expressions within their range; frame 0 is at rest: a mouth that droops a little, a jaw not quite shut.
    const rest = (i: number) => 0.1 + 0.002 * (i % 7);
    track = {
      ...made,
      frames: made.frames.map((f, i) => ({
        ...f,
        expression: f.expression.map(
          (_, e) => rest(e) + (i === 0 ? 0 : 0.5 * Math.abs(Math.sin(0.3 * i + e))),
        ),
      })),
    };
    source = {
      track,
      expressionNames: model.expressionNames,
      jointNames: model.joints.map((j) => j.name),
      centre: faceCentre(model, track.identity.identity),
      lids: null,
    };
    const { params, camera, light } = makeHeadFit(model);
    target = { model, params, camera, light };
  });

  it('keeps shape, texture and light of the target to the bit', () => {
    const { track: out, missing } = transferMotion(source, target);
    expect(missing).toEqual([]);
    expect(out.identity.identity).toBe(target.params.identity);
    expect(out.identity.texture).toBe(target.params.texture);
    for (const frame of out.frames) expect(frame.light).toBe(target.light);
    expect(out.frames.map((f) => [f.index, f.time])).toEqual(track.frames.map((f) => [f.index, f.time]));
    const lit = transferMotion(source, target, { light: 'source' }).track;
    expect(lit.frames[2].light).toEqual(track.frames[2].light);
  });

  it('absolute: the same coefficients and rotations', () => {
    const { frames } = transferMotion(source, target, { mode: 'absolute' }).track;
    frames.forEach((frame, i) => {
      expect(frame.expression).toEqual(track.frames[i].expression);
      expect(frame.pose).toEqual(track.frames[i].pose);
    });
  });

  it('relative: the neutral frame gives a head without expression, others what they differ by', () => {
    const neutralFrame = track.frames[0].index;
    const { frames } = transferMotion(source, target, { neutralFrame }).track;
    expect(frames[0].expression.every((x) => x === 0)).toBe(true);
    // Joints but the root are at rest there; the root turns as the video's.
    expect(Math.max(...frames[0].pose.subarray(3).map(Math.abs))).toBeLessThan(1e-6);
    expect(frames[0].pose.subarray(0, 3)).toEqual(track.frames[0].pose.subarray(0, 3));
    for (const i of [1, 5])
      frames[i].expression.forEach((x, e) => {
        const wanted = Math.max(0, track.frames[i].expression[e] - track.frames[0].expression[e]);
        expect(x).toBeCloseTo(Math.min(1, wanted), 6);
      });
  });

  it('the same frame again gives the same motion, however much came between', () => {
    const again = {
      ...track,
      frames: [...track.frames, ...track.frames.map((f) => ({ ...f, time: f.time + 60 }))],
    };
    const { frames } = transferMotion({ ...source, track: again }, target).track;
    for (let i = 0; i < track.frames.length; i++) {
      expect(frames[i + track.frames.length].expression).toEqual(frames[i].expression);
      expect(frames[i + track.frames.length].pose).toEqual(frames[i].pose);
    }
  });

  it('puts the face of another person where the source has its own', () => {
    const { frames } = transferMotion(source, target).track;
    const frame = frames[3];
    const at = (identity: ArrayLike<number>, of: typeof frame) => {
      // The turned head without expression, where its inner landmarks' mean is.
      const pose = new Float32Array(of.pose.length);
      pose.set(of.pose.subarray(0, 3));
      const { vertices } = poseHead(model, { identity, expression: [], pose });
      const { faces, barycentrics } = model.landmarks.inner51;
      const sum = [0, 0, 0];
      faces.forEach((f, l) => {
        for (let k = 0; k < 3; k++)
          for (let a = 0; a < 3; a++)
            sum[a] += (barycentrics[3 * l + k] * vertices[3 * model.faces[3 * f + k] + a]) / faces.length;
      });
      return sum.map((x, a) => x + of.camera.translation[a]);
    };
    const [theirs, ours] = [at(track.identity.identity, track.frames[3]), at(target.params.identity, frame)];
    // The root joint of another shape stands a little elsewhere: half a millimetre of turning about it.
    for (let a = 0; a < 3; a++) expect(Math.abs(theirs[a] - ours[a])).toBeLessThan(2e-3);
  });

  it('own pose: the head stays as its photo has it, jaw and eyes move', () => {
    const camera = fitCamera(target, track);
    const { frames } = transferMotion(source, { ...target, camera }, { pose: 'own', mode: 'absolute' }).track;
    const jaw = 3 * model.joints.findIndex((j) => j.name === 'jaw');
    for (const [i, frame] of frames.entries()) {
      expect(frame.camera).toEqual(camera);
      expect(frame.pose.subarray(0, 6)).toEqual(target.params.pose.subarray(0, 6));
      expect(frame.pose.subarray(jaw, jaw + 3)).toEqual(track.frames[i].pose.subarray(jaw, jaw + 3));
    }
    const points = projectPoints(camera, poseHead(model, { ...target.params, expression: [] }).vertices);
    const [u, v] = [0, 1].map((a) => points.filter((_, i) => i % 3 === a));
    const height = Math.max(...v) - Math.min(...v);
    expect(height).toBeCloseTo(0.88 * track.height, 0);
    expect((Math.max(...u) + Math.min(...u)) / 2).toBeCloseTo(track.width / 2, 1);
  });

  it('eyes are as far open as the source’s, in shares of each one’s own', () => {
    const blinks = blinksOf(model)!;
    const lids = lidsOf(model, track.identity.identity);
    const rest = new Float32Array(track.frames[0].expression.length);
    const weights = [0, 0, 0, 0.3, 0.6, 1, 0.3, 0, 0, 0];
    const frames = weights.slice(0, track.frames.length).map((weight, i) => {
      const expression = rest.slice();
      for (const e of blinks) expression[e] = weight;
      return { ...track.frames[i], status: 'tracked' as const, expression };
    });
    const out = transferMotion({ ...source, lids, track: { ...track, frames } }, target).track.frames;
    const own = lidsOf(model, target.params.identity);
    for (const [i, frame] of frames.entries())
      for (const side of [0, 1]) {
        const share = (of: typeof lids, expression: ArrayLike<number>) =>
          (of.open(expression)[side] - of.shut[side]) / (of.open(rest)[side] - of.shut[side]);
        const theirs = share(lids, frame.expression);
        const ours = share(own, out[i].expression);
        // As far shut at least: weights are never lowered.
        expect(ours).toBeLessThan(theirs + 0.01);
        expect(out[i].expression[blinks[side]]).toBeGreaterThanOrEqual(frame.expression[blinks[side]]);
      }
    expect(out[0].expression.every((x) => x === 0)).toBe(true);
    // The gap is that of the posed landmarks.
    const open = poseHead(model, {
      identity: target.params.identity,
      expression: [],
      pose: new Float32Array(15),
    });
    const point = (l: number) => {
      const { faces, barycentrics } = model.landmarks.inner51;
      const p = [0, 0, 0];
      for (let k = 0; k < 3; k++)
        for (let a = 0; a < 3; a++)
          p[a] += barycentrics[3 * l + k] * open.vertices[3 * model.faces[3 * faces[l] + k] + a];
      return p;
    };
    // iBUG 43, 47 and 44, 46: the left eye.
    const gaps = [
      [43, 47],
      [44, 46],
    ].map(([u, l]) => Math.hypot(...point(u - 17).map((x, a) => x - point(l - 17)[a])));
    expect(own.open(rest)[1]).toBeCloseTo((gaps[0] + gaps[1]) / 2, 6);
  });

  it('finds the neutral face where none is named, also by an option that is not set', () => {
    // As the command gives its options.
    const got = transferMotion(source, target, { neutralFrame: undefined }).track.frames;
    expect(got).toEqual(transferMotion(source, target).track.frames);
  });

  it('says when the neutral frame cannot be one', () => {
    expect(() => transferMotion(source, target, { neutralFrame: 1 })).toThrow(
      /neutral frame 1 is not in the track, whose frames are 3 to 19/,
    );
    expect(() => transferMotion(source, target, { neutralFrame: 11 })).toThrow(
      /neutral frame 11 shows no face/,
    );
    const lost = { ...track, frames: track.frames.slice(4, 5) };
    expect(() => transferMotion({ ...source, track: lost }, target)).toThrow(InvalidArgumentError);
  });

  describe('between heads', () => {
    const joints = ['root', 'neck', 'jaw', 'left_eye', 'right_eye'].map((name) => ({ name }));
    const head = (...expressionNames: string[]) => ({ expressionNames, joints });

    it('same names, with sides however they are written', () => {
      const map = correspond(
        head('browDown_L', 'mouthSmile_R', 'wink'),
        head('mouthSmileRight', 'browDownLeft'),
      );
      expect(map.expressions).toEqual([
        { from: 0, to: 1, weight: 1 },
        { from: 1, to: 0, weight: 1 },
      ]);
      expect(map.missing).toEqual(['wink']);
      expect(map.exact).toBe(false);
      expect(correspond(head('a', 'b'), head('a', 'b')).exact).toBe(true);
    });

    it('one for two and two for one, by what ARKit calls them', () => {
      const whole = head('cheekPuff');
      const halves = head('cheekPuffLeft', 'cheekPuffRight');
      expect(correspond(whole, halves).expressions).toEqual([
        { from: 0, to: 0, weight: 1 },
        { from: 0, to: 1, weight: 1 },
      ]);
      expect(correspond(halves, whole).expressions).toEqual([
        { from: 0, to: 0, weight: 0.5 },
        { from: 1, to: 0, weight: 0.5 },
      ]);
    });

    it('an expression for a joint and back', () => {
      const named = head('jawOpen', 'mouthLeft');
      const jointed = head('mouthLeft');
      const there = correspond(named, jointed);
      expect(there.turns).toHaveLength(1);
      expect(there.turns[0]).toMatchObject({ from: 0, to: 2 });
      expect(there.turns[0].rotation[0]).toBeCloseTo((20 * Math.PI) / 180, 6);
      const back = correspond(jointed, named);
      expect(back.bends).toHaveLength(1);
      // Jaw turned by 20° is jawOpen 1.
      const { rotation } = back.bends[0];
      expect(rotation[0] * ((20 * Math.PI) / 180)).toBeCloseTo(1, 6);
    });

    it('an ICT-named track drives open-head', () => {
      const names = ['eyeBlink_L', 'eyeBlink_R', 'mouthSmile_L', 'jawOpen'];
      const frames = track.frames.map((f) => ({ ...f, expression: Float32Array.of(1, 0, 0.5, 0.5) }));
      const ict = { ...source, track: { ...track, frames }, expressionNames: names };
      const out = transferMotion(ict, target, { mode: 'absolute' }).track.frames[1];
      const weight = (name: string) => out.expression[model.expressionNames.indexOf(name)];
      expect([weight('eyeBlinkLeft'), weight('eyeBlinkRight'), weight('mouthSmileLeft')]).toEqual([
        1, 0, 0.5,
      ]);
      const jaw = 3 * model.joints.findIndex((j) => j.name === 'jaw');
      const turned = out.pose[jaw] - track.frames[1].pose[jaw];
      expect(turned).toBeCloseTo((10 * Math.PI) / 180, 5);
    });

    it('nothing in common is refused, saying what there is', () => {
      const unnamed = { ...source, expressionNames: ['expression_001', 'expression_002'] };
      expect(() => transferMotion(unnamed, target)).toThrow(
        /no expression of the source \(expression_001, expression_002\) is one of the head open-head \(browDownLeft/,
      );
    });
  });

  it('the neutral face is the mode, not the mean', () => {
    const random = createRandom(7);
    // A third of the time at rest near 0.08, else anywhere up to 1.
    const values = Array.from({ length: 900 }, (_, i) =>
      i % 3 === 0 ? 0.08 + 0.01 * (random.uniform() - 0.5) : 0.1 + 0.9 * random.uniform(),
    );
    expect(Math.abs(halfSampleMode(values) - 0.08)).toBeLessThan(0.01);
    expect(halfSampleMode([3])).toBe(3);
    expect(halfSampleMode([1, 2])).toBe(1.5);
    const frames = values.map((x) => ({ ...track.frames[0], expression: Float32Array.of(x) }));
    expect(Math.abs(neutralOf({ frames }).expression[0] - 0.08)).toBeLessThan(0.01);
  });

  it('a mouth is at rest with its lips shut, though it mostly is open', () => {
    const joints = model.joints.map((j) => j.name);
    const [jaw, part, brow] = [
      3 * joints.indexOf('jaw'),
      model.expressionNames.indexOf('mouthPartLeft'),
      model.expressionNames.indexOf('browInnerUpLeft'),
    ];
    const frames = Array.from({ length: 100 }, (_, i) => {
      const open = i % 5 !== 0;
      const expression = new Float32Array(model.expressionNames.length);
      const pose = new Float32Array(3 * joints.length);
      const jitter = 0.001 * (i % 7);
      pose[jaw] = (open ? 0.2 : 0.01) + jitter;
      expression[part] = open ? 0.4 + jitter : jitter;
      // Frowns while the lips are shut.
      expression[brow] = open ? 0.1 + jitter : 0.6;
      return { ...track.frames[0], index: i, confidence: 1, expression, pose };
    });
    const lips = lipsOf(model, track.identity.identity);
    expect(lips.apart(frames[1].expression, frames[1].pose)).toBeGreaterThan(
      lips.apart(frames[0].expression, frames[0].pose) + 0.004,
    );
    const names = { expressionNames: model.expressionNames, jointNames: joints };
    const told = neutralOf({ frames }, null, { ...names, lips });
    expect(told.pose[jaw]).toBeLessThan(0.02);
    expect(told.expression[part]).toBeLessThan(0.01);
    expect(told.expression[brow]).toBeLessThan(0.11);
    const plain = neutralOf({ frames }, null, { ...names, lips: null });
    expect(plain.pose[jaw]).toBeGreaterThan(0.19);
    expect(plain.expression[part]).toBeGreaterThan(0.39);
  });

  it('a mouth opens as far as the source’s, in shares of each one’s face, and shuts with it', () => {
    const joints = model.joints.map((j) => j.name);
    const jaw = 3 * joints.indexOf('jaw');
    const at = (name: string) => model.expressionNames.indexOf(name);
    // Lips that are pressed at rest: a driven head, whose weights end at 0, has nothing to give back where they part.
    const frames = Array.from({ length: 90 }, (_, i) => {
      const open = Math.max(0, Math.sin(0.4 * i));
      const expression = new Float32Array(model.expressionNames.length);
      const pose = new Float32Array(3 * joints.length);
      pose[jaw] = 0.02 + 0.16 * open;
      for (const side of ['Left', 'Right']) {
        expression[at(`mouthCompress${side}`)] = 0.3 * (1 - open);
        expression[at(`mouthLowerDown${side}`)] = 0.5 * open;
      }
      return { ...track.frames[0], index: i, confidence: 1, expression, pose };
    });
    const [theirs, own] = [track.identity, target.params].map(({ identity }) => lipsOf(model, identity));
    const talking = { ...source, lips: theirs, track: { ...track, frames } };
    const names = { expressionNames: model.expressionNames, jointNames: joints };
    const rest = neutralOf({ frames }, null, { ...names, lips: theirs });
    const shut = theirs.apart(rest.expression, rest.pose);
    const still = own.apart(
      new Float32Array(model.expressionNames.length),
      new Float32Array(3 * joints.length),
    );
    const out = transferMotion(talking, target).track.frames;
    let most = 0;
    for (const [i, frame] of out.entries()) {
      const wanted = (theirs.apart(frames[i].expression, frames[i].pose) - shut) / theirs.face;
      const opened = (own.apart(frame.expression, frame.pose) - still) / own.face;
      most = Math.max(most, wanted);
      // A tenth of a millimetre on a face of 80.
      if (wanted > 0) expect(Math.abs(opened - wanted)).toBeLessThan(0.0013);
      else expect(opened).toBeLessThan(0.0013);
    }
    expect(most).toBeGreaterThan(0.1);
    // What coefficients alone made of it.
    const alone = transferMotion({ ...talking, lips: null }, target, {
      neutralFrame: 0,
    }).track.frames;
    const widest = Math.max(...alone.map(({ expression, pose }) => own.apart(expression, pose) - still));
    expect(widest / own.face).not.toBeCloseTo(most, 2);
  });

  it('each frame’s lips are measured once to tell where they rest, and once to be passed on', () => {
    const frames = Array.from({ length: 40 }, (_, i) => {
      const expression = track.frames[0].expression.slice();
      const pose = new Float32Array(3 * model.joints.length);
      pose[3 * model.joints.findIndex((j) => j.name === 'jaw')] = i % 2 === 0 ? 0.01 : 0.2;
      return { ...track.frames[0], index: i, confidence: 1, expression, pose };
    });
    const lips = lipsOf(model, track.identity.identity);
    let asked = 0;
    const apart = (expression: ArrayLike<number>, pose: ArrayLike<number>) => {
      asked++;
      return lips.apart(expression, pose);
    };
    const talking = { ...source, lips: { ...lips, apart }, track: { ...track, frames } };
    const { track: out } = transferMotion(talking, target);
    expect(asked).toBe(2 * frames.length);
    // As the command line says it; it once had lips shut by the neutral face alone.
    expect(transferMotion(talking, target, { neutralFrame: undefined }).track).toEqual(out);
  });

  it('lips are measured on their own vertices as on the whole head', () => {
    const { params } = target;
    const lips = lipsOf(model, params.identity);
    const { expression, pose } = track.frames[4];
    const { vertices } = poseHead(model, { identity: params.identity, expression, pose });
    const point = (l: number) => surfacePoint(model, model.landmarks.inner51, l, vertices);
    let sum = 0;
    for (const [a, b] of [
      [44, 50],
      [45, 49],
      [46, 48],
    ])
      sum += Math.hypot(...point(a).map((x, i) => x - point(b)[i])) / 3;
    expect(lips.apart(expression, pose)).toBeCloseTo(sum, 6);
  });
});
