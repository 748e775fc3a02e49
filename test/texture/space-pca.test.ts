/** Principal components of many maps: a planted population comes back; the same from disk as from memory. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { readSpacePack, writeSpacePack } from '../../src/model/space-pack.ts';
import { withScratch } from '../../src/node/scratch-file.ts';
import { facesInSkin } from '../../src/texture/skin-trust.ts';
import { textureSpaceOf } from '../../src/texture/space-pca.ts';
import { texelAreas } from '../../src/texture/texel-areas.ts';
import { buildTexelGraph } from '../../src/texture/texel-graph.ts';
import type { TextureMapSource } from '../../src/texture/texture-map.ts';
import { temporaryFolder } from '../cli/helpers.ts';
import { generateMaps } from '../helpers/generated-maps.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const SIZE = 32;
const ABOUT = { name: 'pca', license: '', credits: '', provenance: { from: 'a test' } };
const RANK = 4;
const maps = generateMaps(150, SIZE, RANK);

/** Nodes inside charts with the weights of texels that all maps saw: their areas, a tenth of it where there is no skin. */
async function nodes() {
  const graph = buildTexelGraph(await createKernels(), model, SIZE, SIZE);
  const skin = facesInSkin(model);
  const areas = texelAreas(graph, model).map((a, i) => (skin[graph.faces[i]] ? a : a / 10));
  return Array.from(graph.texels, (t, i) => ({ t, area: areas[i] })).filter(({ area }) => area > 0);
}

const read = async (options = {}) =>
  readSpacePack(writeSpacePack(await textureSpaceOf(maps, model, ABOUT, options)));

describe('textureSpaceOf', () => {
  it('finds the planted mean and components, in standard deviations', async () => {
    const space = await read({ components: 8 });
    expect(space.texture.names).toHaveLength(8);
    expect(space.maps).toBe(150);
    const used = await nodes();
    const total = used.reduce((s, { area }) => s + area, 0);
    const dot = (a: (i: number) => number, b: (i: number) => number) =>
      used.reduce(
        (s, { t, area }) => s + [0, 1, 2].reduce((p, c) => p + a(3 * t + c) * b(3 * t + c), 0) * area,
        0,
      ) /
      (3 * total);
    const n = space.texture.mean.length;
    const found = (k: number) => (i: number) => space.texture.basis[k * n + i];
    const planted = (k: number) => (i: number) => {
      const t = Math.floor(i / 3);
      return maps.component(k, t % SIZE, Math.floor(t / SIZE), i % 3);
    };
    const meanError = (i: number) => {
      const t = Math.floor(i / 3);
      return space.texture.mean[i] - maps.mean(t % SIZE, Math.floor(t / SIZE), i % 3);
    };
    // Standard error of a mean over 150: the first component's is 0.08/√150.
    expect(Math.sqrt(dot(meanError, meanError))).toBeLessThan(0.02);
    // The planted components lie in the space of the first four found: what is left of each is small.
    for (let k = 0; k < RANK; k++) {
      let rest = dot(planted(k), planted(k));
      const whole = rest;
      for (let j = 0; j < RANK; j++) rest -= dot(planted(k), found(j)) ** 2 / dot(found(j), found(j));
      expect(rest / whole).toBeLessThan(0.02);
    }
    // All in all they vary as much as the planted ones; sampling error of a variance over 150 is 12 %.
    const sum = (of: (k: number) => (i: number) => number) =>
      Array.from({ length: RANK }, (_, k) => dot(of(k), of(k))).reduce((s, x) => s + x, 0);
    expect(sum(found) / sum(planted)).toBeGreaterThan(0.75);
    expect(sum(found) / sum(planted)).toBeLessThan(1.25);
    // Components are orthogonal in the weights, ordered, and brighten.
    expect(Math.abs(dot(found(0), found(1)))).toBeLessThan(1e-4 * dot(found(0), found(0)));
    for (let k = 0; k < 8; k++) expect(dot(found(k), () => 1)).toBeGreaterThanOrEqual(-1e-6);
    const { explained } = space;
    for (let k = 1; k < 8; k++) expect(explained[k]).toBeLessThanOrEqual(explained[k - 1]);
    // Noise of 0.01 in every value is all that the first four leave.
    const noise = 0.01 ** 2 / (0.01 ** 2 + sum(planted));
    expect(1 - explained.slice(0, RANK).reduce((s, x) => s + x, 0)).toBeLessThan(1.5 * noise);
  });

  it('tells how well maps that were left out are shown', async () => {
    const { provenance } = await read({ components: 8 });
    const { rms, folds } = provenance['leave_out'] as { rms: number[]; folds: number };
    expect(folds).toBe(5);
    expect(rms).toHaveLength(9);
    for (let k = 1; k <= RANK; k++) expect(rms[k]).toBeLessThan(rms[k - 1]);
    // With all four, noise of 0.01 and what 120 maps know of the components too little.
    expect(rms[RANK]).toBeGreaterThan(0.0095 * 255);
    expect(rms[RANK]).toBeLessThan(0.0115 * 255);
  });

  it('is the same again, from disk as from memory', async () => {
    const folder = temporaryFolder();
    const once = writeSpacePack(await textureSpaceOf(maps, model, ABOUT, { components: 5 }));
    const twice = await withScratch(folder, async (scratch) =>
      writeSpacePack(await textureSpaceOf(maps, model, ABOUT, { components: 5, scratch })),
    );
    expect(Buffer.from(once).equals(Buffer.from(twice))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('who saw a texel weighs four times as much in its mean as who did not; what nobody saw decides nothing', async () => {
    // The lower half is seen in one map only, and is much brighter there.
    const base = generateMaps(12, SIZE, 2, { noise: 0, seenUpTo: 0.5 });
    const odd: TextureMapSource = {
      ...base,
      async read(index) {
        const map = await base.read(index);
        if (index > 0) return map;
        const half = (3 * SIZE * SIZE) / 2;
        map.albedo.fill(0.95, half);
        return { ...map, visibility: new Uint8Array(SIZE * SIZE).fill(255) };
      },
    };
    const { texture, coverage } = await readSpacePack(
      writeSpacePack(await textureSpaceOf(odd, model, ABOUT, { components: 2 })),
    );
    const low = 3 * (Math.floor(SIZE * 0.7) * SIZE + SIZE / 2);
    const others = await Promise.all([...Array(11).keys()].map((i) => base.read(i + 1)));
    const guess = others.reduce((sum, { albedo }) => sum + albedo[low], 0) / 11;
    expect(texture.mean[low]).toBeCloseTo((1.3 * 0.95 + 0.3 * 11 * guess) / (1.3 + 0.3 * 11), 2);
    expect(coverage?.[low / 3]).toBe(Math.round(255 / 12));
    expect(coverage?.[4 * SIZE + SIZE / 2]).toBe(255);
  });

  it('no map, one map, NaN, another size, all alike: a clear word', async () => {
    const some = (n: number): TextureMapSource => ({ ...maps, names: maps.names.slice(0, n) });
    await expect(textureSpaceOf(some(0), model, ABOUT)).rejects.toThrow(/at least two maps, there are none/);
    await expect(textureSpaceOf(some(1), model, ABOUT)).rejects.toThrow(/at least two maps, there is 1/);
    await expect(textureSpaceOf(some(1), model, ABOUT)).rejects.toThrow(InvalidArgumentError);
    const spoilt = (change: (index: number) => object): TextureMapSource => ({
      ...some(5),
      read: async (index) => ({ ...(await maps.read(index)), ...change(index) }),
    });
    const nan = new Float32Array(3 * SIZE * SIZE).fill(Number.NaN);
    await expect(
      textureSpaceOf(
        spoilt((i) => (i === 3 ? { albedo: nan } : {})),
        model,
        ABOUT,
      ),
    ).rejects.toThrow(/map-004: holds NaN at texel/);
    await expect(
      textureSpaceOf(
        spoilt((i) => (i === 2 ? { size: 16 } : {})),
        model,
        ABOUT,
      ),
    ).rejects.toThrow(/map-003: has 16² texels, the first map 32²/);
    const first = await maps.read(0);
    await expect(
      textureSpaceOf(
        spoilt(() => first),
        model,
        ABOUT,
      ),
    ).rejects.toThrow(/all maps are alike/);
    await expect(textureSpaceOf(maps, model, ABOUT, { components: 0 })).rejects.toThrow(/components must/);
    // Two maps have one component.
    expect((await textureSpaceOf(some(2), model, ABOUT)).texture.names).toHaveLength(1);
  });

  it('is cancelled at any moment, and leaves no scratch', async () => {
    for (const after of [1, 120, 151, 152]) {
      const folder = temporaryFolder();
      const controller = new AbortController();
      let steps = 0;
      const run = withScratch(folder, (scratch) =>
        textureSpaceOf(maps, model, ABOUT, {
          scratch,
          signal: controller.signal,
          onProgress: () => ++steps === after && controller.abort(),
        }),
      );
      await expect(run).rejects.toThrow(/cancelled/);
      expect(readdirSync(folder)).toEqual([]);
    }
  });
});
