/** What few maps agree with is found and replaced, and nothing else is touched. */
import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { buildCompletionAtlas } from '../../src/texture/completion/atlas.ts';
import { prepareFullSize, replaceOutliers } from '../../src/texture/completion/full-size.ts';
import { findOutliers, type OutlierOptions } from '../../src/texture/completion/outliers.ts';
import type { TextureMap, TextureMapSource } from '../../src/texture/texture-map.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = createKernelsSync();
const model = makeTinyHead();
const SIZE = 32;
const atlas = buildCompletionAtlas(kernels, model, SIZE);
const place = (t: number) => [(t % SIZE) / SIZE, Math.floor(t / SIZE) / SIZE];
const wears = (i: number) => i % 5 < 1;

/** (SIZE,SIZE,3) skin, which varies in twelve ways; without coefficients the mean. */
function skinOf(c: readonly number[]): Float32Array {
  const skin = new Float32Array(3 * SIZE * SIZE);
  for (let t = 0; t < SIZE * SIZE; t++) {
    const [x, y] = place(t);
    const waves = c.slice(1).map((a, k) => a * Math.sin((k % 4) * 3 * x + Math.floor(k / 4) * 3 * y + k));
    const sum = waves.reduce((p, q) => p + q, 0);
    for (let k = 0; k < 3; k++)
      skin[3 * t + k] = 0.6 - 0.1 * k + 0.1 * (c[0] ?? 0) + (0.03 - 0.005 * k) * sum;
  }
  return skin;
}

/** Somebody's map; one person of five has a dark ring painted over it, now here, now a little there. */
function person(i: number): { map: TextureMap; skin: Float32Array; ring: Uint8Array } {
  const random = createRandom(100 + i);
  const c = Array.from({ length: 12 }, () => random.normal());
  const [dx, dy] = [0.03 * random.normal(), 0.03 * random.normal()];
  const skin = skinOf(c);
  const painted = (t: number) => {
    const [x, y] = place(t);
    return wears(i) && Math.abs(Math.hypot(x - 0.5 - dx, y - 0.5 - dy) - 0.25) < 0.03;
  };
  const albedo = skin.map((v, j) => (painted(Math.floor(j / 3)) ? 0.2 : v) + 0.005 * random.normal());
  const visibility = new Uint8Array(SIZE * SIZE).fill(255);
  return {
    map: { size: SIZE, albedo, visibility },
    skin,
    ring: Uint8Array.from(visibility, (_, t) => (painted(t) ? 1 : 0)),
  };
}

const people = Array.from({ length: 60 }, (_, i) => person(i));
const source: TextureMapSource = {
  names: people.map((_, i) => `person-${i}`),
  size: SIZE,
  read: async (i) => people[i].map,
};

describe('outliers', () => {
  const found = findOutliers(kernels, atlas, source);

  it('frames that one of five people wears are found, skin is left alone', async () => {
    const { atlas: part, map, share } = await found;
    const { texels } = part.graph;
    const tally = { ring: [0, 0], skin: [0, 0] };
    let worst = 0;
    people.forEach(({ skin, ring: painted }, i) => {
      const one = map(i);
      texels.forEach((t, d) => {
        const ring = painted[t] === 1;
        const count = tally[ring ? 'ring' : 'skin'];
        count[0] += one.skin[d];
        count[1]++;
        if (ring) worst = Math.max(worst, Math.abs(one.likely[3 * d] - skin[3 * t]));
      });
    });
    expect(tally.ring[1]).toBeGreaterThan(300);
    expect(tally.ring[0] / tally.ring[1]).toBeLessThan(0.01);
    expect(tally.skin[0] / tally.skin[1]).toBeGreaterThan(0.99);
    expect(share).toBeCloseTo(tally.ring[1] / (tally.ring[1] + tally.skin[1]), 2);
    // What would be there is the person's own skin, not the average's.
    expect(worst).toBeLessThan(0.03);
  });

  it('where next to no map shows a place, skin there is as the known space has it', async () => {
    const far = (t: number) => place(t)[0] > 0.7;
    const hidden: TextureMapSource = {
      ...source,
      read: async (i) => {
        const { map } = people[i];
        return i < 2 ? map : { ...map, visibility: map.visibility.map((v, t) => (far(t) ? 0 : v)) };
      },
    };
    const space = {
      width: SIZE,
      height: SIZE,
      mean: skinOf([]),
      basis: Float32Array.from(
        [...Array(12).keys()].flatMap((k) => {
          const c = Array.from({ length: 12 }, (_, j) => (j === k ? 1 : 0));
          const mean = skinOf([]);
          return [...skinOf(c).map((x, j) => x - mean[j])];
        }),
      ),
      names: Array.from({ length: 12 }, (_, k) => `known_${k}`),
    };
    const missed = async (options: OutlierOptions) => {
      const { atlas: part, map } = await findOutliers(kernels, atlas, hidden, options);
      let sum = 0;
      people.forEach(({ skin }, i) => {
        if (i < 2) return;
        const { likely } = map(i);
        part.graph.texels.forEach((t, d) => {
          if (far(t)) for (let c = 0; c < 3; c++) sum += (likely[3 * d + c] - skin[3 * t + c]) ** 2;
        });
      });
      return Math.sqrt(sum);
    };
    expect((await missed({ head: { ...model, texture: space } })) / (await missed({}))).toBeLessThan(0.7);
  });

  it('replaces the frame on a map of twice the size and keeps the rest to the bit', async () => {
    const { atlas: part, map } = await found;
    const full = prepareFullSize(kernels, model, 2 * SIZE, part);
    const small = people[0].map;
    const size = 2 * SIZE;
    const up = (t: number) => Math.floor(Math.floor(t / size) / 2) * SIZE + Math.floor((t % size) / 2);
    const large: TextureMap = {
      size,
      albedo: Float32Array.from(
        { length: 3 * size * size },
        (_, j) => small.albedo[3 * up(Math.floor(j / 3)) + (j % 3)],
      ),
      visibility: new Uint8Array(size * size).fill(255),
    };
    const out = replaceOutliers(full, large, map(0));
    const { ring, skin: truth } = people[0];
    const clear = (t: number) =>
      [0, 1, -1, SIZE, -SIZE, SIZE + 1, SIZE - 1, 1 - SIZE, -1 - SIZE].every((d) => !ring[up(t) + d]);
    let [rings, before, after, others, same] = [0, 0, 0, 0, 0];
    full.atlas.graph.texels.forEach((t) => {
      if (ring[up(t)]) {
        rings++;
        before += Math.abs(large.albedo[3 * t] - truth[3 * up(t)]);
        after += Math.abs(out.albedo[3 * t] - truth[3 * up(t)]);
        expect(out.visibility[t]).toBeLessThan(200);
      } else if (clear(t)) {
        others++;
        if (out.albedo[3 * t] === large.albedo[3 * t] && out.visibility[t] === 255) same++;
      }
    });
    expect(rings).toBeGreaterThan(100);
    expect(after / before).toBeLessThan(0.2);
    expect(others).toBeGreaterThan(200);
    expect(same / others).toBeGreaterThan(0.97);
  });

  it('a share of what the components do not say is taken off a map, detail of small texels left', async () => {
    const { atlas: part, map } = await findOutliers(kernels, atlas, source, { share: 0.25 });
    const { skin, likely, excess } = map(0);
    const full = prepareFullSize(kernels, model, SIZE, part);
    const { map: before } = people[0];
    const after = replaceOutliers(full, before, { skin, likely, excess });
    let count = 0;
    part.graph.texels.forEach((t, d) => {
      if (skin[d] < 1) return;
      count++;
      const [x, y, m] = [before.albedo[3 * t], after.albedo[3 * t], likely[3 * d]];
      expect(y - m).toBeCloseTo(0.25 * (x - m), 4);
      expect(after.visibility[t]).toBe(before.visibility[t]);
    });
    expect(count).toBeGreaterThan(800);
    expect((await found).map(0).excess).toBeNull();
  });

  // The rounds once were one computation of a minute for 300 maps, in which no Ctrl-C was heard, nor a second one.
  it('hears between rounds that it is no longer wanted', async () => {
    const controller = new AbortController();
    let rounds = 0;
    const finding = findOutliers(kernels, atlas, source, {
      signal: controller.signal,
      onProgress: ({ stage }) => {
        // As a signal of the system does: heard when nothing is being computed.
        if (stage === 'outliers' && ++rounds === 1) setTimeout(() => controller.abort());
      },
    });
    await expect(finding).rejects.toBeInstanceOf(AbortedError);
    expect(rounds).toBe(1);
  });
});
