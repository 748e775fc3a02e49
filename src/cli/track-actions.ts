/** What `photofit track` does. */
import path from 'node:path';
import { AbortedError } from '../core/errors.ts';
import type { TrackFile } from '../fit/video/track-file.ts';
import { ensureWritableFolder } from '../node/atomic.ts';
import { ffmpegVersion } from '../node/ffmpeg.ts';
import { type OverlayFilm, openOverlayFilm } from '../node/threaded-film.ts';
import { OVERLAY_FILM, writeTrackFolder } from '../node/track-results.ts';
import { packageVersion } from '../node/version.ts';
import { type CliContext, EXIT } from './context.ts';
import { openTrackPerception } from './open-perception.ts';
import { ProgressBar } from './progress-bar.ts';
import type { TrackOptions } from './track-options.ts';
import { runTrack, type TrackRun } from './track-run.ts';

/** Name of the journal in the result folder. */
export const JOURNAL = '.track.journal';
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
  let film: OverlayFilm | null = null;
  let hasFfmpeg = false;
  try {
    const run = await runTrack({
      ...{ video, options, signal, perception: perception.faces },
      journal: path.join(folder, JOURNAL),
      onProgress: (event) => bar.update({ ...event, fraction: share * event.fraction }),
      onNote: (line) => bar.note(line),
      onPerson: (person, opened) => {
        hasFfmpeg = opened.decoder === 'ffmpeg';
        const { overlaySize: maxDimension, pictureRate } = options;
        const reading = { maxDimension, pictureRate, probed: opened.probed };
        if (options.overlay) film = openOverlayFilm({ video, options: reading, person, layout: 'over' });
      },
      onTracked: (frames) => film?.expect(frames),
      // Nothing is looked at from here on; the film needs the memory.
    }).finally(() => perception.dispose());
    const solved = performance.now();
    const { complete } = run;
    // Films are encoded by ffmpeg.
    const filmed = complete && options.overlay && (hasFfmpeg || (await ffmpegVersion()) !== null);
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
    if (complete && options.overlay && !filmed)
      bar.note(
        `${video}: warning: no ${OVERLAY_FILM}: films are encoded by ffmpeg, which is not on the PATH`,
      );
    if (whole) return EXIT.ok;
    bar.note(`${video}: interrupted; the same command again goes on from there`);
    return EXIT.interrupted;
  } finally {
    bar.end();
    await (film as OverlayFilm | null)?.stop();
  }
}

/** Writes the files of a track, and its film while they are made; which is put in place after them. */
async function writeResults(
  video: string,
  folder: string,
  options: TrackOptions,
  { track, model, texturePng, rate, complete, smoothed, warnings }: TrackRun,
  film: OverlayFilm | null,
  bar: ProgressBar,
  signal: AbortSignal,
): Promise<TrackFile> {
  let placed = () => {};
  const when = new Promise<void>((resolve) => {
    placed = resolve;
  });
  const ending = new AbortController();
  const end = () => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const started = performance.now();
  const making = film?.make(path.join(folder, OVERLAY_FILM), track, {
    signal: ending.signal,
    when,
    onFrame: (done) =>
      bar.update({
        stage: 'overlay',
        fraction: BEFORE_OVERLAY + (1 - BEFORE_OVERLAY) * (done / track.frames.length),
        detail: `${done} frames, ${((1000 * done) / (performance.now() - started)).toFixed(0)} a second`,
      }),
  });
  await making?.begun;
  try {
    const file = await writeTrackFolder(folder, {
      ...{ track, model, texturePng, rate, complete, smoothed, warnings },
      version: packageVersion(),
      path: video,
      range: options,
    });
    placed();
    await making?.done.catch((error) => {
      if (!(error instanceof AbortedError)) throw error;
    });
    return file;
  } catch (error) {
    end();
    placed();
    await making?.done.catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
