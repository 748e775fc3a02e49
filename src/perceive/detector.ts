/**
 * Face boxes of one crop: the detector network, decoding of its output, suppression of double answers.
 *
 * The network (Bazarevsky et al. 2019, "BlazeFace") sees 256² and answers for 896 anchors: two for each cell of a
 * 16² grid, then six for each cell of an 8² grid, all of unit size at the cell's centre. A box row is
 * (dx, dy, w, h, then six key points x, y relative to the anchor), in crop pixels: subject's right eye, left eye,
 * nose tip, mouth centre, right and left ear. It is a short-range detector: faces below some 7 % of the crop are
 * missed, and faces rolled by more than about 60° are missed or get arbitrary key points: hence the search of
 * search.ts. Overlapping answers are averaged by score (MediaPipe's "weighted" suppression), which is
 * steadier than keeping the best one.
 */
import type { Frame } from './frame.ts';
import { frameTransform } from './frame.ts';
import type { Networks } from './networks.ts';
import type { ImagePyramid } from './pyramid.ts';

/** A face box with key points, in photo pixels. */
export interface Detection {
  readonly score: number;
  /** The face's square: centre, side and roll (0 when the eyes are level, subject's right eye on the left). */
  readonly cx: number;
  readonly cy: number;
  readonly side: number;
  readonly roll: number;
  /** (6,2): right eye, left eye, nose tip, mouth centre, right ear, left ear. */
  readonly keypoints: Float64Array;
}

/** Thresholds of the detector. */
export const DETECTOR_DEFAULTS = {
  /** Least score of a candidate; candidates are checked by the mesh network afterwards, so this may be low. */
  minScore: 0.35,
  /** Boxes that overlap more than this (intersection over union) are one face. */
  overlap: 0.3,
  /** Most candidates of one stage of the search, best first. */
  maxFaces: 128,
} as const;

const SIZE = 256;
const ANCHORS = makeAnchors();

function makeAnchors(): Float32Array {
  const out: number[] = [];
  for (const [cells, perCell] of [
    [16, 2],
    [8, 6],
  ]) {
    for (let y = 0; y < cells; y++) {
      for (let x = 0; x < cells; x++) {
        for (let k = 0; k < perCell; k++) out.push((x + 0.5) / cells, (y + 0.5) / cells);
      }
    }
  }
  return new Float32Array(out);
}

/** Colours that differ by no more are one; faces were found from 6 of 255 between their lightest and darkest on. */
const ONE_COLOUR = 2 * (2 / 255);

/** Whether a network's input is of one colour: black, a title's ground, the wall behind. */
function isPlain(input: Float32Array): boolean {
  for (let i = 0; i < input.length; i++) if (Math.abs(input[i] - input[i % 3]) > ONE_COLOUR) return false;
  return true;
}

/** Detections of one crop above `minScore`, not yet suppressed, in photo pixels. */
export function detectInFrame(
  networks: Networks,
  pyramid: ImagePyramid,
  frame: Frame,
  minScore: number,
): Detection[] {
  const input = new Float32Array(SIZE * SIZE * 3);
  pyramid.sample(networks.kernels, frame, SIZE, 2 / 255, -1, input);
  if (isPlain(input)) return [];
  const { logits, boxes } = networks.detect(input);
  const t = frameTransform(frame);
  const found: Detection[] = [];
  const minLogit = Math.log(minScore / (1 - minScore));
  for (let a = 0; a < logits.length; a++) {
    if (!(logits[a] >= minLogit)) continue;
    const u0 = ANCHORS[2 * a];
    const v0 = ANCHORS[2 * a + 1];
    const row = a * 16;
    const toPhoto = (k: number): [number, number] => {
      const u = u0 + boxes[row + k] / SIZE;
      const v = v0 + boxes[row + k + 1] / SIZE;
      return [t.ax * u + t.bx * v + t.tx, t.ay * u + t.by * v + t.ty];
    };
    const [cx, cy] = toPhoto(0);
    const side = (Math.max(boxes[row + 2], boxes[row + 3]) / SIZE) * frame.side;
    if (!(side > 0)) continue;
    const keypoints = new Float64Array(12);
    for (let k = 0; k < 6; k++) {
      const [x, y] = toPhoto(4 + 2 * k);
      keypoints[2 * k] = x;
      keypoints[2 * k + 1] = y;
    }
    const score = 1 / (1 + Math.exp(-logits[a]));
    found.push({ score, cx, cy, side, roll: rollOf(keypoints), keypoints });
  }
  return found;
}

function rollOf(keypoints: Float64Array): number {
  return Math.atan2(keypoints[3] - keypoints[1], keypoints[2] - keypoints[0]);
}

/** Joins detections of the same face: groups around the best score, each averaged with its scores as weights. */
export function suppress(
  detections: readonly Detection[],
  overlap: number = DETECTOR_DEFAULTS.overlap,
): Detection[] {
  const rest = [...detections].sort((a, b) => b.score - a.score);
  const out: Detection[] = [];
  while (rest.length > 0) {
    const best = rest[0];
    const group: Detection[] = [];
    let kept = 0;
    for (const d of rest) {
      if (squareOverlap(best, d) > overlap) group.push(d);
      else rest[kept++] = d;
    }
    rest.length = kept;
    out.push(averaged(best, group));
  }
  return out;
}

function averaged(best: Detection, group: readonly Detection[]): Detection {
  let weight = 0;
  let cx = 0;
  let cy = 0;
  let side = 0;
  const keypoints = new Float64Array(12);
  for (const d of group) {
    // Answers that disagree about which way is up are not averaged, the better one wins.
    if (Math.cos(d.roll - best.roll) < 0.7) continue;
    weight += d.score;
    cx += d.score * d.cx;
    cy += d.score * d.cy;
    side += d.score * d.side;
    for (let k = 0; k < 12; k++) keypoints[k] += d.score * d.keypoints[k];
  }
  for (let k = 0; k < 12; k++) keypoints[k] /= weight;
  return {
    score: best.score,
    cx: cx / weight,
    cy: cy / weight,
    side: side / weight,
    roll: rollOf(keypoints),
    keypoints,
  };
}

/** A face's extent, roll ignored. */
export interface Square {
  readonly cx: number;
  readonly cy: number;
  readonly side: number;
}

/** Intersection over union of two squares. */
export function squareOverlap(a: Square, b: Square): number {
  const common = commonArea(a, b);
  return common / (a.side * a.side + b.side * b.side - common);
}

/** Intersection over the smaller one of two squares: 1 when one holds the other. */
export function squareContainment(a: Square, b: Square): number {
  return commonArea(a, b) / Math.min(a.side, b.side) ** 2;
}

function commonArea(a: Square, b: Square): number {
  const w = Math.min(a.cx + a.side / 2, b.cx + b.side / 2) - Math.max(a.cx - a.side / 2, b.cx - b.side / 2);
  const h = Math.min(a.cy + a.side / 2, b.cy + b.side / 2) - Math.max(a.cy - a.side / 2, b.cy - b.side / 2);
  return Math.max(0, w) * Math.max(0, h);
}
