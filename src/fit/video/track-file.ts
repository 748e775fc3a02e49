/**
 * `track.json` and `track.npz`: a track as files, and back. The npz has everything the json has (its `metadata` is the
 * json without the frames), so that either is enough to drive another head. Documented in docs/video.md.
 *
 * Numbers are float32 in the library and written with the fewest digits that read back to the same float32; what is
 * unknown (the error of a frame without a face) is null in the json and NaN in the npz.
 */
import { z } from 'zod';
import type { Camera } from '../../camera/camera.ts';
import { FormatError, PhotofitError } from '../../core/errors.ts';
import { median } from '../../core/quantile.ts';
import { firstIssue, parseJsonFormat } from '../../io/json.ts';
import { type NpyArray, npyArray } from '../../io/npy.ts';
import { npzGet, requireFinite } from '../../io/npz.ts';
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import { CameraSchema, KnownSchema, short } from '../schema.ts';
import type { FrameStatus, TrackedFrame, VideoTrack } from './types.ts';

/** Format that this version writes and reads. */
export const TRACK_FORMAT = 'track/1';

const STATUSES = ['tracked', 'acquired', 'lost'] as const satisfies readonly FrameStatus[];

const numbers = z.array(z.number());
const triple = z.tuple([z.number(), z.number(), z.number()]);
const pixels = z.number().int().positive();
const metadata = {
  format: z.literal(TRACK_FORMAT),
  photofit: z.string(),
  model: z.strictObject({ name: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  input: z.strictObject({
    path: z.string(),
    width: pixels,
    height: pixels,
    /** Frames a second in the mean. */
    rate: z.number().positive().nullable(),
    start: z.number().nonnegative().nullable(),
    end: z.number().positive().nullable(),
    fps: z.number().positive().nullable(),
    known: KnownSchema.optional(),
  }),
  /** False where tracking was broken off. */
  complete: z.boolean(),
  smoothed: z.boolean(),
  identity: z.strictObject({
    shape: numbers,
    texture: numbers,
    camera: CameraSchema,
    light: z.array(triple).length(9),
    key_frames: z.array(z.number().int().nonnegative()),
  }),
  summary: z.strictObject({
    frames: z.number().int().nonnegative(),
    tracked: z.number().int().nonnegative(),
    acquired: z.number().int().nonnegative(),
    lost: z.number().int().nonnegative(),
    cuts: z.number().int().nonnegative(),
    landmark_nme_median: z.number().nonnegative().nullable(),
    skin_l1_median: z.number().nonnegative().nullable(),
  }),
  expression_names: z.array(z.string()),
  joint_names: z.array(z.string()),
  warnings: z.array(z.string()),
};

/** Schema of a track without its frames: `metadata` of `track.npz`. */
export const TrackMetadataSchema = z.strictObject(metadata);

/** Schema of `track.json`; every key is described in docs/video.md. */
export const TrackFileSchema = z.strictObject({
  ...metadata,
  frames: z.array(
    z.strictObject({
      index: z.number().int().nonnegative(),
      time: z.number().nonnegative(),
      status: z.enum(STATUSES),
      cut: z.boolean(),
      expression: numbers,
      pose: z.array(triple),
      translation: triple,
      light: z.array(triple).length(9),
      landmark_nme: z.number().nonnegative().nullable(),
      skin_l1: z.number().nonnegative().nullable(),
      confidence: z.number().min(0).max(1),
    }),
  ),
});

/** Content of `track.json`. */
export type TrackFile = z.infer<typeof TrackFileSchema>;
/** {@link TrackFile} without its frames. */
export type TrackMetadata = z.infer<typeof TrackMetadataSchema>;

/** What a track does not know of itself but its files say. */
export interface TrackFileExtra {
  /** Version of Photofit. */
  readonly version: string;
  /** Path of the video as the user gave it. */
  readonly path: string;
  readonly rate: number | null;
  readonly range?: { readonly start?: number; readonly end?: number; readonly fps?: number };
  readonly complete: boolean;
  readonly smoothed: boolean;
  readonly warnings: readonly string[];
}

/** `track` without its frames. */
export function trackMetadata(track: VideoTrack, model: HeadModel, extra: TrackFileExtra): TrackMetadata {
  const { identity, frames, width, height } = track;
  const count = (status: FrameStatus) => frames.filter((f) => f.status === status).length;
  const middle = (key: 'landmarkNme' | 'skinL1') => {
    const known = frames.map((f) => f[key]).filter(Number.isFinite);
    return known.length > 0 ? short(median(known)) : null;
  };
  const { start = null, end = null, fps = null } = extra.range ?? {};
  const known = identity.known && { known: { ...identity.known } };
  return {
    format: TRACK_FORMAT,
    photofit: extra.version,
    model: { name: identity.modelName, hash: identity.modelHash },
    input: { path: extra.path, width, height, rate: extra.rate, start, end, fps, ...known },
    complete: extra.complete,
    smoothed: extra.smoothed,
    identity: {
      shape: Array.from(identity.identity, short),
      texture: Array.from(identity.texture, short),
      camera: cameraEntry(identity.camera),
      light: rows(identity.light),
      key_frames: [...identity.keyFrames],
    },
    summary: {
      frames: frames.length,
      tracked: count('tracked'),
      acquired: count('acquired'),
      lost: count('lost'),
      cuts: frames.filter((f) => f.cut).length,
      landmark_nme_median: middle('landmarkNme'),
      skin_l1_median: middle('skinL1'),
    },
    expression_names: [...model.expressionNames],
    joint_names: model.joints.map((joint) => joint.name),
    warnings: [...extra.warnings],
  };
}

/**
 * `track` as the content of `track.json`.
 * @throws {PhotofitError} naming the key, when a number is not finite
 */
export function toTrackFile(track: VideoTrack, model: HeadModel, extra: TrackFileExtra): TrackFile {
  const file: TrackFile = { ...trackMetadata(track, model, extra), frames: track.frames.map(frameEntry) };
  const result = TrackFileSchema.safeParse(file);
  if (!result.success)
    throw new PhotofitError(
      `toTrackFile: ${firstIssue(result.error)}; the track holds a value that cannot be stored`,
    );
  return file;
}

/** Text of `track.json`: one line per frame. */
export function trackFileText({ frames, ...head }: TrackFile): string {
  const text = JSON.stringify(head, null, 1).replace(/\[[^[\]{}"]*\]/g, (row) =>
    row.replace(/\s+/g, ' ').replace(/^\[ | \]$/g, (s) => s.trim()),
  );
  const lines = frames.map((frame) => `  ${JSON.stringify(frame)}`).join(',\n');
  return `${text.slice(0, -2)},\n "frames": [\n${lines}\n ]\n}\n`;
}

function frameEntry(frame: TrackedFrame): TrackFile['frames'][number] {
  const known = (x: number) => (Number.isFinite(x) ? short(x) : null);
  return {
    index: frame.index,
    time: Math.round(1e6 * frame.time) / 1e6,
    status: frame.status,
    cut: frame.cut,
    expression: Array.from(frame.expression, short),
    pose: rows(frame.pose),
    translation: triplet(frame.camera.translation),
    light: rows(frame.light),
    landmark_nme: known(frame.landmarkNme),
    skin_l1: known(frame.skinL1),
    confidence: short(frame.confidence),
  };
}

/** Arrays of `track.npz` by name, for `writeNpz`; docs/video.md says what each is. */
export function trackArrays(
  track: VideoTrack,
  model: HeadModel,
  extra: TrackFileExtra,
): Record<string, NpyArray> {
  const { identity, frames } = track;
  const { E, J } = headSizes(model);
  const N = frames.length;
  const { camera } = identity;
  const table = (width: number, row: (frame: TrackedFrame) => ArrayLike<number> | null) => {
    const out = new Float32Array(N * width).fill(Number.NaN);
    frames.forEach((frame, i) => {
      const values = row(frame);
      if (values) out.set(values, i * width);
    });
    return out;
  };
  const text = new TextEncoder().encode(JSON.stringify(trackMetadata(track, model, extra)));
  return {
    metadata: npyArray(text),
    shape: npyArray(identity.identity),
    texture: npyArray(identity.texture),
    camera: npyArray(
      Float64Array.of(camera.kind === 'perspective' ? camera.focal : camera.scale, ...camera.principal),
    ),
    camera_perspective: npyArray(Uint8Array.of(camera.kind === 'perspective' ? 1 : 0), []),
    index: npyArray(Int32Array.from(frames, (f) => f.index)),
    time: npyArray(Float64Array.from(frames, (f) => f.time)),
    status: npyArray(Uint8Array.from(frames, (f) => STATUSES.indexOf(f.status))),
    cut: npyArray(Uint8Array.from(frames, (f) => (f.cut ? 1 : 0))),
    expression: npyArray(
      table(E, (f) => f.expression),
      [N, E],
    ),
    pose: npyArray(
      table(3 * J, (f) => f.pose),
      [N, J, 3],
    ),
    translation: npyArray(
      table(3, (f) => f.camera.translation),
      [N, 3],
    ),
    light: npyArray(
      table(27, (f) => f.light),
      [N, 9, 3],
    ),
    landmark_nme: npyArray(
      table(1, (f) => [f.landmarkNme]),
      [N],
    ),
    skin_l1: npyArray(
      table(1, (f) => [f.skinL1]),
      [N],
    ),
    confidence: npyArray(
      table(1, (f) => [f.confidence]),
      [N],
    ),
    landmarks: npyArray(
      table(136, (f) => f.observation?.landmarks68 ?? null),
      [N, 68, 2],
    ),
  };
}

/** A track read back; what perception saw is not in the files. */
export interface StoredTrack {
  readonly track: VideoTrack;
  readonly metadata: TrackMetadata;
}

/**
 * Reads the text of a `track.json`.
 * @param source what to call it in messages
 * @throws {FormatError} when it is no JSON, of another format, or a key is missing, unexpected or impossible
 */
export function parseTrackFile(text: string, source = 'track.json'): StoredTrack {
  const { frames, ...head } = parseJsonFormat(TrackFileSchema, TRACK_FORMAT, text, source);
  return {
    metadata: head,
    track: {
      ...trackOf(head),
      frames: frames.map((f) => ({
        index: f.index,
        time: f.time,
        status: f.status,
        cut: f.cut,
        expression: Float32Array.from(f.expression),
        pose: Float32Array.from(f.pose.flat()),
        camera: { ...head.identity.camera, translation: f.translation },
        light: Float32Array.from(f.light.flat()),
        landmarkNme: f.landmark_nme ?? Number.NaN,
        skinL1: f.skin_l1 ?? Number.NaN,
        confidence: f.confidence,
        observation: null,
      })),
    },
  };
}

/**
 * Reads the arrays of a `track.npz`.
 * @throws {FormatError} when an array is missing or does not suit the others
 */
export function parseTrackArrays(arrays: ReadonlyMap<string, NpyArray>, source = 'track.npz'): StoredTrack {
  const get = (name: string, shape: readonly (number | null)[]) => {
    const array = npzGet(arrays, name, source);
    const fits =
      array.shape.length === shape.length && shape.every((n, i) => n === null || n === array.shape[i]);
    if (!fits)
      throw new FormatError(
        `${source}: array "${name}" is (${array.shape.join(',')}), must be (${shape.map((n) => n ?? '?').join(',')})`,
      );
    return array;
  };
  const bytes = get('metadata', [null]).data;
  const text = new TextDecoder().decode(bytes instanceof Uint8Array ? bytes : new Uint8Array());
  const name = `${source}: metadata`;
  const head = parseJsonFormat(TrackMetadataSchema, TRACK_FORMAT, text, name);
  const N = head.summary.frames;
  const [E, J] = [head.expression_names.length, head.joint_names.length];
  const column = (key: string, ...shape: number[]) => {
    const { data } = get(key, [N, ...shape]);
    const width = shape.reduce((a, b) => a * b, 1);
    return (i: number) => Float32Array.from({ length: width }, (_, k) => Number(data[i * width + k]));
  };
  const finite = (key: string, ...shape: number[]) => {
    requireFinite(get(key, [N, ...shape]).data as ArrayLike<number>, key, source);
    return column(key, ...shape);
  };
  const [expression, pose, light] = [finite('expression', E), finite('pose', J, 3), finite('light', 9, 3)];
  const [translation, confidence] = [finite('translation', 3), finite('confidence')];
  const [nme, l1] = [column('landmark_nme'), column('skin_l1')];
  requireFinite(get('time', [N]).data as ArrayLike<number>, 'time', source);
  const [index, time, status, cut] = ['index', 'time', 'status', 'cut'].map((key) => get(key, [N]).data);
  const frames = Array.from({ length: N }, (_, i): TrackedFrame => {
    const [x, y, z] = translation(i);
    return {
      index: Number(index[i]),
      time: Number(time[i]),
      status: STATUSES[Number(status[i])] ?? 'lost',
      cut: Number(cut[i]) !== 0,
      expression: expression(i),
      pose: pose(i),
      camera: { ...head.identity.camera, translation: [x, y, z] },
      light: light(i),
      landmarkNme: nme(i)[0],
      skinL1: l1(i)[0],
      confidence: confidence(i)[0],
      observation: null,
    };
  });
  return { metadata: head, track: { ...trackOf(head), frames } };
}

function trackOf(head: TrackMetadata): Omit<VideoTrack, 'frames'> {
  const { identity, model, input } = head;
  return {
    identity: {
      modelName: model.name,
      modelHash: model.hash,
      identity: Float32Array.from(identity.shape),
      texture: Float32Array.from(identity.texture),
      camera: identity.camera,
      light: Float32Array.from(identity.light.flat()),
      keyFrames: identity.key_frames,
      ...(input.known && { known: input.known }),
    },
    width: input.width,
    height: input.height,
  };
}

function cameraEntry(camera: Camera): TrackMetadata['identity']['camera'] {
  const principal: [number, number] = [short(camera.principal[0]), short(camera.principal[1])];
  const translation = triplet(camera.translation);
  return camera.kind === 'perspective'
    ? { kind: camera.kind, focal: short(camera.focal), principal, translation }
    : { kind: camera.kind, scale: short(camera.scale), principal, translation };
}

function triplet(values: ArrayLike<number>, row = 0): [number, number, number] {
  return [short(values[3 * row]), short(values[3 * row + 1]), short(values[3 * row + 2])];
}

function rows(values: ArrayLike<number>): [number, number, number][] {
  return Array.from({ length: values.length / 3 }, (_, i) => triplet(values, i));
}
