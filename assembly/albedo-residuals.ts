import { f, u } from './memory';
import { dot3, madd } from './simd';

// How far pixels are from what was expected, and how far that is to be believed. Plain TypeScript for reading is in
// src/kernels/reference/evidence.ts.

/** Residuals in albedo (P,4) and weights (P) of sampled pixels, see src/texture/solve-offset.ts. @param rendered (P,4) A·mean, overwritten by the residual */
export function albedoResiduals(
  count: i32, rendered: usize, shading: usize, colours: usize, trust: usize, saturated: f32, weight: usize,
): void {
  for (let p = 0; p < count; p++) {
    const at = <usize>p << 4;
    const s = v128.load(shading + at), value = v128.load(colours + at), mean = v128.load(rendered + at);
    const sum = dot3(s, f32x4.splat(1));
    const brighter = dot3(value, f32x4.splat(1)) / max<f32>(dot3(s, mean), 1e-3) - 1;
    let r = f32x4.sub(f32x4.div(value, s), mean);
    // White is where the photo's range ends, gloss included: the skin may be brighter than that, but not darker.
    const photo = f32x4.add(value, f32x4.splat(f32x4.extract_lane(value, 3)));
    const cut = v128.and(f32x4.gt(photo, f32x4.splat(saturated)), f32x4.lt(r, f32x4.splat(0)));
    r = v128.andnot(r, cut);
    // A channel with much less light than the others says little about hue: it follows them in brightness.
    let sure = f32x4.min(f32x4.splat(1), f32x4.mul(s, f32x4.splat(6 / sum)));
    sure = f32x4.mul(sure, sure);
    const follow = f32x4.mul(f32x4.splat(brighter), mean);
    r = f32x4.add(follow, f32x4.mul(sure, f32x4.sub(r, follow)));
    v128.store(rendered + at, v128.and(r, i32x4(-1, -1, -1, 0)));
    const m = sum / 3;
    store<f32>(weight + (<usize>p << 2), f(trust, p) * m * m);
  }
}

/** pull (cells) += weight·factor and right (cells,4) += weight·factor·residual of each pixel's cell. */
export function sumCells(
  count: i32, cells: usize, weight: usize, factor: usize, residual: usize, pull: usize, right: usize,
): void {
  for (let p = 0; p < count; p++) {
    const w = f(weight, p) * f(factor, p);
    const cell = u(cells, p);
    const to = right + (<usize>cell << 4);
    store<f32>(pull + (<usize>cell << 2), f(pull, cell) + w);
    v128.store(to, madd(f32x4.splat(w), v128.load(residual + (<usize>p << 4)), v128.load(to)));
  }
}

/** Robust factors (P) of pixels against their cells' surroundings (cells,4), and how foreign (P) each is; see src/texture/robust-pixels.ts. */
export function robustFactors(
  count: i32, cells: usize, weight: usize, flags: usize, residual: usize, shading: usize, around: usize, free: f32,
  width: f32, outside: f32, factor: usize, foreign: usize,
): void {
  for (let p = 0; p < count; p++) {
    const at = <usize>p << 4;
    const own = load<u8>(flags + <usize>p);
    if (!(own & 1) || f(weight, p) == 0) continue;
    const x = v128.load(around + (<usize>u(cells, p) << 4));
    const d = f32x4.mul(f32x4.sub(v128.load(residual + at), x), v128.load(shading + at));
    const r = f32x4.extract_lane(d, 0), g = f32x4.extract_lane(d, 1), b = f32x4.extract_lane(d, 2);
    const e = max<f32>(0, min(r, min(g, b)) - free) / width;
    const h = own & 4 ? <f32>0 : max(abs(r), max(abs(g), abs(b))) / outside;
    const both = <f32>1 / (<f32>1 + e * e + h * h), alone = <f32>1 / (<f32>1 + h * h);
    store<f32>(factor + (<usize>p << 2), both * both);
    store<f32>(foreign + (<usize>p << 2), 1 - alone * alone);
  }
}

/** out (P) = cell (n) of each pixel's heaviest tap. */
export function heaviestCells(count: i32, taps: usize, weights: usize, cells: usize, out: usize): void {
  for (let p = 0; p < count; p++) {
    let best = 4 * p;
    for (let k = best + 1; k < 4 * p + 4; k++) if (f(weights, k) > f(weights, best)) best = k;
    store<u32>(out + (<usize>p << 2), u(cells, u(taps, best)));
  }
}

/** out (n) = mean of `value` (P) over the trusted pixels that sample each node; 0 without any. */
export function nodeMeans(
  count: i32, taps: usize, weights: usize, trust: usize, value: usize, n: i32, total: usize, out: usize,
): void {
  memory.fill(total, 0, <usize>n << 2);
  memory.fill(out, 0, <usize>n << 2);
  for (let k = 0; k < 4 * count; k++) {
    if (f(trust, k >> 2) == 0) continue;
    const t = <usize>u(taps, k) << 2;
    const w = f(weights, k);
    store<f32>(total + t, load<f32>(total + t) + w);
    store<f32>(out + t, load<f32>(out + t) + w * f(value, k >> 2));
  }
  for (let i = 0; i < n; i++) {
    const sum = f(total, i);
    if (sum > 0) store<f32>(out + (<usize>i << 2), f(out, i) / sum);
  }
}
