/**
 * Cuts: does a picture belong to the same shot as the one before it? Two small summaries of a picture are compared: mean
 * colours on a coarse grid (which a head that moves changes little) and a histogram of colours (which a camera that
 * moves changes little). A cut changes both.
 */
import type { Image8 } from '../../core/image.ts';

/** Summary of a picture. */
export interface Scene {
  /** (GRID²·3) mean RGB in [0, 1]. */
  readonly grid: Float32Array;
  /** (BINS³) shares, sum 1. */
  readonly histogram: Float32Array;
}

/** From where two pictures are two shots. */
export const CUT_DEFAULTS = {
  /** Mean absolute difference of the grid's colours. */
  grid: 0.08,
  /** Half the sum of absolute differences of the histograms' shares, 0 … 1. */
  histogram: 0.3,
} as const;

const GRID = 12;
const BINS = 6;
/** Pixels looked at along a side, at most. */
const PROBES = 96;

/** Blocks along a side by whose colours it is told whether a face has come: one of 7 % of the side covers one whole. */
const BLOCKS = 32;
/** Pixels looked at along a side, at most: a block's mean has a sixteenth of a pixel's noise. */
const LOOKED_AT = 512;
/** From where a block has changed, of 255. A face in the dark is found from some 8 between its lightest and darkest on. */
const NEWS = 2;

/** Summarises `image`. */
export function sceneOf({ width, height, data }: Image8): Scene {
  const grid = new Float32Array(3 * GRID * GRID);
  const counts = new Float32Array(GRID * GRID);
  const histogram = new Float32Array(BINS ** 3);
  const [nx, ny] = [Math.min(width, PROBES), Math.min(height, PROBES)];
  const share = 1 / (nx * ny);
  for (let j = 0; j < ny; j++) {
    const row = Math.floor(((j + 0.5) * height) / ny) * width;
    const cells = Math.floor((j * GRID) / ny) * GRID;
    for (let i = 0; i < nx; i++) {
      const p = 4 * (row + Math.floor(((i + 0.5) * width) / nx));
      const cell = cells + Math.floor((i * GRID) / nx);
      const [r, g, b] = [data[p], data[p + 1], data[p + 2]];
      counts[cell]++;
      grid[3 * cell] += r / 255;
      grid[3 * cell + 1] += g / 255;
      grid[3 * cell + 2] += b / 255;
      // 256 levels in BINS of them.
      histogram[(((r * BINS) >> 8) * BINS + ((g * BINS) >> 8)) * BINS + ((b * BINS) >> 8)] += share;
    }
  }
  for (let cell = 0; cell < counts.length; cell++)
    for (let c = 0; c < 3; c++) grid[3 * cell + c] /= Math.max(counts[cell], 1);
  return { grid, histogram };
}

/** Whether there is a cut between two pictures that follow each other. */
export function isCut(before: Scene, after: Scene): boolean {
  let grid = 0;
  for (let i = 0; i < before.grid.length; i++)
    grid += Math.abs(before.grid[i] - after.grid[i]) / before.grid.length;
  if (grid < CUT_DEFAULTS.grid) return false;
  let histogram = 0;
  for (let i = 0; i < before.histogram.length; i++)
    histogram += 0.5 * Math.abs(before.histogram[i] - after.histogram[i]);
  return histogram >= CUT_DEFAULTS.histogram;
}

/** (BLOCKS²·3) mean RGB of 0…255 of a picture's blocks. */
export function blocksOf({ width, height, data }: Image8): Float32Array {
  const [nx, ny] = [Math.min(width, LOOKED_AT), Math.min(height, LOOKED_AT)];
  const sums = new Float32Array(3 * BLOCKS * BLOCKS);
  const counts = new Float32Array(BLOCKS * BLOCKS);
  for (let j = 0; j < ny; j++) {
    const row = Math.floor(((j + 0.5) * height) / ny) * width;
    const blocks = Math.floor((j * BLOCKS) / ny) * BLOCKS;
    for (let i = 0; i < nx; i++) {
      const p = 4 * (row + Math.floor(((i + 0.5) * width) / nx));
      const block = blocks + Math.floor((i * BLOCKS) / nx);
      counts[block]++;
      for (let c = 0; c < 3; c++) sums[3 * block + c] += data[p + c];
    }
  }
  return sums.map((sum, i) => sum / Math.max(counts[Math.floor(i / 3)], 1));
}

/** Whether something is in one of two pictures, by their blocks, that is not in the other. */
export function hasNews(before: Float32Array, after: Float32Array): boolean {
  return before.some((colour, i) => Math.abs(colour - after[i]) > NEWS);
}
