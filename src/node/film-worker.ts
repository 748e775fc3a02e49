/** The thread that makes the film of a track; see `threaded-film.ts`. */
import { availableParallelism } from 'node:os';
import type { OverlayLayout } from '../fit/video/overlay-painter.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type Painters, startPainters } from './film-painters.ts';
import { giveBack } from './lent-pictures.ts';
import { type FilmedFrame, paintFilm } from './overlay-film.ts';
import { openLater } from './threaded-video.ts';
import { giveWay, serve } from './threads.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** What there will be a film of. */
export interface FilmOrder {
  readonly video: string;
  readonly options: Omit<VideoOptions, 'signal'>;
  readonly person: HeadModel;
  /** Pixels of the frames that the track's cameras are in. */
  readonly width: number;
  readonly layout: OverlayLayout;
}

/** A film to be made of the frames that come. */
export interface FilmBegin extends FilmOrder {
  readonly file: string;
  /** What messages call it; its ending is the format. */
  readonly out: string;
}

/** How far it is. */
export interface FilmNews {
  readonly done: number;
  readonly over: boolean;
}

/** Bytes of photos that wait to be painted, at most; others are read again. */
const WAITING_BYTES = 128 * 2 ** 20;

/** Frames on their way into the film. */
class FilmQueue implements AsyncIterable<FilmedFrame> {
  #frames: FilmedFrame[] = [];
  #ended = false;
  #wake = () => {};
  /** Of photos that wait. */
  #bytes = 0;

  add({ photo, ...frame }: FilmedFrame): void {
    const bytes = photo?.data.length ?? 0;
    const fits = this.#bytes + bytes <= WAITING_BYTES;
    if (photo && !fits) giveBack(photo);
    this.#frames.push(fits ? { ...frame, photo } : frame);
    if (fits) this.#bytes += bytes;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FilmedFrame, void, undefined> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      for (const frame of frames) {
        this.#bytes -= frame.photo?.data.length ?? 0;
        yield frame;
      }
      if (this.#frames.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A film on its way; whoever asks hears of every picture once, or of several at a time. */
class Making {
  readonly #cancelling = new AbortController();
  readonly #ended: Promise<void>;
  #done = 0;
  #told = 0;
  #over = false;
  #failure: { readonly error: unknown } | null = null;
  #wake = () => {};

  constructor({ file, out, width }: FilmBegin, video: OpenVideo, painters: Painters) {
    const { signal } = this.#cancelling;
    const onFrame = (done: number) => {
      this.#done = done;
      this.#wake();
    };
    this.#ended = paintFilm({ file, out }, video, painters, { width, frames: queue }, { signal, onFrame })
      .catch((error) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#over = true;
        this.#wake();
      });
  }

  async next(): Promise<FilmNews> {
    while (this.#told === this.#done && !this.#over)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#failure) throw this.#failure.error;
    this.#told = this.#done;
    return { done: this.#done, over: this.#over };
  }

  /** Gives it up: nothing of it is at work any more. */
  async cancel(): Promise<void> {
    this.#cancelling.abort();
    queue.end();
    await this.#ended;
  }
}

const queue = new FilmQueue();
let video: OpenVideo | null = null;
let painters: Painters | null = null;
let making: Making | null = null;

serve({
  begin: async (film: FilmBegin) => {
    // Frames are tracked meanwhile.
    giveWay();
    video = await openLater(film.video, film.options);
    // Of two cores this thread, the decoder and the encoder have enough.
    const threads = availableParallelism() > 2 ? undefined : 0;
    painters = await startPainters(film.person, video, film.layout, threads);
    making = new Making(film, video, painters);
    return { value: null };
  },
  frames: (frames: readonly FilmedFrame[]) => {
    for (const frame of frames) queue.add(frame);
    return { value: null };
  },
  last: () => {
    queue.end();
    return { value: null };
  },
  next: async () => ({ value: await making!.next() }),
  cancel: async () => {
    await making?.cancel();
    return { value: null };
  },
  end: async () => {
    await painters?.stop();
    video?.close();
    return { value: null };
  },
});
