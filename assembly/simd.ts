/** a·b + c per lane: one rounding in the relaxed build where the CPU has FMA, two in the plain build. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Sum of three lanes' products. */
// @ts-ignore: decorator
@inline
export function dot3(a: v128, b: v128): f32 {
  const p = f32x4.mul(a, b);
  return f32x4.extract_lane(p, 0) + f32x4.extract_lane(p, 1) + f32x4.extract_lane(p, 2);
}

/** b0·v0 + b1·v1 + b2·v2 per lane. */
// @ts-ignore: decorator
@inline
export function mix(b0: f32, b1: f32, b2: f32, v0: v128, v1: v128, v2: v128): v128 {
  return madd(f32x4.splat(b2), v2, madd(f32x4.splat(b1), v1, f32x4.mul(f32x4.splat(b0), v0)));
}
