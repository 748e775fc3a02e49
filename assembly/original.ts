import { addRows, albedoAt, CHUNK, SampleJob, shade, storeBasis, writeRows } from './sample-rows';
import { madd } from './simd';

// Pixels of albedo·shading − picture in image space, by the rules of the original (src/kernels/original.ts): where a
// pixel's surface point lies changes as the triangle moves, so that the albedo's and the normal's slope across the
// screen count, not the picture's.

/** Fields after those of all samples in the order of src/kernels/original.ts; all 4 bytes. Without rows, the energy alone. */
@unmanaged
class Job extends SampleJob {
  /** (N) u32 pixels, (N,2) f32 texels. */
  pixels: usize;
  points: usize;
  /** (pixels) i32; (F,3) u32 and (U,2) f32 texture corners and coordinates. */
  faceIndex: usize;
  textureFaces: usize;
  textureCoordinates: usize;
  /** (mapHeight, mapWidth, 4 + 12·vectors) f32: mean RGB0, then 4·vectors components of each channel. */
  map: usize;
  mapWidth: i32;
  mapHeight: i32;
  /** (pixels,4) f32 RGB0. */
  picture: usize;
  /** Weight of a pixel of mask 1; least |residual| that it is divided by. */
  scale: f32;
  epsilon: f32;
}

// @ts-ignore: decorator
@inline
function lane(v: v128, i: u8): v128 {
  return i == 0 ? v128.shuffle<f32>(v, v, 0, 0, 0, 0) : i == 1 ? v128.shuffle<f32>(v, v, 1, 1, 1, 1) : v128.shuffle<f32>(v, v, 2, 2, 2, 2);
}

/** The energy of the samples begin ≤ p < end and, where the job has room for them, their rows from row 0 on. */
function originalRows(job: Job, begin: i32, end: i32): f64 {
  const vectorBytes = <usize>job.vectors << 4;
  const texelBytes: usize = 16 + 3 * vectorBytes;
  const mapRow = <usize>job.mapWidth * texelBytes;
  const right: usize = job.mapWidth > 1 ? texelBytes : 0, below: usize = job.mapHeight > 1 ? mapRow : 0;
  const maxX = <f32>(job.mapWidth - 1), maxY = <f32>(job.mapHeight - 1);
  const light = job.light;
  const repeated = job.scratch, basisRow = job.scratch + 128;
  const rowBytes = <usize>job.stride << 2;
  let row = job.rows;
  let sum: f64 = 0;
  for (let p = begin; p < end; p++) {
    const index = <usize>p << 2;
    const triangle = job.corners + <usize>p * 12, beta = job.barycentrics + <usize>p * 12;
    const q0 = job.q + (<usize>load<u32>(triangle) << 5);
    const q1 = job.q + (<usize>load<u32>(triangle, 4) << 5);
    const q2 = job.q + (<usize>load<u32>(triangle, 8) << 5);
    const b0 = load<f32>(beta), b1 = load<f32>(beta, 4), b2 = load<f32>(beta, 8);
    const n0 = v128.load(q0, 8), n1 = v128.load(q1, 8), n2 = v128.load(q2, 8);
    const n = madd(f32x4.splat(b0), n0, madd(f32x4.splat(b1), n1, f32x4.mul(f32x4.splat(b2), n2)));
    const x = f32x4.extract_lane(n, 0), y = f32x4.extract_lane(n, 1), z = f32x4.extract_lane(n, 2);

    // The interpolated normal as it is, not made unit length again.
    const shading = shade(light, x, y, z);

    // Albedo: four texels.
    const point = job.points + (<usize>p << 3);
    const ux = load<f32>(point) - 0.5, uy = load<f32>(point, 4) - 0.5;
    const tx = min(max(ux, 0), maxX), ty = min(max(uy, 0), maxY);
    const ix = max(min(<i32>tx, job.mapWidth - 2), 0), iy = max(min(<i32>ty, job.mapHeight - 2), 0);
    const fx = f32x4.splat(tx - <f32>ix), fy = f32x4.splat(ty - <f32>iy);
    const at = job.map + <usize>iy * mapRow + <usize>ix * texelBytes;
    const t00 = albedoAt(at, job.texture, vectorBytes), t10 = albedoAt(at + right, job.texture, vectorBytes);
    const t01 = albedoAt(at + below, job.texture, vectorBytes), t11 = albedoAt(at + right + below, job.texture, vectorBytes);
    const above = f32x4.sub(t10, t00), under = f32x4.sub(t11, t01);
    const upper = madd(fx, above, t00), lower = madd(fx, under, t01);
    const down = f32x4.sub(lower, upper);
    const albedo = madd(fy, down, upper);

    const pixel = load<u32>(job.pixels + index);
    const r = f32x4.sub(f32x4.mul(albedo, shading), v128.load(job.picture + (<usize>pixel << 4)));
    const size = f32x4.abs(r);
    const m = load<f32>(job.mask + index);
    sum += <f64>(
      m * (f32x4.extract_lane(size, 0) + f32x4.extract_lane(size, 1) + f32x4.extract_lane(size, 2))
    );
    if (!row) continue;

    // Roots of the channels' weights.
    const root = f32x4.sqrt(f32x4.div(f32x4.splat(job.scale * m), f32x4.max(size, f32x4.splat(job.epsilon))));
    const across = madd(fy, f32x4.sub(under, above), above);

    // How barycentrics, and with them texels and normal, change across the screen.
    const x0 = load<f32>(q0), y0 = load<f32>(q0, 4), x1 = load<f32>(q1), y1 = load<f32>(q1, 4);
    const x2 = load<f32>(q2), y2 = load<f32>(q2, 4);
    const inverse = <f32>1 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0));
    const bx0 = (y1 - y2) * inverse, bx1 = (y2 - y0) * inverse, bx2 = (y0 - y1) * inverse;
    const by0 = (x2 - x1) * inverse, by1 = (x0 - x2) * inverse, by2 = (x1 - x0) * inverse;
    const face = 3 * load<u32>(job.faceIndex + (<usize>pixel << 2));
    const faces = job.textureFaces + (<usize>face << 2);
    const c0 = job.textureCoordinates + (<usize>load<u32>(faces) << 3);
    const c1 = job.textureCoordinates + (<usize>load<u32>(faces, 4) << 3);
    const c2 = job.textureCoordinates + (<usize>load<u32>(faces, 8) << 3);
    const width = <f32>job.mapWidth, height = <f32>job.mapHeight;
    const uX = width * (bx0 * load<f32>(c0) + bx1 * load<f32>(c1) + bx2 * load<f32>(c2));
    const uY = width * (by0 * load<f32>(c0) + by1 * load<f32>(c1) + by2 * load<f32>(c2));
    const vX = height * (bx0 * load<f32>(c0, 4) + bx1 * load<f32>(c1, 4) + bx2 * load<f32>(c2, 4));
    const vY = height * (by0 * load<f32>(c0, 4) + by1 * load<f32>(c1, 4) + by2 * load<f32>(c2, 4));
    const nX = madd(f32x4.splat(bx0), n0, madd(f32x4.splat(bx1), n1, f32x4.mul(f32x4.splat(bx2), n2)));
    const nY = madd(f32x4.splat(by0), n0, madd(f32x4.splat(by1), n1, f32x4.mul(f32x4.splat(by2), n2)));

    // Slope of the shading along the normal's axes.
    const vx = f32x4.splat(x), vy = f32x4.splat(y), vz = f32x4.splat(z);
    const l4 = v128.load(light, 64), l5 = v128.load(light, 80), l6 = v128.load(light, 96);
    const l7 = f32x4.mul(f32x4.splat(2), v128.load(light, 112)), l8 = f32x4.mul(f32x4.splat(6), v128.load(light, 128));
    const ra = f32x4.mul(root, albedo), rs = f32x4.mul(root, shading), rr = f32x4.mul(root, r);
    const k2 = f32x4.mul(ra, madd(l4, vy, madd(l5, vz, madd(l7, vx, v128.load(light, 16)))));
    const k3 = f32x4.mul(ra, madd(l4, vx, f32x4.sub(madd(l6, vz, v128.load(light, 32)), f32x4.mul(l7, vy))));
    const k4 = f32x4.mul(ra, madd(l5, vx, madd(l6, vy, madd(l8, vz, v128.load(light, 48)))));
    const k0 = f32x4.neg(madd(
      rs, madd(across, f32x4.splat(uX), f32x4.mul(down, f32x4.splat(vX))),
      madd(k2, lane(nX, 0), madd(k3, lane(nX, 1), f32x4.mul(k4, lane(nX, 2)))),
    ));
    const k1 = f32x4.neg(madd(
      rs, madd(across, f32x4.splat(uY), f32x4.mul(down, f32x4.splat(vY))),
      madd(k2, lane(nY, 0), madd(k3, lane(nY, 1), f32x4.mul(k4, lane(nY, 2)))),
    ));
    storeBasis(job.constants, x, y, z, repeated);
    // The texture's basis between the texels.
    for (let k: usize = 0; k < 3 * vectorBytes; k += 16) {
      const a = v128.load(at + k, 16), b = v128.load(at + right + k, 16);
      const c = v128.load(at + below + k, 16), d = v128.load(at + right + below + k, 16);
      const u = madd(fx, f32x4.sub(b, a), a), l = madd(fx, f32x4.sub(d, c), c);
      v128.store(basisRow + k, madd(fy, f32x4.sub(l, u), u));
    }

    writeRows(row, rowBytes, repeated, ra, rr, rs, basisRow, vectorBytes, k0, k1, k2, k3, k4);
    row += 3 * rowBytes;
  }
  return sum;
}

/** Adds the samples begin ≤ p < end to what the job asks for. */
export function originalPart(address: usize, begin: i32, end: i32): void {
  const job = changetype<Job>(address);
  let sum: f64 = 0;
  for (let at = begin; at < end; at += CHUNK) {
    const count = min(CHUNK, end - at);
    sum += originalRows(job, at, at + count);
    addRows(job, at, count);
  }
  if (job.result) store<f64>(job.result, sum);
}
