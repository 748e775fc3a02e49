/** The thread that makes the film of a track; see `threaded-film.ts`. */
import { availableParallelism } from 'node:os';
import type { OverlayLayout } from '../fit/video/overlay-painter.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type Painters, startPainters } from './film-painters.ts';
import { type FilmedTrack, paintFilm, readAhead, type VideoReadAhead } from './overlay-film.ts';
import { openThreadedVideo } from './threaded-video.ts';
import { serve } from './threads.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** What there will be a film of. */
export interface FilmOrder {
  readonly video: string;
  readonly options: Omit<VideoOptions, 'signal'>;
  readonly person: HeadModel;
  readonly layout: OverlayLayout;
}

/** A film to be made now. */
export interface FilmBegin {
  readonly to: { readonly file: string; readonly out: string };
  readonly track: FilmedTrack;
}

/** How far it is. */
export interface FilmNews {
  readonly done: number;
  readonly over: boolean;
}

let video: OpenVideo | null = null;
let ahead: VideoReadAhead | null = null;
let painters: Painters | null = null;
let making: Making | null = null;

/** A film on its way; whoever asks hears of every picture once, or of several at a time. */
class Making {
  readonly #cancelling = new AbortController();
  #done = 0;
  #told = 0;
  #over = false;
  #failure: { readonly error: unknown } | null = null;
  #wake = () => {};

  constructor({ to, track }: FilmBegin) {
    const { signal } = this.#cancelling;
    const onFrame = (done: number) => {
      this.#done = done;
      this.#wake();
    };
    paintFilm(to, ahead ?? video!, painters!, track, { signal, onFrame })
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

  cancel(): void {
    this.#cancelling.abort();
  }
}

serve({
  prepare: async ({ video: file, options, person, layout }: FilmOrder) => {
    // Read on a thread of its own: while this one paints, it hears nothing from the decoder.
    video = await openThreadedVideo(file, options);
    // Of two cores this thread, the decoder and the encoder have enough.
    const threads = availableParallelism() > 2 ? undefined : 0;
    painters = await startPainters(person, video, layout, threads);
    return { value: null };
  },
  read: (frames: readonly { readonly time: number }[]) => {
    ahead ??= readAhead(video!, frames);
    return { value: null };
  },
  begin: (order: FilmBegin) => {
    making = new Making(order);
    return { value: null };
  },
  next: async () => ({ value: await making!.next() }),
  cancel: () => {
    making?.cancel();
    return { value: null };
  },
  end: async () => {
    await painters?.stop();
    await ahead?.stopReading();
    video?.close();
    return { value: null };
  },
});
