/** What `photofit track` does. */
import path from 'node:path';
import { AbortedError } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { TrackFile } from '../fit/video/track-file.ts';
import type { TrackedFrame } from '../fit/video/types.ts';
import type { HeadModel } from '../model/head-model.ts';
import { ensureWritableFolder } from '../node/atomic.ts';
import { hasFfmpeg } from '../node/ffmpeg.ts';
import { giveBack } from '../node/lent-pictures.ts';
import type { FilmedFrame } from '../node/overlay-film.ts';
import { type FilmFinish, type OverlayFilm, openOverlayFilm } from '../node/threaded-film.ts';
import { OVERLAY_FILM, writeTrackFolder } from '../node/track-results.ts';
import { packageVersion } from '../node/version.ts';
import type { OpenVideo } from '../node/video-types.ts';
import { type CliContext, EXIT } from './context.ts';
import { openTrackPerception } from './open-perception.ts';
import { ProgressBar } from './progress-bar.ts';
import type { TrackOptions } from './track-options.ts';
import { runTrack, type TrackRun } from './track-run.ts';

/** Name of the journal in the result folder. */
export const JOURNAL = '.track.journal';
/** Bytes of photos that wait for the film, at most: some 200 of 400². */
const WAITING_BYTES = 128 * 2 ** 20;
/** Share of the progress that comes before the overlay. */
const BEFORE_OVERLAY = 0.8;

/** Tracks `video` and writes its results. */
export async function trackCommand(
  video: string,
  options: TrackOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const began = performance.now();
  const name = path.parse(path.resolve(video)).name || 'video';
  const folder = path.join(options.out, name);
  const bar = new ProgressBar(stderr, { quiet: options.quiet });
  await ensureWritableFolder(folder);
  bar.start(path.basename(video));
  const perception = await openTrackPerception(options);
  const share = options.overlay ? BEFORE_OVERLAY : 1;
  const film = options.overlay ? new TrackFilm(path.join(folder, OVERLAY_FILM), video, options) : null;
  try {
    const run = await runTrack({
      ...{ video, options, signal, perception: perception.faces },
      journal: path.join(folder, JOURNAL),
      onProgress: (event) => bar.update({ ...event, fraction: share * event.fraction }),
      onNote: (line) => bar.note(line),
      onPerson: (person, opened) => film?.begin(person, opened),
      onSettled: (frames) => film?.add(frames),
      ...(film && {
        small: { size: options.overlaySize, onSmall: (frame, photo) => film.keep(frame, photo) },
      }),
      // Nothing is looked at from here on; the film needs the memory.
    }).finally(() => perception.dispose());
    const solved = performance.now();
    const { complete } = run;
    // Films are encoded by ffmpeg.
    const filmed = complete && film !== null && (await film.canBeEncoded());
    const file = await writeResults(video, folder, options, run, filmed ? film : null, bar, signal);
    const whole = complete && !signal.aborted;
    if (whole) run.done();
    bar.end();
    const now = performance.now();
    const seconds = (now - began) / 1000;
    const { summary, warnings } = file;
    if (options.json) {
      const line = { input: video, output: folder, ok: true, complete: whole, summary, warnings };
      const stages = { ...run.seconds, overlay: (now - solved) / 1000, total: seconds };
      const rounded = Object.entries(stages).map(([stage, s]) => [stage, Math.round(1000 * s) / 1000]);
      stdout.write(`${JSON.stringify({ ...line, seconds: Object.fromEntries(rounded) })}\n`);
    } else {
      const error = summary.landmark_nme_median;
      const quality = error === null ? '' : `, landmarks ${(100 * error).toFixed(1)} %`;
      stdout.write(
        `${video} → ${folder}  (${summary.frames} frames, ${summary.lost} lost${quality}, ${(run.newFrames / seconds).toFixed(1)} a second)\n`,
      );
    }
    for (const warning of warnings) bar.note(`${video}: warning: ${warning}`);
    if (complete && film && !filmed)
      bar.note(
        `${video}: warning: no ${OVERLAY_FILM}: films are encoded by ffmpeg, which is not on the PATH`,
      );
    if (whole) return EXIT.ok;
    bar.note(`${video}: interrupted; the same command again goes on from there`);
    return EXIT.interrupted;
  } finally {
    bar.end();
    await film?.stop();
  }
}

/** The film of a track that is being made. */
class TrackFilm {
  readonly #out: string;
  readonly #video: string;
  readonly #options: TrackOptions;
  /** Frames that are there before it is known who it is. */
  #early: FilmedFrame[] = [];
  /** Of frames that are not settled, by number. */
  readonly #photos = new Map<number, Image8>();
  #bytes = 0;
  #film: OverlayFilm | null = null;
  #hasFfmpeg = false;

  constructor(out: string, video: string, options: TrackOptions) {
    this.#out = out;
    this.#video = video;
    this.#options = options;
  }

  begin(person: HeadModel, { decoder, probed, width }: OpenVideo): void {
    this.#hasFfmpeg = decoder === 'ffmpeg';
    const { overlaySize: maxDimension, pictureRate } = this.#options;
    const options = { maxDimension, pictureRate, probed };
    this.#film = openOverlayFilm(this.#out, { video: this.#video, options, person, width, layout: 'over' });
    this.#film.add(this.#early);
    for (const { photo } of this.#early) this.#bytes -= photo?.data.length ?? 0;
    this.#early = [];
  }

  /** Keeps what a frame looks like until it is added; where too many wait, the film reads it again. */
  keep(frame: number, photo: Image8): void {
    if (this.#bytes + photo.data.length > WAITING_BYTES) {
      giveBack(photo);
      return;
    }
    this.#bytes += photo.data.length;
    this.#photos.set(frame, photo);
  }

  add(frames: readonly TrackedFrame[]): void {
    const pictured = frames.map((frame) => ({ ...frame, photo: this.#photos.get(frame.index) }));
    for (const { index } of frames) this.#photos.delete(index);
    if (!this.#film) {
      this.#early.push(...pictured);
      return;
    }
    this.#film.add(pictured);
    for (const { photo } of pictured) this.#bytes -= photo?.data.length ?? 0;
  }

  /** Films are encoded by ffmpeg. */
  async canBeEncoded(): Promise<boolean> {
    return this.#film !== null && (this.#hasFfmpeg || (await hasFfmpeg()));
  }

  /** Of all frames; done when it is in place. */
  async finish(finish: FilmFinish): Promise<void> {
    await this.#film?.finish(finish);
  }

  get begun(): Promise<void> | undefined {
    return this.#film?.begun;
  }

  async stop(): Promise<void> {
    await this.#film?.stop();
  }
}

/** Writes the files of a track while its film is finished, which is put in place after them. */
async function writeResults(
  video: string,
  folder: string,
  options: TrackOptions,
  { track, model, texturePng, rate, complete, smoothed, warnings }: TrackRun,
  film: TrackFilm | null,
  bar: ProgressBar,
  signal: AbortSignal,
): Promise<TrackFile> {
  let placed = () => {};
  const when = new Promise<void>((resolve) => {
    placed = resolve;
  });
  const stop = () => void film?.stop();
  signal.addEventListener('abort', stop, { once: true });
  const started = performance.now();
  const finished = film?.finish({
    when,
    onFrame: (done) =>
      bar.update({
        stage: 'overlay',
        fraction: BEFORE_OVERLAY + (1 - BEFORE_OVERLAY) * (done / track.frames.length),
        detail: `${done} frames, ${((1000 * done) / (performance.now() - started)).toFixed(0)} a second`,
      }),
  });
  finished?.catch(() => {});
  if (signal.aborted) stop();
  await film?.begun;
  try {
    const file = await writeTrackFolder(folder, {
      ...{ track, model, texturePng, rate, complete, smoothed, warnings },
      version: packageVersion(),
      path: video,
      range: options,
    });
    placed();
    await finished?.catch((error) => {
      if (!(error instanceof AbortedError)) throw error;
    });
    return file;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
