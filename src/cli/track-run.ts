/**
 * Tracking as commands do it: who it is, all frames, smoothing; with a journal on disk, so that what is done stays when
 * it is broken off, and a rerun goes on from there.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AbortedError, InvalidArgumentError, NoFaceError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { sha256Hex } from '../core/sha256.ts';
import { findIdentity } from '../fit/video/find-identity.ts';
import { personalModel } from '../fit/video/personal-model.ts';
import { type ResumePoint, trackVideo, watchFrom } from '../fit/video/track-video.ts';
import type { TrackedFrame, TrackIdentity, VideoTrack } from '../fit/video/types.ts';
import type { Watch } from '../fit/video/watch-video.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type LoadedFit, loadFit } from '../node/load-fit.ts';
import { loadHeadModel } from '../node/models.ts';
import type { WatchOrder } from '../node/perception-worker.ts';
import { asTextureFile, decodeTexture, type LoadedTexture } from '../node/texture-file.ts';
import type { OnSmall, ThreadedPerception } from '../node/threaded-perception.ts';
import { asTracked, openSmoothing, type Settling } from '../node/threaded-smoothing.ts';
import { personTexture } from '../node/threaded-texture.ts';
import { openThreadedVideo } from '../node/threaded-video.ts';
import { lighter, TrackJournal } from '../node/track-journal.ts';
import type { OpenVideo } from '../node/video-types.ts';
import { type Skin, skinAlbedo } from '../render/albedo.ts';
import { checkMeasures } from './measures.ts';
import type { TrackOptions } from './track-options.ts';

/** The options that a track depends on. */
export type TrackRunOptions = Pick<
  TrackOptions,
  | 'fps'
  | 'start'
  | 'end'
  | 'pictureRate'
  | 'from'
  | 'model'
  | 'face'
  | 'focal'
  | 'distance'
  | 'ipd'
  | 'smooth'
  | 'offset'
  | 'resume'
>;

/** What tracking needs besides its options. */
export interface TrackRunInput {
  /** Path of the video. */
  readonly video: string;
  readonly options: TrackRunOptions;
  /** Head that was loaded already, instead of `options.model`. */
  readonly head?: HeadModel;
  /** Where the journal goes. */
  readonly journal: string;
  readonly perception: ThreadedPerception;
  readonly onProgress: ProgressListener;
  readonly onNote: (line: string) => void;
  /** Told who it is, skin and all, once that is known, while frames are tracked. */
  readonly onPerson?: (person: HeadModel, video: OpenVideo) => void;
  /** Told of frames, before they are tracked, what they look like within so many pixels; not of all, where there are no threads. */
  readonly small?: { readonly size: number; readonly onSmall: OnSmall };
  /** Told frames in order, each once, as they are in the result: smoothed, where they are to be. */
  readonly onSettled?: (frames: readonly TrackedFrame[]) => void;
  readonly signal: AbortSignal;
}

/** A track, and what came up on the way. */
export interface TrackRun {
  readonly track: VideoTrack;
  readonly model: HeadModel;
  readonly rate: number | null;
  /** Skin of the person; null for heads without texture. */
  readonly texturePng: Uint8Array | null;
  /** False where it was broken off; the journal is there to go on from. */
  readonly complete: boolean;
  readonly smoothed: boolean;
  readonly warnings: readonly string[];
  /** Frames tracked in this run. */
  readonly newFrames: number;
  /** Seconds: who it is, with texture; frames; smoothing. */
  readonly seconds: { readonly identity: number; readonly tracking: number; readonly smoothing: number };
  /** Takes the journal away: the results are written. */
  done(): void;
}

/** Shares of the progress. */
const SHARES = { identity: 0.15, texture: 0.2, tracking: 0.95 } as const;

/**
 * Tracks `video`. When `signal` is aborted after some frames, they are given as a track that is not complete.
 * @throws {NoFaceError} when it shows no face
 * @throws {AbortedError} when aborted before there is a frame
 */
export async function runTrack(input: TrackRunInput): Promise<TrackRun> {
  const { options, signal, onProgress } = input;
  const began = performance.now();
  const opened = openThreadedVideo(input.video, { pictureRate: options.pictureRate, signal });
  // Read while the video is opened; who gives a wrong video is told that first.
  const loading = loadPerson(input);
  loading.catch(() => {});
  const video = await opened;
  let who: Identified | undefined;
  let journal: TrackJournal | undefined;
  let skin: PersonSkin | undefined;
  let settling: Settling | undefined;
  try {
    const { from, model } = await loading;
    checkMeasures(options, { width: video.width, height: video.height, name: 'a frame' }, model);
    const key = await keyOf(input, model, from);
    const resumed = options.resume ? TrackJournal.resume(input.journal, key, input.onNote) : null;
    journal = resumed?.journal;
    if (resumed && resumed.journal.length > 0)
      input.onNote(
        `going on after the ${resumed.journal.length} frames of an earlier run (--no-resume starts anew)`,
      );
    const earlier = resumed?.journal.frames() ?? [];
    const resume = resumed?.journal.resumePoint() ?? undefined;
    const warnings: string[] = [];
    let watch: Watch | undefined;
    // Frames are looked at while it is found out who it is, which needs another core.
    const beginToWatch = () => {
      watch = input.perception.watch?.(
        watchOrder(input, video, resume),
        signal,
        warnings,
        input.small?.onSmall,
      );
    };
    if (resumed) beginToWatch();
    who = resumed
      ? identified(
          resumed.identity,
          resumed.texturePng && (await decodeTexture(resumed.texturePng, 'texture.png')),
        )
      : await identify(input, video, model, from, beginToWatch);
    // From here on frames come from the perception's thread; this one's takes memory.
    if (watch) video.close();
    const { identity } = who;
    const kept = journal ?? TrackJournal.begin(input.journal, key, identity, who.textured);
    journal = kept;
    skin = skinOf(input, video, model, who, resumed ? null : kept);
    const settled: TrackedFrame[] = [];
    const onSettled = (frames: readonly TrackedFrame[]) => {
      settled.push(...frames);
      input.onSettled?.(frames);
    };
    settling = options.smooth ? openSmoothing({ model, identity }, onSettled) : asTracked(onSettled);
    for (const frame of earlier) await settling.put(frame, kept.get(frame.index));
    const frames = [...earlier];
    const started = performance.now();
    let complete = true;
    const total = expected(video, options);
    try {
      for await (const frame of trackVideo(video, model, {
        ...range(options),
        identity,
        perception: input.perception,
        face: faceOf(options),
        ...(resume && { resume }),
        ...(watch && { watch }),
        evidence: kept,
        onSolved: (memory) => kept.remember(memory),
        signal,
      })) {
        skin.check();
        const said = kept.append(frame);
        const light = lighter(frame);
        frames.push(light);
        void settling.put(light, said);
        onProgress(progressOf(frames, frames.length - earlier.length, started, total));
      }
    } catch (error) {
      if (!(error instanceof AbortedError) || frames.length === 0) throw error;
      complete = false;
    }
    const texturePng = await skin.known;
    const tracked = performance.now();
    // Not to be cancelled: what is done shall become a result, and it takes a moment.
    await settling.end();
    const track: VideoTrack = { identity, width: video.width, height: video.height, frames: settled };
    return {
      ...{ track, model, texturePng, complete, smoothed: options.smooth },
      rate: video.rate,
      warnings: [...new Set([...video.warnings, ...warnings]), ...lossWarnings(frames)],
      newFrames: frames.length - earlier.length,
      seconds: {
        identity: (started - began) / 1000,
        tracking: (tracked - started) / 1000,
        smoothing: (performance.now() - tracked) / 1000,
      },
      done: () => kept.remove(),
    };
  } catch (error) {
    who?.giveUp();
    // Until then somebody may write to the journal, or be told who it is.
    await (skin?.known ?? who?.texture)?.catch(() => {});
    journal?.close();
    throw error;
  } finally {
    video.close();
    await settling?.stop();
  }
}

/** The head model, and the fit that it comes from where one was given. */
async function loadPerson({ options, head }: TrackRunInput) {
  if (options.from !== undefined && (options.ipd !== undefined || options.distance !== undefined))
    throw new InvalidArgumentError(
      `${options.ipd === undefined ? '--distance' : '--ipd'} with --from: the fit says how large the head is; leave one out`,
    );
  const from = options.from === undefined ? null : await loadFit(options.from, { model: options.model });
  // In shared memory: the threads that make texture and film have it too.
  return { from, model: from?.model ?? head ?? (await loadHeadModel(options.model, { shared: true })) };
}

/** Who was found. */
interface Identified {
  readonly identity: TrackIdentity;
  /** Once it is there; null for heads without texture. */
  readonly texture: Promise<LoadedTexture | null>;
  readonly textured: boolean;
  giveUp(): void;
}

/** Who is in the video, and a texture that matches it, on its way. */
async function identify(
  { video: file, options, perception, signal, onProgress }: TrackRunInput,
  video: OpenVideo,
  model: HeadModel,
  from: LoadedFit | null,
  onSearched: () => void,
): Promise<Identified> {
  const found = await findIdentity(video, model, {
    ...range(options),
    perception,
    face: faceOf(options),
    focal: options.focal,
    distance: options.distance,
    ipd: options.ipd === undefined ? undefined : options.ipd / 1000,
    signal,
    onSearched,
    onProgress: (event) => onProgress({ ...event, fraction: SHARES.identity * event.fraction }),
  }).catch((error) => {
    if (!(error instanceof NoFaceError)) throw error;
    throw new NoFaceError(
      `${file}: no face was found in ${options.start || options.end ? 'this part of the video' : 'the video'}; look at a few of its frames, faces must be upright and some 30 pixels wide`,
      { cause: error },
    );
  });
  const { keyFits, ...identity } = found;
  if (from) {
    // The camera is the video's; the person is the fit's.
    const { identity: shape, texture: colours } = from.fit.params;
    const params = { identity: shape, texture: colours };
    const texture = from.texture ?? (await parametricTexture(model, from.fit.params));
    // What landmarks are off by is known of the shape that was found.
    const own = { ...params, keyFrames: [], detectorBias: undefined, skin: undefined };
    return identified({ ...identity, ...own }, texture);
  }
  throwIfAborted(signal);
  if (!options.offset || model.uvs.length === 0)
    return identified(identity, await parametricTexture(model, identity));
  onProgress({ stage: 'texture', fraction: SHARES.identity });
  const views = keyFits.map(({ frame, fit }) => ({ photo: frame.image, fit }));
  // Frames done before Ctrl-C become a result, with the texture: it is given up only where there are none.
  const cancelling = new AbortController();
  const texture = personTexture({ views, model }, { signal: cancelling.signal });
  texture.catch(() => {});
  return { identity, texture, textured: true, giveUp: () => cancelling.abort() };
}

/** A person whose skin is there already. */
function identified(identity: TrackIdentity, texture: LoadedTexture | null): Identified {
  return { identity, texture: Promise.resolve(texture), textured: texture !== null, giveUp: () => {} };
}

/** A person's skin on its way. */
interface PersonSkin {
  /** A PNG, once the journal has it and whoever draws the person; null for heads without texture. */
  readonly known: Promise<Uint8Array | null>;
  /** Fails when it has failed: nobody is to wait for the last frame to hear of it. */
  check(): void;
}

/** Takes the skin into the journal, and to whoever wants to draw the person. */
function skinOf(
  input: TrackRunInput,
  video: OpenVideo,
  model: HeadModel,
  { identity, texture }: Identified,
  journal: TrackJournal | null,
): PersonSkin {
  let failure: { readonly error: unknown } | null = null;
  const known = texture.then((skin) => {
    if (skin) journal?.keepTexture(skin.png);
    input.onPerson?.(personalModel(model, identity, skin?.albedo), video);
    return skin?.png ?? null;
  });
  known.catch((error) => {
    failure = { error };
  });
  return {
    known,
    check: () => {
      if (failure) throw failure.error;
    },
  };
}

async function parametricTexture(model: HeadModel, skin: Skin): Promise<LoadedTexture | null> {
  const albedo = skinAlbedo(model, skin);
  return albedo && asTextureFile(albedo);
}

/** What the perception's thread is to watch. */
function watchOrder(
  { video: file, options, small }: TrackRunInput,
  { probed }: OpenVideo,
  resume: ResumePoint | undefined,
): WatchOrder {
  return {
    file,
    small: small?.size,
    passing: true,
    video: { pictureRate: options.pictureRate, probed },
    options: {
      ...range(options),
      face: faceOf(options),
      resume: watchFrom(resume),
    },
  };
}

/**
 * What a journal is of: a rerun with another video, head or option, or a fit that has changed, does not go on from it.
 * @internal
 */
export async function keyOf(
  input: Pick<TrackRunInput, 'video' | 'options'>,
  model: Pick<HeadModel, 'hash'>,
  from: LoadedFit | null,
): Promise<string> {
  const { fps, start, end, pictureRate, face, focal, distance, ipd, offset } = input.options;
  const { size, mtimeMs } = await stat(input.video);
  return JSON.stringify({
    video: [path.resolve(input.video), size, mtimeMs],
    model: model.hash,
    from: from && (await personKey(from)),
    options: { fps, start, end, pictureRate, face, focal, distance, ipd, offset },
  });
}

/** Who a fit says it is, and the texture that the track wears. */
async function personKey({ fit: { params }, texture }: LoadedFit) {
  const { identity, texture: colours, tint = [] } = params;
  return [...[identity, colours, tint].map((a) => Array.from(a)), texture && (await sha256Hex(texture.png))];
}

function range({ fps, start, end }: TrackRunOptions) {
  return {
    ...(fps !== undefined && { fps }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
}

function faceOf({ face }: TrackRunOptions): 'largest' | number {
  return face === 'largest' ? face : face - 1;
}

/** Frames there will be, as far as that can be known. */
function expected(
  { duration, frameCount }: OpenVideo,
  { fps, start = 0, end }: TrackRunOptions,
): number | null {
  if (duration === null || frameCount === null) return frameCount;
  const seconds = Math.max(0, Math.min(end ?? duration, duration) - start);
  return Math.max(1, Math.round(seconds * Math.min(fps ?? Infinity, frameCount / duration)));
}

function progressOf(frames: readonly TrackedFrame[], here: number, started: number, total: number | null) {
  const rate = here / Math.max((performance.now() - started) / 1000, 1e-3);
  const done = total === null ? 0.5 : Math.min(1, frames.length / total);
  return {
    stage: 'tracking',
    fraction: SHARES.texture + (SHARES.tracking - SHARES.texture) * done,
    detail: `${frames.length}${total === null ? '' : ` of ${total}`} frames, ${rate.toFixed(1)} a second`,
  };
}

function lossWarnings(frames: readonly TrackedFrame[]): string[] {
  const lost = frames.filter((f) => f.status === 'lost');
  if (lost.length === 0) return [];
  const from = lost[0].time.toFixed(2);
  return [
    `${lost.length} of ${frames.length} frames show no face that could be followed, the first at ${from} s; they repeat the frame before`,
  ];
}
