/**
 * A video whose truth is known: a head sampled from a model that talks, blinks, turns and moves, rendered with sensor
 * noise; a hand before the face for a while, a cut to another place. For the tests of tracking and its bench.
 */
import type { PerspectiveCamera } from '../../src/camera/camera.ts';
import type { Image8 } from '../../src/core/image.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { FrameRange, VideoFrame, VideoSource } from '../../src/core/video.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { type HeadModel, type HeadParams, headSizes, jointIndex } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import type { FaceObservation, FacePerception } from '../../src/perceive/types.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';
import { observeTruth, type Truth } from './synthetic.ts';

/** What is to be filmed. */
export interface TalkingHeadOptions {
  readonly frames: number;
  readonly fps: number;
  /** Width and height in pixels. */
  readonly size: number;
  readonly seed: number;
  /** Whether it stays as it is in its first frame. */
  readonly still?: boolean;
  /** Whether the sides of mouth and brows move independently, each by a rate and phase of its own. */
  readonly crooked?: boolean;
  /** First frame and number of frames with something before the whole face. */
  readonly occlusion?: readonly [number, number];
  /** First frame of another shot. */
  readonly cut?: number;
  /** Standard deviation of the sensor's noise. */
  readonly noise?: number;
}

/** The truth of a video. */
export interface TalkingHead {
  readonly source: VideoSource;
  readonly truths: readonly Truth[];
  /** Expressions that move. */
  readonly active: readonly number[];
  /** Whether the face is hidden in a frame. */
  hidden(index: number): boolean;
  /** Number of the frame that a picture of `source` is. */
  indexOf(image: Image8): number;
}

/** Expressions that speech and faces move, where a model has them: name, mean, amplitude, cycles a second. */
const MOVES: readonly (readonly [string, number, number, number])[] = [
  ['mouthSmileLeft', 0.15, 0.25, 0.45],
  ['mouthSmileRight', 0.15, 0.25, 0.45],
  ['mouthFunnelLeft', 0.15, 0.3, 1.9],
  ['mouthFunnelRight', 0.15, 0.3, 1.9],
  ['mouthUpperUpLeft', 0.1, 0.25, 2.6],
  ['mouthUpperUpRight', 0.1, 0.25, 2.6],
  ['browInnerUpLeft', 0.2, 0.35, 0.35],
  ['browInnerUpRight', 0.2, 0.35, 0.35],
];
/** Rate of the right side over that of the left where they move independently. */
const CROOKED_RATE = 1.13;
const BLINKS = ['eyeBlinkLeft', 'eyeBlinkRight'];

/** Films a talking head; frames are rendered when they are read. */
export function filmTalkingHead(kernels: Kernels, model: HeadModel, o: TalkingHeadOptions): TalkingHead {
  const random = createRandom(o.seed);
  const { S, E, J, T } = headSizes(model);
  const identity = Float32Array.from({ length: S }, () => random.normal());
  const texture = Float32Array.from({ length: T }, () => random.normal());
  const albedo = albedoMap(model.texture!, texture);
  const wave = (cycles: number): ((t: number) => number) => {
    const phase = [0, 1, 2].map(() => 2 * Math.PI * random.uniform());
    const w = 2 * Math.PI * cycles;
    return (t) =>
      (Math.sin(w * t + phase[0]) +
        0.6 * Math.sin(1.7 * w * t + phase[1]) +
        0.4 * Math.sin(0.6 * w * t + phase[2])) /
      1.4;
  };
  const moves = MOVES.map(([name, mean, amplitude, cycles], i) => ({
    at: model.expressionNames.indexOf(name),
    mean,
    amplitude,
    // Left and right go together, or the right by a rate that keeps no time with the left.
    wave: i % 2 === 0 ? wave(cycles) : o.crooked ? wave(CROOKED_RATE * cycles) : null,
  })).filter(({ at }) => at >= 0);
  for (const [i, move] of moves.entries()) move.wave ??= moves[i - 1].wave;
  const blinks = BLINKS.map((name) => model.expressionNames.indexOf(name)).filter((at) => at >= 0);
  const seconds = o.frames / o.fps;
  const blinkTimes: number[] = [];
  for (let t = 0.7; t < seconds; t += 1.2 + 1.5 * random.uniform()) blinkTimes.push(t);
  const talk = wave(2.3);
  const turn = [wave(0.22), wave(0.3), wave(0.18), wave(0.25)];
  const drift = [wave(0.15), wave(0.2), wave(0.12)];
  const gaze = [wave(0.4), wave(0.3)];
  const focal = 1.9 * o.size;
  const distance = (focal * 0.3) / (o.size * 0.72);
  const light = new Float32Array(27);
  for (let c = 0; c < 3; c++) {
    light[c] = 2.7;
    light[3 + c] = 0.2;
    light[6 + c] = 0.15;
    light[9 + c] = 0.35;
  }

  const truth = (index: number): Truth => {
    const t = o.still ? 0 : index / o.fps;
    const expression = new Float32Array(E);
    for (const { at, mean, amplitude, wave: w } of moves)
      expression[at] = Math.min(Math.max(mean + amplitude * w!(t), 0), 1);
    if (!o.still)
      for (const start of blinkTimes) {
        // Shut within 80 ms, open again within 160 ms.
        const s = t - start;
        const shut = s < 0 ? 0 : s < 0.08 ? s / 0.08 : s < 0.12 ? 1 : Math.max(0, 1 - (s - 0.12) / 0.16);
        for (const at of blinks) expression[at] = Math.max(expression[at], 0.95 * shut);
      }
    const pose = new Float32Array(3 * J);
    pose.set([0.1 * turn[0](t), 0.3 * turn[1](t), 0.06 * turn[2](t)]);
    const jaw = jointIndex(model, 'jaw');
    if (jaw >= 0) pose[3 * jaw] = Math.max(0, 0.08 + 0.12 * talk(t));
    for (const eye of ['left_eye', 'right_eye']) {
      const j = jointIndex(model, eye);
      if (j >= 0) pose.set([0.06 * gaze[0](t), 0.15 * gaze[1](t), 0], 3 * j);
    }
    const other = o.cut !== undefined && index >= o.cut;
    const camera: PerspectiveCamera = {
      kind: 'perspective',
      focal,
      principal: [o.size / 2, o.size / 2],
      translation: [
        0.012 * drift[0](t) + (other ? 0.03 : 0),
        -0.02 + 0.008 * drift[1](t),
        -distance * (1 + 0.03 * drift[2](t)) * (other ? 1.25 : 1),
      ],
    };
    const params: HeadParams = { identity, expression, pose, texture };
    return { params, camera, light: other ? light.map((l) => 0.9 * l) : light };
  };
  const truths = Array.from({ length: o.frames }, (_, i) => truth(i));
  const hidden = (index: number) =>
    o.occlusion !== undefined && index >= o.occlusion[0] && index < o.occlusion[0] + o.occlusion[1];

  const indices = new WeakMap<Image8, number>();
  const picture = (index: number): Image8 => {
    const { size } = o;
    const { params, camera, light: l } = truths[index];
    const rendered = renderHead(kernels, {
      vertices: poseHead(model, params).vertices,
      faces: model.faces,
      uvs: model.uvs,
      faceUvs: model.faceUvs,
      albedo,
      light: l,
      camera,
      width: size,
      height: size,
    });
    const other = o.cut !== undefined && index >= o.cut;
    const noise: Random = createRandom(o.seed * 7919 + index);
    const data = new Uint8ClampedArray(4 * size * size);
    for (let p = 0; p < size * size; p++) {
      const [x, y] = [(p % size) / size, Math.floor(p / size) / size];
      const covered = hidden(index) && x > 0.12 && x < 0.88 && y > 0.08;
      for (let c = 0; c < 3; c++) {
        const behind = other ? 0.75 - 0.1 * c + 0.1 * x : 0.3 + 0.1 * c + 0.15 * y;
        const seen = rendered.raster.faceIndex[p] >= 0 ? rendered.rgb.data[3 * p + c] : behind;
        const value = covered ? 0.35 + 0.1 * Math.sin(9 * x + 7 * y + c) : seen;
        data[4 * p + c] = 255 * (value + (o.noise ?? 0.015) * noise.normal());
      }
      data[4 * p + 3] = 255;
    }
    const image = { width: size, height: size, data };
    indices.set(image, index);
    return image;
  };
  const source: VideoSource = {
    width: o.size,
    height: o.size,
    duration: seconds,
    frameCount: o.frames,
    async *frames(range: FrameRange = {}): AsyncIterable<VideoFrame> {
      const { start = 0, end = Infinity, fps = Infinity } = range;
      let due = Number.NEGATIVE_INFINITY;
      for (let index = 0; index < o.frames; index++) {
        const time = index / o.fps;
        if (time < start || time >= end || time < due - 1e-9) continue;
        due = time + 1 / fps;
        yield { index, time, image: picture(index) };
      }
    },
  };
  const active = [...moves.map(({ at }) => at), ...blinks];
  return { source, truths, active: o.still ? [] : active, hidden, indexOf: (image) => indices.get(image)! };
}

/** Perception that knows the truth up to noise (1 % of the eye distance) and sees nothing while the face is hidden. */
export function trueLandmarks(model: HeadModel, film: TalkingHead, seed = 1): FacePerception {
  const see = (image: Image8): FaceObservation | null => {
    const index = film.indexOf(image);
    if (film.hidden(index)) return null;
    const seen = observeTruth(model, film.truths[index], createRandom(100003 * seed + index));
    const l = seen.landmarks68;
    const xs = Array.from({ length: 68 }, (_, i) => l[2 * i]);
    const ys = Array.from({ length: 68 }, (_, i) => l[2 * i + 1]);
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    return { ...seen, box: { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y } };
  };
  return {
    detect: async (image) => {
      const seen = see(image);
      return seen ? [seen] : [];
    },
    track: async (image) => see(image),
    dispose: () => {},
  };
}
