/**
 * The texture offset on synthetic truth: the head with a known albedo (its own texture space plus blotches, freckles
 * and stubble that no component has), random spherical-harmonics light, noise, random small turns of the head. Prints
 * the mean error of the recovered albedo over texels that were seen, beside that of dividing the photo by the mean
 * shading and that of the parametric texture.
 *
 *   node scripts/run.mjs bench/offset-truth.ts [--model FILE.head] [--count 10]
 *
 * `known` solves under the true light; `found` under light fitted to the parametric texture, as a fit would have it.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Camera } from '../src/camera/camera.ts';
import type { Image8, ImageF } from '../src/core/image.ts';
import { createRandom } from '../src/core/random.ts';
import { headYaw, landmarks68, projectTargets } from '../src/fit/landmark-energy.ts';
import type { PhotoFit } from '../src/fit/types.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { shBasis } from '../src/light/sh.ts';
import { solvePositiveDefinite } from '../src/linalg/cholesky.ts';
import { neutralParams } from '../src/model/head-model.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { poseHead } from '../src/model/pose.ts';
import { albedoMap } from '../src/render/albedo.ts';
import { renderHead } from '../src/render/render-head.ts';
import { resize } from '../src/render/resample.ts';
import { solveTextureOffset } from '../src/texture/solve-offset.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    count: { type: 'string', default: '10' },
  },
});
const SIDE = 640;
const NOISE = 0.015;
const kernels = await createKernels();
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
if (!model.texture) throw new Error(`${values.model} has no texture space`);
const { faces, faceUvs, uvs } = model;
const sums = [0, 0, 0, 0];
console.log('seed  parametric  photo/mean  known light  found light   (mean error of albedo, seen texels)');
for (let seed = 1; seed <= Number(values.count); seed++) {
  const errors = trial(seed);
  errors.forEach((e, i) => {
    sums[i] += e / Number(values.count);
  });
  print(String(seed), errors);
}
print('mean', sums);
console.log(
  `offset over photo/mean: known light ${(sums[2] / sums[1]).toFixed(2)}, found light ${(sums[3] / sums[1]).toFixed(2)}`,
);

function print(name: string, errors: readonly number[]): void {
  console.log(name.padEnd(4), ...errors.map((e) => e.toFixed(4).padStart(11)));
}

function trial(seed: number): number[] {
  const random = createRandom(seed);
  const params = neutralParams(model);
  for (let t = 0; t < params.texture.length; t++) params.texture[t] = 0.8 * random.normal();
  for (let s = 0; s < Math.min(params.identity.length, 20); s++) params.identity[s] = 0.7 * random.normal();
  params.pose.set([0.1 * random.normal(), 0.25 * random.normal(), 0.05 * random.normal()]);
  const { vertices } = poseHead(model, params);
  const camera: Camera = {
    kind: 'perspective',
    focal: 1900,
    principal: [SIDE / 2, SIDE / 2],
    translation: [0, -meanOf(vertices, 1), -1],
  };
  const small = albedoMap(model.texture!, params.texture);
  const parametric = resize(small, 512, Math.round((512 * small.height) / small.width));
  const truth = detailed(parametric, random);
  const light = new Float32Array(27);
  for (let k = 0; k < 9; k++) {
    const l = k === 0 ? 2.7 : (k < 4 ? 0.3 : 0.1) * random.normal();
    for (let c = 0; c < 3; c++) light[3 * k + c] = l * (1 + 0.04 * random.normal());
  }
  light[9] += 0.25;
  light[10] += 0.25;
  light[11] += 0.25;
  const scene = { vertices, faces, uvs, faceUvs, camera, width: SIDE, height: SIDE };
  const picture = renderHead(kernels, { ...scene, albedo: truth, light });
  const photo: Image8 = { width: SIDE, height: SIDE, data: new Uint8ClampedArray(4 * SIDE * SIDE).fill(255) };
  for (let p = 0; p < SIDE * SIDE; p++)
    for (let c = 0; c < 3; c++)
      photo.data[4 * p + c] = 255 * (picture.rgb.data[3 * p + c] + NOISE * random.normal());

  const skinVertices = new Set(model.regions.get('skin') ?? model.regions.get('face'));
  const skin = picture.raster.faceIndex.map((f) =>
    f >= 0 && [0, 1, 2].every((a) => skinVertices.has(faces[3 * f + a])) ? 1 : 0,
  );
  const fit: PhotoFit = {
    modelName: model.name,
    modelHash: model.hash,
    params,
    camera,
    light,
    image: photo,
    observation: {
      box: { x: 0, y: 0, width: SIDE, height: SIDE },
      score: 1,
      landmarks68: project(vertices, params.pose, camera),
      mesh: null,
    },
    energy: { total: 0, terms: {}, curve: [] },
    metrics: { landmarkNmeInner51: 0, skinL1: 0, skinPsnrDb: 0, skinPixels: 0 },
    skin: {
      crop: { origin: [0, 0], scale: 1, size: SIDE },
      mask: Uint8Array.from(skin, (s) => 255 * s),
    },
    timingMs: { perceive: 0, solve: 0 },
    warnings: [],
  };
  const known = solveTextureOffset(kernels, fit, photo, model);
  const flat = new Float32Array(27);
  const [sum, n] = [[0, 0, 0], skin.reduce((a, s) => a + s, 0)];
  for (let p = 0; p < skin.length; p++)
    if (skin[p]) for (let c = 0; c < 3; c++) sum[c] += picture.shading.data[3 * p + c] / n;
  for (let c = 0; c < 3; c++) flat[c] = sum[c] * Math.sqrt(4 * Math.PI);
  const divided = solveTextureOffset(kernels, { ...fit, light: flat }, photo, model, {
    smoothness: 1e-3,
    prior: 1e-4,
  });
  const guess = renderHead(kernels, { ...scene, albedo: parametric, light });
  const found = solveTextureOffset(
    kernels,
    { ...fit, light: fitLight(photo, guess.albedo, guess.normals, skin) },
    photo,
    model,
  );
  const error = (map: ImageF) => {
    let [total, texels] = [0, 0];
    for (let t = 0; t < known.visibility.length; t++) {
      if (known.visibility[t] < 0.5) continue;
      texels++;
      for (let c = 0; c < 3; c++) total += Math.abs(map.data[3 * t + c] - truth.data[3 * t + c]) / 3;
    }
    return total / texels;
  };
  return [error(parametric), error(divided.albedo), error(known.albedo), error(found.albedo)];
}

/** Adds what no texture component has: blotches of blood and tan, freckles, a shadow of beard. */
function detailed(map: ImageF, random: ReturnType<typeof createRandom>): ImageF {
  const { width, height } = map;
  const spots = Array.from({ length: 260 }, (_, i) => {
    const large = i < 40;
    return {
      x: width * (0.2 + 0.6 * random.uniform()),
      y: height * (0.15 + 0.6 * random.uniform()),
      r: large ? 12 + 18 * random.uniform() : 1 + 1.5 * random.uniform(),
      colour: large
        ? [0.05 * random.normal(), 0.05 * random.normal(), 0.05 * random.normal()]
        : [-0.08, -0.1, -0.1],
    };
  });
  const data = map.data.slice();
  for (const { x, y, r, colour } of spots)
    for (let j = Math.floor(y - 3 * r); j <= y + 3 * r; j++)
      for (let i = Math.floor(x - 3 * r); i <= x + 3 * r; i++) {
        if (i < 0 || j < 0 || i >= width || j >= height) continue;
        const g = Math.exp(-((i + 0.5 - x) ** 2 + (j + 0.5 - y) ** 2) / (2 * r * r));
        for (let c = 0; c < 3; c++) data[3 * (j * width + i) + c] += g * colour[c];
      }
  return { ...map, data: data.map((x) => Math.min(0.95, Math.max(0.05, x))) };
}

/** Light that explains the photo best with the given albedo, with a slight pull to none. */
function fitLight(photo: Image8, albedo: ImageF, normals: ImageF, skin: Int32Array): Float32Array {
  const out = new Float32Array(27);
  const b = new Float64Array(9);
  for (let c = 0; c < 3; c++) {
    const [ata, atb] = [new Float64Array(81), new Float64Array(9)];
    for (let p = 0; p < skin.length; p++) {
      if (!skin[p]) continue;
      shBasis(normals.data[3 * p], normals.data[3 * p + 1], normals.data[3 * p + 2], b);
      const a = albedo.data[3 * p + c];
      for (let i = 0; i < 9; i++) {
        atb[i] += (a * b[i] * photo.data[4 * p + c]) / 255;
        for (let j = 0; j < 9; j++) ata[9 * i + j] += a * a * b[i] * b[j];
      }
    }
    for (let i = 0; i < 9; i++) ata[10 * i] += 1;
    solvePositiveDefinite(ata, 9, atb).forEach((l, k) => {
      out[3 * k + c] = l;
    });
  }
  return out;
}

function project(vertices: Float32Array, pose: Float32Array, camera: Camera): Float32Array {
  const points = landmarks68(model, headYaw(model, pose));
  const corners = new Uint32Array(3 * 68);
  for (let l = 0; l < 68; l++)
    for (let a = 0; a < 3; a++) corners[3 * l + a] = faces[3 * points.faces[l] + a];
  const q = projectTargets({ corners, barycentrics: points.barycentrics }, vertices, camera);
  return Float32Array.from({ length: 136 }, (_, i) => q[3 * (i >> 1) + (i & 1)]);
}

function meanOf(vertices: Float32Array, axis: number): number {
  let sum = 0;
  for (let i = axis; i < vertices.length; i += 3) sum += vertices[i];
  return (3 * sum) / vertices.length;
}
