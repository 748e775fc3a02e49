/** Irises of FLAME heads, whose own embedding of the face mesh has none. */
import { describe, expect, it } from 'vitest';
import { withIrises } from '../../src/model/flame/irises.ts';
import { jointIndex } from '../../src/model/head-model.ts';
import { surfacePoint } from '../../src/model/surface-point.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const NONE = {
  indices: new Uint32Array(0),
  points: { faces: new Uint32Array(0), barycentrics: new Float32Array(0) },
};

describe('irises', () => {
  const head = makeTinyHead();

  it('are put on the front of both eyeballs, the second point of each towards the nose', () => {
    const mesh = withIrises(NONE, head);
    expect([...mesh.indices].sort()).toEqual([468, 469, 471, 472, 473, 474, 476, 477]);
    for (const [name, first, nose] of [
      ['right_eye', 468, 1],
      ['left_eye', 473, -1],
    ] as const) {
      const j = 3 * jointIndex(head, name);
      const at = (number: number) =>
        surfacePoint(head, mesh.points, mesh.indices.indexOf(first + number), head.template).map(
          (x, a) => 1000 * (x - head.jointTemplate[j + a]),
        );
      const [middle, inner, outer, below] = [0, 1, 3, 4].map(at);
      // The eyeballs are spheres of 12.5 mm in flat faces.
      for (const p of [middle, inner, outer, below]) expect(Math.hypot(...p)).toBeGreaterThan(9);
      expect(middle[2]).toBeGreaterThan(9);
      expect(Math.abs(middle[0])).toBeLessThan(0.1);
      expect(nose * inner[0]).toBeGreaterThan(3);
      expect(nose * outer[0]).toBeLessThan(-3);
      expect(below[1]).toBeLessThan(middle[1] - 3);
    }
  });

  it('are left as they are where an embedding has them, and where a head has no eyeballs', () => {
    expect(withIrises(head.landmarks.mesh, { ...head, regions: new Map() })).toEqual(head.landmarks.mesh);
    const own = withIrises(NONE, head);
    expect(withIrises(own, head)).toBe(own);
  });
});
