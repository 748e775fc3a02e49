/**
 * The rigid or similarity transform that best takes one point set to another in the least-squares sense:
 * S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991,
 * eq. 40-43, with weights.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { determinant3, nearestRotation, svd3 } from './svd3.ts';

/** to ≈ scale·rotation·from + translation. */
export interface Alignment {
  /** (3,3) float64 row-major, determinant +1. */
  readonly rotation: Float64Array;
  /** (3) float64. */
  readonly translation: Float64Array;
  /** 1 for rigid alignment. */
  readonly scale: number;
}

/** Options of {@link alignPoints}. */
export interface AlignOptions {
  /** Similarity instead of rigid transform. */
  readonly scale: boolean;
  /** (N) not negative; all alike by default. */
  readonly weights?: ArrayLike<number>;
}

/**
 * Finds the transform that minimises Σ weights·‖scale·rotation·from + translation − to‖².
 * Collinear points leave the rotation about their line open: some minimiser is returned.
 *
 * @param from (N,3)
 * @param to (N,3)
 * @throws {InvalidArgumentError} lengths that differ, no points, NaN, weights that are negative or sum to zero,
 *   or `scale` asked for when all `from` coincide
 */
export function alignPoints(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  options: AlignOptions,
): Alignment {
  const n = from.length / 3;
  const { weights } = options;
  if (!Number.isInteger(n) || n === 0 || to.length !== from.length || (weights && weights.length !== n)) {
    throw new InvalidArgumentError(
      `alignPoints: from and to must be (N,3) and weights (N), N ≥ 1, got ${from.length}, ${to.length}` +
        (weights ? ` and ${weights.length} elements` : ' elements'),
    );
  }
  const meanFrom = new Float64Array(3);
  const meanTo = new Float64Array(3);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const w = weights ? weights[i] : 1;
    if (!(w >= 0))
      throw new InvalidArgumentError(`alignPoints: weights[${i}] must not be negative, got ${w}`);
    total += w;
    for (let d = 0; d < 3; d++) {
      meanFrom[d] += w * from[3 * i + d];
      meanTo[d] += w * to[3 * i + d];
    }
  }
  for (let d = 0; d < 3; d++) {
    meanFrom[d] /= total;
    meanTo[d] /= total;
  }
  if (![...meanFrom, ...meanTo].every(Number.isFinite)) {
    throw new InvalidArgumentError('alignPoints: points hold NaN or infinity, or all weights are zero');
  }
  const covariance = new Float64Array(9);
  let variance = 0;
  for (let i = 0; i < n; i++) {
    const w = (weights ? weights[i] : 1) / total;
    for (let c = 0; c < 3; c++) {
      const f = from[3 * i + c] - meanFrom[c];
      variance += w * f * f;
      for (let r = 0; r < 3; r++) covariance[3 * r + c] += w * f * (to[3 * i + r] - meanTo[r]);
    }
  }
  const rotation = nearestRotation(covariance);
  let scale = 1;
  if (options.scale) {
    if (variance === 0)
      throw new InvalidArgumentError('alignPoints: all points of from coincide: no scale to find');
    const { s } = svd3(covariance);
    scale = (s[0] + s[1] + (determinant3(covariance) < 0 ? -s[2] : s[2])) / variance;
  }
  const translation = new Float64Array(3);
  for (let r = 0; r < 3; r++) {
    const turned = [0, 1, 2].reduce((sum, c) => sum + rotation[3 * r + c] * meanFrom[c], 0);
    translation[r] = meanTo[r] - scale * turned;
  }
  return { rotation, translation, scale };
}

/**
 * Applies an alignment.
 * @param points (N,3)
 * @returns (N,3) float64
 */
export function applyAlignment(
  { rotation, translation, scale }: Alignment,
  points: ArrayLike<number>,
): Float64Array {
  const out = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    for (let r = 0; r < 3; r++) {
      const at = 3 * r;
      const turned =
        rotation[at] * points[i] + rotation[at + 1] * points[i + 1] + rotation[at + 2] * points[i + 2];
      out[i + r] = scale * turned + translation[r];
    }
  }
  return out;
}
