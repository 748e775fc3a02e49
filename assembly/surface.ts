import { madd } from './simd';
import { worker } from './worker';

// Normals of a triangle mesh and derivative rows of what a picture sees of its vertices. A fan lists what surrounds a
// vertex: per neighbour j its number, those of the neighbours before and after it (the vertex itself at a border),
// and the neighbour's row. Then N = Σ (x_j − x_v) × (x_next − x_v) and dN = Σ (dx_j − dx_v) × (x_next − x_previous).

/** (x, y, z, ?) of vertex v. */
// @ts-ignore: decorator
@inline
function at(vertices: usize, v: u32): v128 {
  return v128.load(vertices + <usize>v * 12);
}

/**
 * Unit normals of fans begin ≤ i < end.
 *
 * @param vertices (V,3) f32
 * @param centres (fans) u32 vertex of each fan
 * @param starts (fans+1) u32 into `fans`
 * @param fans (entries,4) u32: neighbour, previous, next, row
 * @param out (fans,4) f32: unit normal, 1/length of the area-weighted sum; zeros and 1e20 without area
 */
export function fanNormals(
  vertices: usize, centres: usize, starts: usize, fans: usize, begin: i32, end: i32, out: usize,
): void {
  for (let i = begin; i < end; i++) {
    const index = <usize>i << 2;
    const v = load<u32>(centres + index);
    const centre = at(vertices, v);
    let sum = f32x4.splat(0);
    const last = fans + (<usize>load<u32>(starts + index, 4) << 4);
    for (let f = fans + (<usize>load<u32>(starts + index) << 4); f < last; f += 16) {
      const next = load<u32>(f, 8);
      if (next == v) continue;
      const a = f32x4.sub(at(vertices, load<u32>(f)), centre), b = f32x4.sub(at(vertices, next), centre);
      sum = f32x4.add(
        sum,
        f32x4.sub(
          f32x4.mul(v128.shuffle<f32>(a, a, 1, 2, 0, 3), v128.shuffle<f32>(b, b, 2, 0, 1, 3)),
          f32x4.mul(v128.shuffle<f32>(a, a, 2, 0, 1, 3), v128.shuffle<f32>(b, b, 1, 2, 0, 3)),
        ),
      );
    }
    const x = f32x4.extract_lane(sum, 0), y = f32x4.extract_lane(sum, 1), z = f32x4.extract_lane(sum, 2);
    const inverse = <f32>1 / max(sqrt<f32>(x * x + y * y + z * z), <f32>1e-20);
    v128.store(
      out + (<usize>i << 4),
      f32x4.replace_lane(f32x4.mul(sum, f32x4.splat(inverse)), 3, inverse),
    );
  }
}

/**
 * Two unit vectors across a unit normal, each xyz0 (Duff et al. 2017, "Building an orthonormal basis, revisited").
 *
 * @param active (A) u32 fans; @param normals (fans,4) f32
 * @param frames (A,8) f32
 */
export function tangentFrames(active: usize, normals: usize, count: i32, frames: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const n = normals + (<usize>load<u32>(active + (<usize>i << 2)) << 4);
    const x = load<f32>(n), y = load<f32>(n, 4), z = load<f32>(n, 8);
    const sign: f32 = z < 0 ? -1 : 1;
    const a = <f32>-1 / (sign + z), b = x * y * a;
    const to = frames + (<usize>i << 5);
    v128.store(to, f32x4(<f32>1 + sign * x * x * a, sign * b, -sign * x, 0));
    v128.store(to, f32x4(b, sign + y * y * a, -y, 0), 16);
  }
}

/**
 * Four rows per active fan: the projection's two, then the unit normal's along two tangents.
 *
 * @param active (A) u32 fans
 * @param rowOf (fans) u32 row of each fan's vertex
 * @param normals (fans,4) f32 of `fanNormals`
 * @param projection (A,8) f32: ∂u/∂(x,y,z), ∂v/∂(x,y,z), two unused
 * @param rows (3R, stride) f32 ∂vertices, stride a multiple of 8
 * @param frames (A,8) f32 of `tangentFrames`
 * @param out (4A, stride) f32
 * @param scratch 16·(longest fan + 1) bytes, `scratchBytes` per worker
 */
export function surfaceRows(
  vertices: usize, starts: usize, fans: usize, active: usize, begin: i32, end: i32, rowOf: usize,
  normals: usize, frames: usize, projection: usize, rows: usize, stride: i32, out: usize, scratch: usize,
  scratchBytes: usize,
): void {
  const strideBytes = <usize>stride << 2;
  const neighbours = scratch + <usize>worker * scratchBytes;
  for (let i = begin; i < end; i++) {
    const index = <usize>load<u32>(active + (<usize>i << 2)) << 2;
    const own = rows + 3 * <usize>load<u32>(rowOf + index) * strideBytes;
    // Per neighbour: x_next − x_previous and where its rows are; the vertex itself gets minus their sum.
    let entry = neighbours;
    let sum = f32x4.splat(0);
    const last = fans + (<usize>load<u32>(starts + index, 4) << 4);
    for (let f = fans + (<usize>load<u32>(starts + index) << 4); f < last; f += 16) {
      const e = f32x4.sub(at(vertices, load<u32>(f, 8)), at(vertices, load<u32>(f, 4)));
      sum = f32x4.add(sum, e);
      v128.store(entry, e);
      store<u32>(entry, <u32>(rows + 3 * <usize>load<u32>(f, 12) * strideBytes), 12);
      entry += 16;
    }
    v128.store(entry, f32x4.neg(sum));
    store<u32>(entry, <u32>own, 12);
    entry += 16;

    // d(unit normal) = (I − nnᵀ)·dN/|N|, and t·n = 0.
    const s = v128.load32_splat(normals + (index << 2), 12);
    const frame = frames + (<usize>i << 5);
    const t1 = f32x4.mul(s, v128.load(frame)), t2 = f32x4.mul(s, v128.load(frame, 16));
    const x1 = v128.shuffle<f32>(t1, t1, 0, 0, 0, 0), y1 = v128.shuffle<f32>(t1, t1, 1, 1, 1, 1);
    const z1 = v128.shuffle<f32>(t1, t1, 2, 2, 2, 2);
    const x2 = v128.shuffle<f32>(t2, t2, 0, 0, 0, 0), y2 = v128.shuffle<f32>(t2, t2, 1, 1, 1, 1);
    const z2 = v128.shuffle<f32>(t2, t2, 2, 2, 2, 2);
    const j = projection + (<usize>i << 5);
    const to = out + 4 * <usize>i * strideBytes;
    for (let k: usize = 0; k < strideBytes; k += 32) {
      let dx0 = f32x4.splat(0), dx1 = dx0, dy0 = dx0, dy1 = dx0, dz0 = dx0, dz1 = dx0;
      for (let e = neighbours; e < entry; e += 16) {
        const row = <usize>load<u32>(e, 12) + k;
        const ex = v128.load32_splat(e), ey = v128.load32_splat(e, 4), ez = v128.load32_splat(e, 8);
        let x = v128.load(row), y = v128.load(row + strideBytes), z = v128.load(row + 2 * strideBytes);
        dx0 = f32x4.add(dx0, f32x4.sub(f32x4.mul(y, ez), f32x4.mul(z, ey)));
        dy0 = f32x4.add(dy0, f32x4.sub(f32x4.mul(z, ex), f32x4.mul(x, ez)));
        dz0 = f32x4.add(dz0, f32x4.sub(f32x4.mul(x, ey), f32x4.mul(y, ex)));
        x = v128.load(row, 16);
        y = v128.load(row + strideBytes, 16);
        z = v128.load(row + 2 * strideBytes, 16);
        dx1 = f32x4.add(dx1, f32x4.sub(f32x4.mul(y, ez), f32x4.mul(z, ey)));
        dy1 = f32x4.add(dy1, f32x4.sub(f32x4.mul(z, ex), f32x4.mul(x, ez)));
        dz1 = f32x4.add(dz1, f32x4.sub(f32x4.mul(x, ey), f32x4.mul(y, ex)));
      }
      const o = to + 2 * strideBytes + k;
      v128.store(o, madd(x1, dx0, madd(y1, dy0, f32x4.mul(z1, dz0))));
      v128.store(o, madd(x1, dx1, madd(y1, dy1, f32x4.mul(z1, dz1))), 16);
      v128.store(o + strideBytes, madd(x2, dx0, madd(y2, dy0, f32x4.mul(z2, dz0))));
      v128.store(o + strideBytes, madd(x2, dx1, madd(y2, dy1, f32x4.mul(z2, dz1))), 16);
    }
    const ux = v128.load32_splat(j), uy = v128.load32_splat(j, 4), uz = v128.load32_splat(j, 8);
    const vx = v128.load32_splat(j, 12), vy = v128.load32_splat(j, 16), vz = v128.load32_splat(j, 20);
    for (let k: usize = 0; k < strideBytes; k += 16) {
      const x = v128.load(own + k), y = v128.load(own + strideBytes + k), z = v128.load(own + 2 * strideBytes + k);
      v128.store(to + k, madd(ux, x, madd(uy, y, f32x4.mul(uz, z))));
      v128.store(to + strideBytes + k, madd(vx, x, madd(vy, y, f32x4.mul(vz, z))));
    }
  }
}
