/**
 * Pictures of heads whose truth is known: sampled from a model, posed, lit and rendered with sensor noise. For tests and
 * for the known-truth bench.
 */
import type { PerspectiveCamera } from '../../src/camera/camera.ts';
import type { Image8 } from '../../src/core/image.ts';
import type { Random } from '../../src/core/random.ts';
import { headYaw, landmarks68, projectTargets } from '../../src/fit/landmark-energy.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { alignPoints, applyAlignment } from '../../src/linalg/align.ts';
import { type HeadModel, type HeadParams, headSizes } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import type { FaceObservation } from '../../src/perceive/types.ts';
import { skinAlbedo } from '../../src/render/albedo.ts';
import { type RenderedHead, renderHead } from '../../src/render/render-head.ts';

/** Width and height of the pictures. */
export const SIZE = 512;
const NOISE = 0.02;

/** All that a picture was made from. */
export interface Truth {
  readonly params: HeadParams;
  readonly camera: PerspectiveCamera;
  /** (9,3). */
  readonly light: Float32Array;
  /** (25) white gloss; none where absent. */
  readonly gloss?: Float32Array;
}

/** Mean distance over the region `face` in millimetres after rigid (or similarity) alignment on it. */
export function faceError(model: HeadModel, got: Float32Array, wanted: Float32Array, scale = false): number {
  const face = model.regions.get('face')!;
  const pick = (v: Float32Array) =>
    Float64Array.from({ length: 3 * face.length }, (_, i) => v[3 * face[Math.floor(i / 3)] + (i % 3)]);
  const a = pick(got);
  const b = pick(wanted);
  const moved = applyAlignment(alignPoints(a, b, { scale }), a);
  let sum = 0;
  for (let i = 0; i < b.length; i += 3)
    sum += Math.hypot(moved[i] - b[i], moved[i + 1] - b[i + 1], moved[i + 2] - b[i + 2]);
  return (1000 * sum) / face.length;
}

/** A random head in a random pose under a random light, in a picture of `size`². */
export function sampleTruth(m: HeadModel, random: Random, size = SIZE): Truth {
  const { S, E, J, T } = headSizes(m);
  const normal = (n: number, sd: number) => Float32Array.from({ length: n }, () => sd * random.normal());
  const pose = new Float32Array(3 * J);
  pose[0] = 0.15 * random.normal();
  pose[1] = 0.35 * (2 * random.uniform() - 1);
  pose[2] = 0.1 * random.normal();
  const jaw = m.joints.findIndex((j) => j.name === 'jaw');
  if (jaw >= 0) pose[3 * jaw] = 0.1 * random.uniform();
  // A few expressions at a time, as faces have them.
  const expression = new Float32Array(E);
  for (let i = 0; i < 6; i++) expression[random.below(E)] = 0.4 * random.uniform();
  const light = new Float32Array(27);
  const tint = [0, 1, 2].map(() => 1 + 0.06 * random.normal());
  const level = 2.6 + 0.8 * random.uniform();
  const d = [random.normal(), 0.6 * random.normal() + 0.5, 0.8 + random.uniform()];
  const k = (0.3 + 0.4 * random.uniform()) / Math.hypot(d[0], d[1], d[2]);
  const high = normal(9, 0.12);
  for (let c = 0; c < 3; c++) {
    light[c] = level * tint[c];
    for (let a = 0; a < 3; a++) light[3 * (a + 1) + c] = tint[c] * k * d[a];
    for (let b = 4; b < 9; b++) light[3 * b + c] = tint[c] * high[b];
  }
  const focal = size * (1.6 + random.uniform());
  const distance = (focal * 0.3) / (size * (0.75 + 0.2 * random.uniform()));
  return {
    params: { identity: normal(S, 1), expression, pose, texture: normal(T, 1) },
    camera: {
      kind: 'perspective',
      focal,
      principal: [size / 2, size / 2],
      translation: [0.01 * random.normal(), -0.02 + 0.01 * random.normal(), -distance],
    },
    light,
  };
}

/** The head of `truth` without background or noise. */
export function renderTruth(kernels: Kernels, model: HeadModel, truth: Truth): RenderedHead {
  return renderHead(kernels, {
    vertices: poseHead(model, truth.params).vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: skinAlbedo(model, truth.params),
    light: truth.light,
    gloss: truth.gloss,
    camera: truth.camera,
    width: 2 * truth.camera.principal[0],
    height: 2 * truth.camera.principal[1],
  });
}

/** Exposure as cameras choose it: hardly anything is brighter than white. */
export function expose(kernels: Kernels, model: HeadModel, truth: Truth): Truth {
  const { rgb, raster } = renderTruth(kernels, model, truth);
  const values: number[] = [];
  for (let i = 0; i < rgb.data.length; i++)
    if (raster.faceIndex[Math.floor(i / 3)] >= 0) values.push(rgb.data[i]);
  const bright = values.sort((a, b) => a - b)[Math.floor(0.98 * values.length)] ?? 1;
  return { ...truth, light: truth.light.map((l) => l * Math.min(1, 0.95 / bright)) };
}

/** The picture of `truth` on a plain background, with noise. */
export function photograph(kernels: Kernels, model: HeadModel, truth: Truth, random: Random): Image8 {
  const rendered = renderTruth(kernels, model, truth);
  const background = [0, 1, 2].map(() => 0.2 + 0.6 * random.uniform());
  const slope = [random.normal(), random.normal()];
  const size = 2 * truth.camera.principal[0];
  const data = new Uint8ClampedArray(4 * size * size);
  for (let p = 0; p < size * size; p++) {
    const x = (p % size) / size - 0.5;
    const y = Math.floor(p / size) / size - 0.5;
    for (let c = 0; c < 3; c++) {
      const value =
        rendered.raster.faceIndex[p] >= 0
          ? rendered.rgb.data[3 * p + c]
          : background[c] + 0.15 * (slope[0] * x + slope[1] * y);
      data[4 * p + c] = 255 * (value + NOISE * random.normal());
    }
    data[4 * p + 3] = 255;
  }
  return { width: size, height: size, data };
}

/** The model's own landmarks in the picture, with noise of 1 % of the eye distance. */
export function observeTruth(model: HeadModel, truth: Truth, random: Random): FaceObservation {
  const size = 2 * truth.camera.principal[0];
  const { vertices } = poseHead(model, truth.params);
  const points = landmarks68(model, headYaw(model, truth.params.pose));
  const gather = (faces: Uint32Array) =>
    Uint32Array.from(
      { length: 3 * faces.length },
      (_, i) => model.faces[3 * faces[Math.floor(i / 3)] + (i % 3)],
    );
  const at = projectTargets(
    { corners: gather(points.faces), barycentrics: points.barycentrics },
    vertices,
    truth.camera,
  );
  const eyes = Math.hypot(at[3 * 36] - at[3 * 45], at[3 * 36 + 1] - at[3 * 45 + 1]);
  const noise = () => 0.01 * eyes * random.normal();
  const l = new Float32Array(136);
  for (let i = 0; i < 68; i++) for (let a = 0; a < 2; a++) l[2 * i + a] = at[3 * i + a] + noise();
  const dense = new Float32Array(478 * 3).fill(Number.NaN);
  const { indices, points: mesh } = model.landmarks.mesh;
  const m = projectTargets(
    { corners: gather(mesh.faces), barycentrics: mesh.barycentrics },
    vertices,
    truth.camera,
  );
  for (let i = 0; i < indices.length; i++)
    for (let a = 0; a < 2; a++) dense[3 * indices[i] + a] = m[3 * i + a] + noise();
  return { box: { x: 0, y: 0, width: size, height: size }, score: 1, landmarks68: l, mesh: dense };
}
