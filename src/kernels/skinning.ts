/**
 * Linear blend skinning, x = Σ_j w_j·(R_j b + t_j), of points and of the rows of their derivatives.
 *
 * Derivative rows are (3R, stride) float32 with consecutive parameters consecutive in memory: row 3r + a belongs to
 * axis a of the r-th point of a chosen set. Kernels fill in groups of columns for a list of points.
 */
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';
import { cutRange, type TaskArguments } from './tasks.ts';

/** Points worth a task. */
const GRAIN = 2048;

/** Joints of a linear blend skinning. */
export interface Skinning {
  /** J. */
  readonly joints: number;
  /** (V,J) float32. */
  readonly weights: F32;
  /** (J,16) float32, see {@link packTransforms}. */
  readonly transforms: F32;
}

/** Derivative rows of a set of points. */
export interface PointRows {
  /** Points whose rows to fill, numbers in the set. */
  readonly rows: U32;
  /** (R) uint32 the set's points. */
  readonly ids: U32;
  /** (3R,stride) float32. */
  readonly out: F32;
  /** Floats from one row to the next. */
  readonly stride: number;
}

/** Linear components of a set of points. */
export interface PointBasis {
  /** (3R,K) float32. */
  readonly basis: F32;
  /** K. */
  readonly components: number;
  /** (3J,k) derivative of the transforms' translations for the k components used; null where they do not move. */
  readonly shift: F32 | null;
}

/**
 * Writes rigid motions as the four vectors per joint that the kernels read: columns of the matrix, translation.
 * @param rotations (J,9) row-major
 * @param translations (J,3)
 * @param out (J,16)
 */
export function packTransforms(
  rotations: ArrayLike<number>,
  translations: ArrayLike<number>,
  out: Float32Array,
): void {
  for (let j = 0; j < translations.length / 3; j++)
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) out[16 * j + 4 * b + a] = rotations[9 * j + 3 * a + b];
      out[16 * j + 12 + a] = translations[3 * j + a];
    }
}

/**
 * out[v] = points[v] moved by its blended transform; (V,3) float32 each.
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function skinPoints(kernels: Kernels, skinning: Skinning, points: F32, out: F32): void {
  const V = points.length / 3;
  requireSkinning('skinPoints', skinning, V);
  requireLength('skinPoints', 'out', out, points.length, '(V,3)');
  kernels.scope(() => {
    const { joints, weights, transforms } = skinning;
    kernels.run(
      'skinPoints',
      cutRange(0, V, kernels.threads, GRAIN).map(([from, to]) => [
        points.ptr,
        weights.ptr,
        transforms.ptr,
        joints,
        from,
        to,
        out.ptr,
        kernels.f32(16).ptr,
      ]),
    );
  });
}

/**
 * Columns `column`…`column + count − 1` of linear components: the blended matrix times the basis, plus what the
 * joints move along.
 * @param count first components used
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function skinRows(
  kernels: Kernels,
  skinning: Skinning,
  to: PointRows,
  { basis, components, shift }: PointBasis,
  column: number,
  count: number,
): void {
  const name = 'skinRows';
  const R = to.ids.length;
  requireLength(name, 'basis', basis, 3 * R * components, '(3R,K)');
  requireLength(name, 'out', to.out, 3 * R * to.stride, '(3R,stride)');
  requireLength(name, 'count', { length: Math.min(count, components) }, count, 'at most K');
  requireLength(name, 'stride', { length: Math.max(to.stride, column + count) }, to.stride, 'wide');
  if (shift) requireLength(name, 'shift', shift, 3 * skinning.joints * count, '(3J,k)');
  kernels.scope(() => {
    kernels.run(
      'skinRows',
      cutRange(0, to.rows.length, 2 * kernels.threads, GRAIN / 8).map(([from, end]) => [
        to.rows.ptr + 4 * from,
        end - from,
        to.ids.ptr,
        basis.ptr,
        components,
        count,
        skinning.weights.ptr,
        skinning.transforms.ptr,
        skinning.joints,
        shift ? shift.ptr : 0,
        to.out.ptr,
        to.stride,
        column,
        kernels.f32(16).ptr,
      ]),
    );
  });
}

/** A rotation about a joint and what it carries along. */
export interface RotationColumns {
  /** (V,3) float32 points before skinning. */
  readonly points: F32;
  /** (J,16) transforms relative to the joint's position; zero for joints that it does not carry. */
  readonly arms: F32;
  /** (3,3) row i: rotation vector of a unit of column i. */
  readonly axes: ArrayLike<number>;
  /** Corrective shapes that follow the rotation, or null. */
  readonly correctives: {
    /** (R,strideC,4) float32 x, y, z, 0. */
    readonly shapes: F32;
    readonly stride: number;
    /** Of nine consecutive shapes. */
    readonly first: number;
    /** (3,9) derivative of the nine coefficients for each column. */
    readonly turn: ArrayLike<number>;
  } | null;
}

/**
 * Columns `column`…`column + 2` of a joint's rotation: axis × arm, plus the skinned correctives.
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function rotationRows(
  kernels: Kernels,
  skinning: Skinning,
  to: PointRows,
  rotation: RotationColumns,
  column: number,
): void {
  const name = 'rotationRows';
  const { points, arms, correctives } = rotation;
  requireSkinning(name, skinning, points.length / 3);
  requireLength(name, 'arms', arms, 16 * skinning.joints, '(J,16)');
  requireLength(name, 'out', to.out, 3 * to.ids.length * to.stride, '(3R,stride)');
  requireLength(name, 'stride', { length: Math.max(to.stride, column + 3) }, to.stride, 'wide');
  if (correctives)
    requireLength(
      name,
      'correctives',
      correctives.shapes,
      4 * to.ids.length * correctives.stride,
      '(R,strideC,4)',
    );
  kernels.scope(putRotationRows, kernels, skinning, to, rotation, column);
}

function putRotationRows(
  kernels: Kernels,
  { weights, transforms, joints }: Skinning,
  { rows, ids, out, stride }: PointRows,
  { points, arms, axes, correctives }: RotationColumns,
  column: number,
): void {
  const vectors = kernels.f32(12);
  for (let i = 0; i < 3; i++) for (let a = 0; a < 3; a++) vectors.view[4 * i + a] = axes[3 * i + a];
  const turn = kernels.f32(correctives ? correctives.turn : 0);
  const { shapes, stride: wide, first } = correctives ?? { shapes: { ptr: 0 }, stride: 0, first: 0 };
  const posed = [ids.ptr, points.ptr, weights.ptr, transforms.ptr, arms.ptr, joints, vectors.ptr];
  const calls: TaskArguments[] = [];
  for (const [from, end] of cutRange(0, rows.length, kernels.threads, GRAIN / 4))
    calls.push([
      ...[rows.ptr + 4 * from, end - from, ...posed, shapes.ptr, wide, first, turn.ptr],
      ...[out.ptr, stride, column, kernels.f32(32).ptr],
    ]);
  kernels.run('rotationRows', calls);
}

function requireSkinning(name: string, { joints, weights, transforms }: Skinning, V: number): void {
  requireLength(name, 'weights', weights, V * joints, '(V,J)');
  requireLength(name, 'transforms', transforms, 16 * joints, '(J,16)');
}
