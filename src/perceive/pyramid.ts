/**
 * Reading network inputs out of a photo: a lazily built half-size pyramid and bilinear sampling of a frame.
 *
 * The photo never becomes a tensor: a 4096² picture would be 200 MB of float32, while a network sees at most 256²
 * of it. Level 0 is the caller's own array; level k+1 is the 2×2 mean of level k (odd last rows and columns are
 * averaged with themselves), so that a crop is never sampled coarser than two source pixels per tap and small
 * faces do not alias. Alpha is ignored. Outside the photo the value is black, as the networks were trained with
 * zero padding.
 */
import type { Image8 } from '../core/image.ts';
import { type Frame, frameTransform } from './frame.ts';

interface Level {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** A photo with its half-size copies, made when first needed. */
export class ImagePyramid {
  readonly width: number;
  readonly height: number;
  readonly #levels: Level[];

  constructor(image: Image8) {
    this.width = image.width;
    this.height = image.height;
    this.#levels = [image];
  }

  /** Level `k`, or the last one that is not smaller than 2 pixels on both sides. */
  level(k: number): Level {
    while (this.#levels.length <= k) {
      const last = this.#levels[this.#levels.length - 1];
      if (last.width < 2 || last.height < 2) break;
      this.#levels.push(halve(last));
    }
    return this.#levels[Math.min(k, this.#levels.length - 1)];
  }

  /**
   * Samples `frame` into `out`, (size,size,3) float32 RGB, as `value · scale + bias` with value in 0…255.
   * Pixels outside the photo have value 0.
   */
  sample(frame: Frame, size: number, scale: number, bias: number, out: Float32Array): void {
    const step = frame.side / size;
    const k = Math.max(0, Math.floor(Math.log2(Math.max(1, step)) + 1e-6));
    const source = this.level(k);
    const { width, height } = source;
    const fx = width / this.width;
    const fy = height / this.height;
    const t = frameTransform(frame);
    // Photo → level, and from pixel centres to array indices.
    const ux = (t.ax * fx) / size;
    const uy = (t.ay * fy) / size;
    const vx = (t.bx * fx) / size;
    const vy = (t.by * fy) / size;
    const x0 = t.tx * fx + 0.5 * (ux + vx) - 0.5;
    const y0 = t.ty * fy + 0.5 * (uy + vy) - 0.5;
    const inside = [0, size - 1].every((j) =>
      [0, size - 1].every((i) => {
        const [x, y] = [x0 + ux * i + vx * j, y0 + uy * i + vy * j];
        // A whole pixel of room: corners are rounded otherwise than what lies between them.
        return x >= 1 && y >= 1 && x < width - 2 && y < height - 2;
      }),
    );
    const row = inside ? sampleInside : sampleAnywhere;
    const steps = { x0, y0, ux, uy, scale, bias, size };
    for (let j = 0; j < size; j++) row(source, steps, vx * j, vy * j, out, 3 * j * size);
  }
}

/** How rows are sampled: places in the level of the first row's first sample, their step along a row, how many. */
interface RowSteps {
  readonly x0: number;
  readonly y0: number;
  readonly ux: number;
  readonly uy: number;
  readonly scale: number;
  readonly bias: number;
  readonly size: number;
}

// A row at a time: a short function is compiled once by V8, loops in a longer one again and again on their way (299 → 262 ms
// of processor time until the first face of a process is found).

/**
 * A row, (dx, dy) from the first one, that needs no look at borders: nearly all of a video's, in a third of the time.
 */
function sampleInside(
  { width, data }: Level,
  { x0, y0, ux, uy, scale, bias, size }: RowSteps,
  dx: number,
  dy: number,
  out: Float32Array,
  start: number,
): void {
  for (let i = 0, o = start; i < size; i++, o += 3) {
    const x = x0 + ux * i + dx;
    const y = y0 + uy * i + dy;
    const xi = x | 0;
    const yi = y | 0;
    const wx = x - xi;
    const wy = y - yi;
    const p = (yi * width + xi) * 4;
    const q = p + 4 * width;
    const w00 = (1 - wx) * (1 - wy) * scale;
    const w10 = wx * (1 - wy) * scale;
    const w01 = (1 - wx) * wy * scale;
    const w11 = wx * wy * scale;
    out[o] = bias + w00 * data[p] + w10 * data[p + 4] + w01 * data[q] + w11 * data[q + 4];
    out[o + 1] = bias + w00 * data[p + 1] + w10 * data[p + 5] + w01 * data[q + 1] + w11 * data[q + 5];
    out[o + 2] = bias + w00 * data[p + 2] + w10 * data[p + 6] + w01 * data[q + 2] + w11 * data[q + 6];
  }
}

/** A row that may leave the photo. */
function sampleAnywhere(
  { width, height, data }: Level,
  { x0, y0, ux, uy, scale, bias, size }: RowSteps,
  dx: number,
  dy: number,
  out: Float32Array,
  start: number,
): void {
  for (let i = 0, o = start; i < size; i++, o += 3) {
    const x = x0 + ux * i + dx;
    const y = y0 + uy * i + dy;
    const xi = Math.floor(x);
    const yi = Math.floor(y);
    if (xi < -1 || yi < -1 || xi >= width || yi >= height) {
      out[o] = bias;
      out[o + 1] = bias;
      out[o + 2] = bias;
      continue;
    }
    const wx = x - xi;
    const wy = y - yi;
    // Taps beyond the border count as black: weight 0 and a clamped, harmless address.
    const inLeft = xi >= 0 ? 1 - wx : 0;
    const inRight = xi + 1 < width ? wx : 0;
    const inTop = yi >= 0 ? 1 - wy : 0;
    const inBottom = yi + 1 < height ? wy : 0;
    const left = xi >= 0 ? xi : 0;
    const right = xi + 1 < width ? xi + 1 : xi;
    const top = (yi >= 0 ? yi : 0) * width;
    const bottom = (yi + 1 < height ? yi + 1 : yi) * width;
    const p00 = (top + left) * 4;
    const p10 = (top + right) * 4;
    const p01 = (bottom + left) * 4;
    const p11 = (bottom + right) * 4;
    const w00 = inLeft * inTop * scale;
    const w10 = inRight * inTop * scale;
    const w01 = inLeft * inBottom * scale;
    const w11 = inRight * inBottom * scale;
    out[o] = bias + w00 * data[p00] + w10 * data[p10] + w01 * data[p01] + w11 * data[p11];
    out[o + 1] = bias + w00 * data[p00 + 1] + w10 * data[p10 + 1] + w01 * data[p01 + 1] + w11 * data[p11 + 1];
    out[o + 2] = bias + w00 * data[p00 + 2] + w10 * data[p10 + 2] + w01 * data[p01 + 2] + w11 * data[p11 + 2];
  }
}

/**
 * The 2×2 mean, rounded half up. Four bytes at a time, in two registers of two 16-bit lanes each: a 4096² photo takes
 * a quarter of the time of the obvious loop over channels (240 ms).
 */
function halve(source: Level): Level {
  const width = (source.width + 1) >> 1;
  const height = (source.height + 1) >> 1;
  const src = asWords(source.data);
  const out = new Uint32Array(width * height);
  const lanes = 0x00ff00ff;
  let o = 0;
  for (let y = 0; y < height; y++) {
    let top = 2 * y * source.width;
    let bottom = Math.min(2 * y + 1, source.height - 1) * source.width;
    for (let x = 0; x < width; x++, top += 2, bottom += 2) {
      const next = 2 * x + 1 < source.width ? 1 : 0;
      const a = src[top];
      const b = src[top + next];
      const c = src[bottom];
      const d = src[bottom + next];
      const even = (a & lanes) + (b & lanes) + (c & lanes) + (d & lanes) + 0x00020002;
      const odd =
        ((a >>> 8) & lanes) + ((b >>> 8) & lanes) + ((c >>> 8) & lanes) + ((d >>> 8) & lanes) + 0x00020002;
      out[o++] = ((even >>> 2) & lanes) | (((odd >>> 2) & lanes) << 8);
    }
  }
  return { width, height, data: new Uint8ClampedArray(out.buffer) };
}

/** The pixels as 32-bit words; copied only when they do not start on a word. */
function asWords(data: Uint8ClampedArray): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}
