/**
 * The gloss of a photo (`light/gloss.ts`), found from what a fit leaves unexplained, and taken off the photo before the next
 * stage compares it: highlights are then explained neither by the skin's colour nor by the shape.
 *
 *   E(γ) = ½ · W / Σm · Σ_i m_i ρ_G(‖r_i − γᵀY(r̂_i)·1‖² / σ²) + ½ ‖γ/s‖²
 *
 * r_i is photo minus render, the rest as in the photometric energy. Being the same in all channels, the γ are linear least
 * squares of 25 unknowns; a fifth of the pixels will do.
 *
 * It is held while a stage runs. Where the fit is down to the picture's noise there is nothing to explain, but a stage
 * begins where the last one ended, at half of the size, and what is left there is shape that this would take away: the
 * model's own heads lost 7 %. So s falls to zero where residuals are small, and they lose 1 %.
 */
import type { Camera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import type { PhotometricLoss } from '../kernels/photometric.ts';
import { GLOSS_COUNT, glossAt, mirroredBasis } from '../light/gloss.ts';
import { choleskyFactor, choleskySolve } from '../linalg/cholesky.ts';

/** What the gloss is found from: pictures of one size. */
export interface GlossEvidence {
  readonly photo: ImageF;
  /** Render of the current state without gloss, and its normals. */
  readonly render: ImageF;
  readonly normals: ImageF;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
  /** (H,W) skin weights. */
  readonly mask: Float32Array;
  /** In pixels of the pictures. */
  readonly camera: Camera;
}

/** Of the pixels, one in so many is looked at. */
const EVERY = 5;
/** Re-weighted least squares. */
const ROUNDS = 3;
/** Pixels around the region that the gloss goes on for: what is seen at its border is interpolated between pixels. */
const BORDER = 4;

/** The gloss of a photo, and the photo without it. */
export interface Gloss {
  /** (25). */
  readonly coefficients: Float64Array;
  readonly matte: ImageF;
}

/**
 * Finds the gloss.
 * @param sd s: deviation of the coefficients.
 */
export function findGloss(evidence: GlossEvidence, loss: PhotometricLoss, sd: number): Gloss {
  const { photo, region } = evidence;
  const coefficients = solveGloss(evidence, loss, sd);
  const { width, height } = photo;
  const gloss = new Float32Array(width * height);
  const basis = new Float64Array(GLOSS_COUNT);
  for (let p = 0; p < gloss.length; p++) {
    if (!region[p]) continue;
    const x = (p % width) + 0.5;
    const y = Math.floor(p / width) + 0.5;
    gloss[p] = glossAt(coefficients, evidence.camera, x, y, evidence.normals.data, 3 * p, basis);
  }
  grow(gloss, region.slice(), width);
  const data = photo.data.slice();
  takeFrom(data, gloss);
  return { coefficients, matte: { ...photo, data } };
}

function solveGloss(
  evidence: GlossEvidence,
  { sigma, k, weight }: PhotometricLoss,
  sd: number,
): Float64Array {
  const n = GLOSS_COUNT;
  const { photo, render, region, mask } = evidence;
  const some: number[] = [];
  for (let p = 0, seen = 0; p < region.length; p++)
    if (region[p] && mask[p] > 0 && seen++ % EVERY === 0) some.push(p);
  const rows = new Float64Array(n * some.length);
  // Of the residual: sum over channels and sum of squares.
  const sums = new Float64Array(2 * some.length);
  let total = 0;
  for (let i = 0; i < some.length; i++) {
    const p = some[i];
    basisAt(evidence, p, rows, n * i);
    for (let c = 3 * p; c < 3 * p + 3; c++) {
      const r = photo.data[c] - render.data[c];
      sums[2 * i] += r;
      sums[2 * i + 1] += r * r;
    }
    total += mask[p];
  }
  const coefficients = new Float64Array(n);
  const matrix = new Float64Array(n * n);
  for (let round = 0; round < ROUNDS && total > 0; round++) {
    matrix.fill(0);
    for (let a = 0; a < n; a++) matrix[a * n + a] = 1 / sd ** 2;
    const right = new Float64Array(n);
    for (let i = 0; i < some.length; i++) {
      const at = n * i;
      const g = dot(coefficients, rows, at);
      const e = (sums[2 * i + 1] - 2 * g * sums[2 * i] + 3 * g * g) / sigma ** 2;
      const w = (weight * mask[some[i]]) / (total * sigma ** 2 * (1 + e / k ** 2) ** 2);
      addRow(matrix, right, rows, at, w, sums[2 * i]);
    }
    choleskyFactor(matrix, n);
    choleskySolve(matrix, n, right, coefficients);
  }
  return coefficients;
}

// What runs for every pixel stands in functions of its own: V8 compiles them once, in time for a process's first photo.

/** Σ x_a·row_a, the row at `at`. */
function dot(x: Float64Array, rows: Float64Array, at: number): number {
  let sum = 0;
  for (let a = 0; a < GLOSS_COUNT; a++) sum += x[a] * rows[at + a];
  return sum;
}

/** Adds a pixel's three channels, weighted by w, to the normal equations; `sum` is that of its residuals. */
function addRow(
  matrix: Float64Array,
  right: Float64Array,
  rows: Float64Array,
  at: number,
  w: number,
  sum: number,
): void {
  for (let a = 0; a < GLOSS_COUNT; a++) {
    const x = w * rows[at + a];
    right[a] += x * sum;
    addScaled(matrix, a * GLOSS_COUNT, rows, at, a + 1, 3 * x);
  }
}

/** out[to + b] += x·rows[at + b] for the first `count`. */
function addScaled(
  out: Float64Array,
  to: number,
  rows: Float64Array,
  at: number,
  count: number,
  x: number,
): void {
  for (let b = 0; b < count; b++) out[to + b] += x * rows[at + b];
}

/** Takes (P) gloss from (P,3) colours. */
function takeFrom(colours: Float32Array, gloss: Float32Array): void {
  for (let p = 0, c = 0; p < gloss.length; p++, c += 3) {
    const g = gloss[p];
    colours[c] -= g;
    colours[c + 1] -= g;
    colours[c + 2] -= g;
  }
}

function basisAt({ photo, normals, camera }: GlossEvidence, p: number, out: Float64Array, to: number): void {
  const x = (p % photo.width) + 0.5;
  const y = Math.floor(p / photo.width) + 0.5;
  mirroredBasis(camera, x, y, normals.data, 3 * p, out, to);
}

/** Carries values on beyond where they are known, `BORDER` pixels far; in place. */
function grow(values: Float32Array, known: Uint8Array, width: number): void {
  const height = known.length / width;
  for (let round = 1; round <= BORDER; round++) {
    // What becomes known in this round is marked so, and not gone on from before the next.
    const mark = round + 1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const p = y * width + x;
        if (known[p]) continue;
        let sum = 0;
        let count = 0;
        if (y > 0 && known[p - width] !== 0 && known[p - width] !== mark) {
          sum += values[p - width];
          count++;
        }
        if (y + 1 < height && known[p + width] !== 0 && known[p + width] !== mark) {
          sum += values[p + width];
          count++;
        }
        if (x > 0 && known[p - 1] !== 0 && known[p - 1] !== mark) {
          sum += values[p - 1];
          count++;
        }
        if (x + 1 < width && known[p + 1] !== 0 && known[p + 1] !== mark) {
          sum += values[p + 1];
          count++;
        }
        if (count === 0) continue;
        values[p] = sum / count;
        known[p] = mark;
      }
  }
}
