import { describe, expect, it } from 'vitest';
import { mirrorTaps } from '../../src/kernels/mirror.ts';
import { bilinearReference } from '../../src/kernels/reference/evidence.ts';
import { mirrorReference } from '../../src/kernels/reference/mirror.ts';
import { buildTexelGraph } from '../../src/texture/texel-graph.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { BUILDS } from './builds.ts';

const head = makeTinyHead();
const changed = (change: (x: number, i: number) => number) => ({
  ...head,
  template: head.template.map(change),
});
/** With faces that have twins and such that have none: points are looked up in one case, looked for in the other. */
const HEADS = {
  symmetric: head,
  'without symmetric vertices': changed((x, i) =>
    i % 3 === 1 ? x + 0.002 * Math.sin(500 * head.template[i - 1]) : x,
  ),
  'with a side that is missing': changed((x, i) => (i % 3 === 0 ? x + 0.02 : x)),
};

describe('mirrorReference', () => {
  /** Largest distance of mirror points to the mirror image, metres, over all faces' centres. */
  function worst(m: typeof head): number {
    const find = mirrorReference(m);
    const at = (face: number, b: readonly number[]) =>
      [0, 1, 2].map((axis) =>
        [0, 1, 2].reduce((s, a) => s + b[a] * m.template[3 * m.faces[3 * face + a] + axis], 0),
      );
    let largest = 0;
    for (let f = 0; f < m.faces.length / 3; f++) {
      const b = [0.5, 0.3, 0.2];
      const found = find(f, b)!;
      const [x, y, z] = at(f, b);
      const q = at(found.face, found.beta);
      largest = Math.max(largest, Math.hypot(q[0] + x, q[1] - y, q[2] - z));
    }
    return largest;
  }

  it('finds the other side', () => {
    // The tiny head's triangles are not mirrored: the chord lies a little beside the surface.
    expect(worst(head)).toBeLessThan(0.003);
  });

  it('finds it on a head without symmetric vertices', () => {
    expect(worst(HEADS['without symmetric vertices'])).toBeLessThan(0.006);
  });

  it('finds nothing where the other side is missing', () => {
    expect(mirrorReference(changed((x, i) => (i % 3 === 0 ? x + 0.3 : x)))(0, [0.5, 0.3, 0.2])).toBeNull();
  });
});

describe.each(BUILDS)('mirrorTaps, %s', (_, create) => {
  const kernels = create();

  it.each(Object.entries(HEADS))('of a head %s are those of the reference', (name, mesh) => {
    const graph = buildTexelGraph(kernels, mesh, 64, 48);
    const { width, height, nodes, faces: nodeFaces, barycentrics: nodeBarycentrics } = graph;
    const { taps, weights } = mirrorTaps(kernels, {
      ...mesh,
      ...{ width, height, nodes, nodeFaces, nodeBarycentrics },
    });
    const find = mirrorReference(mesh);
    let without = 0;
    let largest = 0;
    let others = 0;
    for (let i = 0; i < nodeFaces.length; i++) {
      const found = find(nodeFaces[i], [...nodeBarycentrics.subarray(3 * i, 3 * i + 3)]);
      let [u, v] = [0, 0];
      if (found)
        for (let a = 0; a < 3; a++) {
          const uv = 2 * mesh.faceUvs[3 * found.face + a];
          u += found.beta[a] * mesh.uvs[uv];
          v += found.beta[a] * mesh.uvs[uv + 1];
        }
      const sample = bilinearReference(u, v, width, height);
      const around = sample.texels.map((t) => nodes[t]);
      const expected = found && around.every((node) => node >= 0) ? sample : null;
      if (!expected) without++;
      const own = [...taps.subarray(4 * i, 4 * i + 4)];
      const same = own.every((node, k) => node === (expected ? around[k] : 0));
      // Points on a texel's border or a seam may be rounded to the other side.
      if (!same) others++;
      else
        for (let k = 0; k < 4; k++)
          largest = Math.max(largest, Math.abs(weights[4 * i + k] - (expected?.weights[k] ?? 0)));
    }
    expect(others).toBeLessThan(0.01 * nodeFaces.length);
    expect(largest).toBeLessThan(1e-6);
    if (name === 'with a side that is missing') expect(without).toBeGreaterThan(100);
    expect(nodeFaces.length - without).toBeGreaterThan(100);
  });
});
