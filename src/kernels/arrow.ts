/**
 * Damped normal equations of arrow shape (`linalg/arrow.ts`, which is the reference), in float64 on two lanes. A group's block,
 * its couplings with the shared unknowns and its right hand side are one front, of which the group is taken out by a
 * partial factorisation (assembly/cholesky.ts): 1.3 ms for three groups of 95 and 150 shared against 14 ms.
 */
import { freeSizes } from '../linalg/arrow.ts';
import { predictedDecrease } from '../linalg/quadratic-model.ts';
import type { DampedEquations } from './damped.ts';
import { type F64, type Kernels, requireLength } from './runtime.ts';

/** The free part of the equations with its right hand side (m), in the order of `index`. */
interface FreePart {
  readonly hessian: Float64Array;
  readonly n: number;
  readonly index: ArrayLike<number>;
  readonly lambda: number;
  readonly right: Float64Array;
}

/**
 * As `dampedEquations`, of a matrix of arrow shape.
 * @param hessian (n,n) float64, symmetric; what couples the groups is not read. Not copied.
 * @param gradient (n) float64
 * @param groups sizes of the private groups in order; what follows them is shared.
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function arrowEquations(
  kernels: Kernels,
  hessian: Float64Array,
  gradient: Float64Array,
  groups: readonly number[],
): DampedEquations {
  const n = gradient.length;
  requireLength('arrowEquations', 'hessian', hessian, n * n, '(n,n)');
  return {
    solve: (index, held, lambda) => {
      const moved: number[] = [];
      for (let j = 0; j < n; j++) if (held[j] !== 0) moved.push(j);
      const right = Float64Array.from({ length: index.length }, (_, r) => {
        let sum = -gradient[index[r]];
        for (const j of moved) sum -= hessian[index[r] * n + j] * held[j];
        return sum;
      });
      return solve(kernels, { hessian, n, index, lambda, right }, freeSizes(groups, index));
    },
    predictedDecrease: (step) => predictedDecrease(hessian, gradient, step),
  };
}

function solve(kernels: Kernels, part: FreePart, sizes: readonly number[]): Float64Array | null {
  return kernels.scope(() => {
    const free = part.index.length;
    const first = sizes.reduce((s, k) => s + k, 0);
    const m = padded(free - first);
    const shared = front(kernels, part, first, free - first, free, 0);
    const groups: { readonly memory: F64; readonly at: number; readonly k: number }[] = [];
    let at = 0;
    for (const k of sizes) {
      const memory = front(kernels, part, at, k, first, m);
      if (!kernels.raw.eliminateGroup(memory.ptr, padded(k), m, shared.ptr)) return null;
      groups.push({ memory, at, k });
      at += k;
    }
    // Nothing is below what is shared.
    if (!kernels.raw.eliminateGroup(shared.ptr, m, 0, 0)) return null;
    kernels.raw.groupUnknowns(shared.ptr, m, 0, 0);
    const x = new Float64Array(free);
    const row = m * m;
    x.set(shared.view.subarray(row, row + free - first), first);
    for (const { memory, at, k } of groups) {
      const width = padded(k);
      kernels.raw.groupUnknowns(memory.ptr, width, m, shared.ptr + 8 * row);
      const right = (width + m) * width;
      x.set(memory.view.subarray(right, right + k), at);
    }
    return x;
  });
}

/** Sizes are multiples of 4, so that kernels have no edges. */
function padded(size: number): number {
  return (size + 3) & ~3;
}

/**
 * (width+below+2, width), width the padded k: the damped block of k unknowns at `at`, padded with an identity; its couplings
 * with the unknowns from `rows` on, padded with zeros to `below`; the right hand side; zeros.
 */
function front(
  kernels: Kernels,
  { hessian, n, index, lambda, right }: FreePart,
  at: number,
  k: number,
  rows: number,
  below: number,
): F64 {
  const width = padded(k);
  const memory = kernels.f64((width + below + 2) * width);
  const { view } = memory;
  for (let i = 0; i < k; i++) {
    const from = index[at + i] * n;
    for (let j = 0; j <= i; j++) view[i * width + j] = hessian[from + index[at + j]];
    view[i * width + i] = view[i * width + i] * (1 + lambda) + 1e-12;
  }
  for (let i = k; i < width; i++) view[i * width + i] = 1;
  for (let s = rows; s < index.length; s++) {
    const [from, to] = [index[s] * n, (width + s - rows) * width];
    for (let j = 0; j < k; j++) view[to + j] = hessian[from + index[at + j]];
  }
  view.set(right.subarray(at, at + k), (width + below) * width);
  return memory;
}
