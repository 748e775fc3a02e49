/**
 * Frames of a video file through the ffmpeg on the PATH: raw RGBA out of a pipe, the times of its frames from the
 * `showinfo` filter on its standard error. ffmpeg turns frames upright (rotation metadata), squares their pixels,
 * and scales them where they are larger than asked for, so what comes through the pipe is what is wanted.
 *
 * Measured on 400 frames of 512² H.264 (4:4:4): ffmpeg 1.7 ms a frame, 4 ms until they are here. Times in a container of
 * raw frames (NUT) would spare a filter, and cost a parser; `metadata=print` says nothing of frames without metadata.
 *
 * Starts far into a video are sought, and the numbers of frames then reckoned from their times: exact for constant
 * frame rates.
 */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { FormatError, InvalidArgumentError, PhotofitError, throwIfAborted } from '../core/errors.ts';
import type { FrameRange, VideoFrame } from '../core/video.ts';
import { checkRange, fitInside, TIME_SLACK } from '../io/frame-range.ts';
import { FFMPEG_QUIET, type FfmpegProcess, ffprobe, passFrames, startFfmpeg } from './ffmpeg.ts';
import { RawPictures } from './raw-pictures.ts';
import type { OpenVideo, ProbedVideo, VideoOptions } from './video-types.ts';

/** Starts up to here are decoded to, seconds: numbers of frames are then counted. */
const COUNTED = 20;

/** Pictures whose memory is kept for the next ones, at most. */
const MOST_SPARE = 8;

/** What ffprobe tells, with the names it has there. */
interface Probed {
  readonly program_version?: { readonly version?: string };
  readonly streams?: readonly ProbedStream[];
  readonly format?: { readonly format_name?: string; readonly duration?: string };
}
interface ProbedStream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly nb_frames?: string;
  readonly duration?: string;
  readonly start_time?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly tags?: { readonly rotate?: string };
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

const ENTRIES =
  'program_version=version:stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,nb_frames,' +
  'duration,start_time:stream_disposition=attached_pic:stream_side_data=rotation:stream_tags=rotate:' +
  'format=format_name,duration';

/** What reading needs to know of a file; width and height are those of the frames. */
interface Stream extends ProbedVideo {
  readonly file: string;
  readonly shared: boolean;
  /** Memory of pictures that nobody looks at any more. */
  readonly spare: Uint8ClampedArray[];
}
type FfmpegOptions = Required<Pick<VideoOptions, 'maxDimension'>> & Pick<VideoOptions, 'shared'>;

/**
 * Opens a video file.
 * @throws {FormatError} when it is no video, or has no picture
 */
export async function openWithFfmpeg(
  file: string,
  options: FfmpegOptions & Pick<VideoOptions, 'signal'>,
): Promise<OpenVideo> {
  const { answer, complaint } = await ffprobe(['-show_entries', ENTRIES, `file:${file}`], options.signal);
  const probed = (answer ?? {}) as Probed;
  const streams = probed.streams ?? [];
  // Text files are an animation to ffmpeg; subtitles and covers of music are no videos.
  const isText = probed.format?.format_name === 'tty';
  const pictures = streams.filter((s) => s.codec_type === 'video' && s.disposition?.attached_pic !== 1);
  const stream = pictures.find((s) => s.width && s.height);
  if (!probed.format || isText)
    throw new FormatError(`${file}: ${whyUnreadable(complaint, await headOf(file))}`);
  if (!stream) {
    const kinds = [...new Set(streams.map((s) => s.codec_type))].filter(Boolean).join(' and ');
    const why = pictures.length > 0 ? 'a picture of unknown size' : `no picture, only ${kinds || 'nothing'}`;
    throw new FormatError(`${file}: has no video stream (it holds ${why}); give a video`);
  }
  const rate = fraction(stream.avg_frame_rate) ?? fraction(stream.r_frame_rate);
  const duration = seconds(stream.duration) ?? seconds(probed.format.duration);
  const counted = Number(stream.nb_frames);
  const [width, height] = uprightSize(stream);
  const found = {
    // ffprobe's, which comes with the ffmpeg.
    version: probed.program_version?.version ?? 'unknown',
    ...{ index: stream.index, width, height, duration, rate },
    first: Number(stream.start_time) || 0,
    count: counted > 0 ? counted : duration !== null && rate ? Math.round(duration * rate) : null,
  };
  return openProbed(file, found, options);
}

/** As {@link openWithFfmpeg}, where it is known what is in the file. */
export function openProbed(
  file: string,
  probed: ProbedVideo,
  { maxDimension, shared = false }: FfmpegOptions,
): OpenVideo {
  const { duration, count, rate } = probed;
  const size = fitInside(probed.width, probed.height, maxDimension);
  const spare: Uint8ClampedArray[] = [];
  const source: Stream = { ...probed, file, shared, ...size, spare };
  const warnings: string[] = [];
  return {
    ...size,
    ...{ duration, rate, warnings, probed },
    frameCount: count,
    decoder: 'ffmpeg',
    frames: (range) => framesOf(source, range ?? {}, warnings),
    reuse: ({ data }) => {
      if (spare.length < MOST_SPARE && data.length === 4 * size.width * size.height) spare.push(data);
    },
    close: () => {
      spare.length = 0;
    },
  };
}

/** Width and height in square pixels, upright. */
function uprightSize(stream: ProbedStream): [number, number] {
  const aspect = fraction(stream.sample_aspect_ratio?.replace(':', '/')) ?? 1;
  const size: [number, number] = [Math.round(stream.width! * aspect), stream.height!];
  const turned = Number(stream.side_data_list?.find((d) => d.rotation !== undefined)?.rotation);
  const turn = Number.isFinite(turned) ? turned : Number(stream.tags?.rotate ?? 0);
  return Math.abs(Math.round(turn / 90)) % 2 === 1 ? [size[1], size[0]] : size;
}

async function* framesOf(
  stream: Stream,
  range: FrameRange,
  warnings: string[],
): AsyncGenerator<VideoFrame, void, void> {
  const { start, end } = checkRange(range);
  throwIfAborted(range.signal);
  const pictures = new RawPictures(() => stream.spare.pop() ?? fresh(stream));
  const ffmpeg = await startFfmpeg(decodingArguments(stream, range), await pictures.socket());
  if (ffmpeg.child.stdout) pictures.readFrom(ffmpeg.child.stdout);
  const told = new Told(ffmpeg, stream, end);
  const abort = () => ffmpeg.kill();
  range.signal?.addEventListener('abort', abort, { once: true });
  let [given, last] = [0, Number.NEGATIVE_INFINITY];
  try {
    for (let data = await pictures.next(); data; data = await pictures.next()) {
      throwIfAborted(range.signal);
      const frame = await told.next();
      if (!frame || frame.time >= end - TIME_SLACK) return;
      // Damaged files repeat times.
      last = Math.max(frame.time, last + 1e-4);
      given++;
      yield { index: frame.index, time: last, image: { width: stream.width, height: stream.height, data } };
      throwIfAborted(range.signal);
      if (told.beyond && told.waiting === 0) return;
    }
    const code = await ffmpeg.ended;
    throwIfAborted(range.signal);
    // Not by us: that is an abort, or the end of this function.
    const killed = ffmpeg.child.signalCode;
    if (given === 0) throw nothingRead(stream, told, start, killed);
    const said = killed ? `ffmpeg was ended by ${killed}` : told.complaints[0];
    const complaint = said ? ` (${said})` : '';
    // The last one decoded: fewer may have been asked for.
    const reached = Math.max(last, told.last ?? 0);
    const missing = stream.duration === null ? 0 : stream.duration - (reached + 1 / (stream.rate ?? 25));
    if (!told.beyond && end === Infinity && missing > Math.max(0.25, 3 / (stream.rate ?? 25)))
      warn(
        warnings,
        `the video breaks off after ${reached.toFixed(2)} of ${stream.duration!.toFixed(2)} s${complaint}; what came before is used`,
      );
    else if (complaint || (code !== 0 && !told.beyond))
      warn(
        warnings,
        `parts of the video are damaged${complaint || ` (ffmpeg ended with code ${code})`}; what could be decoded is used`,
      );
  } finally {
    range.signal?.removeEventListener('abort', abort);
    ffmpeg.kill();
    pictures.close();
  }
}

function fresh({ width, height, shared }: Stream): Uint8ClampedArray {
  const bytes = 4 * width * height;
  return shared ? new Uint8ClampedArray(new SharedArrayBuffer(bytes)) : new Uint8ClampedArray(bytes);
}

function decodingArguments(stream: Stream, range: FrameRange): string[] {
  const { start, fps } = checkRange(range);
  const { file, width, height, first } = stream;
  // Commas within an expression are escaped, they divide filters.
  const since = `(t-${first})`;
  const cell = (t: string) => `floor((${t}-${first}+${TIME_SLACK})*${fps})`;
  const wanted = [
    start > 0 ? `gte(${since}\\,${start - TIME_SLACK})` : '1',
    ...(fps === null ? [] : [`(isnan(prev_selected_t)+gt(${cell('t')}\\,${cell('prev_selected_t')}))`]),
  ].join('*');
  const filters = [
    'showinfo@decoded=checksum=0',
    `select=${wanted}`,
    `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int`,
    'format=rgba',
    'showinfo@taken=checksum=0',
  ];
  return [
    ...[...FFMPEG_QUIET, '-nostats', '-loglevel', 'level+info', '-copyts'],
    ...(start > COUNTED ? ['-ss', String(first + start - TIME_SLACK)] : []),
    ...['-i', `file:${file}`, '-map', `0:${stream.index}`, '-an', '-sn', '-dn'],
    ...['-vf', filters.join(','), ...passFrames(stream.version), '-f', 'rawvideo', 'pipe:1'],
  ];
}

/** What ffmpeg says while it decodes: which frames it takes, when they are, and what it stumbles over. */
class Told {
  readonly complaints: string[] = [];
  /** Whether a frame beyond the end of the range was seen. */
  beyond = false;
  /** Time of the last frame decoded, taken or not. */
  last: number | null = null;
  readonly #frames: { index: number; time: number }[] = [];
  #wake: (() => void) | null = null;
  #over = false;
  #number = 0;
  #base: number | null = null;

  constructor(ffmpeg: FfmpegProcess, stream: Stream, end: number) {
    const lines = createInterface({ input: ffmpeg.child.stderr });
    lines.on('line', (line) => this.#hear(line, stream, end));
    lines.on('close', () => {
      this.#over = true;
      this.#wake?.();
    });
  }

  /** Frames told of and not yet asked for. */
  get waiting(): number {
    return this.#frames.length;
  }

  /** The next frame taken; null when there are no more. */
  async next(): Promise<{ readonly index: number; readonly time: number } | null> {
    while (this.#frames.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#frames.shift() ?? null;
  }

  #hear(line: string, stream: Stream, end: number): void {
    const frame = /^\[showinfo@(decoded|taken) @ \w+\] \[info\] n: *(\d+) pts: *\S+ +pts_time:(\S+)/.exec(
      line,
    );
    if (!frame) {
      const complaint = /\[(?:error|fatal|panic)\] (.*)$/.exec(line)?.[1];
      if (complaint && this.complaints.length < 20) this.complaints.push(complaint.trim());
      return;
    }
    const step = 1 / (stream.rate ?? 25);
    const stamp = Number(frame[3]) - stream.first;
    const time = Number.isFinite(stamp) ? Math.max(0, stamp) : this.last === null ? 0 : this.last + step;
    if (frame[1] === 'decoded') {
      this.#base ??= time > COUNTED ? Math.round(time / step) : 0;
      this.#number = this.#base + Number(frame[2]);
      this.last = time;
      if (time >= end - TIME_SLACK) this.beyond = true;
    } else {
      this.#frames.push({ index: this.#number, time: this.last ?? 0 });
    }
    this.#wake?.();
  }
}

function nothingRead(stream: Stream, told: Told, start: number, killed: NodeJS.Signals | null): Error {
  const { file, duration } = stream;
  if (killed)
    return new PhotofitError(
      `${file}: ffmpeg was ended by ${killed} before it had given a frame, as when memory runs out; run the same command again`,
    );
  if (told.last !== null || (start > 0 && duration !== null && start >= duration))
    return new InvalidArgumentError(
      `${file}: has no frame from ${start} s on; it ends after ${(duration ?? told.last ?? 0).toFixed(2)} s`,
    );
  const why = told.complaints[0] ? ` (${told.complaints[0]})` : '';
  return new FormatError(`${file}: not a single frame could be decoded${why}; get a complete copy`);
}

function warn(warnings: string[], sentence: string): void {
  if (!warnings.includes(sentence)) warnings.push(sentence);
}

/** The first bytes, as Latin-1. */
async function headOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(12), 0, 12, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function whyUnreadable(complaint: string, head: string): string {
  // ffmpeg says so of anything whose name ends in .mp4.
  if (/moov atom not found/.test(complaint) && head.slice(4, 8) === 'ftyp')
    return 'is a video whose index is missing (moov atom not found): it was cut off before its end; get a complete copy';
  const said = complaint.trim().split('\n').at(-1)?.replace(/^.*: /, '') ?? '';
  return `is not a video that ffmpeg can read${said ? ` (${said})` : ''}`;
}

function fraction(text: string | undefined): number | null {
  const [a, b = '1'] = (text ?? '').split('/');
  const value = Number(a) / Number(b);
  return Number.isFinite(value) && value > 0 ? value : null;
}

function seconds(text: string | undefined): number | null {
  const value = Number(text);
  return text !== undefined && Number.isFinite(value) && value > 0 ? value : null;
}
