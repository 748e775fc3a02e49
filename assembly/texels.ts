import { madd } from './simd';

// Conjugate gradients over texels, three colours (and a zero) to a vector, preconditioned by the diagonal. Sums run in
// float32 over blocks of rows and in float64 over the blocks. The matrix is D + scale·W + Aᵀ·diag(v)·A, with A the
// sampling of four texels per pixel, which is never multiplied out.

const BLOCK = 256;

// @ts-ignore: decorator
@inline
function total(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/** y = (D + scale·W)·x, with W's entries all 1 where `values` is 0; returns xᵀ·y. */
function multiply(
  n: i32, starts: usize, columns: usize, values: usize, scale: f32, diagonal: usize, x: usize, y: usize,
): f64 {
  let sum: f64 = 0;
  const k = f32x4.splat(scale);
  for (let begin = 0; begin < n; begin += BLOCK) {
    const end = min(begin + BLOCK, n);
    let dot = f32x4.splat(0);
    for (let i = begin; i < end; i++) {
      const first = <usize>load<u32>(starts + (<usize>i << 2)) << 2;
      const last = <usize>load<u32>(starts + (<usize>i << 2), 4) << 2;
      let s = f32x4.splat(0);
      if (values == 0) {
        for (let e = first; e < last; e += 4) {
          s = f32x4.add(s, v128.load(x + (<usize>load<u32>(columns + e) << 4)));
        }
      } else {
        for (let e = first; e < last; e += 4) {
          s = madd(v128.load32_splat(values + e), v128.load(x + (<usize>load<u32>(columns + e) << 4)), s);
        }
      }
      const at = <usize>i << 4;
      const own = v128.load(x + at);
      const out = madd(k, s, f32x4.mul(v128.load32_splat(diagonal + (<usize>i << 2)), own));
      v128.store(y + at, out);
      dot = madd(own, out, dot);
    }
    sum += total(dot);
  }
  return sum;
}

/** Samples of A: (P,4) u32 texels and f32 weights, 16 bytes a pixel each. */
// @ts-ignore: decorator
@inline
function texelAt(taps: usize, p: i32, k: usize): usize {
  return <usize>load<u32>(taps + (<usize>p << 4) + (k << 2)) << 4;
}

// @ts-ignore: decorator
@inline
function weightAt(weights: usize, p: i32, k: usize): v128 {
  return v128.load32_splat(weights + (<usize>p << 4) + (k << 2));
}

// @ts-ignore: decorator
@inline
function sample(taps: usize, weights: usize, p: i32, x: usize): v128 {
  let s = f32x4.mul(weightAt(weights, p, 0), v128.load(x + texelAt(taps, p, 0)));
  s = madd(weightAt(weights, p, 1), v128.load(x + texelAt(taps, p, 1)), s);
  s = madd(weightAt(weights, p, 2), v128.load(x + texelAt(taps, p, 2)), s);
  return madd(weightAt(weights, p, 3), v128.load(x + texelAt(taps, p, 3)), s);
}

// @ts-ignore: decorator
@inline
function splat(taps: usize, weights: usize, p: i32, value: v128, out: usize): void {
  for (let k: usize = 0; k < 4; k++) {
    const to = out + texelAt(taps, p, k);
    v128.store(to, madd(weightAt(weights, p, k), value, v128.load(to)));
  }
}

/** y += Aᵀ·diag(values)·A·x; returns xᵀ·Aᵀ·diag(values)·A·x. */
function addSamples(count: i32, taps: usize, weights: usize, values: usize, x: usize, y: usize): f64 {
  let sum: f64 = 0;
  for (let begin = 0; begin < count; begin += BLOCK) {
    const end = min(begin + BLOCK, count);
    let dot = f32x4.splat(0);
    for (let p = begin; p < end; p++) {
      const v = load<f32>(values + (<usize>p << 2));
      if (v == 0) continue;
      const s = sample(taps, weights, p, x);
      const sv = f32x4.mul(f32x4.splat(v), s);
      dot = madd(s, sv, dot);
      splat(taps, weights, p, sv, y);
    }
    sum += total(dot);
  }
  return sum;
}

/** out (P) = A·x, rows of four. */
export function sampleTexels(count: i32, taps: usize, weights: usize, x: usize, out: usize): void {
  for (let p = 0; p < count; p++) v128.store(out + (<usize>p << 4), sample(taps, weights, p, x));
}

/**
 * The data's part of a system, added up: right (n,4) += Aᵀ·diag(v)·y, lumped (n) += Aᵀ·v, squares (n) += the diagonal of
 * Aᵀ·diag(v)·A.
 */
export function splatPixels(
  count: i32, taps: usize, weights: usize, values: usize, y: usize, right: usize, lumped: usize, squares: usize,
): void {
  for (let p = 0; p < count; p++) {
    const v = load<f32>(values + (<usize>p << 2));
    if (v == 0) continue;
    splat(taps, weights, p, f32x4.mul(f32x4.splat(v), v128.load(y + (<usize>p << 4))), right);
    for (let k: usize = 0; k < 4; k++) {
      const t = <usize>load<u32>(taps + (<usize>p << 4) + (k << 2)) << 2;
      const a = load<f32>(weights + (<usize>p << 4) + (k << 2));
      store<f32>(lumped + t, load<f32>(lumped + t) + a * v);
      store<f32>(squares + t, load<f32>(squares + t) + a * a * v);
    }
  }
}

/**
 * Solves (D + scale·W + Aᵀ·diag(v)·A)·x = b; see src/kernels/texels.ts. `x` holds the start and then the solution.
 *
 * @param whole (n) f32 the matrix' whole diagonal: that of A's part included
 * @param count pixels of A, none for a matrix without
 * @param b, x, r, p, q f32x4 rows (n); r, p, q are scratch
 * @returns products with the matrix after the first residual
 */
export function texelGradients(
  n: i32, starts: usize, columns: usize, values: usize, scale: f32, diagonal: usize, whole: usize, count: i32,
  taps: usize, weights: usize, pixels: usize, b: usize, x: usize, r: usize, p: usize, q: usize, steps: i32,
  tolerance: f64,
): i32 {
  multiply(n, starts, columns, values, scale, diagonal, x, q);
  addSamples(count, taps, weights, pixels, x, q);
  let bb: f64 = 0, rr: f64 = 0, rz: f64 = 0;
  for (let begin = 0; begin < n; begin += BLOCK) {
    const end = min(begin + BLOCK, n);
    let sb = f32x4.splat(0), sr = sb, sz = sb;
    for (let i = begin; i < end; i++) {
      const at = <usize>i << 4;
      const d = load<f32>(whole + (<usize>i << 2));
      const own = v128.load(b + at);
      const rest = f32x4.sub(own, v128.load(q + at));
      const z = f32x4.mul(f32x4.splat(d > 0 ? 1 / d : 1), rest);
      v128.store(r + at, rest);
      v128.store(p + at, z);
      sb = madd(own, own, sb);
      sr = madd(rest, rest, sr);
      sz = madd(rest, z, sz);
    }
    bb += total(sb);
    rr += total(sr);
    rz += total(sz);
  }
  const limit = tolerance * tolerance * (bb > 0 ? bb : 1);
  let step = 0;
  while (rr > limit && step < steps) {
    const curvature =
      multiply(n, starts, columns, values, scale, diagonal, p, q) +
      addSamples(count, taps, weights, pixels, p, q);
    if (!(curvature > 0 && rz > 0)) break;
    step++;
    const alpha = f32x4.splat(<f32>(rz / curvature));
    let next: f64 = 0;
    rr = 0;
    for (let begin = 0; begin < n; begin += BLOCK) {
      const end = min(begin + BLOCK, n);
      let sr = f32x4.splat(0), sz = sr;
      for (let i = begin; i < end; i++) {
        const at = <usize>i << 4;
        const d = load<f32>(whole + (<usize>i << 2));
        v128.store(x + at, madd(alpha, v128.load(p + at), v128.load(x + at)));
        const rest = f32x4.sub(v128.load(r + at), f32x4.mul(alpha, v128.load(q + at)));
        v128.store(r + at, rest);
        sr = madd(rest, rest, sr);
        sz = madd(rest, f32x4.mul(f32x4.splat(d > 0 ? 1 / d : 1), rest), sz);
      }
      rr += total(sr);
      next += total(sz);
    }
    const beta = f32x4.splat(<f32>(next / rz));
    rz = next;
    for (let i = 0; i < n; i++) {
      const at = <usize>i << 4;
      const d = load<f32>(whole + (<usize>i << 2));
      const z = f32x4.mul(f32x4.splat(d > 0 ? 1 / d : 1), v128.load(r + at));
      v128.store(p + at, madd(beta, v128.load(p + at), z));
    }
  }
  return step;
}
