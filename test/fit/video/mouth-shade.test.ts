/** What is in a mouth is as bright as the lips let light in. */
import { beforeAll, describe, expect, it } from 'vitest';
import { mouthShade, shadeMouth } from '../../../src/fit/video/mouth-shade.ts';
import { type HeadModel, headSizes, jointIndex } from '../../../src/model/head-model.ts';
import { poseHead } from '../../../src/model/pose.ts';
import { loadHeadModel } from '../../../src/node/models.ts';

describe('shade in a mouth', () => {
  let model: HeadModel;
  beforeAll(async () => {
    model = await loadHeadModel('open-head');
  });

  /** Light (V,4) that was 1 everywhere, with the jaw `opened` by some radians and the head turned by `yaw`. */
  function shades(opened: number, yaw = 0): Float32Array {
    const { S, E, J } = headSizes(model);
    const pose = new Float32Array(3 * J);
    pose[1] = yaw;
    pose[3 * jointIndex(model, 'jaw')] = opened;
    const { vertices } = poseHead(model, {
      identity: new Float32Array(S),
      expression: new Float32Array(E),
      pose,
    });
    const out = new Float32Array((4 * vertices.length) / 3).fill(1);
    shadeMouth(mouthShade(model)!, vertices, out, 4);
    return out;
  }

  /** Mean red and green of the front teeth. */
  function frontTeeth(light: Float32Array): [number, number] {
    const { template } = model;
    const front = Array.from(model.regions.get('teeth')!).filter((v) => template[3 * v + 2] > 0.088);
    const mean = (c: number) => front.reduce((sum, v) => sum + light[4 * v + c] / front.length, 0);
    return [mean(0), mean(1)];
  }

  it('is dark where lips are shut, redder in a slit, and nowhere in an open mouth', () => {
    expect(frontTeeth(shades(0))[0]).toBeLessThan(0.02);
    const [red, green] = frontTeeth(shades(0.02));
    expect(red).toBeGreaterThan(0.2);
    expect(red).toBeLessThan(0.8);
    expect(green).toBeLessThan(0.9 * red);
    for (const light of frontTeeth(shades(0.2))) expect(Math.abs(light - 1)).toBeLessThan(0.05);
    expect(Math.max(...shades(0.3))).toBe(1);
  });

  it('is the same however the head is turned', () => {
    const [straight, turned] = [shades(0.05), shades(0.05, 0.6)];
    for (const [i, s] of straight.entries()) expect(Math.abs(turned[i] - s)).toBeLessThan(1e-3);
  });

  it('leaves all that is not in the mouth, and the shape', () => {
    const light = shades(0.02);
    const inside = new Set(['teeth', 'tongue', 'mouth_interior'].flatMap((r) => [...model.regions.get(r)!]));
    for (let v = 0; v < light.length / 4; v++) {
      expect(light[4 * v + 3]).toBe(1);
      if (!inside.has(v)) expect([...light.subarray(4 * v, 4 * v + 3)]).toEqual([1, 1, 1]);
    }
  });

  it('is not there for heads without an inside', () => {
    const regions = new Map([...model.regions].filter(([name]) => name === 'lips'));
    expect(mouthShade({ ...model, regions })).toBeNull();
    expect(mouthShade({ ...model, joints: [] })).toBeNull();
  });
});
