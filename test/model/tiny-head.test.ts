/** The helper that other tests lean on: a head whose parameters do what their names say. */
import { describe, expect, it } from 'vitest';
import { headSizes } from '../../src/model/head-model.ts';
import { checkHeadModel } from '../../src/model/validate.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const head = makeTinyHead();
const V = head.template.length / 3;

function point(points: { faces: Uint32Array; barycentrics: Float32Array }, l: number): number[] {
  const out = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    const v = head.faces[3 * points.faces[l] + k];
    for (let a = 0; a < 3; a++) out[a] += points.barycentrics[3 * l + k] * head.template[3 * v + a];
  }
  return out;
}

describe('tiny head', () => {
  it('is a valid model of the documented sizes', () => {
    checkHeadModel(head, 'tiny');
    expect(headSizes(head)).toEqual({ V: 438, F: 864, S: 6, E: 4, J: 5, T: 3 });
    checkHeadModel(makeTinyHead({ rings: 8, segments: 12, textureSize: 16 }), 'tinier');
  });

  it('faces are counter-clockwise from outside and close every part (volumes positive, edges paired)', () => {
    const edges = new Map<string, number>();
    let volume = 0;
    for (let f = 0; f < head.faces.length; f += 3) {
      const [a, b, c] = head.faces.subarray(f, f + 3);
      for (const [i, j] of [
        [a, b],
        [b, c],
        [c, a],
      ])
        edges.set(`${i}-${j}`, (edges.get(`${i}-${j}`) ?? 0) + 1);
      const [p, q, r] = [a, b, c].map((v) => head.template.subarray(3 * v, 3 * v + 3));
      volume +=
        (p[0] * (q[1] * r[2] - q[2] * r[1]) +
          p[1] * (q[2] * r[0] - q[0] * r[2]) +
          p[2] * (q[0] * r[1] - q[1] * r[0])) /
        6;
    }
    for (const [edge, n] of edges) {
      expect(n).toBe(1);
      expect(edges.get(edge.split('-').reverse().join('-'))).toBe(1);
    }
    // An ellipsoid of half axes 78, 115, 95 mm holds 3.57 litres.
    expect(volume).toBeGreaterThan(0.0033);
    expect(volume).toBeLessThan(0.0037);
  });

  it('landmarks: right is −x, brows over eyes over nose over mouth, contour follows the yaw', () => {
    const { inner51, contour, mesh } = head.landmarks;
    const x = (l: number) => point(inner51, l - 17)[0];
    const y = (l: number) => point(inner51, l - 17)[1];
    expect(x(36)).toBeLessThan(x(39));
    expect(x(39)).toBeLessThan(x(42));
    expect(x(42)).toBeLessThan(x(45));
    expect(x(48)).toBeLessThan(x(54));
    for (const [upper, lower] of [
      [19, 37],
      [37, 30],
      [30, 33],
      [33, 51],
      [51, 57],
    ])
      expect(y(upper)).toBeGreaterThan(y(lower));
    const row = (r: number, l: number) => point(contour.points, 17 * r + l);
    expect(row(2, 0)[0]).toBeLessThan(-0.06);
    expect(row(2, 16)[0]).toBeGreaterThan(0.06);
    expect(row(2, 8)[1]).toBeLessThan(-0.07);
    // Turned to the subject's left, the left contour comes forward and the right one goes back.
    expect(row(4, 16)[2]).toBeGreaterThan(row(2, 16)[2] + 0.01);
    expect(row(4, 0)[2]).toBeLessThan(row(2, 0)[2] - 0.01);
    const iris = mesh.indices.indexOf(468);
    expect(point(mesh.points, iris)[0]).toBeLessThan(0);
    const eye = new Set(head.regions.get('right_eyeball'));
    expect(eye.has(head.faces[3 * mesh.points.faces[iris]])).toBe(true);
  });

  it('no expression moves an eyeball; identity moves each as a whole, with its joint', () => {
    for (const [region, joint] of [
      ['left_eyeball', 3],
      ['right_eyeball', 4],
    ] as const) {
      for (const v of head.regions.get(region)!) {
        for (let e = 0; e < 4; e++) {
          expect([...head.expressionBasis.subarray(3 * (e * V + v), 3 * (e * V + v) + 3)]).toEqual([0, 0, 0]);
        }
        for (let s = 0; s < 6; s++) {
          expect(head.identityBasis.subarray(3 * (s * V + v), 3 * (s * V + v) + 3)).toEqual(
            head.jointIdentityBasis.subarray(3 * (s * 5 + joint), 3 * (s * 5 + joint) + 3),
          );
        }
      }
    }
  });
});
