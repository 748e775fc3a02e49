/** Initial texture spaces: Basel files of both formats with planted colours on known geometry; bad files of both. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { readBfmMat } from '../../src/model/bfm/read-bfm-mat.ts';
import { type HeadModel, neutralParams } from '../../src/model/head-model.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { loadInitialSpace } from '../../src/node/space-init.ts';
import { bfmSurface, headSurface } from '../../src/texture/coloured-surface.ts';
import { spaceFromHead } from '../../src/texture/space-init.ts';
import { findSurfaceLandmarks } from '../../src/texture/surface-landmarks.ts';
import { buildTexelGraph, nodePoints } from '../../src/texture/texel-graph.ts';
import { temporaryFolder } from '../cli/helpers.ts';
import {
  bfm2009Arrays,
  makePlantedFace,
  PLANTED,
  plantedColour,
  writeBfmH5,
  writeMat,
} from '../helpers/bfm-files.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = await loadHeadModel();
const ABOUT = { name: 'test', license: '', credits: '', provenance: {} };

type Space = Awaited<ReturnType<typeof loadInitialSpace>>['space'];

/** A person of the model whose front is the Basel face. */
function planted() {
  const params = neutralParams(model);
  const random = createRandom(11);
  for (let k = 0; k < 12; k++) params.identity[k] = 0.8 * random.normal();
  return makePlantedFace(model, params);
}

/** Mean absolute difference to the planted colours over texels with a coverage of at least one half, /255. */
async function errors(head: HeadModel, space: Space) {
  const { width, height, mean, basis } = space.texture;
  const graph = buildTexelGraph(await createKernels(), head, width, height);
  const places = nodePoints(graph, head, head.template);
  const sums = new Float64Array(PLANTED + 1);
  let count = 0;
  graph.texels.forEach((t, i) => {
    if (graph.rings[i] > 0 || space.coverage![t] < 128) return;
    count++;
    for (let k = -1; k < PLANTED; k++) {
      const wanted = plantedColour(k, places.subarray(3 * i, 3 * i + 3));
      const values = k < 0 ? mean : (basis as Float32Array).subarray(k * mean.length, (k + 1) * mean.length);
      for (let c = 0; c < 3; c++) sums[k + 1] += (255 * Math.abs(values[3 * t + c] - wanted[c])) / 3;
    }
  });
  return { count, share: count / graph.texels.length, mean: Array.from(sums, (s) => s / count) };
}

describe('Basel Face Models', () => {
  const face = planted();

  it.each([
    ['01_MorphableModel.mat', async () => writeMat(bfm2009Arrays(face), true)],
    ['model2017-1_bfm_nomouth.h5', () => writeBfmH5(face)],
  ] as const)(
    '%s: planted colours arrive with a mean error of at most 2/255 where seen',
    async (name, make) => {
      const folder = temporaryFolder();
      const file = path.join(folder, name);
      writeFileSync(file, await make());
      const marks = path.join(folder, 'landmarks.json');
      const isMat = name.endsWith('.mat');
      if (isMat) {
        const list = [...face.landmarks].map(([l, p]) => [l, p.map((x) => 1e6 * x)]);
        writeFileSync(marks, JSON.stringify(Object.fromEntries(list)));
      }
      const stages: string[] = [];
      // Without colours of its own, so that the fill is harmonic and a step would be the seam's.
      const head = { ...model, texture: null };
      const { space, distance, covered } = await loadInitialSpace(file, head, {
        size: 128,
        ...(isMat && { landmarks: marks }),
        onProgress: ({ stage }) => stages.push(stage),
      });
      expect(space.texture.names).toHaveLength(PLANTED);
      const { count, mean, share } = await errors(head, space);
      expect(count).toBeGreaterThan(2500);
      expect(share).toBeGreaterThan(0.25);
      expect(covered).toBeGreaterThan(0.25);
      expect(distance).toBeLessThan(0.001);
      expect(Math.max(...mean)).toBeLessThan(2);
      // The planted colours vary far more than that, so that a wrong place would show.
      expect(Math.max(...space.texture.mean) - Math.min(...space.texture.mean)).toBeGreaterThan(0.3);
      expect(stages).toContain('components');
      // Filled in without a seam: a step where the carried part ends (0.044 measured) is of the size of those within it
      // (0.038); a seam to the average colour would be 0.15.
      expect(await worstStep(head, space, false)).toBeLessThan(1.5 * (await worstStep(head, space, true)));
    },
  );

  it('landmarks are found on a drawing of the mean where the file names none', async () => {
    const perception = await loadPerception();
    try {
      const surface = headSurface(model);
      const found = await findSurfaceLandmarks(await createKernels(), surface, perception);
      const known = surface.landmarks!;
      const far = found.numbers.map((l, i) => {
        const at = 3 * known.numbers.indexOf(l);
        return Math.hypot(...[0, 1, 2].map((a) => found.points[3 * i + a] - known.points[at + a]));
      });
      expect(far.length).toBeGreaterThan(45);
      expect(far.reduce((s, x) => s + x, 0) / far.length).toBeLessThan(0.006);
      const blank = { ...surface, faces: surface.faces.subarray(0, 3) };
      await expect(findSurfaceLandmarks(await createKernels(), blank, perception)).rejects.toThrow(
        /no face was found on a drawing of its mean; say where it is with --landmarks/,
      );
    } finally {
      perception.dispose();
    }
  });

  it('triangles listed clockwise are turned', () => {
    const bfm = readBfmMat(writeMat(bfm2009Arrays(face), false));
    const same = (a: Uint32Array, b: Uint32Array) =>
      a.every((v, i) => v === b[i] || v === b[3 * Math.floor(i / 3) + ((2 * (i % 3)) % 3)]);
    expect(same(bfm.faces, face.faces)).toBe(true);
    expect(bfm).toMatchObject({ edition: '2009', unit: 1e-6, expression: null });
    expect(bfmSurface(bfm, 'x', null).components).toBe(PLANTED);
  });

  it('bad files: what is wrong, with the name of the file', async () => {
    const folder = temporaryFolder();
    const arrays = bfm2009Arrays(face);
    const { texMU, ...noMean } = arrays;
    const nan = { ...texMU, data: (texMU.data as Float32Array).map((x, i) => (i === 8 ? Number.NaN : x)) };
    const tl = arrays['tl'];
    const beyond = { ...tl, data: (tl.data as Float64Array).map((v, i) => (i === 5 ? 1e6 : v)) };
    const fraction = { ...tl, data: (tl.data as Float64Array).map((v, i) => (i === 5 ? 0.5 : v)) };
    const h5 = await writeBfmH5(face);
    for (const [name, bytes, message] of [
      ['a.mat', writeMat(noMean, false), /lacks texMU; it has shapeEV/],
      ['b.mat', writeMat({ ...arrays, texMU: nan }, false), /the mean colour holds NaN at vertex 2/],
      ['c.mat', writeMat({ ...arrays, tl: beyond }, false), /triangle \d+ has the vertex 999999/],
      ['d.mat', writeMat({ ...arrays, tl: fraction }, false), /tl holds 0\.5/],
      ['e.mat', writeMat(arrays, false).subarray(0, 100_000), /cut short/],
      ['f.mat', h5, /is an HDF5 file/],
      ['g.h5', h5.subarray(0, 5000), /is no HDF5 file, or cut short or damaged/],
      ['h.h5', writeMat(arrays, false), /is no HDF5 file/],
      [
        'i.h5',
        await emptyH5(),
        /is no Basel Face Model .*lacks the data sets shape\/model\/mean, shape\/representer\/cells/,
      ],
    ] as const) {
      const file = path.join(folder, name);
      writeFileSync(file, bytes);
      await expect(loadInitialSpace(file, model)).rejects.toThrow(message);
      await expect(loadInitialSpace(file, model)).rejects.toThrow(name);
    }
    // What is not there is not called damaged.
    for (const name of ['none.mat', 'none.h5'])
      await expect(loadInitialSpace(path.join(folder, name), model)).rejects.toThrow(/ENOENT.*none/);
  });
});

async function emptyH5(): Promise<Uint8Array> {
  const h5 = await import('h5wasm/node');
  await h5.ready;
  const file = path.join(temporaryFolder(), 'empty.h5');
  const out = new h5.File(file, 'w');
  out.create_group('other');
  out.close();
  return new Uint8Array(readFileSync(file));
}

/** 99th percentile of the mean's step between neighbours on the surface: both carried over, or one of them not. */
async function worstStep(head: HeadModel, space: Space, seen: boolean): Promise<number> {
  const { width, height, mean } = space.texture;
  const graph = buildTexelGraph(await createKernels(), head, width, height);
  const steps: number[] = [];
  graph.texels.forEach((t, i) => {
    for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++) {
      const u = graph.texels[graph.neighbours[k]];
      const sure = [t, u].filter((x) => space.coverage![x] >= 128).length;
      if (sure === (seen ? 2 : 1)) steps.push(Math.abs(mean[3 * t + 1] - mean[3 * u + 1]));
    }
  });
  steps.sort((a, b) => a - b);
  return steps[Math.floor(0.99 * steps.length)];
}

describe('other beginnings', () => {
  it('a head’s own space, smaller, with fewer components', async () => {
    const { space, covered } = await loadInitialSpace('open-head', model, { size: 64, components: 3 });
    expect(covered).toBe(1);
    const { width, names, mean } = space.texture;
    expect([width, names.length]).toEqual([64, 3]);
    // Averages over boxes of 4 × 4 texels.
    const own = model.texture!;
    const box = [0, 1, 2, 3].flatMap((y) =>
      [0, 1, 2, 3].map((x) => own.mean[3 * ((40 + y) * own.width + 80 + x)]),
    );
    expect(mean[3 * (10 * 64 + 20)]).toBeCloseTo(box.reduce((s, x) => s + x, 0) / 16, 5);
  });

  it('one colour, uniform components', async () => {
    const { space } = await loadInitialSpace('#c68', makeTinyHead(), { size: 16, name: 'plain' });
    const { mean, names } = space.texture;
    expect(space.name).toBe('plain');
    expect(names).toEqual(['lightness', 'redness', 'yellowness']);
    expect([mean[300], mean[301], mean[302]].map((x) => Math.round(255 * x))).toEqual([0xcc, 0x66, 0x88]);
    await expect(loadInitialSpace('#12', makeTinyHead())).rejects.toThrow(/#12: is no colour/);
  });

  it('options out of range, a head without colours', async () => {
    await expect(loadInitialSpace('open-head', model, { size: 3 })).rejects.toThrow(/size must be/);
    await expect(loadInitialSpace('open-head', model, { components: 0 })).rejects.toThrow(/components must/);
    await expect(loadInitialSpace('open-head', model, { landmarks: 'x' })).rejects.toThrow(/needs none/);
    await expect(spaceFromHead({ ...model, texture: null }, model, ABOUT)).rejects.toThrow(
      /no texture space/,
    );
    const signal = AbortSignal.abort();
    const tiny = makeTinyHead();
    await expect(spaceFromHead(tiny, model, ABOUT, { signal })).rejects.toThrow(/cancelled/);
  });
});
