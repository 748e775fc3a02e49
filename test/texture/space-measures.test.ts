/** Measures of texture spaces: known errors come out, better spaces measure better. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { TextureSpace } from '../../src/model/head-model.ts';
import { readSpacePack, writeSpacePack } from '../../src/model/space-pack.ts';
import { measureSpace, residuals } from '../../src/texture/space-measures.ts';
import { textureSpaceOf } from '../../src/texture/space-pca.ts';
import type { TextureMapSource } from '../../src/texture/texture-map.ts';
import { generateMaps } from '../helpers/generated-maps.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const SIZE = 32;
const maps = generateMaps(24, SIZE, 4, { seed: 99, noise: 0.01 });

/** The space that the maps were drawn from. */
function truth(): TextureSpace {
  const field = (of: (x: number, y: number, c: number) => number) =>
    Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => {
      const t = Math.floor(i / 3);
      return of(t % SIZE, Math.floor(t / SIZE), i % 3);
    });
  const n = 3 * SIZE * SIZE;
  const basis = new Float32Array(4 * n);
  for (let k = 0; k < 4; k++)
    basis.set(
      field((x, y, c) => maps.component(k, x, y, c)),
      k * n,
    );
  return { width: SIZE, height: SIZE, mean: field(maps.mean), basis, names: ['a', 'b', 'c', 'd'] };
}

describe('measureSpace', () => {
  it('with the true space, noise is what is left; random textures lie near a map', async () => {
    const space = truth();
    const measured = await measureSpace(model, space, { maps, samples: 20 });
    const { generalisation, variances, specificity, specificityAt } = measured;
    expect(variances).toHaveLength(4);
    expect(generalisation).toHaveLength(5);
    for (let k = 1; k <= 4; k++) expect(generalisation![k]).toBeLessThan(generalisation![k - 1]);
    expect(generalisation![4]).toBeGreaterThan(2.4);
    expect(generalisation![4]).toBeLessThan(2.6);
    // All of the population's variance is what maps differ from the mean by, up to chance over 24.
    const sd = Math.sqrt(variances.reduce((s, x) => s + x, 0));
    expect(generalisation![0] / sd).toBeGreaterThan(0.7);
    expect(generalisation![0] / sd).toBeLessThan(1.4);
    expect(specificityAt).toEqual([1, 2, 3, 4]);
    // With one component textures lie on a line; with all they are as far from each other as people are.
    expect(specificity![3]).toBeGreaterThan(2);
    expect(specificity![3]).toBeLessThan(1.2 * sd);
    expect(await measureSpace(model, space, { maps, samples: 20 })).toEqual(measured);
    expect((await measureSpace(model, space)).generalisation).toBeNull();
  });

  it('a space made from other maps of the population does better than one of chance', async () => {
    const train = generateMaps(60, SIZE, 4, { seed: 5 });
    const about = { name: 'x', license: '', credits: '', provenance: {} };
    const made = await readSpacePack(
      writeSpacePack(await textureSpaceOf(train, model, about, { components: 4 })),
    );
    const good = (await measureSpace(model, made.texture, { maps })).generalisation!;
    const random = createRandom(3);
    const chance = { ...made.texture, basis: made.texture.basis.map(() => 0.05 * random.normal()) };
    const bad = (await measureSpace(model, chance, { maps })).generalisation!;
    expect(good[0]).toBeCloseTo(bad[0], 5);
    expect(good[4]).toBeLessThan(0.5 * bad[4]);
    expect(good[4]).toBeLessThan(3);
  });

  it('only what a map saw counts', async () => {
    const space = truth();
    const spoilt: TextureMapSource = {
      ...maps,
      async read(index) {
        const map = await maps.read(index);
        const visibility = new Uint8Array(SIZE * SIZE).fill(255, 0, (SIZE * SIZE) / 2);
        map.albedo.fill(3, (3 * SIZE * SIZE * 5) / 8);
        return { ...map, visibility };
      },
    };
    const { generalisation } = await measureSpace(model, space, { maps: spoilt });
    expect(generalisation![4]).toBeLessThan(2.7);
  });

  it('residuals of projections agree with solving each of them', () => {
    const random = createRandom(8);
    const [n, K] = [12, 4];
    const columns = Array.from({ length: K + 1 }, () =>
      Float64Array.from({ length: n }, () => random.normal()),
    );
    columns[2] = columns[0].map((x, i) => 2 * x - columns[1][i]); // made up by the ones before
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, x, i) => s + x * b[i], 0);
    const gram = Float64Array.from({ length: (K + 1) ** 2 }, (_, i) =>
      dot(columns[Math.floor(i / (K + 1))], columns[i % (K + 1)]),
    );
    const found = residuals(gram, K);
    let rest = columns[K].slice();
    const basis: Float64Array[] = [];
    expect(found[0]).toBeCloseTo(dot(rest, rest), 9);
    for (let k = 0; k < K; k++) {
      let q = columns[k].slice();
      for (const b of basis) {
        const a = dot(q, b);
        q = q.map((x, i) => x - a * b[i]);
      }
      const length = Math.sqrt(dot(q, q));
      if (length > 1e-6) {
        q = q.map((x) => x / length);
        basis.push(q);
        const a = dot(rest, q);
        rest = rest.map((x, i) => x - a * q[i]);
      }
      expect(found[k + 1]).toBeCloseTo(dot(rest, rest), 9);
    }
  });

  it('bad options, no maps, cancelled', async () => {
    const space = truth();
    await expect(measureSpace(model, space, { components: 0 })).rejects.toThrow(/options\.components/);
    await expect(measureSpace(model, space, { samples: 0.5, maps })).rejects.toThrow(/options\.samples/);
    await expect(measureSpace(model, space, { maps: { ...maps, names: [] } })).rejects.toThrow(/no map/);
    const signal = AbortSignal.abort();
    await expect(measureSpace(model, space, { maps, signal })).rejects.toThrow(/cancelled/);
  });
});
