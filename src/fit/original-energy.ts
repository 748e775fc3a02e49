/**
 * The energy of photometric_optimization, to the letter, for any parameters: what `--energy original` means.
 *
 *   rigid stage   mean distance of the 51 inner landmarks
 *   full stage    mean distance of all 68, the contour by the head's yaw in whole degrees
 *               + 8 · mean over **all** pixels and channels of mask·|image − picture|
 *               + 1e-4 · ½Σ shape² + 1e-4 · ½Σ expression²
 *
 * Landmarks live in −1…1 across the picture, colours in [0, 1]; pictures are 224², taken from 256² by nearest
 * neighbour (texel ⌊i·256/224⌋), as are masks. Neither pose nor texture, light or camera are penalised in the energy
 * (the original's Adam decays all weights by 1e-4, which is part of its minimiser, not of this sum).
 *
 * Works for any head and camera of ours, not only FLAME's: a stored fit of another kind is measured on the same scale.
 */
import type { Camera } from '../camera/camera.ts';
import { projectPoints } from '../camera/project.ts';
import { InvalidArgumentError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { flameContourRow, flameYaw } from '../model/flame/landmarks.ts';
import { type HeadModel, type HeadParams, headSizes, jointIndex } from '../model/head-model.ts';
import { type PosedHead, poseHead } from '../model/pose.ts';
import { skinAlbedo } from '../render/albedo.ts';
import { originalCamera, renderOriginal } from '../render/original.ts';

/** Width and height of the original's pictures. */
export const ORIGINAL_SIZE = 224;

/** Weights of the original's terms. */
export const ORIGINAL_WEIGHTS = { landmarks: 1, photometric: 8, shape: 1e-4, expression: 1e-4 } as const;

/** What the original fits to. */
export interface OriginalObservation {
  /** (224,224,3) RGB in [0, 1]. */
  readonly image: ImageF;
  /** (224,224) weights, 0 or 1. */
  readonly mask: Float32Array;
  /** (68,2) landmarks in −1…1, x right, y down. */
  readonly landmarks: Float32Array;
}

/** The original's variables, as in its fit files. */
export interface OriginalParams {
  /** (100) or fewer. */
  readonly shape: ArrayLike<number>;
  /** (50) or fewer. */
  readonly exp: ArrayLike<number>;
  /** (6): axis-angle of the head, then of the jaw. */
  readonly pose: ArrayLike<number>;
  /** (3): scale, x, y. */
  readonly cam: ArrayLike<number>;
  /** (50) or fewer. */
  readonly tex: ArrayLike<number>;
  /** (9,3). */
  readonly lit: ArrayLike<number>;
}

/** A head before a camera under a light, for the 224² picture. */
export interface OriginalState {
  readonly params: HeadParams;
  /** In pixels of the 224² picture. */
  readonly camera: Camera;
  /** (9,3). */
  readonly light: ArrayLike<number>;
}

/** The terms, weights included; `total` is their sum. */
export interface OriginalEnergy {
  readonly landmark: number;
  /** 0 in the rigid stage, as are the regularisers. */
  readonly photometric: number;
  readonly shape: number;
  readonly expression: number;
  readonly total: number;
}

/** The original's variables as a state of ours. @throws {InvalidArgumentError} when the model has fewer components. */
export function originalState(model: HeadModel, p: OriginalParams): OriginalState {
  const { S, E, J, T } = headSizes(model);
  const fill = (what: string, values: ArrayLike<number>, n: number) => {
    for (let i = n; i < values.length; i++)
      if (values[i] !== 0)
        throw new InvalidArgumentError(
          `original parameters: ${what} has ${values.length} numbers, the model takes ${n}`,
        );
    return Float32Array.from({ length: n }, (_, i) => values[i] ?? 0);
  };
  const pose = new Float32Array(3 * J);
  const jaw = Math.max(jointIndex(model, 'jaw'), 0);
  for (let a = 0; a < 3; a++) {
    pose[a] = p.pose[a];
    pose[3 * jaw + a] += jaw > 0 ? p.pose[3 + a] : 0;
  }
  return {
    params: {
      identity: fill('shape', p.shape, S),
      expression: fill('exp', p.exp, E),
      pose,
      texture: fill('tex', p.tex, T),
    },
    camera: originalCamera(p.cam, ORIGINAL_SIZE),
    light: Float32Array.from(p.lit),
  };
}

/**
 * What the original makes of its files.
 * @param image picture of any size, channels RGB(A) in 0…255; the original gives 256².
 * @param mask (H,W) of the same size, non-zero where skin.
 * @param landmarks (68,2) pixels of `image`.
 */
export function originalObservation(
  image: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> },
  mask: ArrayLike<number>,
  landmarks: ArrayLike<number>,
): OriginalObservation {
  const { width, height, data } = image;
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4)
    throw new InvalidArgumentError(
      `original observation: the image has ${channels} channels, 3 or 4 expected`,
    );
  if (mask.length !== width * height)
    throw new InvalidArgumentError(
      `original observation: the mask has ${mask.length} pixels, the image ${width * height}`,
    );
  if (landmarks.length !== 136)
    throw new InvalidArgumentError(`original observation: ${landmarks.length / 2} landmarks, 68 expected`);
  const n = ORIGINAL_SIZE;
  const out = new Float32Array(3 * n * n);
  const outMask = new Float32Array(n * n);
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const from = Math.floor((y * height) / n) * width + Math.floor((x * width) / n);
      const to = y * n + x;
      outMask[to] = mask[from] !== 0 ? 1 : 0;
      for (let c = 0; c < 3; c++) out[3 * to + c] = data[channels * from + c] / 255;
    }
  return {
    image: { width: n, height: n, channels: 3, data: out },
    mask: outMask,
    landmarks: Float32Array.from(landmarks, (v, i) => (v / (i % 2 === 0 ? width : height)) * 2 - 1),
  };
}

/** Landmarks of a posed head in model space, (68,3): contour by yaw as the original rounds it, then the inner 51. */
export function originalLandmarks(model: HeadModel, head: PosedHead): Float32Array {
  const { contour, inner51 } = model.landmarks;
  const neck = Math.max(jointIndex(model, 'neck'), 0);
  const yaw = flameYaw(head.skeleton.rotations, 9 * neck);
  const row = 17 * (contour.yaws.length === 79 ? flameContourRow(contour, yaw) : nearest(contour.yaws, yaw));
  const out = new Float32Array(68 * 3);
  for (let l = 0; l < 68; l++) {
    const points = l < 17 ? contour.points : inner51;
    const i = l < 17 ? row + l : l - 17;
    for (let a = 0; a < 3; a++) {
      let s = 0;
      for (let c = 0; c < 3; c++) {
        const vertex = model.faces[3 * points.faces[i] + c];
        s += points.barycentrics[3 * i + c] * head.vertices[3 * vertex + a];
      }
      out[3 * l + a] = s;
    }
  }
  return out;
}

function nearest(yaws: Float32Array, yaw: number): number {
  let best = 0;
  for (let r = 1; r < yaws.length; r++) if (Math.abs(yaws[r] - yaw) < Math.abs(yaws[best] - yaw)) best = r;
  return best;
}

/** Mean distance of landmarks `from`…67 in −1…1. */
export function originalLandmarkDistance(
  model: HeadModel,
  head: PosedHead,
  camera: Camera,
  target: Float32Array,
  from: number,
): number {
  const points = projectPoints(camera, originalLandmarks(model, head));
  const k = 2 / ORIGINAL_SIZE;
  let sum = 0;
  for (let l = from; l < 68; l++)
    sum += Math.hypot(k * points[3 * l] - 1 - target[2 * l], k * points[3 * l + 1] - 1 - target[2 * l + 1]);
  return sum / (68 - from);
}

/**
 * The energy of a state.
 * @param stage `rigid`: 51 landmarks only; `full`: everything.
 * @throws {InvalidArgumentError} when the model has no texture space (full stage).
 */
export function originalEnergy(
  kernels: Kernels,
  model: HeadModel,
  state: OriginalState,
  observation: OriginalObservation,
  stage: 'rigid' | 'full' = 'full',
): OriginalEnergy {
  const { params, camera, light } = state;
  const head = poseHead(model, params);
  const from = stage === 'rigid' ? 17 : 0;
  const distance = originalLandmarkDistance(model, head, camera, observation.landmarks, from);
  const landmark = ORIGINAL_WEIGHTS.landmarks * distance;
  if (stage === 'rigid') return { landmark, photometric: 0, shape: 0, expression: 0, total: landmark };
  if (!model.texture)
    throw new InvalidArgumentError(
      `original energy: the model ${model.name} has no texture space; import it with --texture`,
    );
  const { image } = renderOriginal(kernels, {
    vertices: head.vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: skinAlbedo(model, params)!,
    light,
    camera,
    size: ORIGINAL_SIZE,
  });
  let sum = 0;
  for (let p = 0; p < observation.mask.length; p++) {
    if (observation.mask[p] === 0) continue;
    for (let c = 3 * p; c < 3 * p + 3; c++)
      sum += observation.mask[p] * Math.abs(image.data[c] - observation.image.data[c]);
  }
  const photometric = (ORIGINAL_WEIGHTS.photometric * sum) / image.data.length;
  const shape = ORIGINAL_WEIGHTS.shape * halfSquares(params.identity);
  const expression = ORIGINAL_WEIGHTS.expression * halfSquares(params.expression);
  return { landmark, photometric, shape, expression, total: landmark + photometric + shape + expression };
}

function halfSquares(values: Float32Array): number {
  return values.reduce((s, v) => s + v * v, 0) / 2;
}
