/**
 * Who is in a video: one shape, one texture and one focal length over a few key frames, found before anything is
 * tracked and never changed afterwards. The video is read once, sparsely; the key frames are then fitted together as
 * photos of one person taken with one camera (`fit-person.ts`).
 *
 * A detector draws the same face wrong in the same way, frame after frame: landmarks of N frames say no more about the
 * shape than one's. Each counts by 1/N, the contour twice as much as in a photo, or a filmed person's jaw comes out narrow.
 * By 1/√N the correlation of the tracked expressions of two rendered heads was 0.91 instead of 0.93. What the detector
 * then turns out to do wrong with this face is told to the tracker (`detector-bias.ts`).
 *
 * The outlines of the eyes count as in a photo: colours, which are compared over skin, say nothing about where lids end, and
 * statistics alone put the lower lids of a filmed person who squints 3 to 5 % of the eye distance too low.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError, NoFaceError, throwIfAborted } from '../../core/errors.ts';
import type { Image8 } from '../../core/image.ts';
import { eventsHandled, type ProgressListener } from '../../core/progress.ts';
import { median } from '../../core/quantile.ts';
import type { FrameRange, VideoSource } from '../../core/video.ts';
import type { HeadModel } from '../../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../../perceive/types.ts';
import { FIT_PHOTO_DEFAULTS, type FitWeights, type Measured, type PersonOptions } from '../fit-options.ts';
import { fitPerson } from '../fit-person.ts';
import { checkKnown, knownValues } from '../known-size.ts';
import { prepareModel } from '../prepare.ts';
import { fitMemory } from '../resident.ts';
import { landmarkOffsets, lidDistances, lipDistance, shutLips } from './detector-bias.ts';
import { chooseFace, type FaceChoice, nearestFace } from './follow.ts';
import { colourShares } from './free-expressions.ts';
import { KeyFramePool, keyFrame } from './key-frames.ts';
import { type KeyFit, skinOffset } from './skin-offset.ts';
import type { TrackIdentity } from './types.ts';

/** Options of {@link findIdentity}. */
export interface FindIdentityOptions extends FrameRange, PersonOptions {
  readonly perception: FacePerception;
  /** Whom to take where there are several people. */
  readonly face?: FaceChoice;
  /** Focal length of a calibrated camera in pixels of the frames, as `ViewOptions.focal`. */
  readonly focal?: Measured;
  /** Metres from the camera to the root of the nose, of a head that keeps it; as `ViewOptions.distance`. */
  readonly distance?: Measured;
  /** Key frames at most. */
  readonly keyFrames?: number;
  /** Frames looked at in search of key frames, about. */
  readonly candidates?: number;
  /** Pixels along the side of the crops fitted, a multiple of 4. */
  readonly size?: number;
  readonly weights?: Partial<FitWeights>;
  readonly onProgress?: ProgressListener;
  /** Called when the key frames are there: from then on perception is asked for descriptors only. */
  readonly onSearched?: () => void;
}

/** Defaults of {@link findIdentity}. */
export const FIND_IDENTITY_DEFAULTS = { keyFrames: 5, candidates: 40, size: 224, face: 'largest' } as const;

/** Weight of contour landmarks over inner ones: the pictures, seen within the face alone, say least about its outline. */
const CONTOUR = 0.5;
/** Frames a second looked at where the video does not say how long it is. */
const UNKNOWN_LENGTH_FPS = 2;
/** Share of the progress that the search for key frames makes. */
const SEARCH_SHARE = 0.3;

/** An identity, and the pictures it was found from. */
export interface FoundIdentity extends TrackIdentity {
  /** The key frames with their fits, e.g. for a texture offset. */
  readonly keyFits: readonly KeyFit[];
}

/**
 * Finds who is in the video.
 * @throws {NoFaceError} when no frame looked at shows a face.
 * @throws {InvalidArgumentError} on options out of range.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function findIdentity(
  source: VideoSource,
  model: HeadModel,
  options: FindIdentityOptions,
): Promise<FoundIdentity> {
  const { signal, onProgress, focal, distance, ipd } = options;
  checkKnown('findIdentity', model, source, { focal, distance, ipd });
  const count = options.keyFrames ?? FIND_IDENTITY_DEFAULTS.keyFrames;
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError(
      `findIdentity: options.keyFrames must be a positive integer, got ${count}`,
    );
  const { pool, lids, lips } = await search(source, model, options);
  if (pool.size === 0)
    throw new NoFaceError('no face was found in the video; look at a few of its frames, or give a fit');
  const keys = pool.choose(count);
  throwIfAborted(signal);
  options.onSearched?.();
  const { fits } = await fitPerson(
    keys.map(({ frame, observation }) => ({ image: frame.image, observation, focal, distance })),
    model,
    {
      perception: options.perception,
      size: options.size ?? FIND_IDENTITY_DEFAULTS.size,
      weights: withDefaults(
        {
          landmarks: FIT_PHOTO_DEFAULTS.weights.landmarks / keys.length,
          contour: CONTOUR,
          eyes: keys.length,
          photometric: colourShares(model).keyFrames * FIT_PHOTO_DEFAULTS.weights.photometric,
          // Frames are compared with the person's colours without gloss and tint.
          gloss: 0,
          tint: 0,
          // Frames are solved with that width: with the wider one in key frames alone a brow lagged by more than a frame.
          explainedWidth: 2,
        },
        options.weights,
      ),
      ipd,
      oneCamera: true,
      strangers: 'leave-out',
      signal,
      onProgress: (e) =>
        onProgress?.({ ...e, fraction: SEARCH_SHARE + (1 - SEARCH_SHARE) * Math.min(e.fraction, 1) }),
    },
  );
  const keyFits = keys.flatMap(({ frame }, i) => {
    const fit = fits[i];
    return fit ? [{ frame, fit }] : [];
  });
  const kept = keys.filter((_, i) => fits[i]);
  const { kernels, resident } = await fitMemory(prepareModel(model));
  const skin = skinOffset(kernels, resident, keyFits);
  const sharpest = kept.indexOf(kept.reduce((a, b) => (b.sharpness > a.sharpness ? b : a)));
  const { modelName, modelHash, params, camera, light } = keyFits[sharpest].fit;
  return {
    modelName,
    modelHash,
    identity: params.identity,
    texture: params.texture,
    camera,
    light,
    keyFrames: keyFits.map(({ frame }) => frame.index),
    ...knownValues({ focal, distance, ipd }),
    detectorBias: {
      offsets: landmarkOffsets(
        model,
        keyFits.map(({ fit }) => fit),
      ),
      lids: Float32Array.from([0, 1], (side) => median(lids.map((seen) => seen[1 + side]))),
      lidsOverTime: Float32Array.from(lids.flat()),
      lips: shutLips(lips),
    },
    ...(skin && { skin }),
    keyFits,
  };
}

/** Reads the range sparsely and pools what may become key frames; the lids' and lips' distances in all frames looked at. */
async function search(
  source: VideoSource,
  model: HeadModel,
  options: FindIdentityOptions,
): Promise<{
  readonly pool: KeyFramePool;
  readonly lids: readonly (readonly [time: number, right: number, left: number])[];
  readonly lips: readonly number[];
}> {
  const { perception, signal, start = 0, onProgress } = options;
  const candidates = options.candidates ?? FIND_IDENTITY_DEFAULTS.candidates;
  const end = options.end ?? source.duration;
  const fps = Math.min(
    options.fps ?? Infinity,
    end === null ? UNKNOWN_LENGTH_FPS : candidates / Math.max(end - start, 1e-3),
  );
  const pool = new KeyFramePool();
  const lids: [time: number, right: number, left: number][] = [];
  const lips: number[] = [];
  let previous: FaceObservation | null = null;
  let offer = () => {};
  for await (const frame of source.frames({ start: options.start, end: options.end, fps, signal })) {
    throwIfAborted(signal);
    const looked = lookFor(perception, frame.image, previous, options);
    looked.catch(() => {});
    // Once the question is out, which may go to another thread, this one looks at what the frame before is worth.
    await eventsHandled();
    offer();
    const face = await looked;
    previous = face ?? previous;
    offer = () => {
      if (!face) return;
      lids.push([frame.time, ...lidDistances(face)]);
      lips.push(lipDistance(face));
      pool.offer(keyFrame(model, frame, face));
    };
    const done = end === null ? 0 : (frame.time - start) / Math.max(end - start, 1e-3);
    onProgress?.({ stage: 'key frames', fraction: SEARCH_SHARE * Math.min(Math.max(done, 0), 1) });
  }
  offer();
  return { pool, lids, lips };
}

/** The face followed in a frame some time after the one with `previous`: where it was, at less than half the cost; or found anew. */
async function lookFor(
  perception: FacePerception,
  image: Image8,
  previous: FaceObservation | null,
  { face, signal }: FindIdentityOptions,
): Promise<FaceObservation | null> {
  const there = previous && perception.track ? await perception.track(image, previous, { signal }) : null;
  if (there) return there;
  const faces = await perception.detect(image, { signal });
  return (
    (previous && nearestFace(faces, previous)) ??
    chooseFace(faces, previous ? 'largest' : (face ?? FIND_IDENTITY_DEFAULTS.face))
  );
}
