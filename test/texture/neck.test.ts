/** The tone of a neck that a photo shows bare, and of one that it does not. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { neckFaces } from '../../src/model/neck-faces.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { NECK_TONE_DEFAULTS, neckNodes } from '../../src/texture/neck-tone.ts';
import { offsetAtlas } from '../../src/texture/offset-atlas.ts';
import { solveTextureOffset } from '../../src/texture/solve-offset.ts';
import type { TexelGraph } from '../../src/texture/texel-graph.ts';
import { makeScene } from './scene.ts';

const kernels = await createKernels();

describe('a neck', () => {
  let model: HeadModel;
  let graph: TexelGraph;

  beforeAll(async () => {
    model = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
    ({ graph } = offsetAtlas(kernels, model, 512, 512));
  });

  /** Median of what texels well below the jaw are over the parametric ones, for a neck of a colour. */
  function toneOf(colour: readonly number[]): number[] {
    const { nodes, weights } = neckNodes(model, graph);
    const own = new Set(Array.from(nodes, (i) => graph.texels[i]));
    const scene = makeScene(kernels, {
      model,
      offset: () => 0,
      recolour: (truth) => {
        for (const t of own) for (let c = 0; c < 3; c++) truth[3 * t + c] *= colour[c];
      },
    });
    const { albedo } = solveTextureOffset(kernels, scene.fit, scene.photo, model);
    const far = Array.from(nodes).filter((_, k) => weights[k] === 1);
    expect(far.length).toBeGreaterThan(1000);
    return [0, 1, 2].map((c) => {
      const ratios = far.map((i) => {
        const at = 3 * graph.texels[i] + c;
        return albedo.data[at] / scene.parametric.data[at];
      });
      return ratios.sort((a, b) => a - b)[ratios.length >> 1];
    });
  }

  it('is of no other region, below the mouth', () => {
    const faces = neckFaces(model);
    const regions = new Set(
      ['skin', 'ears', 'scalp', 'teeth'].flatMap((name) => [...model.regions.get(name)!]),
    );
    for (let f = 0; f < faces.length; f++)
      if (faces[f]) for (let a = 0; a < 3; a++) expect(regions.has(model.faces[3 * f + a])).toBe(false);
    expect(faces.reduce((sum, is) => sum + is, 0)).toBeGreaterThan(200);
  });

  it('is the same for a model that calls its skin a face, and unknown for one that names neither', () => {
    const regions = new Map(model.regions);
    regions.set('face', regions.get('skin')!);
    regions.delete('skin');
    expect(neckFaces({ ...model, regions })).toEqual(neckFaces(model));
    regions.delete('face');
    expect(neckFaces({ ...model, regions }).includes(1)).toBe(false);
  });

  it('begins without a step', () => {
    // It had one at the nape, a zigzag along the mesh.
    const { nodes, weights } = neckNodes(model, graph);
    const own = new Set(nodes);
    const corners = (f: number) => Array.from(model.faces.subarray(3 * f, 3 * f + 3));
    const touch = (f: number, g: number) => corners(f).filter((v) => corners(g).includes(v)).length === 2;
    const edge = weights.filter((_, k) =>
      [-1, 1, -512, 512].some((step) => {
        const beside = graph.nodes[graph.texels[nodes[k]] + step];
        return beside >= 0 && !own.has(beside) && touch(graph.faces[nodes[k]], graph.faces[beside]);
      }),
    );
    expect(edge.length).toBeGreaterThan(100);
    // The largest texels there are some 4 mm wide.
    expect(edge.reduce((most, w) => Math.max(most, w), 0)).toBeLessThan(0.25);
  });

  it('is as dark as the photo has it', () => {
    for (const x of toneOf([0.8, 0.8, 0.8])) expect(Math.abs(x - 0.8)).toBeLessThan(0.06);
    for (const x of toneOf([1, 1, 1])) expect(Math.abs(x - 1)).toBeLessThan(0.06);
  });

  it('is continued from the face where something else covers it, or all is dark there', () => {
    for (const scarf of [
      [0.3, 0.5, 1],
      [0.3, 0.3, 0.3],
    ])
      for (const x of toneOf(scarf)) expect(Math.abs(x - 1)).toBeLessThan(0.06);
    expect(NECK_TONE_DEFAULTS.least).toBeGreaterThan(0.3);
  });
});
