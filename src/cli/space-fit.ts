/** What `photofit space fit` does: work folder, manifest, every photo that is not done, the gate, contact sheets. */
import { rm } from 'node:fs/promises';
import { InvalidArgumentError } from '../core/errors.ts';
import type { Manifest } from '../dataset/manifest.ts';
import { inShard } from '../dataset/shard.ts';
import type { PhotoOutcome } from '../node/dataset-fit.ts';
import { type GateResult, runGate, writeSheets } from '../node/dataset-gate.ts';
import { collectPhotos } from '../node/dataset-photos.ts';
import { FAILURES, writeReport } from '../node/dataset-report.ts';
import { runPhotos } from '../node/dataset-run.ts';
import {
  openWork,
  readManifest,
  readState,
  sweepWork,
  type Work,
  writeManifest,
} from '../node/dataset-work.ts';
import { defaultJobs } from '../node/worker-pool.ts';
import { type CliContext, EXIT } from './context.ts';
import { duration, ProgressBar } from './progress-bar.ts';
import type { SpaceFitOptions } from './space-fit-options.ts';
import { GOES_ON, untilCancelled } from './until-cancelled.ts';

/** Lines in a log, where no bar is drawn: one every so many milliseconds. */
const LOG_EVERY = 60_000;

/**
 * Fits the photos.
 * @returns the exit code: 0 when fits were kept, 1 when none was, 130 when cancelled.
 */
export async function spaceFit(
  named: readonly string[],
  options: SpaceFitOptions,
  context: CliContext,
): Promise<number> {
  const bar = new ProgressBar(context.stderr, options);
  return untilCancelled(bar, GOES_ON, async () => {
    const work = await openWork(options.out, {
      model: options.model,
      space: options.space,
      fit: settingsOf(options),
    });
    const result = await fitStage(work, named, options, context, bar);
    if (result.gate) await writeReport(work, result);
    if (options.json) context.stdout.write(`${JSON.stringify(summary(options.out, result))}\n`);
    else context.stdout.write(fitWords(options.out, result));
    return result.gate === null || result.gate.gate.kept.length > 0 ? EXIT.ok : EXIT.failed;
  });
}

/** What the fit stage left. */
export interface FitStageResult {
  readonly photos: number;
  /** Further files with the bytes of one of these photos. */
  readonly copies: number;
  readonly fitted: number;
  readonly failed: number;
  /** Photos of other shards that are not done yet. */
  readonly waiting: number;
  /** Photos done by this run, and how long that took, in seconds. */
  readonly done: number;
  readonly seconds: number;
  /** Null while photos are waiting. */
  readonly gate: GateResult | null;
}

/** Fits what is not done of the photos, and judges the fits when all are. */
export async function fitStage(
  work: Work,
  named: readonly string[],
  options: SpaceFitOptions,
  context: CliContext,
  bar: ProgressBar,
): Promise<FitStageResult> {
  const { paths } = work;
  const { signal } = context;
  await sweepWork(paths);
  bar.start(options.out);
  const manifest = await manifestFor(work, named, context, bar);
  const before = await readState(paths);
  const { shard } = options;
  const mine = manifest.photos.filter(
    ({ hash }) =>
      !before.fitted.has(hash) &&
      (options.retryFailed || !before.failed.has(hash)) &&
      (!shard || inShard(hash, shard)),
  );
  // What is tried again no longer counts as failed, so that a kill here leaves it to be done.
  for (const { hash } of mine) if (before.failed.has(hash)) await rm(paths.failure(hash), { force: true });
  const started = performance.now();
  const onOutcome = reporter(mine.length, options, context, bar);
  bar.start(`${options.out}: fit`);
  if (options.queue !== undefined) {
    const { queuePhotos } = await import('../node/dataset-queue.ts');
    const onNote = (line: string) => bar.note(line);
    await queuePhotos(work, mine, { url: options.queue, signal, onOutcome, onNote });
  } else {
    await runPhotos(work, mine, { jobs: options.jobs ?? defaultJobs(), signal, onOutcome });
  }
  bar.end();
  const seconds = (performance.now() - started) / 1000;
  const { fitted, failed } = await readState(paths);
  const count = (set: ReadonlySet<string>) => manifest.photos.filter(({ hash }) => set.has(hash)).length;
  const counts = {
    photos: manifest.photos.length,
    copies: manifest.photos.reduce((sum, { also }) => sum + (also?.length ?? 0), 0),
    fitted: count(fitted),
    failed: count(failed),
  };
  const waiting = counts.photos - counts.fitted - counts.failed;
  const done = { ...counts, waiting, done: mine.length, seconds };
  if (waiting > 0) return { ...done, gate: null };
  const gate = await runGate(paths, manifest, options.gate);
  bar.start(`${options.out}: contact sheets`);
  await writeSheets(paths, manifest, gate, {
    signal,
    onProgress: (fraction) => bar.update({ stage: 'draw', fraction }),
  });
  bar.end();
  return { ...done, gate };
}

/** How photos are fitted, as far as the command line says. */
export function settingsOf(options: SpaceFitOptions) {
  const { light, camera, size, mapSize, beside } = options;
  return {
    ...(light !== undefined && { light }),
    ...(camera !== undefined && { camera }),
    ...(size !== undefined && { size }),
    ...(mapSize !== undefined && { map: mapSize }),
    ...(beside !== undefined && { beside }),
  };
}

/** The photos named, or those of the last run. */
async function manifestFor(
  { paths }: Work,
  named: readonly string[],
  { signal }: CliContext,
  bar: ProgressBar,
): Promise<Manifest> {
  const known = await readManifest(paths);
  if (named.length === 0) {
    if (known) return known;
    throw new InvalidArgumentError(`${paths.root}: has no photos yet; name photos, or a folder of them`);
  }
  const { manifest, unreadable } = await collectPhotos(named, { known, signal, onProgress: bar.update });
  for (const line of unreadable) bar.note(line);
  await writeManifest(paths, manifest);
  return manifest;
}

/** Progress over all photos: a bar with the time left, or a line now and then. */
function reporter(
  total: number,
  options: SpaceFitOptions,
  context: CliContext,
  bar: ProgressBar,
): (outcome: PhotoOutcome) => void {
  const started = performance.now();
  let [done, failed, logged] = [0, 0, started];
  return ({ fitted, why }) => {
    done++;
    if (!fitted) {
      failed++;
      bar.note(why ?? 'failed');
    }
    const said = `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`;
    if (context.stderr.isTTY) bar.update({ stage: said, fraction: done / total });
    else if (!options.quiet && (performance.now() - logged > LOG_EVERY || done === total)) {
      logged = performance.now();
      const left = ((logged - started) / done) * (total - done);
      bar.note(`${options.out}: ${said}${done < total ? `, ${duration(left)} left` : ''}`);
    }
  };
}

/** Rejected and failed photos by reason. */
function reasons({ gate }: FitStageResult): Record<string, number> {
  const out: Record<string, number> = {};
  const add = (reason: string) => {
    out[reason] = (out[reason] ?? 0) + 1;
  };
  for (const { reason } of gate?.gate.rejected ?? []) add(reason);
  for (const { error } of gate?.failures.values() ?? []) add(error);
  return out;
}

function summary(out: string, result: FitStageResult) {
  const { photos, copies, fitted, failed, waiting, done, seconds, gate } = result;
  return {
    output: out,
    photos,
    copies,
    fitted,
    failed,
    waiting,
    kept: gate?.gate.kept.length ?? null,
    rejected: gate?.gate.rejected.length ?? null,
    reasons: reasons(result),
    done,
    seconds: Math.round(10 * seconds) / 10,
  };
}

/** The same for people. */
export function fitWords(out: string, result: FitStageResult): string {
  const { photos, copies, fitted, failed, waiting, done, seconds, gate } = result;
  const speed = done > 0 ? `, ${done} now in ${seconds.toFixed(1)} s` : '';
  const same = copies > 0 ? ` (${copies} more ${copies > 1 ? 'files are copies' : 'file is a copy'})` : '';
  const lines = [`${out}: ${photos} photos${same}: ${fitted} fitted, ${failed} failed${speed}`];
  if (!gate)
    lines.push(`${waiting} photos of other shards are not done yet; the run that ends last judges all`);
  else {
    const why = Object.entries(reasons(result)).map(([reason, n]) => `${FAILURES[reason] ?? reason}: ${n}`);
    lines.push(
      `kept ${gate.gate.kept.length}, left out ${gate.gate.rejected.length}${why.length > 0 ? ` (${why.join(', ')})` : ''}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
