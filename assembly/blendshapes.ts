import { copyWords } from './bulk';
import { madd } from './simd';

/** Floats of the output worked on at a time: 8 KB, so that it stays in the first-level cache. */
const BLOCK: i32 = 2048;

/**
 * out[i] = base[i] + Σ_k coefficients[k]·basis[k·n + i] for begin ≤ i < end.
 *
 * @param base (n) f32
 * @param basis (count, n) f32
 * @param coefficients (count) f32; zeros are skipped
 * @param out (n) f32, may be `base`
 * @param scratch 2·count words: the components in use
 */
export function blendshapes(
  base: usize, basis: usize, coefficients: usize, out: usize,
  n: i32, count: i32, begin: i32, end: i32, scratch: usize,
): void {
  const rowBytes = <usize>n << 2;
  // The components in use: (address of its row, coefficient) pairs.
  let used: i32 = 0;
  for (let k: i32 = 0; k < count; k++) {
    const c = load<f32>(coefficients + (<usize>k << 2));
    if (c == 0) continue;
    const entry = scratch + (<usize>used << 3);
    store<u32>(entry, <u32>(basis + <usize>k * rowBytes));
    store<f32>(entry, c, 4);
    used++;
  }
  for (let block = begin; block < end; block += BLOCK) {
    const stop = min(block + BLOCK, end);
    const bytes = <usize>(stop - block) << 2;
    const from = <usize>block << 2;
    if (base != out) copyWords(out + from, base + from, bytes);
    const vectorEnd = block + ((stop - block) & ~3);
    let k: i32 = 0;
    for (; k + 3 < used; k += 4) {
      const entry = scratch + (<usize>k << 3);
      const r0 = <usize>load<u32>(entry), r1 = <usize>load<u32>(entry, 8);
      const r2 = <usize>load<u32>(entry, 16), r3 = <usize>load<u32>(entry, 24);
      const s0 = load<f32>(entry, 4), s1 = load<f32>(entry, 12);
      const s2 = load<f32>(entry, 20), s3 = load<f32>(entry, 28);
      const c0 = f32x4.splat(s0), c1 = f32x4.splat(s1), c2 = f32x4.splat(s2), c3 = f32x4.splat(s3);
      let i = block;
      for (; i < vectorEnd; i += 4) {
        const o = <usize>i << 2;
        let sum = v128.load(out + o);
        sum = madd(c0, v128.load(r0 + o), sum);
        sum = madd(c1, v128.load(r1 + o), sum);
        sum = madd(c2, v128.load(r2 + o), sum);
        sum = madd(c3, v128.load(r3 + o), sum);
        v128.store(out + o, sum);
      }
      for (; i < stop; i++) {
        const o = <usize>i << 2;
        store<f32>(
          out + o,
          load<f32>(out + o) + s0 * load<f32>(r0 + o) + s1 * load<f32>(r1 + o) +
            s2 * load<f32>(r2 + o) + s3 * load<f32>(r3 + o),
        );
      }
    }
    for (; k < used; k++) {
      const entry = scratch + (<usize>k << 3);
      const row = <usize>load<u32>(entry);
      const c = load<f32>(entry, 4);
      const cv = f32x4.splat(c);
      let i = block;
      for (; i < vectorEnd; i += 4) {
        const o = <usize>i << 2;
        v128.store(out + o, madd(cv, v128.load(row + o), v128.load(out + o)));
      }
      for (; i < stop; i++) {
        const o = <usize>i << 2;
        store<f32>(out + o, load<f32>(out + o) + c * load<f32>(row + o));
      }
    }
  }
}
