/**
 * Frames of a video through mediabunny (MP4, MOV, WebM, Matroska, MPEG-TS; no AVI), whose decoders are the browser's
 * WebCodecs in a page and those of `@mediabunny/server` on Node. Only how a decoded picture becomes RGBA differs, and is
 * passed in.
 */
import { ALL_FORMATS, Input, type Source, type VideoSample, VideoSampleSink } from 'mediabunny';
import { FormatError, InvalidArgumentError, PhotofitError, throwIfAborted } from '../core/errors.ts';
import type { FrameRange, VideoFrame, VideoSource } from '../core/video.ts';
import { checkRange, fitInside, frameGate } from './frame-range.ts';

/** RGBA of `sample`, upright, `width` × `height`. */
export type SamplePixels = (sample: VideoSample, width: number, height: number) => Promise<Uint8ClampedArray>;

/** What {@link openMedia} takes. */
export interface MediaInput {
  readonly source: Source;
  /** What messages call it. */
  readonly name: string;
  readonly pixels: SamplePixels;
  /** Longest side of the frames, pixels. */
  readonly maxDimension: number;
  /** What to do where the codec cannot be decoded here. */
  readonly advice: string;
  readonly signal?: AbortSignal;
}

/** A video that mediabunny reads. */
export interface MediaVideo extends VideoSource {
  /** Frames a second in the mean; null when not known. */
  readonly rate: number | null;
  /** What was odd, for the user; grows while frames are read. */
  readonly warnings: readonly string[];
  /** Gives back what is held; reading ends. */
  close(): void;
}

/**
 * Opens a video.
 * @throws {FormatError} when it is no video, has no picture, or is damaged so that nothing can be read
 * @throws {PhotofitError} when its codec cannot be decoded here
 */
export async function openMedia(media: MediaInput): Promise<MediaVideo> {
  const { name, signal } = media;
  throwIfAborted(signal);
  const input = new Input({ formats: ALL_FORMATS, source: media.source });
  try {
    const track = await readable(name, async () => {
      if (!(await input.canRead())) throw new FormatError(`${name}: is not a video of a known format`);
      const found = await input.getPrimaryVideoTrack();
      if (found) return found;
      const kinds = [...new Set((await input.getTracks()).map((t) => t.type))].join(' and ');
      throw new FormatError(`${name}: has no video stream (it holds ${kinds || 'nothing'}); give a video`);
    });
    if (!(await track.canDecode())) {
      const codec = (await track.getCodec()) ?? 'an unknown codec';
      throw new PhotofitError(
        `${name}: is a video in ${codec}, which cannot be decoded here; ${media.advice}`,
      );
    }
    const size = fitInside(await track.getDisplayWidth(), await track.getDisplayHeight(), media.maxDimension);
    const { packetCount, averagePacketRate } = await readable(name, () => track.computePacketStats());
    const first = await track.getFirstTimestamp();
    const end =
      (await input.getDurationFromMetadata([track]).catch(() => null)) ??
      (await track.computeDuration().catch(() => null));
    const rate = averagePacketRate > 0 && Number.isFinite(averagePacketRate) ? averagePacketRate : null;
    const duration = end !== null && end > first ? end - first : null;
    const warnings: string[] = [];
    return {
      ...size,
      duration,
      frameCount: packetCount,
      rate,
      warnings,
      frames: (range) =>
        framesOf(
          media,
          new VideoSampleSink(track),
          { ...size, first, rate, duration, packetCount },
          range ?? {},
          warnings,
        ),
      close: () => input.dispose(),
    };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

async function* framesOf(
  { name, pixels }: MediaInput,
  sink: VideoSampleSink,
  video: {
    readonly width: number;
    readonly height: number;
    readonly first: number;
    readonly rate: number | null;
    readonly duration: number | null;
    readonly packetCount: number;
  },
  range: FrameRange,
  warnings: string[],
): AsyncGenerator<VideoFrame, void, void> {
  const { width, height, first, rate, duration, packetCount } = video;
  const { start, end } = checkRange(range);
  const gate = frameGate(range);
  const warn = (sentence: string) => {
    if (!warnings.includes(sentence)) warnings.push(sentence);
  };
  let [number, given, seen, last] = [-1, 0, 0, Number.NEGATIVE_INFINITY];
  try {
    for await (const sample of sink.samples(first + start, end === Infinity ? undefined : first + end)) {
      try {
        throwIfAborted(range.signal);
        const time = Math.max(0, sample.timestamp - first, last + 1e-4);
        // Sought starts: numbers are reckoned from the time, exact for constant frame rates.
        number = number < 0 ? (start > 0 && rate ? Math.round(time * rate) : 0) : number + 1;
        seen = time;
        const verdict = gate(time);
        if (verdict === 'after') return;
        if (verdict !== 'taken') continue;
        last = time;
        given++;
        yield { index: number, time, image: { width, height, data: await pixels(sample, width, height) } };
      } finally {
        sample.close();
      }
    }
  } catch (cause) {
    throwIfAborted(range.signal);
    if (cause instanceof PhotofitError) throw cause;
    if (given === 0)
      throw new FormatError(`${name}: not a single frame could be decoded; get a complete copy`, { cause });
    warn(
      `the video breaks off after ${seen.toFixed(2)} s (${(cause as Error).message}); what came before is used`,
    );
    return;
  }
  throwIfAborted(range.signal);
  const step = 1 / (rate ?? 25);
  if (given > 0 && end === Infinity && duration !== null && duration - seen - step > Math.max(0.25, 3 * step))
    warn(
      `the video breaks off after ${seen.toFixed(2)} of ${duration.toFixed(2)} s; what came before is used`,
    );
  if (given > 0) return;
  if (packetCount > 0 && start > 0)
    throw new InvalidArgumentError(`${name}: has no frame from ${start} s on; start earlier`);
  throw new FormatError(`${name}: not a single frame could be decoded; get a complete copy`);
}

/** Runs `work`; what mediabunny throws about a damaged file becomes a sentence. */
async function readable<R>(name: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof PhotofitError) throw cause;
    throw new FormatError(
      `${name}: is damaged or cut off (${(cause as Error).message}); get a complete copy`,
      {
        cause,
      },
    );
  }
}
