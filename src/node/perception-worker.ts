/** The thread that looks for faces; see `threaded-perception.ts`. */
import type { Image8 } from '../core/image.ts';
import { type Seen, type WatchOptions, watchVideo } from '../fit/video/watch-video.ts';
import { fitInside } from '../io/frame-range.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { shrink } from '../render/resample.ts';
import { PictureLender } from './lent-pictures.ts';
import { loadPerception } from './perception.ts';
import { openThreadedVideo } from './threaded-video.ts';
import { giveWay, serve } from './threads.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** What is to be watched. */
export interface WatchOrder {
  readonly file: string;
  /** Longest side of the small pictures that go with frames, pixels; none where absent. */
  readonly small?: number;
  readonly video: Omit<VideoOptions, 'signal'>;
  readonly options: Omit<WatchOptions, 'perception' | 'recognise' | 'signal'>;
  /** Whoever asks keeps no pictures: the memory of one is used again once the frame after the next one is asked for. */
  readonly passing?: boolean;
}

/** A frame, null after the last one, or several faces to choose from. */
type News = { readonly seen: Seen | null } | { readonly choose: readonly FaceObservation[] };

/** What the asker is told next. */
export type WatchNews = News & {
  readonly warnings: readonly string[];
  /** The frame seen, no larger than was asked for, in memory that threads share; to be given back (`lent-pictures.ts`). */
  readonly small?: Image8;
};

/** Bytes of pictures that wait for the asker, at most: 128 of 512², as many as are looked at while key frames are fitted. */
const AHEAD_BYTES = 128 * 2 ** 20;
/** The same once they are taken: where cores are few, what is looked at too early slows down who solves, and leaves a core idle in the end. */
const TAKEN_BYTES = 24 * 2 ** 20;

/** A picture without a face. */
const BLANK: Image8 = { width: 64, height: 64, data: new Uint8ClampedArray(4 * 64 * 64) };

let perception: FacePerception | null = null;
let watching: Watching | null = null;

/** A video on its way: frames are looked at until as many wait as memory is given to. */
class Watching {
  readonly #order: WatchOrder;
  readonly #news: News[] = [];
  /** Pictures that the asker may still look at. */
  readonly #given: Image8[] = [];
  #video: OpenVideo | null = null;
  #bytes = 0;
  /** Whether frames are being taken. */
  #asked = false;
  #failure: unknown = null;
  #ended = false;
  #wake = () => {};
  #space = () => {};
  #chosen: (face: FaceObservation | null) => void = () => {};
  #faces: readonly FaceObservation[] = [];
  readonly #over: Promise<void>;

  constructor(order: WatchOrder) {
    this.#order = order;
    this.#over = this.#watch().catch((error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /** The next news, once there are some. */
  async next(): Promise<WatchNews> {
    this.#asked = true;
    while (this.#news.length === 0 && this.#failure === null)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const news = this.#news.shift();
    if (!news) throw this.#failure;
    const image = 'seen' in news ? news.seen?.frame.image : undefined;
    if (image) {
      this.#bytes -= image.data.length;
      this.#space();
    }
    const small =
      image && this.#order.small
        ? await shrunk(image, this.#video!.probed ?? image, this.#order.small)
        : undefined;
    // Whoever asks for the frame after the next one is done with this one; a small picture stays with them.
    if (this.#given.length > 1) this.#video!.reuse?.(this.#given.shift()!);
    if (image && image !== small && this.#order.passing) this.#given.push(image);
    return { ...news, small, warnings: [...(this.#video?.warnings ?? [])] };
  }

  /** Answers a choice; −1 for none of them. */
  choose(number: number): void {
    this.#chosen(this.#faces[number] ?? null);
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#space();
    this.#chosen(null);
    await this.#over;
  }

  async #watch(): Promise<void> {
    const { file, video, options } = this.#order;
    this.#video = await openThreadedVideo(file, video);
    giveWay();
    try {
      const recognise = (faces: readonly FaceObservation[]) => {
        // Nobody is left to answer.
        if (this.#ended) return Promise.resolve(null);
        this.#faces = faces;
        const chosen = new Promise<FaceObservation | null>((resolve) => {
          this.#chosen = resolve;
        });
        this.#tell({ choose: faces });
        return chosen;
      };
      for await (const seen of watchVideo(this.#video, { ...options, perception: perception!, recognise })) {
        if (this.#ended) return;
        this.#bytes += seen.frame.image.data.length;
        this.#tell({ seen });
        // Networks run without a break: questions are heard in between.
        await new Promise((resolve) => setImmediate(resolve));
        while (this.#bytes > (this.#asked ? TAKEN_BYTES : AHEAD_BYTES) && !this.#ended)
          await new Promise<void>((resolve) => {
            this.#space = resolve;
          });
        if (this.#ended) return;
      }
      this.#tell({ seen: null });
    } finally {
      this.#video.close();
    }
  }

  #tell(news: News): void {
    this.#news.push(news);
    this.#wake();
  }
}

let kernels: Promise<Kernels> | null = null;
const smallPictures = new PictureLender();

/** `image` where it is small enough; as large as a decoder makes frames of a video of that size (`whole`) that are to be so small. */
async function shrunk(
  image: Image8,
  whole: { width: number; height: number },
  most: number,
): Promise<Image8> {
  const { width, height } = fitInside(whole.width, whole.height, most);
  if (width >= image.width && height >= image.height) return image;
  kernels ??= createKernels();
  return shrink(image, width, height, await kernels, smallPictures.lend(4 * width * height));
}

serve({
  start: async () => {
    perception = await loadPerception();
    // Networks take 0.1 s longer the first time, which nobody waits for yet.
    const { width, height } = BLANK;
    await perception.detect(BLANK);
    const mesh = Float32Array.from({ length: 3 * 478 }, (_, i) => (i * 7) % width);
    const somewhere = {
      box: { x: 0, y: 0, width, height },
      score: 1,
      landmarks68: new Float32Array(136),
      mesh,
    };
    await perception.track!(BLANK, somewhere);
    return { value: null };
  },
  detect: async (image: Image8) => ({ value: await perception!.detect(image) }),
  track: async ({ image, previous }: { image: Image8; previous: FaceObservation }) => ({
    value: await perception!.track!(image, previous),
  }),
  describe: async ({ image, face }: { image: Image8; face: FaceObservation }) => ({
    value: await perception!.describe!(image, face),
  }),
  watch: async (order: WatchOrder) => {
    await watching?.end();
    watching = new Watching(order);
    return { value: null };
  },
  next: async () => ({ value: await watching!.next() }),
  choose: (number: number) => {
    // None is left after an abort.
    watching?.choose(number);
    return { value: null };
  },
  end: async () => {
    await watching?.end();
    watching = null;
    return { value: null };
  },
});
