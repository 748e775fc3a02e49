// Least squares of smooth fields over pixels, what gloss and tint are found with. What is left of a pixel's colour is
// explained by n basis values y and S colours d of its own:
//
//   r_c ≈ Σ_s d_sc Σ_k x_sk y_k,   E(x) = ½ Σ w ρ_G(‖r − …‖² / σ²) + ½ Σ (x_sk / deviation_s)²
//
// re-weighted; plain TypeScript for reading in src/kernels/reference/fields.ts. Two pixels at a time, one in each lane. The row of
// a pair has its basis values, then ‖r‖², mask, d_s·r for each s, d_s·d_t for each t ≤ s.
import { choleskySolve } from './cholesky';

// @ts-ignore: decorator
@inline
export function add(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

// @ts-ignore: decorator
@inline
export function sub(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}

// @ts-ignore: decorator
@inline
export function mul(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function two(a: f64, b: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(a), 1, b);
}

/** Bytes of a pair's row. */
// @ts-ignore: decorator
@inline
export function rowBytes(n: i32, sets: i32): usize {
  return <usize>(16 * (n + 2 + sets + triangle(sets)));
}

// @ts-ignore: decorator
@inline
function triangle(n: i32): i32 {
  return (n * (n + 1)) >> 1;
}

/** Σ coefficients·basis at two pixels. */
// @ts-ignore: decorator
@inline
export function dotPair(n: i32, coefficients: usize, basis: usize): v128 {
  let even = f64x2.splat(0), odd = f64x2.splat(0);
  let k: i32 = 0;
  for (; k < n - 1; k += 2) {
    const at = <usize>k;
    even = madd(v128.load64_splat(coefficients + (at << 3)), v128.load(basis + (at << 4)), even);
    odd = madd(v128.load64_splat(coefficients + (at << 3), 8), v128.load(basis + (at << 4), 16), odd);
  }
  if (k < n) {
    const at = <usize>k;
    even = madd(v128.load64_splat(coefficients + (at << 3)), v128.load(basis + (at << 4)), even);
  }
  return add(even, odd);
}

/** What is to be explained; fields in the order of `fieldsFields` in src/kernels/fields.ts; all 4 bytes. */
@unmanaged
export class Fields {
  /** Basis values and colours. */
  n: i32;
  sets: i32;
  rounds: i32;
  /** σ, k and weight of the loss, a deviation for each colour: f64. */
  numbers: usize;
  /** Room for the rows; for sets·(sets + 1)/2 triangles of n pairs and sets·n pairs of f64; a padded system. */
  rows: usize;
  sums: usize;
  matrix: usize;
  /** Unknowns, filled up to a multiple of 4. */
  padded: i32;
  /** Result: (padded) f64, colour by colour. */
  out: usize;
}

/** Adds a pair of pixels, weighted, to the lower triangles by rows and the right hand sides behind them. */
function addRow(n: i32, sets: i32, row: usize, weight: v128, sums: usize): void {
  const bytes = <usize>n << 4;
  const sides = row + bytes + 32;
  const products = sides + (<usize>sets << 4);
  let to = sums;
  for (let block: i32 = 0; block < triangle(sets); block++) {
    const scaled = mul(weight, v128.load(products + (<usize>block << 4)));
    for (let a: usize = 0; a < bytes; a += 16) {
      const x = mul(scaled, v128.load(row + a));
      for (let b: usize = 0; b <= a; b += 16, to += 16) v128.store(to, madd(x, v128.load(row + b), v128.load(to)));
    }
  }
  for (let s: i32 = 0; s < sets; s++) {
    const scaled = mul(weight, v128.load(sides + (<usize>s << 4)));
    for (let a: usize = 0; a < bytes; a += 16, to += 16) v128.store(to, madd(scaled, v128.load(row + a), v128.load(to)));
  }
}

// @ts-ignore: decorator
@inline
function lanes(at: usize): f64 {
  return load<f64>(at) + load<f64>(at, 8);
}

/** Adds up the lanes of `sums`, with the prior, into the padded system. */
function foldSums(job: Fields): void {
  const n = job.n, padded = job.padded;
  const stride = <usize>padded << 3;
  memory.fill(job.matrix, 0, <usize>padded * stride);
  memory.fill(job.out, 0, stride);
  let from = job.sums;
  for (let s: i32 = 0; s < job.sets; s++)
    for (let t: i32 = 0; t <= s; t++) {
      const corner = job.matrix + <usize>(s * n) * stride + (<usize>(t * n) << 3);
      for (let a: i32 = 0; a < n; a++)
        for (let b: i32 = 0; b <= a; b++, from += 16) {
          const value = lanes(from);
          store<f64>(corner + <usize>a * stride + (<usize>b << 3), value);
          // Of a block beside the diagonal, which is symmetric in itself, the other half too.
          if (t < s) store<f64>(corner + <usize>b * stride + (<usize>a << 3), value);
        }
    }
  for (let k: i32 = 0; k < padded; k++) {
    const diagonal = job.matrix + <usize>k * (stride + 8);
    if (k >= n * job.sets) {
      store<f64>(diagonal, 1);
      continue;
    }
    const deviation = load<f64>(job.numbers + (<usize>(k / n) << 3), 24);
    store<f64>(diagonal, load<f64>(diagonal) + 1 / (deviation * deviation));
    store<f64>(job.out + (<usize>k << 3), lanes(from));
    from += 16;
  }
}

/**
 * Solves for the coefficients of the rows from `job.rows` to `end`.
 * @param total sum of the pixels' masks; @returns false where there is no solution
 */
export function solveFields(job: Fields, end: usize, total: f64): bool {
  const n = job.n, sets = job.sets;
  const sigma = load<f64>(job.numbers), k = load<f64>(job.numbers, 8), weight = load<f64>(job.numbers, 16);
  const sharp = f64x2.splat(1 / (sigma * sigma)), one = f64x2.splat(1), minus = f64x2.splat(-2), twice = f64x2.splat(2);
  const soft = f64x2.splat(1 / (k * k)), whole = f64x2.splat(weight / (total * sigma * sigma));
  const bytes = <usize>n << 4;
  const sides = bytes + 32, products = sides + (<usize>sets << 4);
  memory.fill(job.out, 0, <usize>job.padded << 3);
  for (let round = 0; round < job.rounds; round++) {
    memory.fill(job.sums, 0, <usize>(16 * (triangle(sets) * triangle(n) + sets * n)));
    for (let row = job.rows; row < end; row += rowBytes(n, sets)) {
      // ‖r‖² − 2 Σ f_s d_s·r + Σ f_s f_t d_s·d_t
      let e = v128.load(row + bytes);
      let at = row + products;
      for (let s: i32 = 0; s < sets; s++) {
        const f = dotPair(n, job.out + (<usize>(s * n) << 3), row);
        e = add(e, mul(mul(minus, f), v128.load(row + sides + (<usize>s << 4))));
        for (let t: i32 = 0; t < s; t++, at += 16) {
          const g = dotPair(n, job.out + (<usize>(t * n) << 3), row);
          e = add(e, mul(mul(mul(twice, f), g), v128.load(at)));
        }
        e = add(e, mul(mul(f, f), v128.load(at)));
        at += 16;
      }
      const width = add(one, mul(mul(e, sharp), soft));
      const share = f64x2.div(mul(whole, v128.load(row + bytes, 16)), mul(width, width));
      addRow(n, sets, row, share, job.sums);
    }
    foldSums(job);
    if (!choleskySolve(job.matrix, job.padded, job.out)) return false;
  }
  return true;
}
