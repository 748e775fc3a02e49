/**
 * One face's motion on another head. The target's shape, texture and, unless asked otherwise, light are the stored ones
 * to the bit; expression, jaw, gaze and, as chosen, the pose of the head come from the source.
 *
 * Relative (the default): what is passed on is how the source differs from its own neutral face, so that a tracked face
 * whose resting mouth droops a little does not make the target droop. The neutral of the source is a frame that is named,
 * or the mode of every coefficient over the track: a talking face comes back to rest again and again, and the mode, unlike
 * the mean, does not care how far it goes in between. The target's neutral is its head without expression.
 *
 * Blinks are passed on as how far the eyes are still open, see `lids.ts`, and mouths as how far they have opened since their
 * rest, in shares of the face's height, see `lips.ts`.
 *
 * Every frame is mapped by itself: the same sentence gives the same motion, whenever it comes.
 */

import type { Camera } from '../../camera/camera.ts';
import { cropCamera, projectPoints } from '../../camera/project.ts';
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError } from '../../core/errors.ts';
import { quantile } from '../../core/quantile.ts';
import { type HeadModel, type HeadParams, headSizes } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import { axisAngleFromRotation, multiply3, rotationFromAxisAngle } from '../../model/rotation.ts';
import { type Correspondence, correspond } from './correspondence.ts';
import { blinksOf, type Lids, lidsOf, shutLids } from './lids.ts';
import { type Lips, lipsOf, openJaw } from './lips.ts';
import type { TrackedFrame, VideoTrack } from './types.ts';

/** The head that is driven; a fit is one. */
export interface TransferTarget {
  readonly model: HeadModel;
  readonly params: HeadParams;
  /** In pixels of the picture that comes out, for `pose: 'own'`; see `fitCamera`. */
  readonly camera: Camera;
  /** (9,3) float32. */
  readonly light: Float32Array;
}

/** Where a neutral head's face is: the mean (3) of its inner landmarks, metres, in the head's axes. */
export function faceCentre(model: HeadModel, identity: ArrayLike<number>): readonly [number, number, number] {
  const still = { identity, expression: [], pose: new Float32Array(3 * model.joints.length) };
  const { vertices } = poseHead(model, still);
  const { faces, barycentrics } = model.landmarks.inner51;
  const sum: [number, number, number] = [0, 0, 0];
  for (let l = 0; l < faces.length; l++)
    for (let i = 0; i < 3; i++)
      for (let a = 0; a < 3; a++)
        sum[a] += (barycentrics[3 * l + i] * vertices[3 * model.faces[3 * faces[l] + i] + a]) / faces.length;
  return sum;
}

/**
 * `camera` so that the head in `pose` fills a picture of `width` × `height`: for a head that keeps its own pose, seen as
 * its photo saw it.
 */
export function fitCamera(
  { model, params, camera }: Pick<TransferTarget, 'model' | 'params' | 'camera'>,
  { width, height }: { readonly width: number; readonly height: number },
): Camera {
  const { vertices } = poseHead(model, { ...params, expression: [] });
  const points = projectPoints(camera, vertices);
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  for (let i = 0; i < points.length; i += 3)
    for (let a = 0; a < 2; a++) {
      low[a] = Math.min(low[a], points[i + a]);
      high[a] = Math.max(high[a], points[i + a]);
    }
  const scale = FILLED * Math.min(width / (high[0] - low[0]), height / (high[1] - low[1]));
  const corner = (a: 0 | 1, size: number) => (low[a] + high[a]) / 2 - size / (2 * scale);
  return cropCamera(camera, [corner(0, width), corner(1, height)], scale);
}

/** Share of a picture that a head with its own pose fills. */
const FILLED = 0.88;

/** The track that drives. */
export interface TransferSource {
  readonly track: VideoTrack;
  readonly expressionNames: readonly string[];
  readonly jointNames: readonly string[];
  /** Of the source's head, from {@link faceCentre}; null where it is not known: heads then share their origin. */
  readonly centre: readonly [number, number, number] | null;
  /** Of the source's person, from `lidsOf`; null where its head is not known: blinks then are weights. */
  readonly lids: Lids | null;
  /** Of the source's person, from `lipsOf`; where absent, its mouth at rest is the mode of all frames. */
  readonly lips?: Lips | null;
}

/** Options of {@link transferMotion}. */
export interface TransferOptions {
  /** `relative` to each one's neutral face, or the source's coefficients as they are. */
  readonly mode?: 'relative' | 'absolute';
  /** Number of the source's frame that is neutral; found from the track unless given. */
  readonly neutralFrame?: number | null;
  /** Whose pose of the head: the source's motion, or the target's own, still. */
  readonly pose?: 'source' | 'own';
  /** Whose light. */
  readonly light?: 'own' | 'source';
}

/** Defaults of {@link TransferOptions}. */
export const TRANSFER_DEFAULTS = {
  mode: 'relative',
  neutralFrame: null,
  pose: 'source',
  light: 'own',
} as const;

/** A motion on another head. */
export interface Transfer {
  /** The target's identity with the motion; errors are NaN, there is nothing to compare with. */
  readonly track: VideoTrack;
  /** Names of the source's expressions that the target has no counterpart of. */
  readonly missing: readonly string[];
}

/** Frames of this confidence and more may tell the neutral face. */
const SURE = 0.3;

/**
 * Moves `target` as `source` moves.
 * @throws {InvalidArgumentError} when no expression corresponds, or the neutral frame is not in the track
 */
export function transferMotion(
  source: TransferSource,
  target: TransferTarget,
  options: TransferOptions = {},
): Transfer {
  const { mode, pose, light } = withDefaults(TRANSFER_DEFAULTS, options);
  const neutralFrame = options.neutralFrame ?? TRANSFER_DEFAULTS.neutralFrame;
  const { model, params } = target;
  const { track } = source;
  const { E, J } = headSizes(model);
  const named = {
    expressionNames: source.expressionNames,
    joints: source.jointNames.map((name) => ({ name })),
  };
  const map = correspond(named, model);
  if (map.expressions.length + map.turns.length + map.bends.length === 0)
    throw new InvalidArgumentError(
      `transfer: no expression of the source (${some(source.expressionNames)}) is one of the head ${model.name} ` +
        `(${some(model.expressionNames)}); track with that head, or name the expressions of the unnamed one`,
    );
  const atRest = mode === 'relative' ? restOf(track, neutralFrame ?? null, source) : null;
  const neutral = atRest?.neutral ?? null;
  const root = source.jointNames.indexOf('root');
  const blinks = neutral && source.lids && blinksOf(model);
  const eyes = blinks && {
    blinks,
    theirs: source.lids!,
    open: source.lids!.open(neutral!.expression),
    own: lidsOf(model, params.identity),
  };
  const mouth = atRest &&
    source.lips && {
      theirs: source.lips,
      rest: atRest.shutGap ?? source.lips.apart(atRest.neutral.expression, atRest.neutral.pose),
      own: lipsOf(model, params.identity),
    };
  const own = ['root', 'neck'];
  const target3 = source.centre && faceCentre(model, params.identity);
  // Faces, not origins, come to lie on each other: heads of different models have their origins in different places.
  const shift = source.centre && target3 ? source.centre.map((x, a) => x - target3[a]) : [0, 0, 0];
  const shut = mouth ? mouth.own.apart(new Float32Array(E), new Float32Array(3 * J)) : 0;
  const frames = track.frames.map((frame): TrackedFrame => {
    const expression = neutral ? frame.expression.map((x, e) => x - neutral.expression[e]) : frame.expression;
    const turned = neutral ? relativePose(frame.pose, neutral.pose) : frame.pose;
    const out = {
      expression: new Float32Array(E),
      pose: pose === 'own' ? params.pose.slice() : new Float32Array(3 * J),
    };
    for (const { from, to } of map.joints) {
      if (pose === 'own' && own.includes(model.joints[to].name)) continue;
      const at = from === root && mode === 'relative' ? frame.pose : turned;
      out.pose.set(at.subarray(3 * from, 3 * from + 3), 3 * to);
    }
    apply(map, expression, turned, out);
    for (let e = 0; e < E; e++) {
      const [least, most] = [model.expressionRange[2 * e], model.expressionRange[2 * e + 1]];
      out.expression[e] = Math.min(most, Math.max(least, out.expression[e]));
    }
    if (eyes) {
      const [right, left] = eyes.theirs.open(frame.expression).map((gap, side) => {
        const shut = eyes.theirs.shut[side];
        return (gap - shut) / Math.max(eyes.open[side] - shut, 1e-6);
      });
      shutLids(eyes.own, eyes.blinks, out.expression, [right, left]);
    }
    if (mouth) {
      const opened = mouth.theirs.apart(frame.expression, frame.pose) - mouth.rest;
      openJaw(model, mouth.own, out, shut + (opened * mouth.own.face) / mouth.theirs.face);
    }
    return {
      index: frame.index,
      time: frame.time,
      status: frame.status,
      cut: frame.cut,
      ...out,
      camera: pose === 'own' ? target.camera : shifted(frame.camera, out.pose, shift),
      light: light === 'own' ? target.light : frame.light,
      landmarkNme: Number.NaN,
      skinL1: Number.NaN,
      confidence: frame.confidence,
      observation: null,
    };
  });
  return {
    missing: map.missing,
    track: {
      identity: {
        modelName: model.name,
        modelHash: model.hash,
        identity: params.identity,
        texture: params.texture,
        camera: pose === 'own' ? target.camera : track.identity.camera,
        light: target.light,
        keyFrames: [],
      },
      width: track.width,
      height: track.height,
      frames,
    },
  };
}

/** `camera` with the head moved by `shift` in its own axes, which the root's rotation turns. */
function shifted(camera: Camera, pose: Float32Array, shift: readonly number[]): Camera {
  const r = new Float64Array(9);
  rotationFromAxisAngle(pose[0], pose[1], pose[2], r, 0);
  const moved = camera.translation.map(
    (x, a) => x + r[3 * a] * shift[0] + r[3 * a + 1] * shift[1] + r[3 * a + 2] * shift[2],
  );
  return { ...camera, translation: [moved[0], moved[1], moved[2]] };
}

function apply(
  map: Correspondence,
  expression: Float32Array,
  pose: Float32Array,
  out: { readonly expression: Float32Array; readonly pose: Float32Array },
): void {
  for (const { from, to, weight } of map.expressions) out.expression[to] += weight * expression[from];
  for (const { from, to, rotation } of map.turns)
    for (let a = 0; a < 3; a++) out.pose[3 * to + a] += expression[from] * rotation[a];
  for (const { from, to, rotation } of map.bends) {
    let sum = 0;
    for (let a = 0; a < 3; a++) sum += pose[3 * from + a] * rotation[a];
    out.expression[to] += Math.max(0, sum);
  }
}

/** A face at rest. */
export interface NeutralFace {
  /** (E) float32. */
  readonly expression: Float32Array;
  /** (J,3) float32; the root's rotation counts for nothing. */
  readonly pose: Float32Array;
}

/** What tells a mouth at rest. */
export type MouthSource = Pick<TransferSource, 'lips' | 'expressionNames' | 'jointNames'>;

/**
 * The neutral face of a track: that of the frame `index`, or the mode of each coefficient over the frames that are sure. A
 * talking mouth is more often open than shut; where `mouth` tells how far, jaw and mouth are those of the frames that have
 * the lips shut.
 * @throws {InvalidArgumentError} when there is no such frame, or it shows no face, or no frame does
 */
export function neutralOf(
  track: Pick<VideoTrack, 'frames'>,
  index: number | null = null,
  mouth?: MouthSource,
): NeutralFace {
  return restOf(track, index, mouth).neutral;
}

/**
 * The neutral face, and how far its lips are apart while they are shut, metres: in three of four frames that have them shut no
 * more; null where no frames tell. Modes of the coefficients, each for itself, do not say: those of a film were 4.0 mm apart,
 * and 5.5 in a track that hardly differed.
 */
function restOf(
  { frames }: Pick<VideoTrack, 'frames'>,
  index: number | null,
  mouth?: MouthSource,
): { readonly neutral: NeutralFace; readonly shutGap: number | null } {
  if (index !== null) {
    const frame = frames.find((f) => f.index === index);
    if (!frame || frame.status === 'lost')
      throw new InvalidArgumentError(
        `transfer: the neutral frame ${index} ${frame ? 'shows no face' : `is not in the track, whose frames are ${frames[0]?.index ?? 'none'} to ${frames.at(-1)?.index ?? ''}`}; choose another`,
      );
    return { neutral: frame, shutGap: null };
  }
  const used = sureFrames(frames);
  if (used.length === 0) throw new InvalidArgumentError('transfer: the track has no frame with a face');
  const shut = mouth?.lips ? shutFrames(used, mouth.lips) : null;
  const modes = (of: (f: TrackedFrame) => Float32Array, ofMouth: (i: number) => boolean) =>
    of(used[0]).map((_, i) => halfSampleMode(((ofMouth(i) && shut?.frames) || used).map((f) => of(f)[i])));
  const jaw = mouth?.jointNames.indexOf('jaw') ?? -1;
  return {
    neutral: {
      expression: modes(
        (f) => f.expression,
        (e) => MOUTH.test(mouth?.expressionNames[e] ?? ''),
      ),
      pose: modes(
        (f) => f.pose,
        (i) => Math.floor(i / 3) === jaw,
      ),
    },
    shutGap: shut && quantile(shut.apart, 0.75),
  };
}

/** Frames with a face that is sure, or any where none is. */
function sureFrames(frames: readonly TrackedFrame[]): readonly TrackedFrame[] {
  const seen = frames.filter((f) => f.status !== 'lost');
  const sure = seen.filter((f) => f.confidence >= SURE);
  return sure.length > 0 ? sure : seen;
}

/** Expressions of the mouth, by ARKit's names. */
const MOUTH = /^(mouth|jaw)/i;
/** Frames whose lips are looked at, about. */
const LOOKED_AT = 200;
/** Lips are shut up to this share of the way from their least distance, but for the nearest of all, to their greatest. */
const SHUT = 0.15;
/** Least frames with shut lips that are believed. */
const ENOUGH = 8;

/** Those of `frames` that have the lips shut, of some of them, and how far apart; null where there are few. */
function shutFrames(
  frames: readonly TrackedFrame[],
  lips: Lips,
): { readonly frames: readonly TrackedFrame[]; readonly apart: readonly number[] } | null {
  const step = Math.ceil(frames.length / LOOKED_AT);
  const some = frames.filter((_, i) => i % step === 0);
  const apart = some.map(({ expression, pose }) => lips.apart(expression, pose));
  const sorted = [...apart].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
  const most = at(0.03) + SHUT * (at(0.97) - at(0.03));
  const shut = some.filter((_, i) => apart[i] <= most);
  return shut.length >= ENOUGH ? { frames: shut, apart: apart.filter((gap) => gap <= most) } : null;
}

/** The mode of a sample by halving: the densest half of it, of that the densest half, … (Bickel and Frühwirth 2006). */
export function halfSampleMode(values: readonly number[]): number {
  let x = [...values].sort((a, b) => a - b);
  while (x.length > 3) {
    const half = Math.ceil(x.length / 2);
    let [best, width] = [0, Infinity];
    for (let i = 0; i + half <= x.length; i++) {
      const w = x[i + half - 1] - x[i];
      if (w < width) [best, width] = [i, w];
    }
    x = x.slice(best, best + half);
  }
  if (x.length < 3) return x.reduce((a, b) => a + b, 0) / x.length;
  const [left, right] = [x[1] - x[0], x[2] - x[1]];
  return left < right ? (x[0] + x[1]) / 2 : left > right ? (x[1] + x[2]) / 2 : x[1];
}

/** (J,3) rotations R·Rₙ⁻¹ of every joint. */
function relativePose(pose: Float32Array, neutral: Float32Array): Float32Array {
  const out = new Float32Array(pose.length);
  const [r, n, product] = [new Float64Array(9), new Float64Array(9), new Float64Array(9)];
  for (let j = 0; j < pose.length; j += 3) {
    rotationFromAxisAngle(pose[j], pose[j + 1], pose[j + 2], r, 0);
    rotationFromAxisAngle(-neutral[j], -neutral[j + 1], -neutral[j + 2], n, 0);
    multiply3(r, 0, n, 0, product, 0);
    out.set(axisAngleFromRotation(product), j);
  }
  return out;
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ') || 'none';
}
