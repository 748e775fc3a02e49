/** A tiny head with a known texture under a known light, photographed: what the offset has to find again. */
import type { Camera } from '../../src/camera/camera.ts';
import { cropCamera } from '../../src/camera/project.ts';
import type { Image8, ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { headYaw, landmarks68, projectTargets } from '../../src/fit/landmark-energy.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { type HeadModel, jointIndex, neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';
import { resize } from '../../src/render/resample.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

/** A scene and its truth. */
export interface Scene {
  readonly model: HeadModel;
  readonly fit: PhotoFit;
  readonly photo: Image8;
  /** (512,512,3). */
  readonly truth: ImageF;
  readonly parametric: ImageF;
}

/** What to vary. */
export interface SceneOptions {
  readonly seed?: number;
  /** Radians. */
  readonly yaw?: number;
  /** What the truth adds to the parametric albedo at (u, v), all channels alike. */
  readonly offset?: (u: number, v: number) => number;
  /** Standard deviation of the photo's noise, in [0, 1]. */
  readonly noise?: number;
  /** Skin mask: everything the model calls skin, or nothing. */
  readonly mask?: 'skin' | 'none';
  /** Pixels that the head is moved to the right by. */
  readonly shift?: number;
  /** The tiny head unless given. */
  readonly model?: HeadModel;
  /** Radians that the jaw is open, in the photo and as the fit has it. */
  readonly jaw?: readonly [photo: number, fit: number];
  /** Changes the true albedo, (512·512,3). */
  readonly recolour?: (truth: Float32Array) => void;
}

const SIDE = 400;
const CROP = 128;

/** Freckles and a gradient: detail that no component of the tiny head's texture has. */
export function freckles(u: number, v: number): number {
  return 0.08 * Math.sin(60 * u) * Math.sin(55 * v) + 0.1 * (v - 0.35);
}

/** Takes the photo. */
export function makeScene(kernels: Kernels, options: SceneOptions = {}): Scene {
  const { seed = 1, yaw = 0, offset = freckles, noise = 0.01, mask = 'skin', shift = 0 } = options;
  const random = createRandom(seed);
  const model = options.model ?? makeTinyHead({ textureSize: 64 });
  const params = neutralParams(model);
  params.pose[1] = yaw;
  const jaw = 3 * jointIndex(model, 'jaw');
  if (options.jaw) params.pose[jaw] = options.jaw[0];
  const base = resize(albedoMap(model.texture!, params.texture), 512, 512);
  const truth: ImageF = {
    ...base,
    data: base.data.map((x, i) => {
      const t = Math.floor(i / 3);
      const value = x + offset(((t % 512) + 0.5) / 512, (Math.floor(t / 512) + 0.5) / 512);
      return Math.min(0.95, Math.max(0.05, value));
    }),
  };
  options.recolour?.(truth.data);
  const light = new Float32Array(27);
  for (let k = 0; k < 9; k++) {
    const l = k === 0 ? 2.9 : (k < 4 ? 0.25 : 0.08) * random.normal();
    for (let c = 0; c < 3; c++) light[3 * k + c] = l * (1 + 0.03 * random.normal());
  }
  const camera: Camera = {
    kind: 'perspective',
    focal: 1100,
    principal: [SIDE / 2, SIDE / 2],
    translation: [0.0014 * shift * 0.5, 0, -1],
  };
  const { vertices } = poseHead(model, params);
  const rendered = renderHead(kernels, {
    vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: truth,
    light,
    camera,
    width: SIDE,
    height: SIDE,
  });
  const data = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  for (let p = 0; p < SIDE * SIDE; p++)
    for (let c = 0; c < 3; c++) {
      // A background as unlike skin as can be: a smear of it would be seen.
      const value = rendered.raster.faceIndex[p] < 0 ? Number(c === 2) : rendered.rgb.data[3 * p + c];
      data[4 * p + c] = 255 * (value + noise * random.normal());
    }
  const crop = { origin: [SIDE / 2 - 165, SIDE / 2 - 165] as const, scale: CROP / 330, size: CROP };
  const small = renderHead(kernels, {
    vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: null,
    light,
    camera: cropCamera(camera, crop.origin, crop.scale),
    width: CROP,
    height: CROP,
  });
  const skin = new Set(model.regions.get('skin'));
  const maskData = Uint8Array.from(small.raster.faceIndex, (f) =>
    mask === 'skin' && f >= 0 && [0, 1, 2].every((a) => skin.has(model.faces[3 * f + a])) ? 255 : 0,
  );
  const points = landmarks68(model, headYaw(model, params.pose));
  const corners = new Uint32Array(3 * 68);
  for (let l = 0; l < 68; l++)
    for (let a = 0; a < 3; a++) corners[3 * l + a] = model.faces[3 * points.faces[l] + a];
  const projected = projectTargets({ corners, barycentrics: points.barycentrics }, vertices, camera);
  const made = makeTinyFit(model);
  const pose = params.pose.slice();
  if (options.jaw) pose[jaw] = options.jaw[1];
  const fit: PhotoFit = {
    ...made,
    params: { ...params, pose },
    camera,
    light,
    image: { width: SIDE, height: SIDE },
    observation: {
      ...made.observation,
      landmarks68: Float32Array.from({ length: 136 }, (_, i) => projected[3 * (i >> 1) + (i & 1)]),
    },
    skin: { crop, mask: maskData },
  };
  return {
    model,
    fit,
    photo: { width: SIDE, height: SIDE, data },
    truth,
    parametric: base,
  };
}
