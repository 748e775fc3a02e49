/** FLAME parameters for other trackers: names and shapes of VHAP, and its camera sees what the fit's does. */
import { describe, expect, it } from 'vitest';
import { projectPoints } from '../../src/camera/project.ts';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { flameParams } from '../../src/fit/flame-params.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const tiny = makeTinyHead();
const fit = makeTinyFit(tiny);
/** A head of FLAME's size, for what asks no more of it. */
const flame: HeadModel = {
  ...tiny,
  template: new Float32Array(3 * 5023),
  faces: new Uint32Array(3 * 9976),
  identityBasis: new Float32Array(0),
  expressionBasis: new Float32Array(0),
};
const values = (name: string) => Array.from(flameParams(flame, fit.params, fit)[name].data as Float32Array);

describe('flameParams', () => {
  it('has the names and shapes that are read elsewhere', () => {
    const arrays = flameParams(flame, fit.params, fit);
    const shapes = Object.fromEntries(Object.entries(arrays).map(([name, { shape }]) => [name, [...shape]]));
    expect(shapes).toMatchObject({
      shape: [300],
      expr: [1, 100],
      rotation: [1, 3],
      neck_pose: [1, 3],
      jaw_pose: [1, 3],
      eyes_pose: [1, 6],
      translation: [1, 3],
      focal_length: [1],
    });
    const { identity, expression, pose } = fit.params;
    expect(values('shape').slice(0, identity.length)).toEqual([...identity]);
    expect(
      values('shape')
        .slice(identity.length)
        .every((x) => x === 0),
    ).toBe(true);
    expect(values('expr').slice(0, expression.length)).toEqual([...expression]);
    const parts = ['rotation', 'neck_pose', 'jaw_pose', 'eyes_pose'].flatMap(values);
    expect(parts).toEqual([...pose]);
  });

  it('its camera, one metre before the origin, sees points where the fit does', () => {
    // VHAP: world = posed + translation; camera at (0, 0, 1), y up; focal in units of the longer side.
    const [tx, ty, tz] = values('translation');
    const focal = values('focal_length')[0] * Math.max(fit.image.width, fit.image.height);
    const [cx, cy] = [values('intrinsics')[2], values('intrinsics')[5]];
    const point = [0.03, -0.04, 0.1];
    const [x, y, z] = [point[0] + tx, point[1] + ty, point[2] + tz - values('camera_to_world')[11]];
    const [u, v] = projectPoints(fit.camera, point);
    expect(cx + (focal * x) / -z).toBeCloseTo(u, 2);
    expect(cy - (focal * y) / -z).toBeCloseTo(v, 2);
  });

  it('an orthographic fit has no focal length', () => {
    const camera = { kind: 'orthographic', scale: 900, principal: [1, 2], translation: [0, 0, 0] } as const;
    const arrays = flameParams(flame, fit.params, { ...fit, camera });
    expect(arrays['focal_length']).toBeUndefined();
    expect([...(arrays['camera_perspective'].data as Uint8Array)]).toEqual([0]);
  });

  it('refuses heads of another topology', () => {
    expect(() => flameParams(tiny, fit.params, fit)).toThrow(InvalidArgumentError);
    expect(() => flameParams(tiny, fit.params, fit)).toThrow(/tiny-head is no FLAME head/);
    const joints = flame.joints.slice(0, 3);
    expect(() => flameParams({ ...flame, joints }, fit.params, fit)).toThrow(/joints root, neck, jaw\)/);
  });
});
