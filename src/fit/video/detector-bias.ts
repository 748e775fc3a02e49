/**
 * What a detector does wrong with one face in all its pictures.
 *
 * Each landmark is off by some vector of the face's own that hardly changes, in the direction from eye to eye and across
 * it, over the eye distance. An expression that had to make up for it would be pushed to an end of its range, where it no
 * longer follows. The vectors are unknowns with a Gaussian prior. For known heads the best ones are the landmarks' mean
 * residuals, drawn to zero: N/(N + κ) of the mean over N pictures, κ the ratio of the variance within a picture to that of
 * the vectors. What a face does all the time cannot be told from a detector's error and is taken for part of it: the
 * colours say which it was, when the heads were fitted. They say little about lids: eyes are moved as a whole, or those of
 * somebody who squints are opened. So are inner lips that touch.
 *
 * Shut lids are drawn apart: by 30 to 50 % of the distance at which the same detector draws them open, on filmed people and
 * on rendered ones. So what is left between them is counted from there. Each eye is drawn with an error of its own, some 10 %,
 * which near shut is the difference between a slit and a half-open eye; both are mostly open alike, so they are drawn to each
 * other, the less the more they differ: a wink stays one. Heads with components for expressions (`free-expressions.ts`) have
 * lids measured by how far the eyes are apart in space, and drawn over each other where they shut; those with blend shapes
 * not, and nothing has been tried there.
 *
 * Shut lips are drawn apart, too: 0.8 to 2 % of the eye distance on one filmed person, next to nothing on rendered ones. That person
 * has them shut in some 15 % of the frames. So what is drawn in the closest 15 %, within bounds, is taken for shut; who never
 * shuts them is held back by the upper bound.
 */
import type { Camera } from '../../camera/camera.ts';
import type { HeadModel, HeadParams, SurfacePoints } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import { landmarkTargets, projectTargets } from '../landmark-energy.ts';
import { INNER_LIPS, TOUCHING } from '../landmark-gaps.ts';
import { hasFreeExpressions } from './free-expressions.ts';

/** A detector's errors on one face. */
export interface DetectorBias {
  /** (L,2) float32 mean errors of the 68 landmarks and the model's face-mesh points, in eye vectors. */
  readonly offsets: Float32Array;
  /** (2) float32 usual distance of the lids of the right and the left eye, over the eye distance. */
  readonly lids: Float32Array;
  /** (K,3) float32 seconds and the same distances in frames looked at, in the order of time; where absent, `lids` hold throughout. */
  readonly lidsOverTime?: Float32Array;
  /** Distance over the eye distance at which this person's shut lips are drawn; where absent, as of most people. */
  readonly lips?: number;
}

/** A picture's landmarks, and the head that was fitted to it. */
export interface FittedLandmarks {
  readonly observation: FaceObservation;
  readonly params: HeadParams;
  /** In pixels of the observation. */
  readonly camera: Camera;
}

/** iBUG-68 numbers, first and last, of each eye and of the inner lips: what opens and shuts. */
const OPENINGS = [
  [36, 41],
  [42, 47],
  [60, 67],
] as const;
/** Upper and lower lid of the right and of the left eye. */
const LIDS = [
  [
    [37, 41],
    [38, 40],
  ],
  [
    [43, 47],
    [44, 46],
  ],
] as const;
/** Distance of shut lids as detectors draw them, over that of open ones. */
const SHUT = 0.45;
/** Over the eye distance, how far shut lids of a head that has no shape for shutting them are to overlap: their rims. */
const RIM = 0.01;
/** Outer corners of the right and the left eye in the face mesh. */
const CORNERS = [33, 263] as const;
/** Difference of both eyes' shares at which they are drawn to each other half. */
const ALIKE = 0.4;
/** Seconds around a frame of which all that was looked at tells what is usual then; where that is less than so many frames: */
const AROUND = 1.3;
const NEAREST = 7;
/** the nearest ones, if at least so many are no farther away than that. */
const ENOUGH = 5;
const FAR = 4;
/** Share of the usual distance of lids at which eyes that stay so are shut, and from which on they are open. */
const STAYING = [0.5, 0.65] as const;
/** Share of a film's frames that have the lips shut, at least, and between what distances shut ones are drawn. */
const SHUT_FRAMES = 0.15;
const SHUT_LIPS = [TOUCHING, 0.02] as const;
/** Distances of the inner lips, over the eye distance, up to which they touch and from which a mouth counts as open. */
const PARTED = [0.02, 0.06] as const;
/** From this number on face-mesh points are those of the irises. */
const IRISES = 468;
/** κ: both variances are about 1.5 % of the eye distance squared. */
const KAPPA = 1;
const ALL = { inner: 1, contour: 1, mesh: 1, iris: 1 };

/** (L,2) float32 `offsets` of {@link DetectorBias}. */
export function landmarkOffsets(model: HeadModel, fits: readonly FittedLandmarks[]): Float32Array {
  const sums = new Float64Array(2 * (68 + model.landmarks.mesh.indices.length));
  const counts = new Float64Array(sums.length / 2);
  for (const { observation, params, camera } of fits) {
    const targets = landmarkTargets(model, observation, { pose: params.pose, camera }, ALL);
    const projected = projectTargets(targets, poseHead(model, params).vertices, camera);
    const [a, b] = eyeVector(observation);
    const square = Math.max(a * a + b * b, 1e-12);
    for (const [l, weight] of targets.weights.entries()) {
      if (weight === 0) continue;
      const [x, y] = [0, 1].map((i) => targets.targets[2 * l + i] - projected[3 * l + i]);
      sums[2 * l] += (a * x + b * y) / square;
      sums[2 * l + 1] += (a * y - b * x) / square;
      counts[l]++;
    }
  }
  const offsets = Float32Array.from(sums, (sum, i) => sum / (counts[i >> 1] + KAPPA));
  const { eyes } = openings(model);
  for (const eye of eyes) asOne(offsets, eye, 0);
  return offsets;
}

/** Leaves `share` of what a group's landmarks differ by from the mean of those of the 68, in place. */
function asOne(offsets: Float32Array, group: readonly number[], share: number): void {
  let named = 0;
  for (const l of group) if (l < 68) named++;
  for (let a = 0; a < 2; a++) {
    let mean = 0;
    for (const l of group) if (l < 68) mean += offsets[2 * l + a] / named;
    for (const l of group) offsets[2 * l + a] = mean + share * (offsets[2 * l + a] - mean);
  }
}

/** Numbers of targets that belong to each eye and to the inner lips. */
interface Openings {
  readonly eyes: readonly (readonly number[])[];
  readonly lips: readonly number[];
}

const openingsOf = new WeakMap<HeadModel, Openings>();

/** Landmarks of each eye and of the inner lips, with the face-mesh points that are nearest to one of them. */
function openings(model: HeadModel): Openings {
  const known = openingsOf.get(model);
  if (known) return known;
  const { inner51, mesh } = model.landmarks;
  const at = ({ faces, barycentrics }: SurfacePoints, l: number) =>
    [0, 1, 2].map((a) => {
      let x = 0;
      for (let i = 0; i < 3; i++)
        x += barycentrics[3 * l + i] * model.template[3 * model.faces[3 * faces[l] + i] + a];
      return x;
    });
  const named = Array.from({ length: 51 }, (_, l) => at(inner51, l));
  const groups = OPENINGS.map(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, l) => first + l),
  );
  for (const [m, index] of mesh.indices.entries()) {
    if (index >= IRISES) continue;
    const p = at(mesh.points, m);
    const distances = named.map((q) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
    const nearest = 17 + distances.indexOf(Math.min(...distances));
    const g = OPENINGS.findIndex(([first, last]) => nearest >= first && nearest <= last);
    if (g >= 0) groups[g].push(68 + m);
  }
  const found = { eyes: groups.slice(0, 2), lips: groups[2] };
  openingsOf.set(model, found);
  return found;
}

/**
 * Mean distance of the lids of the right and the left eye, over the eye distance in space, as far as the face mesh says it: seen
 * from the side, eyes are nearer to each other, and lids are not.
 */
export function lidDistances(observation: FaceObservation): readonly [number, number] {
  const l = observation.landmarks68;
  const eyes = Math.max(Math.hypot(...eyeVector(observation), eyeDepth(observation)), 1e-6);
  const open = (pairs: (typeof LIDS)[number]) =>
    pairs.reduce(
      (sum, [p, q]) => sum + Math.hypot(l[2 * p] - l[2 * q], l[2 * p + 1] - l[2 * q + 1]) / (2 * eyes),
      0,
    );
  return [open(LIDS[0]), open(LIDS[1])];
}

/** Distance of the inner lips, over the eye distance. */
export function lipDistance(observation: Pick<FaceObservation, 'landmarks68'>): number {
  const l = observation.landmarks68;
  const eyes = Math.max(Math.hypot(...eyeVector(observation)), 1e-6);
  return Math.hypot(l[124] - l[132], l[125] - l[133]) / eyes;
}

/** At which distance a person's shut lips are drawn, of the distances in frames looked at: `lips` of {@link DetectorBias}. */
export function shutLips(distances: readonly number[]): number {
  const sorted = [...distances].sort((p, q) => p - q);
  const [least, most] = SHUT_LIPS;
  // As float32, so that a journal of a track has it exactly.
  return Math.fround(
    Math.min(Math.max(sorted[Math.floor(SHUT_FRAMES * sorted.length)] ?? least, least), most),
  );
}

/** How far the lids of each eye usually are apart about a time, in seconds. */
export function usualLids(
  { lids, lidsOverTime }: Pick<DetectorBias, 'lids' | 'lidsOverTime'>,
  time: number,
): readonly [number, number] {
  const all = [lids[0], lids[1]] as const;
  if (!lidsOverTime) return all;
  const near = rowsAbout(lidsOverTime, time);
  if (near.length < ENOUGH) return all;
  const now = [upperMedian(lidsOverTime, near, 1), upperMedian(lidsOverTime, near, 2)];
  // Eyes are shut, or look down, together.
  const share = (now[0] + now[1]) / Math.max(all[0] + all[1], 1e-6);
  const open = Math.min(Math.max((share - STAYING[0]) / (STAYING[1] - STAYING[0]), 0), 1);
  const [right, left] = all.map((usual, side) => usual + open * (Math.min(now[side], usual) - usual));
  return [right, left];
}

/** Where the rows of `lidsOverTime` begin that tell of a time, the nearest ones first. */
function rowsAbout(lidsOverTime: ArrayLike<number>, time: number): number[] {
  const rows: number[] = [];
  let around = 0;
  for (let at = 0; at < lidsOverTime.length; at += 3) {
    const away = Math.abs(lidsOverTime[at] - time);
    if (!(away <= FAR)) continue;
    if (away <= AROUND) around++;
    let to = rows.length;
    for (; to > 0 && Math.abs(lidsOverTime[rows[to - 1]] - time) > away; to--) rows[to] = rows[to - 1];
    rows[to] = at;
  }
  return rows.slice(0, Math.max(NEAREST, around));
}

function upperMedian(values: ArrayLike<number>, rows: readonly number[], column: number): number {
  const sorted = new Float64Array(rows.length);
  for (let r = 0; r < rows.length; r++) sorted[r] = values[rows[r] + column];
  return sorted.sort()[sorted.length >> 1];
}

/**
 * `observation` with its landmarks where they would be without `bias`.
 * @param time of the frame, seconds
 */
export function withoutBias(
  model: HeadModel,
  observation: FaceObservation,
  known: DetectorBias,
  time: number,
): FaceObservation {
  const { offsets } = known;
  const lids = usualLids(known, time);
  const [a, b] = eyeVector(observation);
  const l = observation.landmarks68;
  const free = hasFreeExpressions(model);
  const shares = lidDistances(observation).map((now, side) => now / Math.max(lids[side], 1e-6));
  const open = bothEyes(shares).map((share) => Math.min(Math.max((share - SHUT) / (1 - SHUT), 0), 1));
  const lips = lipDistance(observation);
  const own = offsets.slice();
  asOne(own, openings(model).lips, Math.min(Math.max((lips - PARTED[0]) / (PARTED[1] - PARTED[0]), 0), 1));
  const moved = l.slice();
  const mesh = observation.mesh?.slice() ?? null;
  takeOff(moved, null, own, 0, a, b);
  if (mesh) takeOff(mesh, model.landmarks.mesh.indices, own, 68, a, b);
  // Lids come together where the detector leaves them apart; it is the upper one that moves.
  for (const side of [0, 1])
    if (shares[side] < 1)
      for (const [upper, lower] of LIDS[side])
        for (const i of [0, 1]) {
          const apart = l[2 * upper + i] - l[2 * lower + i];
          const left = open[side] / Math.max(shares[side], 1e-6);
          moved[2 * upper + i] += (left - 1) * apart;
          if (free) moved[2 * upper + i] += RIM * (1 - open[side]) * (i === 0 ? -b : a);
        }
  // Lips, so that shut ones touch as `landmark-gaps.ts` has it.
  const closer = Math.min(Math.max((known.lips ?? TOUCHING) - TOUCHING, 0) / Math.max(lips, 1e-6), 1);
  for (const [upper, lower] of INNER_LIPS)
    for (const i of [0, 1]) moved[2 * upper + i] -= closer * (l[2 * upper + i] - l[2 * lower + i]);
  return { ...observation, landmarks68: moved, mesh };
}

/**
 * Takes the errors of landmarks from number `first` on, in units of the eye vector (a, b), off `points`: of those with
 * `indices` of (N,3), or of all of (N,2).
 */
function takeOff(
  points: Float32Array,
  indices: ArrayLike<number> | null,
  errors: Float32Array,
  first: number,
  a: number,
  b: number,
): void {
  const count = indices ? indices.length : points.length / 2;
  for (let k = 0; k < count; k++) {
    const at = indices ? 3 * indices[k] : 2 * k;
    const x = errors[2 * (first + k)];
    const y = errors[2 * (first + k) + 1];
    points[at] -= a * x - b * y;
    points[at + 1] -= b * x + a * y;
  }
}

/** How far each eye is open, both of them considered. */
function bothEyes([right, left]: readonly number[]): readonly number[] {
  const difference = left - right;
  const move = difference / 2 / (1 + (difference / ALIKE) ** 2);
  return [right + move, left - move];
}

/** How much farther away one eye's outer corner is than the other's, pixels; 0 without a face mesh. */
function eyeDepth({ mesh }: Pick<FaceObservation, 'mesh'>): number {
  const depth = mesh ? mesh[3 * CORNERS[0] + 2] - mesh[3 * CORNERS[1] + 2] : 0;
  // A mesh need not know all its points.
  return Number.isFinite(depth) ? depth : 0;
}

/** From the right eye's outer corner to the left one's. */
function eyeVector({ landmarks68: l }: Pick<FaceObservation, 'landmarks68'>): readonly [number, number] {
  return [l[90] - l[72], l[91] - l[73]];
}
