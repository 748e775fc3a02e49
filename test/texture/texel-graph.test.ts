/** Texels, their neighbours, seams. */
import { describe, expect, it } from 'vitest';
import { createKernels } from '../../src/kernels/runtime.ts';
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
