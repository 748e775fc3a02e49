// Bilinear sampling of (height,width,channels) f32 at (n,2) pixel coordinates, centres at +0.5, clamped at the edge.
// Four channels at a time: the last vector of a pixel may read (never write) up to 12 bytes beyond the image.

/** Stores the first `count` lanes (1 to 4). */
// @ts-ignore: decorator
@inline
function storeLanes(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** out[i] = image(points[i]) for begin ≤ i < end. */
export function sampleBilinear(
  image: usize, width: i32, height: i32, channels: i32,
  points: usize, begin: i32, end: i32, out: usize,
): void {
  const maxX = <f32>(width - 1), maxY = <f32>(height - 1);
  const stepX: usize = width > 1 ? <usize>channels << 2 : 0;
  const rowBytes = <usize>(width * channels) << 2;
  const stepY: usize = height > 1 ? rowBytes : 0;
  for (let i = begin; i < end; i++) {
    const point = points + (<usize>i << 3);
    const x = min(max(load<f32>(point) - 0.5, 0), maxX);
    const y = min(max(load<f32>(point, 4) - 0.5, 0), maxY);
    // NaN becomes 0 here (saturating conversion) and stays NaN in the weights.
    const ix = max(min(<i32>x, width - 2), 0);
    const iy = max(min(<i32>y, height - 2), 0);
    const fx = f32x4.splat(x - <f32>ix), fy = f32x4.splat(y - <f32>iy);
    let at = image + <usize>iy * rowBytes + (<usize>(ix * channels) << 2);
    let to = out + (<usize>(i * channels) << 2);
    for (let c = channels; c > 0; c -= 4) {
      const v00 = v128.load(at), v10 = v128.load(at + stepX);
      const v01 = v128.load(at + stepY), v11 = v128.load(at + stepX + stepY);
      const upper = f32x4.add(v00, f32x4.mul(fx, f32x4.sub(v10, v00)));
      const lower = f32x4.add(v01, f32x4.mul(fx, f32x4.sub(v11, v01)));
      storeLanes(to, f32x4.add(upper, f32x4.mul(fy, f32x4.sub(lower, upper))), c);
      at += 16;
      to += 16;
    }
  }
}

/** As `sampleBilinear`, with the interpolant's derivatives per pixel; zero in a direction that is clamped. */
export function sampleBilinearGradient(
  image: usize, width: i32, height: i32, channels: i32,
  points: usize, begin: i32, end: i32, out: usize, outDx: usize, outDy: usize,
): void {
  const maxX = <f32>(width - 1), maxY = <f32>(height - 1);
  const stepX: usize = width > 1 ? <usize>channels << 2 : 0;
  const rowBytes = <usize>(width * channels) << 2;
  const stepY: usize = height > 1 ? rowBytes : 0;
  for (let i = begin; i < end; i++) {
    const point = points + (<usize>i << 3);
    const ux = load<f32>(point) - 0.5, uy = load<f32>(point, 4) - 0.5;
    const x = min(max(ux, 0), maxX), y = min(max(uy, 0), maxY);
    const ix = max(min(<i32>x, width - 2), 0);
    const iy = max(min(<i32>y, height - 2), 0);
    const fx = f32x4.splat(x - <f32>ix), fy = f32x4.splat(y - <f32>iy);
    const keepX = f32x4.splat(ux < 0 || ux > maxX ? 0 : 1), keepY = f32x4.splat(uy < 0 || uy > maxY ? 0 : 1);
    let at = image + <usize>iy * rowBytes + (<usize>(ix * channels) << 2);
    let offset = <usize>(i * channels) << 2;
    for (let c = channels; c > 0; c -= 4) {
      const v00 = v128.load(at), v10 = v128.load(at + stepX);
      const v01 = v128.load(at + stepY), v11 = v128.load(at + stepX + stepY);
      const dUpper = f32x4.sub(v10, v00), dLower = f32x4.sub(v11, v01);
      const upper = f32x4.add(v00, f32x4.mul(fx, dUpper));
      const lower = f32x4.add(v01, f32x4.mul(fx, dLower));
      const dy = f32x4.sub(lower, upper);
      storeLanes(out + offset, f32x4.add(upper, f32x4.mul(fy, dy)), c);
      const dx = f32x4.add(dUpper, f32x4.mul(fy, f32x4.sub(dLower, dUpper)));
      storeLanes(outDx + offset, f32x4.mul(keepX, dx), c);
      storeLanes(outDy + offset, f32x4.mul(keepY, dy), c);
      at += 16;
      offset += 16;
    }
  }
}
