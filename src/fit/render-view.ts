/**
 * Pictures of a fitted head from any side, at any size, in any light.
 *
 * Without a turn the head is seen as its photo shows it: the photo's own camera, cropped to the head (a head away from
 * the middle of a photo is seen a little from the side, and stays so) or to the whole photo. With a turn the head stands
 * in the middle, as far away as it was, and `yaw`, `pitch`, `roll` replace its rotation. Light belongs to the camera, so
 * that a head turns under a light that stays.
 *
 * Anti-aliasing by supersampling: samples² per pixel, colours and coverage averaged; the outline gets soft alpha.
 * Averaged as encoded values, like everything else here. Drawn in bands of rows where the head is, so that memory does
 * not grow with the size: 4096² with 9 samples a pixel takes little more than 1024² with one.
 */

import type { Camera } from '../camera/camera.ts';
import { cropCamera, projectPoints } from '../camera/project.ts';
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { faceKinds } from '../model/eyelids.ts';
import type { HeadModel, HeadParams } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { axisAngleFromRotation, multiply3, rotationFromAxisAngle } from '../model/rotation.ts';
import { skinAlbedo } from '../render/albedo.ts';
import { renderHead } from '../render/render-head.ts';

/** A head with the photo it comes from; a fit is one. */
export interface ViewedHead {
  readonly params: HeadParams;
  readonly camera: Camera;
  /** (9,3) spherical-harmonics light. */
  readonly light: ArrayLike<number>;
  readonly image: { readonly width: number; readonly height: number };
}

/** What a picture shows: lit skin, its albedo, its light, grey clay, or normals as colours. */
export type ViewKind = 'colour' | 'albedo' | 'shading' | 'shape' | 'normals';

/** Options of {@link renderView}. */
export interface ViewOptions {
  /** Width and height in pixels; of a whole photo the longer side. */
  readonly size?: number;
  /** `head`: a square around the head. `photo`: what the photo shows, in its proportions. */
  readonly frame?: 'head' | 'photo';
  /**
   * Rotation of the head, radians, instead of the photo's: first by `yaw` about its own vertical axis (positive: to its
   * left), then by `pitch` towards the viewer (positive: nods down), then by `roll` (positive: to its right).
   */
  readonly turn?: { readonly yaw?: number; readonly pitch?: number; readonly roll?: number } | null;
  readonly show?: ViewKind;
  /** (9,3) light instead of the photo's. */
  readonly light?: ArrayLike<number> | null;
  /** Albedo map instead of the fit's own. */
  readonly albedo?: ImageF | null;
  /** Samples along each side of a pixel, 1 to 8. */
  readonly samples?: number;
  /** Colour in [0, 1], a picture that is stretched over the whole, or null for transparent. */
  readonly background?: readonly [number, number, number] | Image8 | null;
}

/** Defaults of {@link ViewOptions}. */
export const VIEW_DEFAULTS = {
  size: 1024,
  frame: 'head',
  show: 'colour',
  samples: 3,
  background: [1, 1, 1],
} as const;

/** Largest size of a picture, pixels. */
export const LARGEST_VIEW = 8192;

/** The head fills this much of a square picture, whichever way it is turned. */
const FILL = 0.94;
/** Samples drawn at a time. */
const BAND_SAMPLES = 1 << 20;

/**
 * Draws the head.
 * @returns RGBA, straight alpha: opaque unless the background is transparent
 * @throws {InvalidArgumentError} when an option is out of range
 */
export function renderView(
  kernels: Kernels,
  model: HeadModel,
  head: ViewedHead,
  options: ViewOptions = {},
): Image8 {
  const { size, frame, show, samples } = withDefaults(VIEW_DEFAULTS, options);
  const background = options.background === undefined ? VIEW_DEFAULTS.background : options.background;
  check(size, samples);
  const { camera, params, width, height } = setUp(model, head, { ...options, size, frame });
  const { vertices } = poseHead(model, params);
  const albedo = options.albedo ?? skinAlbedo(model, head.params);
  const scene = {
    vertices,
    kinds: faceKinds(model, vertices),
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo,
    light: options.light ?? head.light,
  };
  const picture = blank(width, height, background);
  // Shading reaches 1.5 and more: half of it is shown. Normals lie in −1…1.
  const [gain, offset] = show === 'shading' ? [0.5, 0] : show === 'normals' ? [0.5, 0.5] : [1, 0];
  const { left, top, right, bottom } = extentOf(projectPoints(camera, vertices), width, height);
  const rows = Math.max(1, Math.floor(BAND_SAMPLES / (Math.max(1, right - left) * samples * samples)));
  for (let y = top; y < bottom; y += rows) {
    const drawn = renderHead(kernels, {
      ...scene,
      camera: cropCamera(camera, [left, y], samples),
      width: (right - left) * samples,
      height: Math.min(rows, bottom - y) * samples,
      // Necks are open below: from behind one looks in.
      cull: 'none',
    });
    const values = show === 'colour' ? drawn.rgb : drawn[show];
    average(values, drawn.raster.faceIndex, samples, { gain, offset, left, top: y, picture });
  }
  return picture;
}

/** Whole pixels that projected points (N,3) reach into, within the picture. */
function extentOf(points: Float32Array, width: number, height: number) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  points.forEach((x, i) => {
    if (i % 3 === 2 || !Number.isFinite(x)) return;
    low[i % 3] = Math.min(low[i % 3], x);
    high[i % 3] = Math.max(high[i % 3], x);
  });
  const within = (x: number, most: number) => Math.min(most, Math.max(0, x));
  const [left, top] = [within(Math.floor(low[0]), width), within(Math.floor(low[1]), height)];
  const [right, bottom] = [within(Math.ceil(high[0]), width), within(Math.ceil(high[1]), height)];
  return { left, top, right, bottom: right > left ? bottom : top };
}

/** Camera, parameters and size of a picture. */
function setUp(
  model: HeadModel,
  head: ViewedHead,
  options: ViewOptions & { readonly size: number; readonly frame: 'head' | 'photo' },
): { camera: Camera; params: HeadParams; width: number; height: number } {
  const { size, frame, turn } = options;
  const params = turn ? { ...head.params, pose: turned(head.params.pose, turn) } : head.params;
  if (frame === 'photo') {
    const scale = size / Math.max(head.image.width, head.image.height);
    const [width, height] = [head.image.width, head.image.height].map((n) =>
      Math.max(1, Math.round(n * scale)),
    );
    return { camera: cropCamera(head.camera, [0, 0], scale), params, width, height };
  }
  const ball = boundingBall(model, params);
  const camera = turn ? centred(head, model, ball.centre) : head.camera;
  const half = outlineRadius(camera, ball) / FILL;
  const [u, v] = projectPoints(camera, ball.centre);
  return {
    camera: cropCamera(camera, [u - half, v - half], size / (2 * half)),
    params,
    width: size,
    height: size,
  };
}

/** The pose with the root's rotation replaced. */
function turned(pose: Float32Array, turn: NonNullable<ViewOptions['turn']>): Float32Array {
  const { yaw = 0, pitch = 0, roll = 0 } = turn;
  if (![yaw, pitch, roll].every(Number.isFinite))
    throw new InvalidArgumentError('renderView: options.turn must have finite angles');
  const tilted = new Float64Array(9);
  const whole = new Float64Array(9);
  multiply3(rotationFromAxisAngle(pitch, 0, 0), 0, rotationFromAxisAngle(0, yaw, 0), 0, tilted, 0);
  multiply3(rotationFromAxisAngle(0, 0, roll), 0, tilted, 0, whole, 0);
  const out = pose.slice();
  out.set(axisAngleFromRotation(whole), 0);
  return out;
}

interface Ball {
  /** Metres, model space. */
  readonly centre: readonly [number, number, number];
  readonly radius: number;
}

/** A ball around the head, the same whichever way its root is turned: found on the unturned head. */
function boundingBall(model: HeadModel, params: HeadParams): Ball {
  const upright = params.pose.slice();
  upright.fill(0, 0, 3);
  const { vertices, skeleton } = poseHead(model, { ...params, pose: upright });
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  vertices.forEach((x, i) => {
    low[i % 3] = Math.min(low[i % 3], x);
    high[i % 3] = Math.max(high[i % 3], x);
  });
  const middle = low.map((x, a) => (x + high[a]) / 2);
  let radius = 0;
  for (let i = 0; i < vertices.length; i += 3) {
    const d = [0, 1, 2].map((a) => vertices[i + a] - middle[a]);
    radius = Math.max(radius, Math.hypot(...d));
  }
  // The root turns the head about its own joint.
  const rotation = rotationFromAxisAngle(params.pose[0], params.pose[1], params.pose[2]);
  const pivot = skeleton.rest;
  const centre = [0, 1, 2].map(
    (a) => pivot[a] + [0, 1, 2].reduce((s, b) => s + rotation[3 * a + b] * (middle[b] - pivot[b]), 0),
  ) as [number, number, number];
  return { centre, radius };
}

/** The photo's camera before the middle of the head, as far from it as it was. */
function centred(head: ViewedHead, model: HeadModel, centre: Ball['centre']): Camera {
  const before = boundingBall(model, head.params).centre;
  const distance = -(before[2] + head.camera.translation[2]);
  return {
    ...head.camera,
    principal: [0, 0],
    translation: [-centre[0], -centre[1], -centre[2] - distance],
  };
}

/** Half the extent of the ball's outline in pixels of `camera`. */
function outlineRadius(camera: Camera, { centre, radius }: Ball): number {
  if (camera.kind === 'orthographic') return camera.scale * radius;
  const distance = Math.hypot(...centre.map((x, a) => x + camera.translation[a]));
  if (distance <= 1.05 * radius)
    throw new InvalidArgumentError(
      `renderView: the camera stands ${distance.toFixed(2)} m from the head's middle, inside it; is the fit sound?`,
    );
  return (camera.focal * radius) / Math.sqrt(distance * distance - radius * radius);
}

/** A picture of nothing but the background. */
function blank(width: number, height: number, background: ViewOptions['background'] | null): Image8 {
  const data = new Uint8ClampedArray(4 * width * height);
  if (!background) return { width, height, data };
  const colour = new Float64Array(3);
  for (let p = 0; p < width * height; p++) {
    const y = Math.floor(p / width);
    backgroundAt(background, (p - y * width + 0.5) / width, (y + 0.5) / height, colour);
    for (let c = 0; c < 3; c++) data[4 * p + c] = 255 * colour[c];
    data[4 * p + 3] = 255;
  }
  return { width, height, data };
}

/** Averages the samples of each pixel and puts them over what `picture` has, from (left, top) on. */
function average(
  values: ImageF,
  faceIndex: Int32Array,
  samples: number,
  to: {
    readonly gain: number;
    readonly offset: number;
    readonly left: number;
    readonly top: number;
    readonly picture: Image8;
  },
): void {
  const { gain, offset, left, top } = to;
  const { data, width } = to.picture;
  const columns = values.width / samples;
  const rows = values.height / samples;
  const colour = new Float64Array(3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      colour.fill(0);
      let covered = 0;
      for (let sy = 0; sy < samples; sy++) {
        let p = (y * samples + sy) * values.width + x * samples;
        for (let sx = 0; sx < samples; sx++, p++) {
          if (faceIndex[p] < 0) continue;
          covered++;
          // Clamped one by one, lest a highlight brighten the pixels beside it.
          for (let c = 0; c < 3; c++)
            colour[c] += Math.min(1, Math.max(0, gain * values.data[3 * p + c] + offset));
        }
      }
      if (covered === 0) continue;
      const o = 4 * ((top + y) * width + left + x);
      const alpha = covered / (samples * samples);
      // On transparent ground straight alpha wants the colour unmixed.
      const opaque = data[o + 3] === 255;
      const [above, below] = opaque ? [alpha, 1 - alpha] : [1, 0];
      for (let c = 0; c < 3; c++) data[o + c] = (255 * above * colour[c]) / covered + below * data[o + c];
      if (!opaque) data[o + 3] = 255 * alpha;
    }
  }
}

/** Colour of the background at (u, v) in [0, 1]; pictures by bilinear interpolation. */
function backgroundAt(
  background: readonly [number, number, number] | Image8,
  u: number,
  v: number,
  out: Float64Array,
): void {
  if (!('data' in background)) {
    out.set(background);
    return;
  }
  const { width, height, data } = background;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  out.fill(0);
  for (const [cx, wx] of [
    [ix, 1 - (x - ix)],
    [Math.min(ix + 1, width - 1), x - ix],
  ]) {
    for (const [cy, wy] of [
      [iy, 1 - (y - iy)],
      [Math.min(iy + 1, height - 1), y - iy],
    ]) {
      for (let c = 0; c < 3; c++) out[c] += (wx * wy * data[4 * (cy * width + cx) + c]) / 255;
    }
  }
}

function check(size: number, samples: number): void {
  if (!(Number.isInteger(size) && size >= 1 && size <= LARGEST_VIEW))
    throw new InvalidArgumentError(
      `renderView: options.size must be a whole number from 1 to ${LARGEST_VIEW}, got ${size}`,
    );
  if (!(Number.isInteger(samples) && samples >= 1 && samples <= 8))
    throw new InvalidArgumentError(
      `renderView: options.samples must be a whole number from 1 to 8, got ${samples}`,
    );
}
