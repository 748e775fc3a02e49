/**
 * From sums over surface samples (`kernels/sample-sums.ts`) to the normal equations of a layout's parameters: light and
 * texture as they are, geometry as PᵀHP with P = ∂q/∂θ, and what couples the two.
 */
import { gemmTN, matrixF32, symmetricTN } from '../kernels/gemm.ts';
import { firstOf } from '../kernels/part.ts';
import { RESIDUAL_COLUMN } from '../kernels/photometric.ts';
import type { F32, F64, Kernels } from '../kernels/runtime.ts';
import { SURFACE_ROWS } from '../kernels/surface.ts';
import { foldMixedRows, multiplyVertexBlocks, type VertexBlocks } from '../kernels/vertex-blocks.ts';
import { addLower, addRange } from './lower-triangle.ts';
import type { ParameterLayout } from './parameters.ts';

/** Normal equations to add to: the lower triangle of `hessian` (n,n), `gradient` (n). */
export interface EquationsTarget {
  readonly layout: ParameterLayout;
  /** Texture components of the model. */
  readonly T: number;
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
}

/** Sums over samples, with X shared columns: light 27, residual, texture. */
export interface SampleTotals {
  readonly columns: number;
  readonly vertex: VertexBlocks;
  /** (X,X). */
  readonly appearance: F64;
}

/** Adds the block of light and texture. */
export function addAppearance(to: EquationsTarget, { columns, appearance }: SampleTotals): void {
  const { layout, hessian, gradient } = to;
  const n = layout.size;
  const map = appearanceColumns(layout, to.T);
  const block = appearance.view;
  for (let x = 0; x < map.length; x++) {
    const i = map[x];
    if (i < 0) continue;
    gradient[i] += block[RESIDUAL_COLUMN * columns + x];
    for (let y = 0; y < map.length; y++) {
      const j = map[y];
      if (j >= 0 && j <= i) hessian[i * n + j] += block[x * columns + y];
    }
  }
}

/**
 * Adds PᵀHP, the mixed blocks and the gradient of geometry. The mixed rows of `totals` are overwritten.
 * @param room derivative rows P, at least (4A,stride), and room for H·P.
 * @param frames (A,8) float32 of `tangentFrames`.
 * @param edges (D,2) of the samples.
 */
export function addGeometry(
  kernels: Kernels,
  to: EquationsTarget,
  { columns, vertex }: SampleTotals,
  room: { readonly P: F32; readonly HP: F32; readonly stride: number },
  frames: F32,
  edges: Uint32Array,
): void {
  const { layout, hessian, gradient } = to;
  const { stride } = room;
  const n = layout.size;
  const g = layout.geometrySize;
  const m = SURFACE_ROWS * vertex.vertexCount;
  const p = firstOf(room.P, m * stride);
  const hp = firstOf(room.HP, m * stride);
  multiplyVertexBlocks(kernels, vertex, edges, frames, p, stride, hp);
  const mixed = foldMixedRows(kernels, vertex, frames);
  const product = kernels.f64(g * g);
  const cross = kernels.f64(columns * g);
  symmetricTN(kernels, matrixF32(p, m, g, stride), matrixF32(hp, m, g, stride), product);
  gemmTN(kernels, matrixF32(mixed, m, columns, vertex.mixedStride), matrixF32(p, m, g, stride), cross);
  const [G, C] = [product.view, cross.view];
  const map = appearanceColumns(layout, to.T);
  addRange(gradient, 0, C, RESIDUAL_COLUMN * g, g);
  addLower(hessian, n, G, g, g);
  for (let x = 0; x < map.length; x++) if (map[x] >= 0) addRange(hessian, map[x] * n, C, x * g, g);
}

/** Adds the gradient of light and texture: `columns` (X) as of `photometricGradient`. */
export function addAppearanceGradient(
  to: Pick<EquationsTarget, 'layout' | 'T' | 'gradient'>,
  columns: Float64Array,
): void {
  const map = appearanceColumns(to.layout, to.T);
  for (let x = 0; x < map.length; x++) if (map[x] >= 0) to.gradient[map[x]] += columns[x];
}

/**
 * Adds the gradient of geometry, Pᵀg, with P of a linearisation nearby. Vertices that were not seen there have none: they
 * are few, at the border of what is seen, and left out.
 * @param seen fans (A) and gradient (A,8) float64 by u, v and normal, as of `photometricGradient`.
 * @param linearized fans (B) with their rows P (4B,stride) and `tangentFrames` (B,8).
 */
export function addGeometryGradient(
  kernels: Kernels,
  to: Pick<EquationsTarget, 'layout' | 'gradient'>,
  seen: { readonly fans: Uint32Array; readonly gradient: F64 },
  linearized: { readonly fans: Uint32Array; readonly P: F32; readonly frames: F32; readonly stride: number },
): void {
  const g = to.layout.geometrySize;
  const m = SURFACE_ROWS * linearized.fans.length;
  const column = kernels.f32(m);
  const [rows, from, t] = [column.view, seen.gradient.view, linearized.frames.view];
  const place = placesOf(linearized.fans);
  for (let a = 0; a < seen.fans.length; a++) {
    const b = seen.fans[a] < place.length ? place[seen.fans[a]] : -1;
    if (b < 0) continue;
    const i = 8 * a;
    const f = 8 * b;
    const x = from[i + 2];
    const y = from[i + 3];
    const z = from[i + 4];
    const o = SURFACE_ROWS * b;
    rows[o] = from[i];
    rows[o + 1] = from[i + 1];
    rows[o + 2] = t[f] * x + t[f + 1] * y + t[f + 2] * z;
    rows[o + 3] = t[f + 4] * x + t[f + 5] * y + t[f + 6] * z;
  }
  const product = kernels.f64(g);
  const p = matrixF32(firstOf(linearized.P, m * linearized.stride), m, g, linearized.stride);
  gemmTN(kernels, matrixF32(column, m, 1), p, product);
  for (let i = 0; i < g; i++) to.gradient[i] += product.view[i];
}

/** Where each number stands in `numbers`, −1 for those that don't. */
function placesOf(numbers: Uint32Array): Int32Array {
  let most = -1;
  for (let b = 0; b < numbers.length; b++) most = Math.max(most, numbers[b]);
  const place = new Int32Array(most + 1).fill(-1);
  for (let b = 0; b < numbers.length; b++) place[numbers[b]] = b;
  return place;
}

/** Column in the layout of each column of the appearance block; −1 where it is fixed or no parameter. */
function appearanceColumns(layout: ParameterLayout, T: number): Int32Array {
  const map = new Int32Array(RESIDUAL_COLUMN + 1 + T).fill(-1);
  const light = layout.blocks.get('light');
  if (light)
    for (let k = 0; k < 9; k++)
      for (let c = 0; c < 3; c++)
        map[3 * k + c] = light.offset + (layout.lightColumns === 27 ? 3 * k + c : k);
  const texture = layout.blocks.get('texture');
  if (texture)
    for (let t = 0; t < Math.min(texture.size, T); t++) map[RESIDUAL_COLUMN + 1 + t] = texture.offset + t;
  return map;
}
