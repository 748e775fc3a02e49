import { fillWords } from './bulk';

/** Smallest positive float: e ≥ TINY is e > 0, what the top-left rule asks of edges that are neither left nor top ones. */
const TINY: f32 = reinterpret<f32>(1);

/** Kinds of faces from here on yield: they never hide faces of their kind less this, whatever their depth. */
const YIELDING: i32 = 128;

/** Lanes of `bits` without those whose face, of the four at `faceAt`, is of that kind. */
function withoutKind(bits: i32, faceAt: usize, kinds: usize, kind: i32): i32 {
  for (let lane: i32 = 0; lane < 4; lane++) {
    if (!(bits & (1 << lane))) continue;
    const there = load<i32>(faceAt + (<usize>lane << 2));
    if (there >= 0 && <i32>load<u8>(kinds + <usize>there) == kind) bits &= ~(1 << lane);
  }
  return bits;
}

/**
 * Draws all faces into rows rowBegin ≤ y < rowEnd, which are cleared first.
 *
 * An edge function is evaluated relative to the same end of the edge (the lexicographically smaller) in both faces
 * that share it: the two values are then exact negatives of each other, so no pixel centre falls between the faces
 * or into both. No fused multiply-add here: it would break that symmetry at pixel centres on vertices.
 *
 * @param positions (V,3) f32 pixels x, y and depth q
 * @param faces (F,3) u32
 * @param perspective 1: q = 1/distance, faces with any q ≤ 0 are skipped, barycentrics are perspective-correct
 * @param cullBack 1: only faces with negative area in y-down pixels are drawn
 * @param kinds (F) u8, or 0: faces that yield are drawn last
 * @param faceIndex (height,width) i32
 * @param barycentrics (height,width,3) f32
 * @param depth (height,width) f32
 */
export function rasterizeRows(
  positions: usize, faces: usize, faceCount: i32,
  width: i32, rowBegin: i32, rowEnd: i32,
  perspective: i32, cullBack: i32, kinds: usize,
  faceIndex: usize, barycentrics: usize, depth: usize,
): void {
  const firstPixel = <usize>(rowBegin * width);
  const pixels = <usize>((rowEnd - rowBegin) * width);
  fillWords(faceIndex + (firstPixel << 2), i32x4.splat(-1), pixels << 2);
  fillWords(barycentrics + firstPixel * 12, i32x4.splat(0), pixels * 12);
  fillWords(depth + (firstPixel << 2), f32x4.splat(-Infinity), pixels << 2);

  const half = f32x4.splat(0.5);
  const least = f32x4(0, <f32>rowBegin, 0, 0);
  const most = f32x4(<f32>(width - 1), <f32>(rowEnd - 1), 0, 0);
  const ramp = f32x4(0.5, 1.5, 2.5, 3.5);
  const zero = f32x4.splat(0);
  const tiny = f32x4.splat(TINY);
  const drawn = kinds ? 2 * faceCount : faceCount;
  for (let n: i32 = 0; n < drawn; n++) {
    const last = n >= faceCount;
    const f = last ? n - faceCount : n;
    let kind: i32 = 0;
    if (kinds) {
      kind = load<u8>(kinds + <usize>f);
      if (kind >= YIELDING != last) continue;
    }
    const face = faces + <usize>f * 12;
    const p0 = positions + <usize>load<u32>(face) * 12;
    const p1 = positions + <usize>load<u32>(face, 4) * 12;
    const p2 = positions + <usize>load<u32>(face, 8) * 12;
    // Both axes at once. Most faces of a head in a small picture hold no pixel's centre; comparisons are false for NaN.
    const v0 = v128.load(p0), v1 = v128.load(p1), v2 = v128.load(p2);
    const low = f32x4.pmax(f32x4.ceil(f32x4.sub(f32x4.pmin(f32x4.pmin(v0, v1), v2), half)), least);
    const high = f32x4.pmin(f32x4.floor(f32x4.sub(f32x4.pmax(f32x4.pmax(v0, v1), v2), half)), most);
    if ((i32x4.bitmask(f32x4.le(low, high)) & 3) != 3) continue;

    const origin = f64x2.promote_low_f32x4(v0);
    const side1 = f64x2.sub(f64x2.promote_low_f32x4(v1), origin);
    const side2 = f64x2.sub(f64x2.promote_low_f32x4(v2), origin);
    const product = f64x2.mul(side1, v128.shuffle<f64>(side2, side2, 1, 0));
    const area64 = f64x2.extract_lane(product, 0) - f64x2.extract_lane(product, 1);
    // Infinite coordinates make the area NaN or infinite.
    if (cullBack) {
      if (!(area64 < 0 && area64 > -Infinity)) continue;
    } else if (!(abs(area64) > 0 && abs(area64) < Infinity)) continue;

    const q0 = f32x4.extract_lane(v0, 2), q1 = f32x4.extract_lane(v1, 2), q2 = f32x4.extract_lane(v2, 2);
    if (perspective) {
      if (!(q0 > 0 && q1 > 0 && q2 > 0)) continue;
    }
    if (!(abs(q0 + q1 + q2) < Infinity)) continue;

    // Lane i is the edge opposite to vertex i, from vertex i + 1 to i + 2; directions are turned so that the inside is positive.
    const ends01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const xFrom = v128.shuffle<f32>(ends01, v2, 1, 4, 0, 0), yFrom = v128.shuffle<f32>(ends01, v2, 3, 5, 2, 2);
    const xTo = v128.shuffle<f32>(ends01, v2, 4, 0, 1, 1), yTo = v128.shuffle<f32>(ends01, v2, 5, 2, 3, 3);
    const turn = f32x4.splat(area64 < 0 ? -1 : 1);
    const dx = f32x4.mul(turn, f32x4.sub(xTo, xFrom));
    const dy = f32x4.mul(turn, f32x4.sub(yTo, yFrom));
    const smaller = v128.or(f32x4.lt(xFrom, xTo), v128.and(f32x4.eq(xFrom, xTo), f32x4.lt(yFrom, yTo)));
    const ox = v128.bitselect(xFrom, xTo, smaller);
    const oy = v128.bitselect(yFrom, yTo, smaller);
    const topLeft = v128.or(f32x4.lt(dy, zero), v128.and(f32x4.eq(dy, zero), f32x4.gt(dx, zero)));
    const threshold = v128.andnot(tiny, topLeft);
    const t0 = v128.shuffle<f32>(threshold, threshold, 0, 0, 0, 0);
    const t1 = v128.shuffle<f32>(threshold, threshold, 1, 1, 1, 1);
    const t2 = v128.shuffle<f32>(threshold, threshold, 2, 2, 2, 2);
    const vdy0 = v128.shuffle<f32>(dy, dy, 0, 0, 0, 0), ox0 = v128.shuffle<f32>(ox, ox, 0, 0, 0, 0);
    const vdy1 = v128.shuffle<f32>(dy, dy, 1, 1, 1, 1), ox1 = v128.shuffle<f32>(ox, ox, 1, 1, 1, 1);
    const vdy2 = v128.shuffle<f32>(dy, dy, 2, 2, 2, 2), ox2 = v128.shuffle<f32>(ox, ox, 2, 2, 2, 2);
    const vq0 = f32x4.splat(q0), vq1 = f32x4.splat(q1), vq2 = f32x4.splat(q2);
    const inverseArea = f32x4.splat(<f32>(1.0 / abs(area64)));
    const vf = i32x4.splat(f);

    const xa = <i32>f32x4.extract_lane(low, 0), xb = <i32>f32x4.extract_lane(high, 0);
    const ya = <i32>f32x4.extract_lane(low, 1), yb = <i32>f32x4.extract_lane(high, 1);
    for (let x = xa; x <= xb; x += 4) {
      const px = f32x4.add(f32x4.splat(<f32>x), ramp);
      const c0 = f32x4.mul(vdy0, f32x4.sub(px, ox0));
      const c1 = f32x4.mul(vdy1, f32x4.sub(px, ox1));
      const c2 = f32x4.mul(vdy2, f32x4.sub(px, ox2));
      const lanes = xb - x;
      const columns = lanes < 3 ? (2 << lanes) - 1 : 15;
      for (let y = ya; y <= yb; y++) {
        const r = f32x4.mul(dx, f32x4.sub(f32x4.splat(<f32>y + 0.5), oy));
        const e0 = f32x4.sub(v128.shuffle<f32>(r, r, 0, 0, 0, 0), c0);
        const e1 = f32x4.sub(v128.shuffle<f32>(r, r, 1, 1, 1, 1), c1);
        const e2 = f32x4.sub(v128.shuffle<f32>(r, r, 2, 2, 2, 2), c2);
        const inside = v128.and(v128.and(f32x4.ge(e0, t0), f32x4.ge(e1, t1)), f32x4.ge(e2, t2));
        let bits = i32x4.bitmask(inside) & columns;
        if (bits == 0) continue;
        const pixel = <usize>(y * width + x);
        const depthAt = depth + (pixel << 2);
        const w0 = f32x4.mul(e0, vq0), w1 = f32x4.mul(e1, vq1), w2 = f32x4.mul(e2, vq2);
        const sum = f32x4.add(f32x4.add(w0, w1), w2);
        const q = f32x4.mul(sum, inverseArea);
        bits &= i32x4.bitmask(f32x4.gt(q, v128.load(depthAt)));
        if (last) bits = withoutKind(bits, faceIndex + (pixel << 2), kinds, kind - YIELDING);
        if (bits == 0) continue;
        let b0: v128, b1: v128, b2: v128;
        if (perspective) {
          const r = f32x4.div(f32x4.splat(1), sum);
          b0 = f32x4.mul(w0, r);
          b1 = f32x4.mul(w1, r);
          b2 = f32x4.mul(w2, r);
        } else {
          b0 = f32x4.mul(e0, inverseArea);
          b1 = f32x4.mul(e1, inverseArea);
          b2 = f32x4.mul(e2, inverseArea);
        }
        const faceAt = faceIndex + (pixel << 2);
        const baryAt = barycentrics + pixel * 12;
        if (bits == 15) {
          v128.store(depthAt, q);
          v128.store(faceAt, vf);
          // 4 × (b0, b1, b2) interleaved.
          const ab = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5);
          const ab2 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7);
          v128.store(baryAt, v128.shuffle<f32>(ab, b2, 0, 1, 4, 2));
          v128.store(baryAt, v128.shuffle<f32>(v128.shuffle<f32>(ab, b2, 3, 5, 3, 5), ab2, 0, 1, 4, 5), 16);
          v128.store(baryAt, v128.shuffle<f32>(b2, ab2, 2, 6, 7, 3), 32);
        } else {
          // Lane by lane: a masked vector store would touch pixels beyond the row, another worker's maybe.
          if (bits & 1) {
            store<f32>(depthAt, f32x4.extract_lane(q, 0));
            store<i32>(faceAt, f);
            store<f32>(baryAt, f32x4.extract_lane(b0, 0));
            store<f32>(baryAt, f32x4.extract_lane(b1, 0), 4);
            store<f32>(baryAt, f32x4.extract_lane(b2, 0), 8);
          }
          if (bits & 2) {
            store<f32>(depthAt, f32x4.extract_lane(q, 1), 4);
            store<i32>(faceAt, f, 4);
            store<f32>(baryAt, f32x4.extract_lane(b0, 1), 12);
            store<f32>(baryAt, f32x4.extract_lane(b1, 1), 16);
            store<f32>(baryAt, f32x4.extract_lane(b2, 1), 20);
          }
          if (bits & 4) {
            store<f32>(depthAt, f32x4.extract_lane(q, 2), 8);
            store<i32>(faceAt, f, 8);
            store<f32>(baryAt, f32x4.extract_lane(b0, 2), 24);
            store<f32>(baryAt, f32x4.extract_lane(b1, 2), 28);
            store<f32>(baryAt, f32x4.extract_lane(b2, 2), 32);
          }
          if (bits & 8) {
            store<f32>(depthAt, f32x4.extract_lane(q, 3), 12);
            store<i32>(faceAt, f, 12);
            store<f32>(baryAt, f32x4.extract_lane(b0, 3), 36);
            store<f32>(baryAt, f32x4.extract_lane(b1, 3), 40);
            store<f32>(baryAt, f32x4.extract_lane(b2, 3), 44);
          }
        }
      }
    }
  }
}
