/** The tone of a scalp that no photo shows. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { surfacePoint } from '../../src/model/surface-point.ts';
import { offsetAtlas } from '../../src/texture/offset-atlas.ts';
import { scalpNodes } from '../../src/texture/scalp-tone.ts';
import { solveTextureOffset, type TextureOffset } from '../../src/texture/solve-offset.ts';
import type { TexelGraph } from '../../src/texture/texel-graph.ts';
import { makeScene, type Scene } from './scene.ts';

const kernels = await createKernels();
/** Nobody's complexion in the model's texture space: what the scalp gets can only come from the photo. */
const COMPLEXION = [1.15, 0.85, 0.7] as const;

/** What is seen less well than this is held softly, and goes a little with what is continued beside it. */
const SEEN = 0.7;

describe('a scalp', () => {
  let model: HeadModel;
  let graph: TexelGraph;
  let scene: Scene;
  /** The head without a region of that name. */
  let unnamed: HeadModel;
  let toned: TextureOffset;
  let plain: TextureOffset;

  beforeAll(async () => {
    model = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
    ({ graph } = offsetAtlas(kernels, model, 512, 512));
    scene = makeScene(kernels, {
      model,
      offset: () => 0,
      recolour: (truth) => {
        for (let i = 0; i < truth.length; i++) truth[i] *= COMPLEXION[i % 3];
      },
    });
    unnamed = { ...model, regions: new Map([...model.regions].filter(([name]) => name !== 'scalp')) };
    toned = solveTextureOffset(kernels, scene.fit, scene.photo, model);
    plain = solveTextureOffset(kernels, scene.fit, scene.photo, unnamed);
  });

  /** (3) median over nodes. */
  const colour = ({ data }: ImageF, nodes: Uint32Array) =>
    [0, 1, 2].map((c) => {
      const values = Array.from(nodes, (i) => data[3 * graph.texels[i] + c]).sort((a, b) => a - b);
      return values[values.length >> 1];
    });

  it('takes the tone of the forehead that was seen', () => {
    const { nodes, weights, beside } = scalpNodes(model, graph);
    const inner = nodes.filter((_, k) => weights[k] === 1);
    expect(inner.length).toBeGreaterThan(20000);
    const forehead = colour(scene.truth, beside);
    const tone = colour(toned.albedo, inner);
    const before = colour(plain.albedo, inner);
    for (let c = 0; c < 3; c++) {
      expect(Math.abs(tone[c] - forehead[c])).toBeLessThan(0.02);
      expect(forehead[c] / before[c]).toBeGreaterThan(1.1);
    }
  });

  it('has no hairline', () => {
    const { nodes, weights, beside } = scalpNodes(model, graph);
    const [forehead] = colour(scene.truth, beside);
    const unseen = nodes.filter((i, k) => weights[k] > 0.9 && toned.visibility[graph.texels[i]] === 0);
    const darkest = ({ albedo }: TextureOffset) =>
      unseen.reduce((least, i) => Math.min(least, albedo.data[3 * graph.texels[i]]), Infinity);
    expect(darkest(plain)).toBeLessThan(0.6 * forehead);
    expect(darkest(toned)).toBeGreaterThan(0.85 * forehead);
  });

  it('begins where the skin ends, which is what a photo shows', () => {
    // Skin of the forehead ends a row of faces before the scalp: 1 cm that was half as dark as the cap, a brown edge.
    const on = (name: string) => new Set(model.regions.get(name));
    const [scalp, skin] = [on('scalp'), on('skin')];
    const { nodes, weights } = scalpNodes(model, graph);
    const eyes = surfacePoint(model, model.landmarks.inner51, 20, model.template)[1];
    const between = Array.from(nodes.keys()).filter((k) => {
      const f = 3 * graph.faces[nodes[k]];
      const corners = Array.from(model.faces.subarray(f, f + 3));
      const all = corners.every((v) => scalp.has(v) || (skin.has(v) && model.template[3 * v + 1] > eyes));
      return all && corners.some((v) => scalp.has(v)) && corners.some((v) => skin.has(v));
    });
    expect(between.length).toBeGreaterThan(500);
    const least = Math.min(...between.map((k) => weights[k]));
    expect(least).toBeCloseTo(1, 5);
  });

  it('leaves what was seen, and what is not near to it, as it was', () => {
    const apart = new Uint8Array(graph.texels.length).fill(1);
    for (const i of scalpNodes(model, graph).nodes) apart[i] = 0;
    let [seen, far, most] = [0, 0, 0];
    for (const [i, t] of graph.texels.entries()) {
      const others = apart[i] === 1;
      if (!others && toned.visibility[t] < SEEN) continue;
      if (others) far++;
      else seen++;
      for (let c = 0; c < 3; c++)
        most = Math.max(most, Math.abs(toned.albedo.data[3 * t + c] - plain.albedo.data[3 * t + c]));
    }
    // What is continued is held by what was seen softly: a rounding to 1 / 255 may fall the other way.
    expect(most).toBeLessThan(1 / 255);
    expect(Math.min(seen, far)).toBeGreaterThan(1000);
    // Skin that is hardly seen is measured too; before the scene's brown cap it is no longer as brown.
    expect(Math.abs(toned.metrics.after.psnrDb - plain.metrics.after.psnrDb)).toBeLessThan(0.1);
  });

  it('is as the parametric texture has it where a model names none', () => {
    const { graph: other } = offsetAtlas(kernels, unnamed, 512, 512);
    expect(scalpNodes(unnamed, other).nodes.length).toBe(0);
  });
});
