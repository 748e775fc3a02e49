/**
 * Perceptual hash: 256 bits that stay almost the same when a photo is scaled, recompressed or slightly brightened, by
 * which the gate finds duplicates that differ in their bytes. Brightness averaged over a grid of 64 × 64 cells, its cosine
 * transform, and one bit for each of the 256 lowest frequencies but the constant: above or below their median (the usual
 * "pHash", with 256 instead of 64 bits because aligned portraits resemble each other).
 */
import type { Image8 } from '../core/image.ts';
import { median } from '../core/quantile.ts';

const CELLS = 64;
const LOW = 16;

/** The hash of a photo, 64 hexadecimal digits. */
export function perceptualHash(image: Image8): string {
  const grid = brightnessGrid(image, CELLS);
  const across = new Float64Array(CELLS * LOW);
  for (let y = 0; y < CELLS; y++)
    for (let k = 0; k < LOW; k++) {
      let sum = 0;
      for (let x = 0; x < CELLS; x++) sum += grid[y * CELLS + x] * COSINES[k * CELLS + x];
      across[y * LOW + k] = sum;
    }
  const low = new Float64Array(LOW * LOW);
  for (let j = 0; j < LOW; j++)
    for (let k = 0; k < LOW; k++) {
      let sum = 0;
      for (let y = 0; y < CELLS; y++) sum += across[y * LOW + k] * COSINES[j * CELLS + y];
      low[j * LOW + k] = sum;
    }
  const middle = median(low.subarray(1));
  let out = '';
  for (let i = 0; i < LOW * LOW; i += 4) {
    let digit = 0;
    for (let b = 0; b < 4; b++) if (i + b > 0 && low[i + b] > middle) digit |= 8 >> b;
    out += digit.toString(16);
  }
  return out;
}

/** The bits of a hash as eight 32-bit words. */
export function hashWords(hash: string): Uint32Array {
  return Uint32Array.from({ length: 8 }, (_, i) => Number.parseInt(hash.slice(8 * i, 8 * i + 8), 16));
}

/** Number of bits in which two hashes differ, counted no further than beyond `most`. */
export function hashDistance(a: Uint32Array, b: Uint32Array, most = 256): number {
  let count = 0;
  for (let i = 0; i < 8 && count <= most; i++) {
    let x = a[i] ^ b[i];
    x -= (x >>> 1) & 0x55555555;
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    count += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/** (n,n) mean brightness of the cells of a grid over the whole picture. */
function brightnessGrid({ width, height, data }: Image8, n: number): Float64Array {
  const out = new Float64Array(n * n);
  const edge = (k: number, length: number) => Math.min(length - 1, Math.floor((k * length) / n));
  for (let j = 0; j < n; j++) {
    const [top, bottom] = [edge(j, height), Math.max(edge(j, height) + 1, edge(j + 1, height))];
    for (let i = 0; i < n; i++) {
      const [left, right] = [edge(i, width), Math.max(edge(i, width) + 1, edge(i + 1, width))];
      let sum = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) {
          const p = 4 * (y * width + x);
          sum += 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
        }
      out[j * n + i] = sum / ((bottom - top) * (right - left));
    }
  }
  return out;
}

/** (LOW,CELLS) cosines of the transform's rows. */
const COSINES = Float64Array.from({ length: LOW * CELLS }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / CELLS) * ((i % CELLS) + 0.5)) / CELLS),
);
