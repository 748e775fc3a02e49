// Damped normal equations in float64: gathering the free part, Cholesky factorisation, solution.
//
// Matrices are padded to a multiple of 4 with an identity, so that the factorisation has no edges: left-looking, by
// columns of four and rows of two, eight sums of two lanes in registers. Fronts of sequences (src/kernels/sequence.ts) are
// taken the same way.

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function sum(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/**
 * Lower triangle of (H + λ·diag H)[index, index], padded to `size`, and the right hand side −(g + H·step)[index], padded
 * with zeros; `step` must be zero for free unknowns.
 *
 * @param hessian (n,n) f64, symmetric; gradient, step (n) f64
 * @param index (m) u32 free unknowns, ascending
 * @param a (size,size) f64; @param b (size) f64
 */
export function gatherDamped(
  hessian: usize, gradient: usize, step: usize, n: i32, index: usize, m: i32, lambda: f64, size: i32, a: usize, b: usize,
): void {
  const rowBytes = <usize>n << 3;
  const sizeBytes = <usize>size << 3;
  for (let r: i32 = 0; r < size; r++) {
    const to = a + <usize>r * sizeBytes;
    if (r >= m) {
      memory.fill(to, 0, sizeBytes);
      store<f64>(to + (<usize>r << 3), 1);
      store<f64>(b + (<usize>r << 3), 0);
      continue;
    }
    const i = <usize>load<u32>(index + (<usize>r << 2));
    const row = hessian + i * rowBytes;
    let right = f64x2.splat(0);
    const even = <usize>(n & ~1) << 3;
    for (let j: usize = 0; j < even; j += 16) right = madd(v128.load(row + j), v128.load(step + j), right);
    let s = sum(right);
    if (n & 1) s += load<f64>(row + even) * load<f64>(step + even);
    store<f64>(b + (<usize>r << 3), -load<f64>(gradient + (i << 3)) - s);
    for (let c: i32 = 0; c <= r; c++) {
      store<f64>(to + (<usize>c << 3), load<f64>(row + (<usize>load<u32>(index + (<usize>c << 2)) << 3)));
    }
    const diagonal = to + (<usize>r << 3);
    store<f64>(diagonal, load<f64>(diagonal) * (1 + lambda) + 1e-12);
  }
}

/** stepᵀ·(g + ½·H·step): the model's change of the energy. */
export function quadraticModel(hessian: usize, gradient: usize, step: usize, n: i32): f64 {
  const rowBytes = <usize>n << 3;
  const even = <usize>(n & ~1) << 3;
  let total: f64 = 0;
  for (let i: usize = 0; i < rowBytes; i += 8) {
    let v = f64x2.splat(0);
    for (let j: usize = 0; j < even; j += 16) v = madd(v128.load(hessian + j), v128.load(step + j), v);
    let s = sum(v);
    if (n & 1) s += load<f64>(hessian + even) * load<f64>(step + even);
    total += load<f64>(step + i) * (load<f64>(gradient + i) + 0.5 * s);
    hessian += rowBytes;
  }
  return total;
}

/** Sums of two rows times four rows over `bytes`, subtracted from the four numbers at `t0` and at `t1`. */
// @ts-ignore: decorator
@inline
function subtractTile(
  r0: usize, r1: usize, c0: usize, rowBytes: usize, bytes: usize, t0: usize, t1: usize,
): void {
  const c1 = c0 + rowBytes, c2 = c1 + rowBytes, c3 = c2 + rowBytes;
  const zero = f64x2.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  for (let k: usize = 0; k < bytes; k += 16) {
    const a0 = v128.load(r0 + k), a1 = v128.load(r1 + k);
    const b0 = v128.load(c0 + k);
    s00 = madd(a0, b0, s00);
    s10 = madd(a1, b0, s10);
    const b1 = v128.load(c1 + k);
    s01 = madd(a0, b1, s01);
    s11 = madd(a1, b1, s11);
    const b2 = v128.load(c2 + k);
    s02 = madd(a0, b2, s02);
    s12 = madd(a1, b2, s12);
    const b3 = v128.load(c3 + k);
    s03 = madd(a0, b3, s03);
    s13 = madd(a1, b3, s13);
  }
  store<f64>(t0, load<f64>(t0) - sum(s00));
  store<f64>(t0, load<f64>(t0, 8) - sum(s01), 8);
  store<f64>(t0, load<f64>(t0, 16) - sum(s02), 16);
  store<f64>(t0, load<f64>(t0, 24) - sum(s03), 24);
  store<f64>(t1, load<f64>(t1) - sum(s10));
  store<f64>(t1, load<f64>(t1, 8) - sum(s11), 8);
  store<f64>(t1, load<f64>(t1, 16) - sum(s12), 16);
  store<f64>(t1, load<f64>(t1, 24) - sum(s13), 24);
}

/**
 * The first `size` columns of a Cholesky factor, in place of the lower triangle (what is above it gets overwritten within
 * blocks of four).
 * @param a (rows, ·) f64; size a multiple of 4, rows even
 * @returns 1, or 0 where a pivot is not positive
 */
function factorColumns(a: usize, rowBytes: usize, size: i32, rows: i32): i32 {
  for (let j: i32 = 0; j < size; j += 4) {
    const bytes = <usize>j << 3;
    const d0 = a + <usize>j * rowBytes;
    const d1 = d0 + rowBytes, d2 = d1 + rowBytes, d3 = d2 + rowBytes;
    subtractTile(d0, d1, d0, rowBytes, bytes, d0 + bytes, d1 + bytes);
    subtractTile(d2, d3, d0, rowBytes, bytes, d2 + bytes, d3 + bytes);
    // The 4×4 block on the diagonal.
    const p0 = load<f64>(d0 + bytes);
    if (!(p0 > 0 && p0 < Infinity)) return 0;
    const l00 = sqrt<f64>(p0), i0 = 1 / l00;
    const l10 = load<f64>(d1 + bytes) * i0, l20 = load<f64>(d2 + bytes) * i0, l30 = load<f64>(d3 + bytes) * i0;
    const p1 = load<f64>(d1 + bytes, 8) - l10 * l10;
    if (!(p1 > 0 && p1 < Infinity)) return 0;
    const l11 = sqrt<f64>(p1), i1 = 1 / l11;
    const l21 = (load<f64>(d2 + bytes, 8) - l20 * l10) * i1, l31 = (load<f64>(d3 + bytes, 8) - l30 * l10) * i1;
    const p2 = load<f64>(d2 + bytes, 16) - l20 * l20 - l21 * l21;
    if (!(p2 > 0 && p2 < Infinity)) return 0;
    const l22 = sqrt<f64>(p2), i2 = 1 / l22;
    const l32 = (load<f64>(d3 + bytes, 16) - l30 * l20 - l31 * l21) * i2;
    const p3 = load<f64>(d3 + bytes, 24) - l30 * l30 - l31 * l31 - l32 * l32;
    if (!(p3 > 0 && p3 < Infinity)) return 0;
    const l33 = sqrt<f64>(p3), i3 = 1 / l33;
    store<f64>(d0 + bytes, l00);
    store<f64>(d1 + bytes, l10);
    store<f64>(d1 + bytes, l11, 8);
    store<f64>(d2 + bytes, l20);
    store<f64>(d2 + bytes, l21, 8);
    store<f64>(d2 + bytes, l22, 16);
    store<f64>(d3 + bytes, l30);
    store<f64>(d3 + bytes, l31, 8);
    store<f64>(d3 + bytes, l32, 16);
    store<f64>(d3 + bytes, l33, 24);
    for (let i = j + 4; i < rows; i += 2) {
      const r0 = a + <usize>i * rowBytes, r1 = r0 + rowBytes;
      subtractTile(r0, r1, d0, rowBytes, bytes, r0 + bytes, r1 + bytes);
      for (let row = r0; row <= r1; row += rowBytes) {
        const at = row + bytes;
        const x0 = load<f64>(at) * i0;
        const x1 = (load<f64>(at, 8) - x0 * l10) * i1;
        const x2 = (load<f64>(at, 16) - x0 * l20 - x1 * l21) * i2;
        const x3 = (load<f64>(at, 24) - x0 * l30 - x1 * l31 - x2 * l32) * i3;
        store<f64>(at, x0);
        store<f64>(at, x1, 8);
        store<f64>(at, x2, 16);
        store<f64>(at, x3, 24);
      }
    }
  }
  return 1;
}

/** x of Lᵀ·x = b in place of b, by rows: a known x[i] is taken from all above. L (size,size) f64 */
function substituteBack(l: usize, size: i32, b: usize): void {
  const rowBytes = <usize>size << 3;
  for (let i = size - 1; i >= 0; i--) {
    const row = l + <usize>i * rowBytes;
    const at = <usize>i << 3;
    const x = load<f64>(b + at) / load<f64>(row + at);
    store<f64>(b + at, x);
    const even = <usize>(i & ~1) << 3;
    const minus = f64x2.splat(-x);
    for (let k: usize = 0; k < even; k += 16) v128.store(b + k, madd(minus, v128.load(row + k), v128.load(b + k)));
    if (i & 1) store<f64>(b + even, load<f64>(b + even) - x * load<f64>(row + even));
  }
}

/**
 * A = L·Lᵀ in place of the lower triangle, then x = A⁻¹·b in place of b.
 * @param a (size,size) f64, size a multiple of 4; @param b (size) f64
 * @returns 1, or 0 where a pivot is not positive
 */
export function choleskySolve(a: usize, size: i32, b: usize): i32 {
  const rowBytes = <usize>size << 3;
  if (!factorColumns(a, rowBytes, size, size)) return 0;
  // L·y = b, then Lᵀ·x = y.
  for (let i: i32 = 0; i < size; i++) {
    const row = a + <usize>i * rowBytes;
    const even = <usize>(i & ~1) << 3;
    let v = f64x2.splat(0);
    for (let k: usize = 0; k < even; k += 16) v = madd(v128.load(row + k), v128.load(b + k), v);
    let s = sum(v);
    if (i & 1) s += load<f64>(row + even) * load<f64>(b + even);
    const at = <usize>i << 3;
    store<f64>(b + at, (load<f64>(b + at) - s) / load<f64>(row + at));
  }
  substituteBack(a, size, b);
  return 1;
}

/**
 * Takes the first block out of a front of three and moves the others up. The front is the lower triangle of a symmetric
 * matrix of 3 × 3 blocks (m,m), then a row for the right hand side and one of zeros; with L·Lᵀ its first block, the rows
 * below become W·L⁻ᵀ, and what they do to each other is subtracted from the rest.
 *
 * @param front (3m+2, 3m) f64, m a multiple of 4; where the last block and column stood it is zero afterwards
 * @param factors (3m+1, m) f64: L, then the rows below
 * @returns 1, or 0 where a pivot is not positive
 */
export function eliminateFront(front: usize, m: i32, factors: usize): i32 {
  const rowBytes = <usize>m * 24, blockBytes = <usize>m << 3;
  if (!factorColumns(front, rowBytes, m, 3 * m + 2)) return 0;
  for (let j = m; j < 3 * m; j += 4) {
    const c0 = front + <usize>j * rowBytes;
    for (let i = j; i < 3 * m + 2; i += 2) {
      const r0 = front + <usize>i * rowBytes, at = r0 + (<usize>j << 3);
      subtractTile(r0, r0 + rowBytes, c0, rowBytes, blockBytes, at, at + rowBytes);
    }
  }
  for (let i: i32 = 0; i <= 3 * m; i++) {
    memory.copy(factors + <usize>i * blockBytes, front + <usize>i * rowBytes, blockBytes);
  }
  for (let i: i32 = 0; i < 2 * m; i++) {
    const to = front + <usize>i * rowBytes;
    memory.copy(to, front + <usize>(i + m) * rowBytes + blockBytes, 2 * blockBytes);
    memory.fill(to + 2 * blockBytes, 0, blockBytes);
  }
  memory.fill(front + <usize>(2 * m) * rowBytes, 0, <usize>m * rowBytes);
  const right = front + <usize>(3 * m) * rowBytes;
  memory.copy(right, right + blockBytes, 2 * blockBytes);
  memory.fill(right + 2 * blockBytes, 0, blockBytes + rowBytes);
  return 1;
}

/**
 * Takes a private group out of a system of arrow shape (src/kernels/arrow.ts): with L·Lᵀ the group's block, the rows below it
 * become W = B·L⁻ᵀ, and W·Wᵀ is subtracted from what is shared.
 *
 * @param front (k+m+2, k) f64, k and m multiples of 4: lower triangle of the group's block, its couplings with the shared
 *   unknowns, the right hand side, zeros
 * @param shared (m+2, m) f64: lower triangle of the shared block, the right hand side, zeros
 * @returns 1, or 0 where a pivot is not positive
 */
export function eliminateGroup(front: usize, k: i32, m: i32, shared: usize): i32 {
  const rowBytes = <usize>k << 3, sharedBytes = <usize>m << 3;
  if (!factorColumns(front, rowBytes, k, k + m + 2)) return 0;
  const below = front + <usize>k * rowBytes;
  for (let j: i32 = 0; j < m; j += 4) {
    const c0 = below + <usize>j * rowBytes;
    for (let i = j; i < m + 2; i += 2) {
      const r0 = below + <usize>i * rowBytes, at = shared + <usize>i * sharedBytes + (<usize>j << 3);
      subtractTile(r0, r0 + rowBytes, c0, rowBytes, rowBytes, at, at + sharedBytes);
    }
  }
  return 1;
}

/**
 * The unknowns of a front that {@link eliminateGroup} has taken: Lᵀ·x = y − Wᵀ·z, in place of y, the row behind W.
 * @param front (k+m+1, k) f64; @param z (m) f64 the shared unknowns
 */
export function groupUnknowns(front: usize, k: i32, m: i32, z: usize): void {
  const rowBytes = <usize>k << 3;
  const w = front + <usize>k * rowBytes, y = w + <usize>m * rowBytes;
  for (let s: i32 = 0; s < m; s++) {
    const row = w + <usize>s * rowBytes;
    const minus = f64x2.splat(-load<f64>(z + (<usize>s << 3)));
    for (let c: usize = 0; c < rowBytes; c += 16) v128.store(y + c, madd(minus, v128.load(row + c), v128.load(y + c)));
  }
  substituteBack(front, k, y);
}
