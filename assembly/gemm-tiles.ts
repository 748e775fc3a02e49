import { madd } from './simd';

// Tiles of AᵀB whose sums stay in registers, over all rows of a chunk.
//
// Two 128-bit units with a latency of 4 cycles are busy with the 8 accumulators of 4×8 if nothing ever comes late. 6×8 has
// 12, and 1.5 products for each vector loaded instead of 1.33; with b and one a they take all 15 registers that V8 gives.
// V8 11.3 makes all loads of a loop's body first and then spills (half the speed of 4×8). It doesn't move sums over an
// exit from the loop behind which they are wanted, nor loads. It does move in what is computed before the loop and wanted
// behind an exit only: these are exported to stay functions of their own, all they need being arguments.

/**
 * t[i,j] = Σ_r a[r,i]·b[r,j] for a tile of 4×8, all rows from `pb` up to `lastB`.
 * @param next bytes from columns 0 and 1 of A to columns 2 and 3
 */
export function tile4(pa: usize, rowA: usize, next: usize, pb: usize, rowB: usize, lastB: usize, t: usize): void {
  let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  while (pb < lastB) {
    const b0 = v128.load(pb), b1 = v128.load(pb, 16);
    const a0 = v128.load32_splat(pa);
    s00 = madd(a0, b0, s00);
    s01 = madd(a0, b1, s01);
    const a1 = v128.load32_splat(pa, 4);
    s10 = madd(a1, b0, s10);
    s11 = madd(a1, b1, s11);
    const a2 = v128.load32_splat(pa + next);
    s20 = madd(a2, b0, s20);
    s21 = madd(a2, b1, s21);
    const a3 = v128.load32_splat(pa + next, 4);
    s30 = madd(a3, b0, s30);
    s31 = madd(a3, b1, s31);
    pa += rowA;
    pb += rowB;
  }
  v128.store(t, s00);
  v128.store(t, s01, 16);
  v128.store(t, s10, 32);
  v128.store(t, s11, 48);
  v128.store(t, s20, 64);
  v128.store(t, s21, 80);
  v128.store(t, s30, 96);
  v128.store(t, s31, 112);
}

/**
 * As `tile4`, 6×8. No address of B takes the exits: they keep V8 11.3 from making all loads first and spilling.
 * @param last bytes from columns 0 and 1 to columns 4 and 5
 */
export function tile6(
  pa: usize, rowA: usize, next: usize, last: usize, pb: usize, rowB: usize, lastB: usize, t: usize,
): void {
  let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
  let s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
  do {
    const b0 = v128.load(pb), b1 = v128.load(pb, 16);
    const a0 = v128.load32_splat(pa);
    s00 = madd(a0, b0, s00);
    s01 = madd(a0, b1, s01);
    if (pb == 1) break;
    const a1 = v128.load32_splat(pa, 4);
    s10 = madd(a1, b0, s10);
    s11 = madd(a1, b1, s11);
    if (pb == 2) break;
    const a2 = v128.load32_splat(pa + next);
    s20 = madd(a2, b0, s20);
    s21 = madd(a2, b1, s21);
    if (pb == 3) break;
    const a3 = v128.load32_splat(pa + next, 4);
    s30 = madd(a3, b0, s30);
    s31 = madd(a3, b1, s31);
    if (pb == 4) break;
    const a4 = v128.load32_splat(pa + last);
    s40 = madd(a4, b0, s40);
    s41 = madd(a4, b1, s41);
    if (pb == 5) break;
    const a5 = v128.load32_splat(pa + last, 4);
    s50 = madd(a5, b0, s50);
    s51 = madd(a5, b1, s51);
    pa += rowA;
    pb += rowB;
  } while (pb < lastB);
  v128.store(t, s00);
  v128.store(t, s01, 16);
  v128.store(t, s10, 32);
  v128.store(t, s11, 48);
  v128.store(t, s20, 64);
  v128.store(t, s21, 80);
  v128.store(t, s30, 96);
  v128.store(t, s31, 112);
  v128.store(t, s40, 128);
  v128.store(t, s41, 144);
  v128.store(t, s50, 160);
  v128.store(t, s51, 176);
}
