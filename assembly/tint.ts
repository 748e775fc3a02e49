// Tint of a skin: found, evaluated at pixels, worn by albedo maps. The method is in src/fit/tint.ts, the functions in
// src/model/tint.ts, plain TypeScript for reading in src/kernels/reference/tint.ts.
import { add, Fields, mul, rowBytes, solveFields, sub, two } from './fields';
import { f, u, wide } from './memory';

/** Fields in the order of src/kernels/tint.ts; all 4 bytes. */
@unmanaged
class Solve {
  /** Pixels that are looked at: u32, their values of the functions (count,n) f32. */
  count: i32;
  pixels: usize;
  basis: usize;
  /** (H,W,3) f32, (H,W) f32. */
  photo: usize;
  render: usize;
  mask: usize;
  /** (sets,3) f64 relative changes of a colour. */
  colours: usize;
  fields: Fields;
}

/** The row of two pixels, numbers i and j of those looked at: the render's colour, changed as each of the colours does. */
function fillRow(job: Solve, i: i32, j: i32, mask: v128, row: usize): void {
  const n = job.fields.n, sets = job.fields.sets;
  let to = row;
  const first = job.basis + (<usize>(i * n) << 2), second = job.basis + (<usize>(j * n) << 2);
  for (let k: i32 = 0; k < n; k++, to += 16) v128.store(to, two(wide(first, k), wide(second, k)));
  const a = 12 * <usize>u(job.pixels, i), b = 12 * <usize>u(job.pixels, j);
  const sides = to + 32;
  let product = sides + (<usize>sets << 4);
  memory.fill(sides, 0, rowBytes(n, sets) - (sides - row));
  let squares = f64x2.splat(0);
  for (let c: usize = 0; c < 12; c += 4) {
    const drawn = two(<f64>load<f32>(job.render + a + c), <f64>load<f32>(job.render + b + c));
    const r = sub(two(<f64>load<f32>(job.photo + a + c), <f64>load<f32>(job.photo + b + c)), drawn);
    squares = add(squares, mul(r, r));
    let at = product;
    for (let s: i32 = 0; s < sets; s++) {
      const d = mul(drawn, v128.load64_splat(job.colours + <usize>(24 * s) + (c << 1)));
      const side = sides + (<usize>s << 4);
      v128.store(side, add(v128.load(side), mul(d, r)));
      for (let t: i32 = 0; t <= s; t++, at += 16) {
        const other = mul(drawn, v128.load64_splat(job.colours + <usize>(24 * t) + (c << 1)));
        v128.store(at, add(v128.load(at), mul(d, other)));
      }
    }
  }
  v128.store(to, squares);
  v128.store(to, mask, 16);
}

/** Finds the coefficients; returns false where there is no solution. */
export function solveTint(job: Solve): bool {
  const bytes = rowBytes(job.fields.n, job.fields.sets);
  let row = job.fields.rows;
  let total: f64 = 0;
  for (let i: i32 = 0; i < job.count; i += 2, row += bytes) {
    const both = i + 1 < job.count;
    const j = both ? i + 1 : i;
    const a = <f64>f(job.mask, u(job.pixels, i)), b = both ? <f64>f(job.mask, u(job.pixels, j)) : 0;
    fillRow(job, i, j, two(a, b), row);
    total += a + b;
  }
  return solveFields(job.fields, row, total);
}

/**
 * out (H,W,3) f32 = how far a render (H,W,3) f32 changes at so many pixels (u32).
 * @param change (count,3) f32 relative change of their colours
 */
export function tintPlane(count: i32, pixels: usize, change: usize, render: usize, out: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const at = 12 * <usize>u(pixels, i);
    const from = change + 12 * <usize>i;
    for (let c: usize = 0; c < 12; c += 4) store<f32>(out + at + c, load<f32>(render + at + c) * load<f32>(from + c));
  }
}

/** map ∘= 1 + change, so many f32. */
export function tintMap(map: usize, change: usize, count: i32): void {
  const one = f32x4.splat(1);
  const end = (<usize>count << 2), whole = end & ~15;
  for (let i: usize = 0; i < whole; i += 16)
    v128.store(map + i, f32x4.mul(v128.load(map + i), f32x4.add(one, v128.load(change + i))));
  for (let i = whole; i < end; i += 4) store<f32>(map + i, load<f32>(map + i) * (1 + load<f32>(change + i)));
}

/** values −= plane, so many f32. */
export function takePlane(values: usize, plane: usize, count: i32): void {
  const end = (<usize>count << 2), whole = end & ~15;
  for (let i: usize = 0; i < whole; i += 16) v128.store(values + i, f32x4.sub(v128.load(values + i), v128.load(plane + i)));
  for (let i = whole; i < end; i += 4) store<f32>(values + i, load<f32>(values + i) - load<f32>(plane + i));
}
