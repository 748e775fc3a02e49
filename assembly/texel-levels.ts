import { f, u } from './memory';
import { madd } from './simd';

// Texel graphs and what is solved on them, level by level: merging, restriction, prolongation, right-hand sides. Colours
// are rows of four (three and a zero); graphs are compressed rows, every edge in both.

// @ts-ignore: decorator
@inline
function row(a: usize, i: u32): usize {
  return a + (<usize>i << 4);
}

/** coarse (m,4) += rows of fine (n,4) and coarseSums (m) += sums (n), by parent. */
export function restrictRows(n: i32, parents: usize, fine: usize, sums: usize, coarse: usize, coarseSums: usize): void {
  for (let i = 0; i < n; i++) {
    const p = u(parents, i);
    v128.store(row(coarse, p), f32x4.add(v128.load(row(coarse, p)), v128.load(row(fine, i))));
    store<f32>(coarseSums + (<usize>p << 2), f(coarseSums, p) + f(sums, i));
  }
}

/** fine (n,4) = coarse (m,4) of each one's parent. */
export function prolongRows(n: i32, parents: usize, coarse: usize, fine: usize): void {
  for (let i = 0; i < n; i++) v128.store(row(fine, i), v128.load(row(coarse, u(parents, i))));
}

/** out (n) = pull + λ·Σ of the edges' weights, all 1 where `weights` is 0. */
export function laplacianDiagonal(n: i32, starts: usize, weights: usize, lambda: f32, pull: usize, out: usize): void {
  for (let i = 0; i < n; i++) {
    const first = u(starts, i), end = u(starts, i + 1);
    let sum: f32 = 0;
    if (weights == 0) sum = <f32>(end - first);
    else for (let e = first; e < end; e++) sum += f(weights, e);
    store<f32>(out + (<usize>i << 2), f(pull, i) + lambda * sum);
  }
}

/**
 * Merges a graph by parents; weights of edges between the same two parents add up and are halved.
 *
 * @param begin (m+1) u32, children (n) u32, slots (m) i32: scratch
 * @returns entries written to `outNeighbours` and `outWeights`
 */
export function mergeGraph(
  n: i32, starts: usize, neighbours: usize, weights: usize, parents: usize, m: i32, begin: usize, children: usize,
  slots: usize, outStarts: usize, outNeighbours: usize, outWeights: usize,
): i32 {
  // Children by parent: counts, then ends that move back to beginnings.
  memory.fill(begin, 0, (<usize>m + 1) << 2);
  for (let i = 0; i < n; i++) {
    const at = begin + (<usize>u(parents, i) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let sum: u32 = 0;
  for (let p = 0; p <= m; p++) {
    sum += p < m ? u(begin, p) : 0;
    store<u32>(begin + (<usize>p << 2), sum);
  }
  for (let i = n - 1; i >= 0; i--) {
    const at = begin + (<usize>u(parents, i) << 2);
    const k = load<u32>(at) - 1;
    store<u32>(at, k);
    store<u32>(children + (<usize>k << 2), i);
  }
  for (let p = 0; p < m; p++) store<i32>(slots + (<usize>p << 2), -1);
  let count = 0;
  store<u32>(outStarts, 0);
  for (let p = 0; p < m; p++) {
    const first = count;
    for (let k = u(begin, p), last = u(begin, p + 1); k < last; k++) {
      const i = u(children, k);
      for (let e = u(starts, i), end = u(starts, i + 1); e < end; e++) {
        const q = u(parents, u(neighbours, e));
        if (q == <u32>p) continue;
        const slot = slots + (<usize>q << 2);
        if (load<i32>(slot) < first) {
          store<i32>(slot, count);
          store<u32>(outNeighbours + (<usize>count << 2), q);
          store<f32>(outWeights + (<usize>count << 2), 0);
          count++;
        }
        const to = outWeights + (<usize>load<i32>(slot) << 2);
        store<f32>(to, load<f32>(to) + <f32>0.5 * (weights == 0 ? <f32>1 : f(weights, e)));
      }
    }
    store<u32>(outStarts + (<usize>(p + 1) << 2), count);
  }
  return count;
}

/**
 * The part of a graph over the nodes with `number` ≥ 0, which are numbered in order here.
 *
 * @param number (n) i32: −1 for what is left out; overwritten by each node's number in the part
 * @param outNodes (n) u32, outStarts (n+1) u32, outNeighbours u32: filled as far as there is
 * @returns nodes
 */
export function subgraph(
  n: i32, starts: usize, neighbours: usize, number: usize, outNodes: usize, outStarts: usize, outNeighbours: usize,
): i32 {
  let count = 0;
  for (let i = 0; i < n; i++) {
    if (load<i32>(number + (<usize>i << 2)) < 0) continue;
    store<i32>(number + (<usize>i << 2), count);
    store<u32>(outNodes + (<usize>count << 2), i);
    count++;
  }
  let edges: u32 = 0;
  store<u32>(outStarts, 0);
  for (let i = 0; i < count; i++) {
    const node = u(outNodes, i);
    for (let e = u(starts, node), end = u(starts, node + 1); e < end; e++) {
      const j = load<i32>(number + (<usize>u(neighbours, e) << 2));
      if (j < 0) continue;
      store<u32>(outNeighbours + (<usize>edges << 2), j);
      edges++;
    }
    store<u32>(outStarts + (<usize>(i + 1) << 2), edges);
  }
  return count;
}

/**
 * What each node would have to be offset by to look as its mirror point does: see src/texture/fill.ts.
 *
 * @param taps, weights (n,4) of the mirror points, weights zero where there is none
 * @param guide (n,4) and strength (n): overwritten
 */
export function mirrorGuides(
  n: i32, taps: usize, weights: usize, visibility: usize, base: usize, seen: usize, guide: usize, strength: usize,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 4;
    const own = f(visibility, i);
    let sum = f32x4.splat(0);
    let there: f32 = 0;
    if (own <= 0.97 && f(weights, 4 * i) + f(weights, 4 * i + 1) + f(weights, 4 * i + 2) + f(weights, 4 * i + 3) > 0) {
      there = 1;
      for (let k = 0; k < 4; k++) {
        if (f(weights, 4 * i + k) > 0.01) there = min(there, f(visibility, u(taps, 4 * i + k)));
      }
      // Only what was seen clearly better is worth copying.
      if (there < 0.5 || there < own + <f32>0.1) there = 0;
    }
    if (there > 0) {
      for (let k = 0; k < 4; k++) {
        const t = row(0, u(taps, 4 * i + k));
        sum = madd(v128.load32_splat(weights + at + (<usize>k << 2)), f32x4.add(v128.load(base + t), v128.load(seen + t)), sum);
      }
      sum = f32x4.sub(sum, v128.load(base + at));
    }
    store<f32>(strength + (<usize>i << 2), there);
    v128.store(guide + at, sum);
  }
}

/**
 * Right-hand side (n,4) and pull (n) of the filled offset, see src/texture/fill.ts: held by `hold` at `seen`, drawn by
 * `mirrorPull`·strength to the guide or by `plainPull` to zero, with the guide's differences along edges between guided
 * nodes.
 */
export function fillRight(
  n: i32, starts: usize, neighbours: usize, hold: usize, strength: usize, seen: usize, guide: usize, mirrorPull: f32,
  plainPull: f32, pull: usize, right: usize,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 4;
    const s = f(strength, i), h = f(hold, i);
    const e = s > 0 ? mirrorPull * s : plainPull;
    store<f32>(pull + (<usize>i << 2), h + e);
    const own = v128.load(guide + at);
    let b = madd(f32x4.splat(h), v128.load(seen + at), f32x4.mul(f32x4.splat(e), own));
    if (s > 0) {
      for (let k = u(starts, i), end = u(starts, i + 1); k < end; k++) {
        const j = u(neighbours, k);
        if (f(strength, j) > 0) b = f32x4.add(b, f32x4.sub(own, v128.load(row(guide, j))));
      }
    }
    v128.store(right + at, b);
  }
}
