/** Texels, their neighbours, seams and mirror points. */
import { describe, expect, it } from 'vitest';
import { createKernels } from '../../src/kernels/runtime.ts';
import { mirrorOf } from '../../src/texture/mirror.ts';
import { buildTexelGraph, nodePoints } from '../../src/texture/texel-graph.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = await createKernels();
const model = makeTinyHead();
const size = 128;
const graph = buildTexelGraph(kernels, model, size, size);

function neighbours(i: number): number[] {
  return Array.from(graph.neighbours.subarray(graph.starts[i], graph.starts[i + 1]));
}

describe('texel graph', () => {
  it('has every edge in both rows, once', () => {
    let edges = 0;
    const wrong: number[] = [];
    for (let i = 0; i < graph.texels.length; i++) {
      const row = neighbours(i);
      edges += row.length;
      if (new Set(row).size !== row.length || row.some((j) => !neighbours(j).includes(i))) wrong.push(i);
    }
    expect(edges).toBeGreaterThan(graph.texels.length);
    expect(wrong).toEqual([]);
  });

  it('joins no texels of the eyeballs with the skull', () => {
    const charts = new Set(graph.charts);
    expect(charts.size).toBe(3);
    const wrong = Array.from(graph.texels.keys()).filter((i) =>
      neighbours(i).some((j) => graph.charts[j] !== graph.charts[i]),
    );
    expect(wrong).toEqual([]);
  });

  it('continues over the seam at the back of the skull', () => {
    const middle = Math.floor(0.4 * size);
    let joined = 0;
    for (let y = middle - 10; y < middle + 10; y++) {
      const left = graph.nodes[y * size];
      expect(left).toBeGreaterThanOrEqual(0);
      if (neighbours(left).some((j) => graph.texels[j] % size > size - 4)) joined++;
    }
    expect(joined).toBeGreaterThan(14);
  });

  it('keeps neighbours near each other on the surface', () => {
    const points = nodePoints(graph, model, model.template);
    // 0.6 m around the skull over 128 texels; the poles' triangles are stretched.
    let longest = 0;
    for (let i = 0; i < graph.texels.length; i++) {
      const y = Math.floor(graph.texels[i] / size) / size;
      if (y < 0.1 || y > 0.7) continue;
      for (const j of neighbours(i)) {
        const d = Math.hypot(...[0, 1, 2].map((a) => points[3 * i + a] - points[3 * j + a]));
        longest = Math.max(longest, d);
      }
    }
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(0.012);
  });
});

describe('mirror', () => {
  const at = (m: typeof model, face: number, b: ArrayLike<number>) =>
    [0, 1, 2].map((axis) =>
      [0, 1, 2].reduce((s, a) => s + b[a] * m.template[3 * m.faces[3 * face + a] + axis], 0),
    );

  /** Largest distance of mirror points to the mirror image, metres, over all faces' centres. */
  function worst(m: typeof model): number {
    const mirror = mirrorOf(m);
    const b = Float32Array.of(0.5, 0.3, 0.2);
    const out = new Float64Array(3);
    let largest = 0;
    for (let f = 0; f < m.faces.length / 3; f++) {
      const g = mirror.find(f, b, 0, out);
      expect(g).toBeGreaterThanOrEqual(0);
      const [x, y, z] = at(m, f, b);
      const q = at(m, g, out);
      largest = Math.max(largest, Math.hypot(q[0] + x, q[1] - y, q[2] - z));
    }
    return largest;
  }

  it('finds the other side', () => {
    // The tiny head's triangles are not mirrored: the chord lies a little beside the surface.
    expect(worst(model)).toBeLessThan(0.003);
  });

  it('finds it on a head without symmetric vertices', () => {
    const template = model.template.map((x, i) =>
      i % 3 === 1 ? x + 0.002 * Math.sin(500 * model.template[i - 1]) : x,
    );
    expect(worst({ ...model, template })).toBeLessThan(0.006);
  });

  it('finds nothing where the other side is missing', () => {
    const template = model.template.map((x, i) => (i % 3 === 0 ? x + 0.3 : x));
    const b = Float32Array.of(0.5, 0.3, 0.2);
    expect(mirrorOf({ ...model, template }).find(0, b, 0, new Float64Array(3))).toBe(-1);
  });
});
