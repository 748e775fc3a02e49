/**
 * Landmark energy: ½·weight/N·Σ ω_l ρ(|π(x_l) − y_l|²/σ²) over iBUG-68 (the contour chosen by the head's yaw), the
 * non-sliding face-mesh points and the irises. σ is a fraction of the outer-eye-corner distance in pixels, so that
 * the energy does not depend on resolution; ρ is pseudo-Huber, which lets a few wrong points be wrong. Distances of a few
 * pairs count beside places, see `landmark-gaps.ts`.
 */
import { projectionJacobian, projectPoints } from '../camera/project.ts';
import { matrixF32, syrkTN } from '../kernels/gemm.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { multiplySparse } from '../kernels/sparse.ts';
import type { HeadModel, SurfacePoints } from '../model/head-model.ts';
import { rotationFromAxisAngle } from '../model/rotation.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { pseudoHuber, pseudoHuberWeight } from '../solve/robust.ts';
import {
  GAP_SIGMA,
  gapResidual,
  type LandmarkGap,
  type LipTrust,
  landmarkGaps,
  type StandingHead,
} from './landmark-gaps.ts';
import { addLower, addRange } from './lower-triangle.ts';
import type { FitState } from './parameters.ts';
import { cameraColumns, type SurfaceGeometry } from './surface-rows.ts';

/** Points to bring to their place in the picture. */
export interface LandmarkTargets {
  /** (L,3) uint32 model vertices of each point's face. */
  readonly corners: Uint32Array;
  /** (L,3) float32. */
  readonly barycentrics: Float32Array;
  /** (L,2) float32 pixels. */
  readonly targets: Float32Array;
  /** (L) float32 ω. */
  readonly weights: Float32Array;
  readonly gaps: readonly LandmarkGap[];
}

/** Weights of the kinds of landmarks. */
export interface LandmarkWeights {
  /** Of gaps, see `landmark-gaps.ts`; none where absent. */
  readonly gap?: number;
  /** Of the gaps of lips; where absent, as they are drawn. */
  readonly lips?: LipTrust | null;
  readonly inner: number;
  /** Of the eyes' outlines, times `inner`; 1 where absent. */
  readonly eyes?: number;
  readonly contour: number;
  readonly mesh: number;
  readonly iris: number;
}

/** Yaw of the head in radians, positive towards the subject's left: from the root and, if there is one, the neck. */
export function headYaw(model: HeadModel, pose: ArrayLike<number>): number {
  let [x, y, z] = [0, 0, 1];
  for (const name of ['neck', 'root']) {
    const j = model.joints.findIndex((joint) => joint.name === name);
    if (j < 0) continue;
    const r = rotationFromAxisAngle(pose[3 * j], pose[3 * j + 1], pose[3 * j + 2]);
    [x, y, z] = [
      r[0] * x + r[1] * y + r[2] * z,
      r[3] * x + r[4] * y + r[5] * z,
      r[6] * x + r[7] * y + r[8] * z,
    ];
  }
  return Math.atan2(x, Math.hypot(y, z) * Math.sign(z || 1));
}

/** Row of the contour table for a yaw: the nearest. */
export function contourRow(yaws: Float32Array, yaw: number): number {
  let best = 0;
  for (let r = 1; r < yaws.length; r++) if (Math.abs(yaws[r] - yaw) < Math.abs(yaws[best] - yaw)) best = r;
  return best;
}

/** iBUG-68 points on the surface for a yaw: (68) faces and (68,3) barycentrics. */
export function landmarks68(model: HeadModel, yaw: number): SurfacePoints {
  const { contour, inner51 } = model.landmarks;
  const r = 17 * contourRow(contour.yaws, yaw);
  const faces = new Uint32Array(68);
  const barycentrics = new Float32Array(3 * 68);
  faces.set(contour.points.faces.subarray(r, r + 17));
  faces.set(inner51.faces, 17);
  barycentrics.set(contour.points.barycentrics.subarray(3 * r, 3 * r + 51));
  barycentrics.set(inner51.barycentrics, 51);
  return { faces, barycentrics };
}

/** All targets for a head as it stands now. `observation` and its camera are in pixels of the picture fitted to. */
export function landmarkTargets(
  model: HeadModel,
  observation: FaceObservation,
  head: StandingHead,
  weights: LandmarkWeights,
): LandmarkTargets {
  const { mesh } = model.landmarks;
  const M = observation.mesh ? mesh.indices.length : 0;
  const L = 68 + M;
  const corners = new Uint32Array(3 * L);
  const barycentrics = new Float32Array(3 * L);
  const targets = new Float32Array(2 * L);
  const omega = new Float32Array(L);
  const to = { corners, barycentrics, targets, weights: omega };
  const points = landmarks68(model, headYaw(model, head.pose));
  for (let l = 0; l < 68; l++) {
    // On the far side of a turned face the detector's contour is a guess behind the silhouette.
    const w = l < 17 ? weights.contour : weights.inner * (l >= 36 && l < 48 ? (weights.eyes ?? 1) : 1);
    putPoint(to, l, model, points, l, observation.landmarks68, 2 * l, w);
  }
  for (let m = 0; m < M; m++) {
    const i = mesh.indices[m];
    putPoint(
      to,
      68 + m,
      model,
      mesh.points,
      m,
      observation.mesh!,
      3 * i,
      i >= 468 ? weights.iris : weights.mesh,
    );
  }
  return { ...to, gaps: landmarkGaps(model, observation, head, weights.gap ?? 0, weights.lips) };
}

/** Target l: point i of `points`, to be at `seen[at]`, `seen[at + 1]`. */
function putPoint(
  { corners, barycentrics, targets, weights }: Omit<LandmarkTargets, 'gaps'>,
  l: number,
  { faces }: HeadModel,
  points: SurfacePoints,
  i: number,
  seen: Float32Array,
  at: number,
  weight: number,
): void {
  for (let a = 0; a < 3; a++) {
    corners[3 * l + a] = faces[3 * points.faces[i] + a];
    barycentrics[3 * l + a] = points.barycentrics[3 * i + a];
  }
  const x = seen[at];
  const y = seen[at + 1];
  targets[2 * l] = x;
  targets[2 * l + 1] = y;
  weights[l] = Number.isFinite(x) && Number.isFinite(y) ? weight : 0;
}

/** Loss of the landmark energy. */
export interface LandmarkLoss {
  /** Pixels. */
  readonly sigma: number;
  /** Width of pseudo-Huber in σ. */
  readonly k: number;
  readonly weight: number;
}

/** The energy alone. */
export function landmarkCost(
  t: LandmarkTargets,
  vertices: Float32Array,
  camera: FitState['camera'],
  loss: LandmarkLoss,
): number {
  const projected = projectTargets(t, vertices, camera);
  const total = weightOf(t);
  let sum = pointLosses(t, projected, loss, null, 0);
  for (const gap of t.gaps)
    sum += gap.weight * pseudoHuber((gapResidual(gap, projected) / (GAP_SIGMA * loss.sigma)) ** 2, loss.k);
  return total > 0 ? (0.5 * loss.weight * sum) / total : 0;
}

/** Projects the targets' surface points: (L,3) as `projectPoints`. */
export function projectTargets(
  t: Pick<LandmarkTargets, 'corners' | 'barycentrics'>,
  vertices: Float32Array,
  camera: FitState['camera'],
): Float32Array {
  return projectPoints(camera, targetPoints(t, vertices));
}

/** The targets' surface points, (L,3) float32. */
function targetPoints(
  t: Pick<LandmarkTargets, 'corners' | 'barycentrics'>,
  vertices: Float32Array,
): Float32Array {
  const L = t.corners.length / 3;
  const points = new Float32Array(3 * L);
  for (let l = 0; l < L; l++)
    for (let i = 0; i < 3; i++)
      for (let a = 0; a < 3; a++)
        points[3 * l + a] += t.barycentrics[3 * l + i] * vertices[3 * t.corners[3 * l + i] + a];
  return points;
}

// Loops in functions of their own: V8 compiles them once, in time for a process's first photo.

function weightOf({ weights }: LandmarkTargets): number {
  let total = 0;
  for (let l = 0; l < weights.length; l++) total += weights[l];
  return total;
}

/** Σ ω ρ over the points; where `squares` (L) is given, the weights of their squares, times `scale`, are written there. */
function pointLosses(
  { targets, weights }: LandmarkTargets,
  projected: Float32Array,
  { sigma, k }: LandmarkLoss,
  squares: Float64Array | null,
  scale: number,
): number {
  let sum = 0;
  for (let l = 0; l < weights.length; l++) {
    if (weights[l] === 0) continue;
    const dx = projected[3 * l] - targets[2 * l];
    const dy = projected[3 * l + 1] - targets[2 * l + 1];
    const s = (dx * dx + dy * dy) / sigma ** 2;
    sum += weights[l] * pseudoHuber(s, k);
    if (squares) squares[l] = scale * weights[l] * pseudoHuberWeight(s, k);
  }
  return sum;
}

/** Normal equations to add to: the lower triangle of `hessian` (n,n), only the geometry columns, and `gradient` (n). */
interface LandmarkEquations {
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
}

/** Adds the energy's normal equations; returns the energy. The rows of the landmarks' corners must be filled in. */
export function addLandmarkEquations(
  kernels: Kernels,
  t: LandmarkTargets,
  g: SurfaceGeometry,
  loss: LandmarkLoss,
  to: LandmarkEquations,
): number {
  const L = t.weights.length;
  const projected = projectTargets(t, g.resident.head.vertices.view, g.camera);
  const total = weightOf(t);
  if (total === 0) return 0;
  const scale = loss.weight / (loss.sigma ** 2 * total);
  const weights = new Float64Array(L);
  let sum = pointLosses(t, projected, loss, weights, scale);
  const gapWeights = t.gaps.map((gap) => {
    const s = (gapResidual(gap, projected) / (GAP_SIGMA * loss.sigma)) ** 2;
    sum += gap.weight * pseudoHuber(s, loss.k);
    return (scale / GAP_SIGMA ** 2) * gap.weight * pseudoHuberWeight(s, loss.k);
  });
  addWeightedLandmarks(kernels, t, g, { points: weights, gaps: gapWeights }, to);
  return (0.5 * loss.weight * sum) / total;
}

/**
 * Adds the normal equations of ½ Σ weight·|π(x) − y|², and of the gaps' squares. The rows of the landmarks' corners must
 * be filled in.
 *
 * Every landmark makes two rows, every gap one, times the square root of its weight, with the residual in the spare
 * column: one product then has Hessian and gradient.
 * @param squares weights of the targets (L) and of the gaps.
 */
export function addWeightedLandmarks(
  kernels: Kernels,
  t: LandmarkTargets,
  g: SurfaceGeometry,
  squares: { readonly points: ArrayLike<number>; readonly gaps: readonly number[] },
  { hessian, gradient }: LandmarkEquations,
): void {
  const n = g.layout.geometrySize;
  const size = g.layout.size;
  const L = t.weights.length;
  const points = targetPoints(t, g.resident.head.vertices.view);
  const projected = projectPoints(g.camera, points);
  kernels.scope(() => {
    const N = 2 * L + t.gaps.length;
    const rowStart = kernels.u32(N + 1);
    const columns = kernels.u32(18 * (L + t.gaps.length), false);
    const values = kernels.f32(18 * (L + t.gaps.length), false);
    const out = kernels.f32(N * g.stride, false);
    const product = kernels.f64((n + 1) * (n + 1));
    const derivatives = kernels.f64(8 * L, false);
    const [starts, index, value] = [rowStart.view, columns.view, values.view];
    pointRows(t, g, points, squares.points, starts, index, value, derivatives.view);
    gapRows(t, g, squares.gaps, starts, index, value, derivatives.view);
    starts[N] = 18 * (L + t.gaps.length);
    const source = matrixF32(g.rows, g.rows.length / g.stride, g.stride);
    multiplySparse(kernels, { rowStart, columns, values }, source, matrixF32(out, N, g.stride));
    const [rows, j] = [out.view, derivatives.view];
    pointColumns(t, g, projected, squares.points, j, rows);
    gapColumns(t, g, projected, squares.gaps, j, rows);
    syrkTN(kernels, matrixF32(out, N, n + 1, g.stride), product);
    const C = product.view;
    addRange(gradient, 0, C, n * (n + 1), n);
    addLower(hessian, size, C, n + 1, n);
  });
}

/** Sparse rows of the points' pictures by their corners, and their projections' derivatives `j` (L,8). */
function pointRows(
  t: LandmarkTargets,
  g: SurfaceGeometry,
  points: Float32Array,
  squares: ArrayLike<number>,
  starts: Uint32Array,
  index: Uint32Array,
  value: Float32Array,
  j: Float64Array,
): void {
  const { rowOf } = g.resident.prepared;
  const one = new Float64Array(8);
  for (let l = 0; l < t.weights.length; l++) {
    const root = Math.sqrt(squares[l]);
    projectionJacobian(g.camera, points[3 * l], points[3 * l + 1], points[3 * l + 2], one);
    j.set(one, 8 * l);
    for (let row = 0; row < 2; row++) {
      const e = 18 * l + 9 * row;
      starts[2 * l + row] = e;
      for (let i = 0; i < 3; i++) {
        const first = 3 * rowOf[t.corners[3 * l + i]];
        putTriple(index, value, e + 3 * i, first, root * t.barycentrics[3 * l + i], one, 3 * row);
      }
    }
  }
}

/** Columns first, first + 1, first + 2 with `factor` times from[at], from[at + 1], from[at + 2]. */
function putTriple(
  index: Uint32Array,
  value: Float32Array,
  to: number,
  first: number,
  factor: number,
  from: Float64Array,
  at: number,
): void {
  for (let a = 0; a < 3; a++) {
    index[to + a] = first + a;
    value[to + a] = factor * from[at + a];
  }
}

/** Sparse rows of the gaps, after those of the points. */
function gapRows(
  t: LandmarkTargets,
  g: SurfaceGeometry,
  squares: readonly number[],
  starts: Uint32Array,
  index: Uint32Array,
  value: Float32Array,
  j: Float64Array,
): void {
  const { rowOf } = g.resident.prepared;
  const L = t.weights.length;
  for (let i = 0; i < t.gaps.length; i++) {
    const { first, second, across } = t.gaps[i];
    const root = Math.sqrt(squares[i]);
    let e = 18 * (L + i);
    starts[2 * L + i] = e;
    for (let end = 0; end < 2; end++) {
      const l = end === 0 ? first : second;
      const signed = end === 0 ? root : -root;
      for (let k = 0; k < 3; k++)
        for (let a = 0; a < 3; a++, e++) {
          index[e] = 3 * rowOf[t.corners[3 * l + k]] + a;
          value[e] =
            signed * t.barycentrics[3 * l + k] * (across[0] * j[8 * l + a] + across[1] * j[8 * l + 3 + a]);
        }
    }
  }
}

/** The points' columns of the camera, and their residuals in the spare column. */
function pointColumns(
  t: LandmarkTargets,
  g: SurfaceGeometry,
  projected: Float32Array,
  squares: ArrayLike<number>,
  j: Float64Array,
  rows: Float32Array,
): void {
  const n = g.layout.geometrySize;
  for (let l = 0; l < t.weights.length; l++) {
    const root = Math.sqrt(squares[l]);
    const u = 2 * l * g.stride;
    const v = u + g.stride;
    cameraColumns(g.layout, j, 8 * l, root, rows, u, v);
    rows[u + n] = root === 0 ? 0 : root * (projected[3 * l] - t.targets[2 * l]);
    rows[v + n] = root === 0 ? 0 : root * (projected[3 * l + 1] - t.targets[2 * l + 1]);
  }
}

/** The gaps' columns of the camera, and their residuals in the spare column. */
function gapColumns(
  t: LandmarkTargets,
  g: SurfaceGeometry,
  projected: Float32Array,
  squares: readonly number[],
  j: Float64Array,
  rows: Float32Array,
): void {
  for (let i = 0; i < t.gaps.length; i++) {
    const root = Math.sqrt(squares[i]);
    const at = (2 * t.weights.length + i) * g.stride;
    gapCameraColumns(g, j, t.gaps[i], root, rows, at);
    rows[at + g.layout.geometrySize] = root === 0 ? 0 : root * gapResidual(t.gaps[i], projected);
  }
}

/** Writes a gap's columns of translation and focal length, `factor` times their derivative, to the row at `at`. */
function gapCameraColumns(
  { layout }: SurfaceGeometry,
  j: Float64Array,
  { first, second, across }: LandmarkGap,
  factor: number,
  out: Float32Array,
  at: number,
): void {
  const difference = (k: number) => factor * (j[8 * first + k] - j[8 * second + k]);
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined)
    for (let a = 0; a < 3; a++) out[at + t + a] = across[0] * difference(a) + across[1] * difference(3 + a);
  const f = layout.blocks.get('focal')?.offset;
  if (f !== undefined) out[at + f] = across[0] * difference(6) + across[1] * difference(7);
}
