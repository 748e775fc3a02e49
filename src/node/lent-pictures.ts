/**
 * Memory of pictures that go from thread to thread, used again once the last one to look at a picture gives it back: memory
 * that is new to a process costs more than what is put into it. Behind each picture a word says whether it is lent.
 */
import type { Image8 } from '../core/image.ts';

const LENT = 1;
/** Bytes of pictures that are remembered, at most. */
const REMEMBERED = 128 * 2 ** 20;

/** Pictures lent by one thread; each may be given back on any other. */
export class PictureLender {
  /** The one lent first is first: it comes back first. */
  readonly #pictures: Uint8ClampedArray[] = [];
  readonly #most: number;

  /** @param most bytes remembered: memory that nobody gives back is forgotten for later one, and the collector's */
  constructor(most = REMEMBERED) {
    this.#most = most;
  }

  /** Memory for so many bytes that nobody looks at. */
  lend(bytes: number): Uint8ClampedArray {
    const first = this.#pictures.shift();
    const isBack = first?.length === bytes && Atomics.load(wordOf(first)!, 0) !== LENT;
    if (first && !isBack && (this.#pictures.length + 1) * bytes < this.#most) this.#pictures.unshift(first);
    const picture = isBack
      ? first
      : new Uint8ClampedArray(new SharedArrayBuffer(wordAt(bytes) + 4), 0, bytes);
    this.#pictures.push(picture);
    Atomics.store(wordOf(picture)!, 0, LENT);
    return picture;
  }
}

/** Nobody looks at the picture any more; does nothing for one that was not lent. */
export function giveBack({ data }: Image8): void {
  const word = wordOf(data);
  if (word) Atomics.store(word, 0, 0);
}

function wordOf({ buffer, byteOffset, length }: Uint8ClampedArray): Int32Array | null {
  if (byteOffset !== 0 || buffer.byteLength !== wordAt(length) + 4) return null;
  return new Int32Array(buffer, wordAt(length), 1);
}

/** Words lie at whole multiples of their size. */
function wordAt(bytes: number): number {
  return 4 * Math.ceil(bytes / 4);
}
