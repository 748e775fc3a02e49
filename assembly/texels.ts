import { madd } from './simd';

// Conjugate gradients over texels, three colours (and a zero) to a vector, preconditioned by the diagonal. Sums run in
// float32 over blocks of rows and in float64 over the blocks.

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

/**
 * Solves (D + scale·W)·x = b; see src/kernels/texels.ts. `x` holds the start and then the solution.
 *
 * @param b, x, r, p, q f32x4 rows (n); r, p, q are scratch
 * @returns products with the matrix after the first residual
 */
export function texelGradients(
  n: i32, starts: usize, columns: usize, values: usize, scale: f32, diagonal: usize, b: usize, x: usize, r: usize,
  p: usize, q: usize, steps: i32, tolerance: f64,
): i32 {
  multiply(n, starts, columns, values, scale, diagonal, x, q);
  let bb: f64 = 0, rr: f64 = 0, rz: f64 = 0;
  for (let begin = 0; begin < n; begin += BLOCK) {
    const end = min(begin + BLOCK, n);
    let sb = f32x4.splat(0), sr = sb, sz = sb;
    for (let i = begin; i < end; i++) {
      const at = <usize>i << 4;
      const d = load<f32>(diagonal + (<usize>i << 2));
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
    const curvature = multiply(n, starts, columns, values, scale, diagonal, p, q);
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
        const d = load<f32>(diagonal + (<usize>i << 2));
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
      const d = load<f32>(diagonal + (<usize>i << 2));
      const z = f32x4.mul(f32x4.splat(d > 0 ? 1 / d : 1), v128.load(r + at));
      v128.store(p + at, madd(beta, v128.load(p + at), z));
    }
  }
  return step;
}
