/**
 * Whether a picture shows teeth where a head would show the gap between its rows.
 *
 * Lips that part over shut teeth, and a jaw that opens a little, look the same to landmarks, and skin hardly tells: a filmed
 * person's jaw was opened by 2 to 5°, where no gap was to be seen. The upper row goes with the skull, so where its edge is in the
 * picture is known from the pose alone. Right below it, a mouth whose teeth are apart is dark, or shows the tongue; where it is
 * as light as teeth, and nothing darker follows before the lower lip, the lower row is there (or the upper one is longer than
 * the head's). Then the jaw is drawn to where it rests: the rows of a head at rest touch. Where a lip covers the edge, nothing
 * is said, whichever teeth are seen: of rendered heads that show one row and no gap, many have the jaw open by 3 to 8°.
 *
 * Poses are 1 to 2 mm wrong, so lines begin 5 mm above the edge: what is dark below any tooth counts. Of 200 pictures of four
 * rendered heads none with the jaw open by more than 0.04 rad was taken for shut while the head's place was known to 1.5 mm (14 % from
 * 0.04 to 0.07 rad with the edge taken to be 3 mm higher); of shut ones 43 % are told, lips cover the edge of most others. Up to
 * 0.03 rad a gap is narrower than two pixels there, and may be missed.
 */
import type { Camera } from '../../camera/camera.ts';
import { projectPoints } from '../../camera/project.ts';
import type { Image8 } from '../../core/image.ts';
import { type HeadModel, headSizes, jointIndex } from '../../model/head-model.ts';
import { rotationFromAxisAngle } from '../../model/rotation.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import { colourAt, type MouthColours, mouthColours, PARTED, teethBetween } from './seen-lips.ts';

/** Share of the upper row's height, and of its depth, in which the front of its edge lies. */
const EDGE = { height: 0.1, depth: 0.2 } as const;
/** Metres from sample to sample of a line; samples of one, those above the edge, and those that belong to what follows it. */
const STEP = 0.0005;
const SAMPLES = 30;
const ABOVE = 10;
const NEXT = 4;
/** Redness between that of white in this light (0) and of the lips (1): teeth below, something else above. */
const RED = [0.45, 0.65] as const;
/** Brightness over that of the lips: no tooth below, one above. */
const BRIGHT = [0.35, 0.6] as const;
/** Redness from which on lips have begun. */
const LIP = 0.8;
/** Brightness over that of the lips, and over that of the teeth above: a gap below, none above. */
const DARK = [0.35, 0.5] as const;
const DARKER = [0.4, 0.6] as const;
/** Samples of teeth from which on what is dark lies below them. */
const TEETH = 1.5;
/** Share of the lines that tell of a lower row: no sign of it below, a sure one above. */
const LINES = [0.45, 0.7] as const;

/** (N) vertices along the front of the upper row's edge; none for heads without teeth or without a jaw. */
export function upperEdge(model: HeadModel): Uint32Array {
  const { J } = headSizes(model);
  const jaw = jointIndex(model, 'jaw');
  const { template: t } = model;
  const teeth = Array.from(jaw < 0 ? [] : (model.regions.get('teeth') ?? []));
  const row = teeth.filter((v) => model.skinWeights[v * J + jaw] < 0.5);
  const bounds = (a: number) => {
    let [least, most] = [Infinity, -Infinity];
    for (const v of row) {
      least = Math.min(least, t[3 * v + a]);
      most = Math.max(most, t[3 * v + a]);
    }
    return [least, most];
  };
  const [low, high] = bounds(1);
  const [back, front] = bounds(2);
  const [top, behind] = [low + EDGE.height * (high - low), front - EDGE.depth * (front - back)];
  return Uint32Array.from(row.filter((v) => t[3 * v + 1] < top && t[3 * v + 2] > behind));
}

/** A head that stands in a picture. */
export interface StandingRow {
  /** At rest. */
  readonly model: HeadModel;
  /** (N) of {@link upperEdge}. */
  readonly edge: Uint32Array;
  /** Axis-angle of the root first. */
  readonly pose: ArrayLike<number>;
  /** In pixels of the picture. */
  readonly camera: Camera;
}

/**
 * How surely the rows touch, 0 … 1; 0 where the picture does not tell.
 * @param observation in pixels of `image`
 * @param light (9,3)
 */
export function rowsTouch(
  image: Image8,
  { landmarks68 }: Pick<FaceObservation, 'landmarks68'>,
  light: ArrayLike<number>,
  head: StandingRow,
): number {
  const N = head.edge.length;
  const widths = N > 0 ? teethBetween(image, landmarks68, light) : null;
  const colours = widths && mouthColours(image, landmarks68, light);
  if (!widths || !colours) return 0;
  const places = linesBelow(head);
  let sum = 0;
  for (let i = 0; i < N; i++) sum += lowerRowAlong(image, colours, places, i * SAMPLES);
  const parted = (widths[0] + widths[1] + widths[2]) / 3 / PARTED;
  return between(sum / N, LINES) * Math.min(parted, 1);
}

/** (N·SAMPLES,3) as `projectPoints`: along lines down the face through the edge's vertices. */
function linesBelow({ model, edge, pose, camera }: StandingRow): Float32Array {
  const r = rotationFromAxisAngle(pose[0], pose[1], pose[2]);
  const { template: t, jointTemplate: pivot } = model;
  const points = new Float32Array(3 * edge.length * SAMPLES);
  for (let i = 0, at = 0; i < edge.length; i++) {
    const v = 3 * edge[i];
    const [x, y, z] = [t[v] - pivot[0], t[v + 1] - pivot[1], t[v + 2] - pivot[2]];
    for (let s = 0; s < SAMPLES; s++)
      for (let a = 0; a < 3; a++, at++) {
        const below = y - (s + 1 - ABOVE) * STEP;
        points[at] = pivot[a] + r[3 * a] * x + r[3 * a + 1] * below + r[3 * a + 2] * z;
      }
  }
  return projectPoints(camera, points);
}

/** How surely the line from sample `first` on shows teeth below the edge and no gap between rows. */
function lowerRowAlong(image: Image8, colours: MouthColours, places: Float32Array, first: number): number {
  const colour = new Float64Array(2);
  let [next, teeth, lightest, gap] = [0, 0, 0, 0];
  for (let s = 0; s < SAMPLES; s++) {
    const at = 3 * (first + s);
    colourAt(image, places[at], places[at + 1], colours, colour);
    const [red, bright] = colour;
    const tooth = (1 - between(red, RED)) * between(bright, BRIGHT);
    teeth += tooth;
    if (tooth > 0.5) lightest = Math.max(lightest, bright);
    if (s >= ABOVE && s < ABOVE + NEXT) next += tooth / NEXT;
    const lip = s >= ABOVE + NEXT && red > LIP;
    if (lip && bright > DARK[1]) break;
    if (teeth < TEETH) continue;
    // A lip in shadow is no gap; teeth that are none for sure are nothing to compare with.
    const darker = lip || lightest === 0 ? 0 : 1 - between(bright / lightest, DARKER);
    gap = Math.max(gap, 1 - between(bright, DARK), darker);
  }
  return next * (1 - gap);
}

/** 0 at the first of two numbers and below, 1 at the second and above. */
function between(x: number, [none, all]: readonly [number, number]): number {
  return Math.min(Math.max((x - none) / (all - none), 0), 1);
}
