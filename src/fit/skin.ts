/**
 * Which pixels show skin: the model's own visible skin region, minus what does not look like it.
 *
 * After Egger et al. 2018 ("Occlusion-aware 3D morphable models and an illumination prior for face image analysis"):
 * a pixel is skin or occluder by how well the current render explains it, with spatial smoothing. Here both are
 * decided on a residual that is averaged over a neighbourhood (occluders are larger than moles and wrinkles) and
 * measured against the picture's own typical residual, so that no training is needed. Brightness and colour count
 * apart: a wrong shadow changes the brightness of skin, hair and cloth change its colour too.
 */
import { withDefaults } from '../core/defaults.ts';
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { medianResidual, skinWeights } from '../kernels/skin.ts';

/** What is compared: photo and render of the same size. */
export interface SkinEvidence {
  readonly photo: ImageF;
  /** Render of the current state. */
  readonly render: ImageF;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
  /**
   * (H,W) 1 where skin is certain enough to say how large residuals usually are: see {@link faceHull}. The whole
   * region where absent.
   */
  readonly core?: Uint8Array;
}

/** Tuning of {@link estimateSkin}. */
export interface SkinOptions {
  /** Radius of the neighbourhood as a fraction of the width. */
  readonly radius?: number;
  /** Residual, in units of the typical one, at which a pixel counts half. */
  readonly cut?: number;
}

/** Defaults of {@link estimateSkin}. */
export const SKIN_DEFAULTS: Required<SkinOptions> = { radius: 0.012, cut: 3 };

/** Least typical residual: sensor noise and skin texture are not evidence of anything. */
const FLOOR = 0.025;

/** Weights in [0, 1] for every pixel, (H,W); zero outside the region. */
export function estimateSkin(
  kernels: Kernels,
  evidence: SkinEvidence,
  options: SkinOptions = {},
): Float32Array {
  const { radius, cut } = withDefaults(SKIN_DEFAULTS, options);
  const { region, core = region, photo } = evidence;
  return skinWeights(kernels, {
    ...evidence,
    core,
    radius: Math.max(1, Math.round(radius * photo.width)),
    cut,
    floor: FLOOR,
  });
}

/** Median length of the RGB difference of photo and render over the pixels with a weight of half or more. */
export function typicalResidual(kernels: Kernels, photo: ImageF, render: ImageF, mask: Float32Array): number {
  return medianResidual(kernels, photo, render, mask);
}

/**
 * Convex hull of the iBUG-68 landmarks as a mask, (size,size): the face from the brows down, hardly ever hair.
 * @param landmarks68 (68,2) pixels of a picture `scale` times as large.
 */
export function faceHull(landmarks68: ArrayLike<number>, scale: number, size: number): Uint8Array {
  const points: Point[] = [];
  for (let l = 0; l < 68; l++) points.push([landmarks68[2 * l] * scale, landmarks68[2 * l + 1] * scale]);
  points.sort(fromLeft);
  const hull = halfHull(points);
  hull.push(...halfHull(points.slice().reverse()));
  const corners = hull.length;
  const xs = new Float64Array(corners + 1);
  const ys = new Float64Array(corners + 1);
  for (let i = 0; i <= corners; i++) [xs[i], ys[i]] = hull[i % corners];
  // Row by row between the two edges that the row's middle crosses.
  const mask = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    let left = -Infinity;
    let right = Infinity;
    for (let i = 0; i < corners; i++) {
      const ax = xs[i];
      const ay = ys[i];
      const bx = xs[i + 1];
      const by = ys[i + 1];
      // Inside is where (bx − ax)(y + ½ − ay) ≥ (by − ay)(x + ½ − ax).
      const across = (bx - ax) * (y + 0.5 - ay);
      if (by > ay) right = Math.min(right, ax + across / (by - ay) - 0.5);
      else if (by < ay) left = Math.max(left, ax + across / (by - ay) - 0.5);
      else if (across < 0) left = Infinity;
    }
    const from = Math.max(Math.ceil(left), 0);
    const to = Math.min(Math.floor(right), size - 1);
    if (from <= to) mask.fill(1, y * size + from, y * size + to + 1);
  }
  return mask;
}

type Point = readonly [x: number, y: number];

function fromLeft(a: Point, b: Point): number {
  return a[0] - b[0] || a[1] - b[1];
}

/** The corners of the convex hull on one side of the line from the first of the sorted points to the last, which is left out. */
function halfHull(ordered: readonly Point[]): Point[] {
  const chain: Point[] = [];
  for (const p of ordered) {
    while (chain.length > 1) {
      const [a, b] = [chain[chain.length - 2], chain[chain.length - 1]];
      if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
      chain.pop();
    }
    chain.push(p);
  }
  chain.pop();
  return chain;
}
