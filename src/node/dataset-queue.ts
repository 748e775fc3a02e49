/**
 * Photos handed out through a queue: BullMQ on Redis. The queue knows which photo is whose turn and nothing else. Results
 * on shared storage are the truth: the side that hands out waits for files, not for messages, so a Redis that loses its
 * memory or a worker that dies costs time and never a photo. A job is a photo; doing it twice does no harm.
 *
 * Workers run each photo in a process of its own (BullMQ's sandboxed processors): fitting holds the thread for seconds,
 * and a thread that is held renews no lock, so that the queue would give its photo to somebody else.
 *
 * Both packages are optional and loaded when a queue is asked for. Temporal, Ray and Spark were looked at: none has a
 * client for Node that is kept, or a server that installs like Redis does.
 */

import { existsSync } from 'node:fs';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { withDefaults } from '../core/defaults.ts';
import { AbortedError, InvalidArgumentError, PhotofitError, throwIfAborted } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import type { PhotoEntry } from '../dataset/manifest.ts';
import { parseFailure } from '../dataset/photo-files.ts';
import { type PhotoOutcome, recordFailure } from './dataset-fit.ts';
import { readIfThere, readState, type Work } from './dataset-work.ts';
import { workerModule } from './worker-pool.ts';

/** Name of the queue in Redis. */
const QUEUE = 'photofit';
/** Jobs added at a time. */
const CHUNK = 500;
/** Milliseconds between looks at the results, of few and of many photos. */
const LOOK = { few: 500, many: 3000 } as const;
/** Milliseconds without any progress after which every missing photo is handed out again. */
const PATIENCE = 60_000;
/** How often a job is tried: a process may be killed for no fault of the photo. */
const ATTEMPTS = 3;

/** What a job says. @internal */
export interface PhotoJob {
  /** Work folder, an absolute path that means the same on every machine. */
  readonly root: string;
  readonly photo: PhotoEntry;
}

/** Options of {@link queuePhotos}. */
export interface QueuePhotosOptions {
  /** redis://[user:password@]host[:port][/database] */
  readonly url: string;
  readonly signal?: AbortSignal;
  readonly onOutcome?: (outcome: PhotoOutcome) => void;
  /** Hears, in a sentence, when Redis is away and when it is back. */
  readonly onNote?: (line: string) => void;
}

/**
 * Hands photos out and waits until each has its result in the work folder.
 * @throws {InvalidArgumentError} when the packages are not installed or Redis cannot be reached
 * @throws {PhotofitError} when workers cannot write results
 * @throws {AbortedError} when `options.signal` is aborted; what was handed out stays in the queue
 */
export async function queuePhotos(
  work: Work,
  photos: readonly PhotoEntry[],
  options: QueuePhotosOptions,
): Promise<void> {
  if (photos.length === 0) return;
  const { signal } = options;
  const { bullmq, connection } = await connect(options.url, options.onNote);
  const queue = new bullmq.Queue<PhotoJob>(QUEUE, { connection });
  const events = new bullmq.QueueEvents(QUEUE, { connection: connection.duplicate() });
  queue.on('error', () => {});
  events.on('error', () => {});
  try {
    const prefix = (await sha256Hex(new TextEncoder().encode(work.paths.root))).slice(0, 16);
    const open = new Map(photos.map((photo) => [photo.hash, photo]));
    const ended = new Map<string, string>();
    events.on('failed', ({ jobId, failedReason }) => {
      const [owner, hash] = jobId.split('-');
      if (owner === prefix && open.has(hash)) ended.set(hash, failedReason);
    });
    const handOut = async () => {
      const jobs = [...open.values()].map((photo) => ({
        name: 'fit',
        data: { root: work.paths.root, photo },
        opts: { jobId: `${prefix}-${photo.hash}` },
      }));
      for (let i = 0; i < jobs.length; i += CHUNK) {
        throwIfAborted(signal);
        await queue.addBulk(
          jobs.slice(i, i + CHUNK).map((job) => ({
            ...job,
            opts: {
              ...job.opts,
              attempts: ATTEMPTS,
              backoff: { type: 'fixed', delay: 1000 },
              removeOnComplete: true,
              removeOnFail: true,
            },
          })),
        );
      }
    };
    await heard(handOut(), signal);
    let moved = Date.now();
    while (open.size > 0) {
      await pause(open.size > 2000 ? LOOK.many : LOOK.few, signal);
      const { fitted, failed } = await readState(work.paths);
      for (const hash of [...open.keys()]) {
        if (!fitted.has(hash) && !failed.has(hash)) continue;
        open.delete(hash);
        moved = Date.now();
        options.onOutcome?.(await outcomeOf(work, hash, fitted.has(hash)));
      }
      for (const [hash, why] of ended) {
        ended.delete(hash);
        const photo = open.get(hash);
        if (photo) await giveUp(work, photo, why);
      }
      if (open.size > 0 && Date.now() - moved > PATIENCE) {
        moved = Date.now();
        await heard(handOut(), signal);
      } else if (open.size > 0 && (await missing(queue, open.size))) await heard(handOut(), signal);
    }
  } finally {
    await Promise.allSettled([queue.close(), events.close()]);
    connection.disconnect();
  }
}

/** Options of {@link serveQueue}. */
export interface ServeQueueOptions {
  readonly url: string;
  /** Photos at the same time, a process each. */
  readonly jobs: number;
  /** Ends the worker when the photos in hand are done. */
  readonly signal: AbortSignal;
  readonly onOutcome?: (outcome: PhotoOutcome, photo: PhotoEntry) => void;
  readonly onNote?: (line: string) => void;
  /** Milliseconds that a photo stays with a worker that no longer answers. */
  readonly lockMs?: number;
}

/** Defaults of {@link ServeQueueOptions}. */
export const SERVE_QUEUE_DEFAULTS = { lockMs: 30_000 } as const;

/**
 * Takes photos out of the queue until `options.signal` is aborted.
 * @throws {InvalidArgumentError} when the packages are not installed or Redis cannot be reached
 */
export async function serveQueue(options: ServeQueueOptions): Promise<void> {
  const { signal, lockMs } = withDefaults(SERVE_QUEUE_DEFAULTS, options);
  // Beside this module, or in the unbundled folder where this is the program in one file.
  const [here, unbundled] = ['dataset-processor', '../node/dataset-processor'];
  const processor = workerModule(here, import.meta.url) ?? workerModule(unbundled, import.meta.url);
  if (!processor) throw new PhotofitError('photofit worker: needs the built program; run npm run build');
  const { bullmq, connection } = await connect(options.url, options.onNote);
  const worker = new bullmq.Worker<PhotoJob, PhotoOutcome>(QUEUE, processor, {
    connection,
    concurrency: options.jobs,
    lockDuration: lockMs,
    // Whole milliseconds: Redis refuses others, and photos of dead workers would never come back.
    stalledInterval: Math.max(1000, Math.ceil(lockMs / 3)),
    // Workers that are killed, with all they had in hand, are no fault of a photo's: many times, but not for ever.
    maxStalledCount: 20,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  let said = '';
  worker.on('error', ({ message }) => {
    // A lost connection is told of by the connection, and anything that lasts once.
    if (!/ECONN|Connection is closed/.test(message) && message !== said) options.onNote?.((said = message));
  });
  worker.on('completed', (job, outcome) => options.onOutcome?.(outcome, job.data.photo));
  worker.on('failed', (job, error) =>
    options.onNote?.(`${job?.data.photo.file ?? 'a photo'}: ${error.message}`),
  );
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await worker.close().catch(() => {});
    connection.disconnect();
  }
}

/** Loads the packages and makes sure that Redis answers. Later breaks are waited out. */
async function connect(
  url: string,
  onNote?: (line: string) => void,
): Promise<{ bullmq: typeof import('bullmq'); connection: Redis }> {
  const { bullmq, ioredis } = await loadPackages();
  if (!/^rediss?:\/\/[^\s]+$/.test(url))
    throw new InvalidArgumentError(`--queue ${url}: must be redis://HOST:PORT or rediss://…`);
  let reached = false;
  let away = false;
  let last: Error | null = null;
  const connection = new ioredis.Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    retryStrategy: (times) => (reached ? Math.min(200 * times, 5000) : null),
  });
  connection.on('error', (error) => {
    last = error;
  });
  const shown = url.replace(/\/\/[^@/]*@/, '//');
  try {
    await connection.connect();
    await connection.ping();
  } catch (cause) {
    connection.disconnect();
    const why = (last as Error | null)?.message ?? (cause as Error).message;
    throw new InvalidArgumentError(
      `--queue ${shown}: Redis cannot be reached (${why}); start it, for instance: redis-server --appendonly yes`,
      { cause },
    );
  }
  reached = true;
  connection.on('close', () => {
    if (!away) onNote?.(`${shown}: lost the connection to Redis, waiting for it`);
    away = true;
  });
  connection.on('ready', () => {
    if (away) onNote?.(`${shown}: Redis is back`);
    away = false;
  });
  return { bullmq, connection };
}

async function loadPackages() {
  try {
    return { bullmq: await import('bullmq'), ioredis: await import('ioredis') };
  } catch (cause) {
    throw new InvalidArgumentError(
      '--queue: needs the optional packages bullmq and ioredis; install them with: npm install bullmq ioredis',
      { cause },
    );
  }
}

async function outcomeOf(work: Work, hash: string, fitted: boolean): Promise<PhotoOutcome> {
  if (fitted) return { hash, fitted };
  const file = work.paths.failure(hash);
  const text = await readIfThere(file);
  return { hash, fitted, ...(text !== null && { why: parseFailure(text, file).why }) };
}

/** A job that failed for good: the photo's fault when it brought its process down, else that of the surroundings. */
async function giveUp(work: Work, photo: PhotoEntry, why: string): Promise<void> {
  if (existsSync(work.paths.fit(photo.hash))) return;
  if (/exit code|stalled/i.test(why))
    await recordFailure(work.paths, photo, new PhotofitError(`its worker process ended ${ATTEMPTS} times`));
  else throw new PhotofitError(`a worker gave up: ${why}`);
}

/** Whether the queue holds fewer jobs than photos are open: Redis lost some. */
async function missing(queue: Queue, open: number): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized').catch(() => null);
  if (!counts) return false;
  return Object.values(counts).reduce((a, b) => a + b, 0) < open;
}

/** `work`, or the news that it was cancelled: Redis may be away while it waits. */
function heard<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new AbortedError('cancelled', { cause: signal.reason }));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  return heard(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
    signal,
  ).finally(() => clearTimeout(timer));
}
