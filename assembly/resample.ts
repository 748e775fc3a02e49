import { madd } from './simd';

// Cutting a crop out of an 8-bit photo by a separable tent filter; see src/render/resample.ts.

/** Fields in the order of src/kernels/resample.ts; all 4 bytes. */
@unmanaged
class Job {
  /** Rows `begin` ≤ y < `end` of the photo, RGBA bytes, each `rowBytes` long, from pixel `left` on. */
  rows: usize;
  rowBytes: i32;
  left: i32;
  begin: i32;
  end: i32;
  /** Pixels of the crop, a side. */
  size: i32;
  /** Taps across and down: (size) i32 first source pixel, (size) i32 how many, (size,room) f32 weights. */
  firstX: usize;
  countX: usize;
  weightsX: usize;
  roomX: i32;
  firstY: usize;
  countY: usize;
  weightsY: usize;
  roomY: i32;
  /** (size,4) f32: scratch. */
  row: usize;
  /** (size,size,4) f32, added to. */
  out: usize;
}

// @ts-ignore: decorator
@inline
function at(a: usize, i: i32): i32 {
  return load<i32>(a + (<usize>i << 2));
}

/** Adds what the given rows of the photo contribute to the crop. */
export function resampleRows(job: Job): void {
  const size = job.size, row = job.row;
  const scale = f32x4.splat(1 / <f32>255);
  let first = 0;
  for (let y = job.begin; y < job.end; y++) {
    // Windows begin and end in ascending order: those before `first` end above this row.
    while (first < size && at(job.firstY, first) + at(job.countY, first) <= y) first++;
    if (first == size) return;
    if (at(job.firstY, first) > y) continue;
    const source = job.rows + <usize>(y - job.begin) * <usize>job.rowBytes;
    for (let i = 0; i < size; i++) {
      let from = source + (<usize>(at(job.firstX, i) - job.left) << 2);
      let weight = job.weightsX + (<usize>(i * job.roomX) << 2);
      let sum = f32x4.splat(0);
      for (let k = at(job.countX, i); k > 0; k--, from += 4, weight += 4) {
        const pixel = f32x4.convert_i32x4_u(
          i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from))),
        );
        sum = madd(v128.load32_splat(weight), pixel, sum);
      }
      v128.store(row + (<usize>i << 4), f32x4.mul(sum, scale));
    }
    for (let j = first; j < size && at(job.firstY, j) <= y; j++) {
      const weight = f32x4.splat(
        load<f32>(job.weightsY + (<usize>(j * job.roomY + y - at(job.firstY, j)) << 2)),
      );
      const to = job.out + (<usize>(j * size) << 4);
      for (let i: usize = 0, end = <usize>size << 4; i < end; i += 16)
        v128.store(to + i, madd(weight, v128.load(row + i), v128.load(to + i)));
    }
  }
}

/** Rows of four floats (count,4) without the last of each, (count,3) and a float; `to` may be `from`. */
export function packColours(count: i32, from: usize, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) v128.store(to + i * 12, v128.load(from + (i << 4)));
}
