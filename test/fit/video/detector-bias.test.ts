/** A detector that draws one face wrong in the same way in all its pictures: its errors are found and taken away again. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import {
  type DetectorBias,
  landmarkOffsets,
  lidDistances,
  lipDistance,
  shutLips,
  usualLids,
  withoutBias,
} from '../../../src/fit/video/detector-bias.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import type { FaceObservation } from '../../../src/perceive/types.ts';
import { observeTruth, sampleTruth, type Truth } from '../../helpers/synthetic.ts';

const PICTURES = 12;
/** Offset of brows, noses and outer lips, in eye vectors: along it and across it. */
const WRONG = [0.03, -0.05] as const;
const MOVED = [20, 30, 54];

let model: HeadModel;
let truths: Truth[];
let seen: FaceObservation[];
let bias: DetectorBias;

/** `observation` with some landmarks wrong. */
function drawnWrong(observation: FaceObservation): FaceObservation {
  const l = observation.landmarks68.slice();
  const [a, b] = [l[90] - l[72], l[91] - l[73]];
  for (const k of MOVED) {
    l[2 * k] += WRONG[0] * a - WRONG[1] * b;
    l[2 * k + 1] += WRONG[0] * b + WRONG[1] * a;
  }
  return { ...observation, landmarks68: l };
}

const eyes = (l: Float32Array) => Math.hypot(l[90] - l[72], l[91] - l[73]);
const distance = (l: Float32Array, m: Float32Array, k: number) =>
  Math.hypot(l[2 * k] - m[2 * k], l[2 * k + 1] - m[2 * k + 1]) / eyes(m);

beforeAll(async () => {
  model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  const random = createRandom(11);
  truths = Array.from({ length: PICTURES }, () => sampleTruth(model, random));
  seen = truths.map((truth) => observeTruth(model, truth, random));
  const fits = truths.map(({ params, camera }, i) => ({ observation: drawnWrong(seen[i]), params, camera }));
  bias = { offsets: landmarkOffsets(model, fits), lids: Float32Array.of(0.1, 0.1) };
});

describe('landmarkOffsets', () => {
  it('finds what is wrong in all pictures, drawn to zero, and nothing where nothing is wrong', () => {
    const share = PICTURES / (PICTURES + 1);
    for (const k of MOVED)
      for (const i of [0, 1]) expect(bias.offsets[2 * k + i]).toBeCloseTo(share * WRONG[i], 1.7);
    const quiet = [27, 33, 48, 57];
    // Noise of 1 % of the eye distance over 12 pictures.
    for (const k of quiet)
      for (const i of [0, 1]) expect(Math.abs(bias.offsets[2 * k + i])).toBeLessThan(0.012);
  });

  it('moves an eye as a whole', () => {
    for (const k of [37, 38, 39, 40, 41])
      for (const i of [0, 1]) expect(bias.offsets[2 * k + i]).toBe(bias.offsets[72 + i]);
  });
});

describe('withoutBias', () => {
  it('brings landmarks back, however the head is turned and near', () => {
    for (const observation of seen) {
      const wrong = drawnWrong(observation);
      const mended = withoutBias(model, wrong, { ...bias, lids: Float32Array.of(0, 0) }, 0);
      for (const k of MOVED) {
        expect(distance(wrong.landmarks68, observation.landmarks68, k)).toBeGreaterThan(0.05);
        expect(distance(mended.landmarks68, observation.landmarks68, k)).toBeLessThan(0.02);
      }
    }
  });

  it('leaves open lids, and shuts those that come as near as shut ones are drawn', () => {
    const none = { offsets: new Float32Array(bias.offsets.length), lids: Float32Array.of(0.1, 0.1) };
    const opened = (share: number, left = share) => {
      const l = seen[0].landmarks68.slice();
      const [a, b] = [l[90] - l[72], l[91] - l[73]];
      // Upper lids straight above the lower ones.
      for (const [upper, lower] of [
        [37, 41],
        [38, 40],
        [43, 47],
        [44, 46],
      ]) {
        const apart = 0.1 * (upper < 42 ? share : left);
        l[2 * upper] = l[2 * lower] + apart * b;
        l[2 * upper + 1] = l[2 * lower + 1] - apart * a;
      }
      return lidDistances(withoutBias(model, { ...seen[0], landmarks68: l }, none, 0));
    };
    for (const side of [0, 1]) {
      expect(opened(1.2)[side]).toBeCloseTo(0.12, 5);
      expect(opened(1)[side]).toBeCloseTo(0.1, 5);
      expect(opened(0.725)[side]).toBeCloseTo(0.05, 5);
      expect(opened(0.4)[side]).toBeCloseTo(0, 5);
    }
    // Eyes that look down: one was shut, the other a third open. A wink stays one.
    const [right, left] = opened(0.65, 0.46);
    expect(left).toBeGreaterThan(0.015);
    expect(right).toBeLessThan(0.03);
    expect(right).toBeGreaterThan(left);
    expect(opened(1, 0.3)[0]).toBeGreaterThan(0.07);
    expect(opened(1, 0.3)[1]).toBeCloseTo(0, 5);
  });

  it('draws shut lids of a head with components for expressions over each other, and leaves open ones', () => {
    const free = { ...model, expressionRange: model.expressionRange.map((_, i) => (i % 2 ? 1 : -1) / 0) };
    const none = { offsets: new Float32Array(bias.offsets.length), lids: Float32Array.of(0.1, 0.1) };
    // How far the upper lids lie above the lower ones, over the eye distance.
    const above = (head: HeadModel, share: number) => {
      const l = seen[0].landmarks68.slice();
      const [a, b] = [l[90] - l[72], l[91] - l[73]];
      const lids = [37, 41, 38, 40, 43, 47, 44, 46];
      for (let k = 0; k < 8; k += 2) {
        l[2 * lids[k]] = l[2 * lids[k + 1]] + 0.1 * share * b;
        l[2 * lids[k] + 1] = l[2 * lids[k + 1] + 1] - 0.1 * share * a;
      }
      // Without the mesh, which says how far the eyes are apart in space.
      const { landmarks68: m } = withoutBias(head, { ...seen[0], landmarks68: l, mesh: null }, none, 0);
      return (b * (m[74] - m[82]) - a * (m[75] - m[83])) / (a * a + b * b);
    };
    expect(above(free, 1)).toBeCloseTo(0.1, 5);
    expect(above(free, 0.725)).toBeCloseTo(0.05 - 0.005, 5);
    expect(above(free, 0.4)).toBeCloseTo(-0.01, 5);
    expect(above(model, 0.4)).toBeCloseTo(0, 5);
  });

  it('lets lips that touch touch', () => {
    const offsets = new Float32Array(bias.offsets.length);
    // The detector is taken to draw lower lips 4 % of the eye distance too high.
    for (const k of [65, 66, 67]) offsets[2 * k + 1] = -0.04;
    const gap = (l: Float32Array) => Math.hypot(l[124] - l[132], l[125] - l[133]) / eyes(l);
    const at = (apart: number) => {
      const l = seen[0].landmarks68.slice();
      const [a, b] = [l[90] - l[72], l[91] - l[73]];
      l[132] = l[124] - apart * b;
      l[133] = l[125] + apart * a;
      return gap(
        withoutBias(model, { ...seen[0], landmarks68: l }, { offsets, lids: Float32Array.of(0, 0) }, 0)
          .landmarks68,
      );
    };
    expect(at(0)).toBeCloseTo(0, 5);
    expect(at(0.2)).toBeCloseTo(0.24, 3);
  });
});

describe('lidDistances', () => {
  it('are of the eye distance in space, where a mesh says it', () => {
    const mesh = new Float32Array(3 * 478);
    const landmarks68 = seen[0].landmarks68;
    const [a, b] = [landmarks68[90] - landmarks68[72], landmarks68[91] - landmarks68[73]];
    // One eye is as much farther away as it lies beside the other: a head turned by 45°.
    mesh[3 * 263 + 2] = Math.hypot(a, b);
    const turned = { ...seen[0], landmarks68, mesh };
    for (const side of [0, 1]) {
      const flat = lidDistances({ ...turned, mesh: null })[side];
      expect(lidDistances(turned)[side]).toBeCloseTo(flat * Math.SQRT1_2, 5);
      expect(lidDistances({ ...turned, mesh: new Float32Array(3 * 478).fill(Number.NaN) })[side]).toBe(flat);
    }
  });
});

describe('shutLips', () => {
  const film = (shut: number, share: number) =>
    Array.from({ length: 40 }, (_, i) => (i < 40 * share ? shut : shut + 0.01 + 0.002 * i));

  it('is where a film has them at their closest, within what detectors do with shut lips', () => {
    expect(shutLips(film(0.018, 0.2))).toBeCloseTo(0.018, 6);
    expect(shutLips(film(0.004, 0.2))).toBeCloseTo(0.015, 6);
    expect(shutLips(film(0.03, 0.2))).toBeCloseTo(0.02, 6);
    // A few frames alone are the detector's noise.
    expect(shutLips(film(0.016, 0.1))).toBeCloseTo(0.02, 6);
    expect(shutLips([])).toBeCloseTo(0.015, 6);
  });

  it('draws lips together by what it is more than of most people', () => {
    const known = {
      offsets: new Float32Array(bias.offsets.length),
      lids: Float32Array.of(0, 0),
    };
    const apart = (lips?: number) => lipDistance(withoutBias(model, seen[0], { ...known, lips }, 0));
    expect(apart(0.015)).toBe(apart());
    expect(apart() - apart(0.02)).toBeCloseTo(0.005, 5);
  });
});

describe('usualLids', () => {
  const lids = Float32Array.of(0.07, 0.06);
  /** Looked at every 0.4 s, as far apart as usual times what `share` says. */
  const seen = (share: (time: number) => number) => ({
    lids,
    lidsOverTime: Float32Array.from({ length: 120 }, (_, i) => {
      const time = 0.4 * Math.floor(i / 3);
      return i % 3 === 0 ? time : lids[(i % 3) - 1] * share(time);
    }),
  });
  const shareAt = (known: Parameters<typeof usualLids>[0], time: number) =>
    usualLids(known, time).map((x, side) => x / lids[side]);

  it('are those of the whole video where nothing else is known, at a blink, and where eyes stay shut', () => {
    const blinks = seen((time) => (Math.abs(time - 6) < 0.3 ? 0.4 : 1));
    const asleep = seen((time) => (Math.abs(time - 6) < 3 ? 0.45 : 1));
    const wide = seen(() => 1.4);
    for (const share of [
      ...shareAt({ lids }, 6),
      ...shareAt(blinks, 6),
      ...shareAt(asleep, 6),
      ...shareAt(wide, 6),
      ...shareAt(asleep, 90),
      ...shareAt(asleep, Number.NaN),
    ])
      expect(share).toBeCloseTo(1, 5);
  });

  it('are what they are while somebody looks down', () => {
    const down = seen((time) => (Math.abs(time - 6) < 1.5 ? 0.7 : 1));
    for (const share of shareAt(down, 6)) expect(share).toBeCloseTo(0.7, 5);
    for (const share of shareAt(down, 12)) expect(share).toBeCloseTo(1, 5);
  });
});
