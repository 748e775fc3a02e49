/** The inside of a mouth: teeth in the person's tone, whatever a photo shows where a fit has them. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { resize } from '../../src/render/resample.ts';
import { INSIDE, movingMouth, nodesInMouth } from '../../src/texture/inner-mouth.ts';
import { offsetAtlas } from '../../src/texture/offset-atlas.ts';
import { solveTextureOffset, type TextureOffset } from '../../src/texture/solve-offset.ts';
import { makeScene, type Scene } from './scene.ts';

const kernels = await createKernels();
const TONE = [0.55, 0.6, 0.65];

describe('a mouth', () => {
  let model: HeadModel;
  let scene: Scene;
  let inside: Uint8Array;
  let texels: Uint32Array;
  let still: TextureOffset;
  let moving: TextureOffset;

  beforeAll(async () => {
    model = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
    const { graph } = offsetAtlas(kernels, model, 512, 512);
    texels = graph.texels;
    const map = resize(albedoMap(model.texture!, []), 512, 512).data;
    const mean = new Float32Array(4 * texels.length);
    for (const [i, t] of texels.entries()) for (let c = 0; c < 3; c++) mean[4 * i + c] = map[3 * t + c];
    inside = nodesInMouth(model, graph, mean);
    scene = makeScene(kernels, {
      model,
      offset: () => 0,
      // The fit has the lower teeth where the photo shows lips and tongue.
      jaw: [0.22, 0.3],
      recolour: (truth) => {
        for (const [i, t] of texels.entries())
          if (inside[i] === INSIDE.crown) for (let c = 0; c < 3; c++) truth[3 * t + c] *= TONE[c];
      },
    });
    const solve = (mouth: 'still' | 'moving') =>
      solveTextureOffset(kernels, scene.fit, scene.photo, model, { mouth });
    [still, moving] = [solve('still'), solve('moving')];
  });

  /** Over the crowns: most that a channel is off by, of the white of teeth. */
  function worst({ data }: { readonly data: Float32Array }): number {
    let most = 0;
    for (const [i, t] of texels.entries())
      if (inside[i] === INSIDE.crown)
        for (let c = 0; c < 3; c++)
          most = Math.max(most, Math.abs(data[3 * t + c] - scene.truth.data[3 * t + c]));
    return most;
  }

  it('has crowns, gums and soft parts', () => {
    for (const kind of [INSIDE.crown, INSIDE.gum, INSIDE.soft])
      expect(inside.filter((at) => at === kind).length).toBeGreaterThan(500);
  });

  it('that will move has the teeth in their tone, and nothing of what lies on them in the photo', () => {
    expect(worst(moving.albedo)).toBeLessThan(0.12);
    // For the photo that it was made for, it has.
    expect(worst(still.albedo)).toBeGreaterThan(0.25);
  });

  it('under a black bar, or with more gloss taken off than there is, has colours all the same', () => {
    const l = scene.fit.observation.landmarks68;
    const [xs, ys] = [0, 1].map((a) => Array.from({ length: 20 }, (_, i) => l[2 * (48 + i) + a]));
    const data = scene.photo.data.slice();
    const { width } = scene.photo;
    for (let y = Math.floor(Math.min(...ys)) - 3; y < Math.max(...ys) + 3; y++)
      for (let x = Math.floor(Math.min(...xs)) - 3; x < Math.max(...xs) + 3; x++)
        data.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    const gloss = new Float32Array(25);
    gloss[0] = 0.3;
    const barred = { ...scene.photo, data };
    const cases = [
      [scene.fit, barred],
      [{ ...scene.fit, gloss }, scene.photo],
      [{ ...scene.fit, gloss }, barred],
    ] as const;
    for (const [fit, photo] of cases)
      for (const mouth of ['still', 'moving'] as const) {
        const { albedo } = solveTextureOffset(kernels, fit, photo, model, { mouth });
        expect(albedo.data.every((x) => Number.isFinite(x))).toBe(true);
        expect(movingMouth(kernels, model, albedo, fit.params.texture).data.every(Number.isFinite)).toBe(
          true,
        );
      }
  });

  it('made for its photo gets rid of that before it moves', () => {
    const worn = movingMouth(kernels, model, still.albedo, scene.fit.params.texture);
    expect(worst(worn)).toBeLessThan(0.12);
    // Nothing else changes.
    const mouth = new Set(Array.from(texels).filter((_, i) => inside[i] !== INSIDE.none));
    const { graph, padding } = offsetAtlas(kernels, model, 512, 512);
    for (const t of graph.texels) if (!mouth.has(t)) expect(worn.data[3 * t]).toBe(still.albedo.data[3 * t]);
    expect(padding.texels.length).toBeGreaterThan(0);
  });
});
