/** What `photofit track` does. */
import path from 'node:path';
import { AbortedError } from '../core/errors.ts';
import { personalModel } from '../fit/video/personal-model.ts';
import { ensureWritableFolder } from '../node/atomic.ts';
import { ffmpegVersion } from '../node/ffmpeg.ts';
import { writeOverlayFilm } from '../node/overlay-film.ts';
import { OVERLAY_FILM, writeTrackFolder } from '../node/track-results.ts';
import { packageVersion } from '../node/version.ts';
import { openVideo } from '../node/video-source.ts';
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
  try {
    const run = await runTrack({
      ...{ video, options, signal, perception: perception.faces },
      journal: path.join(folder, JOURNAL),
      onProgress: (event) => bar.update({ ...event, fraction: share * event.fraction }),
      onNote: (line) => bar.note(line),
      // Nothing is looked at from here on; the film needs the memory.
    }).finally(() => perception.dispose());
    const { track, model, texturePng, rate, complete, smoothed } = run;
    const file = await writeTrackFolder(folder, {
      ...{ track, model, texturePng, rate, complete, smoothed },
      version: packageVersion(),
      path: video,
      range: options,
      warnings: run.warnings,
    });
    const written = performance.now();
    const filmed = complete && options.overlay ? await film(video, folder, options, run, bar, signal) : null;
    const whole = complete && !signal.aborted;
    if (whole) run.done();
    bar.end();
    const now = performance.now();
    const seconds = (now - began) / 1000;
    const { summary, warnings } = file;
    if (options.json) {
      const line = { input: video, output: folder, ok: true, complete: whole, summary, warnings };
      const stages = { ...run.seconds, overlay: (now - written) / 1000, total: seconds };
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
    if (filmed) bar.note(`${video}: warning: ${filmed}`);
    if (whole) return EXIT.ok;
    bar.note(`${video}: interrupted; the same command again goes on from there`);
    return EXIT.interrupted;
  } finally {
    bar.end();
  }
}

/** Writes the overlay; why there is none, or null. */
async function film(
  video: string,
  folder: string,
  options: TrackOptions,
  { track, model, albedo }: TrackRun,
  bar: ProgressBar,
  signal: AbortSignal,
): Promise<string | null> {
  if (!(await ffmpegVersion()))
    return `no ${OVERLAY_FILM}: films are encoded by ffmpeg, which is not on the PATH`;
  const source = await openVideo(video, {
    maxDimension: options.overlaySize,
    pictureRate: options.pictureRate,
  });
  const person = personalModel(model, track.identity, albedo ?? undefined);
  const started = performance.now();
  try {
    await writeOverlayFilm(path.join(folder, OVERLAY_FILM), source, person, track, {
      signal,
      onFrame: (done) =>
        bar.update({
          stage: 'overlay',
          fraction: BEFORE_OVERLAY + (1 - BEFORE_OVERLAY) * (done / track.frames.length),
          detail: `${done} frames, ${((1000 * done) / (performance.now() - started)).toFixed(0)} a second`,
        }),
    });
    return null;
  } catch (error) {
    if (error instanceof AbortedError) return null;
    throw error;
  } finally {
    source.close();
  }
}
