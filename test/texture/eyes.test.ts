/** Eyes and lids of a texture: what a blink shows, and what several photos make of eyes that move. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { findEyes, shutting } from '../../src/model/find-eyes.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { blendViews, eyeballNodes } from '../../src/texture/blend-views.ts';
import { addLashes, lashNodes, lashShade } from '../../src/texture/lashes.ts';
import { buildOffsetAtlas } from '../../src/texture/offset-atlas.ts';
import { facesInSkin } from '../../src/texture/skin-trust.ts';
import { solveTextureOffset } from '../../src/texture/solve-offset.ts';
import { makeScene } from './scene.ts';

const kernels = await createKernels();

/** Colours the pixels whose place `test` chooses. */
function paint(
  { width, height, data }: Image8,
  rgb: readonly number[],
  test: (x: number, y: number) => boolean,
) {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (test(x + 0.5, y + 0.5)) for (let c = 0; c < 3; c++) data[4 * (y * width + x) + c] = rgb[c];
}

describe('lids', () => {
  it('take nothing from where the photo shows an eye', () => {
    const scene = makeScene(kernels, { offset: () => 0 });
    const l = scene.fit.observation.landmarks68;
    const [cx, cy] = [0, 1].map((a) => (l[2 * 36 + a] + l[2 * 39 + a]) / 2);
    const [rx, ry] = [Math.abs(l[2 * 39] - l[2 * 36]) / 2, Math.abs(l[2 * 41 + 1] - l[2 * 37 + 1]) / 2];
    // The eye's outline as drawn: an eye that the head, whose lids lie there, does not have so far open.
    paint(scene.photo, [0, 255, 0], (x, y) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 0.4);
    const { albedo } = solveTextureOffset(kernels, scene.fit, scene.photo, scene.model);
    const { graph } = buildOffsetAtlas(kernels, scene.model, 512, 512);
    const skin = facesInSkin(scene.model);
    let [greenest, natural] = [-1, -1];
    for (const [i, t] of graph.texels.entries()) {
      if (!skin[graph.faces[i]]) continue;
      greenest = Math.max(greenest, albedo.data[3 * t + 1] - albedo.data[3 * t]);
      natural = Math.max(natural, scene.truth.data[3 * t + 1] - scene.truth.data[3 * t]);
    }
    expect(greenest).toBeLessThan(natural + 0.06);
  });
});

describe('eyeballs', () => {
  it('are seen where lids are open, and not through lids 2 mm before them', async () => {
    const open = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
    const moves = shutting(open, findEyes(open)!);
    const shut = { ...open, template: open.template.map((x, i) => x + moves[i]) };
    const { graph } = buildOffsetAtlas(kernels, open, 512, 512);
    const eyes = eyeballNodes(open, graph);
    const [seen, through] = [open, shut].map((model) => {
      const { fit, photo } = makeScene(kernels, { model, offset: () => 0 });
      const { visibility } = solveTextureOffset(kernels, fit, photo, model);
      return graph.texels.filter((t, i) => eyes[i] > 0 && visibility[t] > 0.1).length;
    });
    expect(seen).toBeGreaterThan(500);
    expect(through).toBe(0);
  });
});

describe('lashes', () => {
  it('lie on the edges of both upper lids', async () => {
    const model = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
    const { graph } = buildOffsetAtlas(kernels, model, 256, 256);
    const { nodes, weights } = lashNodes(model, graph);
    expect(nodes.length).toBeGreaterThan(20);
    expect(weights.every((w) => w >= 0 && w <= 1)).toBe(true);
    expect(Math.max(...weights)).toBeGreaterThan(0.5);
    const lids = new Set(model.regions.get('eyelids'));
    const corners = [...nodes].map((i) => [0, 1, 2].map((a) => model.faces[3 * graph.faces[i] + a]));
    const onLids = corners.filter((of) => of.some((v) => lids.has(v)));
    expect(onLids.length).toBeGreaterThan(0.9 * nodes.length);
    const left = corners.filter(([v]) => model.template[3 * v] > 0).length;
    expect(left / nodes.length).toBeGreaterThan(0.4);
    expect(left / nodes.length).toBeLessThan(0.6);
  });

  it('are as dark over skin as in the photos, and not there where no skin is seen', () => {
    const { fit, photo } = makeScene(kernels);
    const l = fit.observation.landmarks68;
    const near = (x: number, y: number) =>
      [36, 37, 38, 42, 43, 44].some((k) => {
        const [ax, ay, bx, by] = l.subarray(2 * k, 2 * k + 4);
        const t = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
        const s = Math.min(Math.max(t, 0), 1);
        return Math.hypot(x - ax - s * (bx - ax), y - ay - s * (by - ay)) < 3;
      });
    paint(photo, [200, 160, 140], () => true);
    paint(photo, [100, 60, 35], near);
    const all: PhotoFit = { ...fit, skin: { ...fit.skin, mask: fit.skin.mask.map(() => 255) } };
    const none: PhotoFit = { ...fit, skin: { ...fit.skin, mask: fit.skin.mask.map(() => 0) } };
    for (const views of [
      [{ fit: all, photo }],
      [
        { fit: none, photo },
        { fit: all, photo },
      ],
    ])
      for (const [c, ratio] of [100 / 200, 60 / 160, 35 / 140].entries())
        expect(lashShade(views)[c]).toBeCloseTo(ratio, 5);
    expect([...lashShade([{ fit: none, photo }])]).toEqual([1, 1, 1]);
  });

  it('make their nodes darker in proportion, and no others', () => {
    const mean = Float32Array.of(0.4, 0.3, 0.2, 0, 0.4, 0.3, 0.2, 0);
    const offset = Float32Array.of(0.1, 0.1, 0.1, 0, 0.1, 0.1, 0.1, 0);
    addLashes({ nodes: Uint32Array.of(1), weights: Float32Array.of(0.5) }, [0.2, 0.4, 1], mean, offset);
    const albedo = offset.map((x, i) => x + mean[i]);
    for (const [i, value] of [0.5, 0.4, 0.3, 0, 0.5 * 0.6, 0.4 * 0.7, 0.3, 0].entries())
      expect(albedo[i]).toBeCloseTo(value, 6);
  });
});

describe('blendViews', () => {
  it('weighs skin by how well it is seen, and takes both eyes from one photo', () => {
    const view = (value: number, visibility: number[]) => ({
      offset: kernels.f32(
        Float32Array.from({ length: 4 * visibility.length }, (_, i) => (i % 4 < 3 ? value : 0)),
      ),
      visibility: kernels.f32(Float32Array.from(visibility)),
    });
    const eyes = Uint8Array.of(0, 1, 1, 2, 2);
    kernels.scope(() => {
      // The first shows more of the left eye, the second more of the one that it shows less of.
      const views = [view(1, [1, 1, 1, 0.2, 0]), view(3, [0.5, 0.8, 0, 0.8, 0])];
      const { offset, visibility } = blendViews(kernels, views, eyes);
      expect(offset.view[0]).toBeCloseTo((1 + 0.25 * 3) / 1.25, 6);
      expect([4, 8, 12, 16].map((i) => offset.view[i])).toEqual([3, 0, 3, 0]);
      for (const [i, v] of [1, 0.8, 0, 0.8, 0].entries()) expect(visibility.view[i]).toBeCloseTo(v, 6);
      // Two profiles: neither shows both.
      const profiles = [view(1, [1, 0, 0, 0.9, 0.2]), view(3, [1, 0.7, 0.1, 0, 0])];
      const one = blendViews(kernels, profiles, eyes);
      for (const [i, x] of [2, 3, 3, 1, 1].entries()) expect(one.offset.view[4 * i]).toBeCloseTo(x, 5);
      for (const [i, v] of [1, 0.7, 0.1, 0.9, 0.2].entries())
        expect(one.visibility.view[i]).toBeCloseTo(v, 6);
    });
  });

  it('knows which nodes are eyeballs', () => {
    const { model } = makeScene(kernels);
    const { graph } = buildOffsetAtlas(kernels, model, 64, 64);
    const eyes = eyeballNodes(model, graph);
    // Their patches of the tiny head's texture: left of the middle one, right of it the other.
    for (const [i, t] of graph.texels.entries()) {
      const [u, v] = [((t % 64) + 0.5) / 64, (Math.floor(t / 64) + 0.5) / 64];
      if (v < 0.78) expect(eyes[i]).toBe(0);
      if (v > 0.84) expect(eyes[i]).toBeGreaterThan(0);
      if (v > 0.84 && u > 0.55) expect(eyes[i]).toBe(eyes[graph.nodes[55 * 64 + 60]]);
    }
    expect(new Set(eyes)).toEqual(new Set([0, 1, 2]));
  });
});
