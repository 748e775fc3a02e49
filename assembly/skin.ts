// Which pixels of a picture look like skin; the method is in src/fit/skin.ts, plain TypeScript for reading in
// src/kernels/reference/skin.ts, whose order of operations is kept.

/** Fields in the order of src/kernels/skin.ts; all 4 bytes. */
@unmanaged
class Job {
  /** (height,width,3) f32. */
  photo: usize;
  render: usize;
  /** (height,width) u8. */
  region: usize;
  core: usize;
  width: i32;
  height: i32;
  /** Pixels. */
  radius: i32;
  cut: f32;
  /** Least typical residuals of brightness and of colour. */
  floorLuminance: f32;
  floorColour: f32;
  /** (height,width) f32 result. */
  out: usize;
  /** (height,width) f32 three times, u32 twice; (height+1,width+1) f64 and u32; 2048 u32. */
  luminance: usize;
  colour: usize;
  spare: usize;
  inside: usize;
  stack: usize;
  sums: usize;
  counts: usize;
  histogram: usize;
}

// @ts-ignore: decorator
@inline
function f(a: usize, i: u32): f32 {
  return load<f32>(a + (<usize>i << 2));
}

/** (y,x) f64 sums of what is above and to the left, over the region. */
function integrate(values: usize, job: Job, sums: usize): void {
  const W = <usize>(job.width + 1) << 3;
  memory.fill(sums, 0, W);
  for (let y: i32 = 0; y < job.height; y++) {
    let row: f64 = 0;
    let at = sums + <usize>(y + 1) * W;
    store<f64>(at, 0);
    let p = <usize>(y * job.width);
    for (let x: i32 = 0; x < job.width; x++, p++) {
      if (load<u8>(job.region + p)) row += <f64>load<f32>(values + (p << 2));
      at += 8;
      store<f64>(at, load<f64>(at - W) + row);
    }
  }
}

function countRegion(job: Job): void {
  const W = <usize>(job.width + 1) << 2;
  memory.fill(job.counts, 0, W);
  for (let y: i32 = 0; y < job.height; y++) {
    let row: u32 = 0;
    let at = job.counts + <usize>(y + 1) * W;
    store<u32>(at, 0);
    let p = job.region + <usize>(y * job.width);
    for (let x: i32 = 0; x < job.width; x++, p++) {
      if (load<u8>(p)) row++;
      at += 4;
      store<u32>(at, load<u32>(at - W) + row);
    }
  }
}

/** Mean over the part of a (2r+1)² window inside the region, twice, in place; `count` positions in `inside`. */
function regionMean(values: usize, job: Job, r: i32, count: i32): void {
  const width = job.width, height = job.height, W = <usize>(width + 1);
  for (let round = 0; round < 2; round++) {
    integrate(values, job, job.sums);
    for (let i: i32 = 0; i < count; i++) {
      const p = load<i32>(job.inside + (<usize>i << 2));
      const y = p / width, x = p - y * width;
      const y0 = <usize>max(y - r, 0) * W, y1 = <usize>min(y + r + 1, height) * W;
      const x0 = <usize>max(x - r, 0), x1 = <usize>min(x + r + 1, width);
      const a = y1 + x1, b = y0 + x1, c = y1 + x0, d = y0 + x0;
      const n =
        load<u32>(job.counts + (a << 2)) - load<u32>(job.counts + (b << 2)) - load<u32>(job.counts + (c << 2)) +
        load<u32>(job.counts + (d << 2));
      const s =
        load<f64>(job.sums + (a << 3)) - load<f64>(job.sums + (b << 3)) - load<f64>(job.sums + (c << 3)) +
        load<f64>(job.sums + (d << 3));
      store<f32>(values + (<usize>p << 2), <f32>(s / <f64>n));
    }
  }
}

/** Element `rank` in ascending order of `n` numbers ≥ 0, by their bits: 11, 11 and 10 at a time. */
function select(values: usize, n: i32, rank: i32, histogram: usize): f32 {
  let prefix: u32 = 0;
  let left: u32 = rank;
  let shift: i32 = 21;
  let known: u32 = 0;
  for (let pass = 0; pass < 3; pass++) {
    const bits: u32 = pass < 2 ? 11 : 10;
    memory.fill(histogram, 0, 8192);
    for (let i: usize = 0; i < <usize>n << 2; i += 4) {
      const v = load<u32>(values + i);
      if ((v & known) != prefix) continue;
      const at = histogram + <usize>(((v >> shift) & ((1 << bits) - 1)) << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
    let bin: u32 = 0;
    for (; ; bin++) {
      const count = load<u32>(histogram + (<usize>bin << 2));
      if (left < count || bin == (<u32>1 << bits) - 1) break;
      left -= count;
    }
    prefix |= bin << shift;
    known |= ((1 << bits) - 1) << shift;
    shift = pass == 0 ? 10 : 0;
  }
  return reinterpret<f32>(prefix);
}

/** The upper median of `values` at the positions whose core counts (all where `all`). */
function median(values: usize, job: Job, count: i32, all: bool): f32 {
  let n: i32 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const p = <usize>load<u32>(job.inside + (<usize>i << 2));
    if (!all && !load<u8>(job.core + p)) continue;
    store<f32>(job.spare + (<usize>n << 2), load<f32>(values + (p << 2)));
    n++;
  }
  return n > 0 ? select(job.spare, n, n >> 1, job.histogram) : 0;
}

/** Fills `out`. */
export function skinWeights(address: usize): void {
  const job = changetype<Job>(address);
  const width = job.width, pixels = width * job.height;
  memory.fill(job.out, 0, <usize>pixels << 2);
  let count: i32 = 0, sure: i32 = 0;
  for (let p: i32 = 0; p < pixels; p++) {
    if (!load<u8>(job.region + <usize>p)) continue;
    store<i32>(job.inside + (<usize>count << 2), p);
    count++;
    if (load<u8>(job.core + <usize>p)) sure++;
    const at = <usize>p * 12;
    const r = <f64>load<f32>(job.photo + at), g = <f64>load<f32>(job.photo + at, 4), b = <f64>load<f32>(job.photo + at, 8);
    const red = r - <f64>load<f32>(job.render + at), green = g - <f64>load<f32>(job.render + at, 4);
    const blue = b - <f64>load<f32>(job.render + at, 8);
    const mean = (red + green + blue) / 3;
    store<f32>(job.luminance + (<usize>p << 2), <f32>mean);
    const level = max((r + g + b) / 3, 0.15);
    const square = (red - mean) * (red - mean) + (green - mean) * (green - mean) + (blue - mean) * (blue - mean);
    store<f32>(job.colour + (<usize>p << 2), <f32>sqrt<f64>(square * (0.5 / level)));
  }
  if (count == 0) return;
  countRegion(job);
  regionMean(job.luminance, job, job.radius, count);
  regionMean(job.colour, job, job.radius, count);
  for (let i: i32 = 0; i < count; i++) {
    const at = job.luminance + (<usize>load<u32>(job.inside + (<usize>i << 2)) << 2);
    store<f32>(at, abs<f32>(load<f32>(at)));
  }
  const all = !(<f64>sure > 0.1 * <f64>count);
  const sigmaL = max(<f64>job.floorLuminance, 1.48 * <f64>median(job.luminance, job, count, all));
  const sigmaC = max(<f64>job.floorColour, 1.48 * <f64>median(job.colour, job, count, all));
  const cut2 = <f64>job.cut * <f64>job.cut;
  // Weights take the place of brightness.
  for (let i: i32 = 0; i < count; i++) {
    const at = <usize>load<u32>(job.inside + (<usize>i << 2)) << 2;
    const l = <f64>load<f32>(job.luminance + at) / sigmaL, c = <f64>load<f32>(job.colour + at) / sigmaC;
    const e2 = (l * l + c * c) / cut2;
    store<f32>(job.luminance + at, <f32>(1 / (1 + e2 * e2)));
  }
  regionMean(job.luminance, job, 1, count);
  const weight = job.spare;
  memory.fill(weight, 0, <usize>pixels << 2);
  for (let i: i32 = 0; i < count; i++) {
    const at = <usize>load<u32>(job.inside + (<usize>i << 2)) << 2;
    const w = <f64>load<f32>(job.luminance + at);
    store<f32>(weight + at, w < 0.25 ? 0 : <f32>min(1, 1.25 * w));
  }
  // What is connected to the core: an island in the hair is not skin.
  const seeds = all ? job.region : job.core;
  let top: i32 = 0;
  for (let p: i32 = 0; p < pixels; p++) if (load<u8>(seeds + <usize>p)) top = take(job, weight, p, top);
  while (top > 0) {
    top--;
    const p = load<i32>(job.stack + (<usize>top << 2));
    const x = p % width;
    if (x > 0) top = take(job, weight, p - 1, top);
    if (x < width - 1) top = take(job, weight, p + 1, top);
    if (p >= width) top = take(job, weight, p - width, top);
    if (p + width < pixels) top = take(job, weight, p + width, top);
  }
}

// @ts-ignore: decorator
@inline
function take(job: Job, weight: usize, p: i32, top: i32): i32 {
  const w = f(weight, p);
  const to = job.out + (<usize>p << 2);
  if (!(w > 0) || load<f32>(to) != 0) return top;
  store<f32>(to, w);
  store<i32>(job.stack + (<usize>top << 2), p);
  return top + 1;
}

/**
 * Upper median length of photo − render over the pixels with a weight of half or more; infinity without any.
 * @param spare (pixels) f32; @param histogram 2048 u32
 */
export function medianResidual(
  photo: usize, render: usize, weights: usize, pixels: i32, spare: usize, histogram: usize,
): f32 {
  let n: i32 = 0;
  for (let p: i32 = 0; p < pixels; p++) {
    if (f(weights, p) < 0.5) continue;
    const at = <usize>p * 12;
    const red = <f64>load<f32>(photo + at) - <f64>load<f32>(render + at);
    const green = <f64>load<f32>(photo + at, 4) - <f64>load<f32>(render + at, 4);
    const blue = <f64>load<f32>(photo + at, 8) - <f64>load<f32>(render + at, 8);
    store<f32>(spare + (<usize>n << 2), <f32>sqrt<f64>(red * red + green * green + blue * blue));
    n++;
  }
  return n > 0 ? select(spare, n, n >> 1, histogram) : Infinity;
}

/** rgb[pixels[i]] = colours[i], seen[pixels[i]] = 1; colours (N,4) f32, rgb (…,3) f32. */
export function scatterColours(colours: usize, pixels: usize, count: i32, rgb: usize, seen: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const p = <usize>load<u32>(pixels + (<usize>i << 2));
    const v = v128.load(colours + (<usize>i << 4));
    store<u8>(seen + p, 1);
    v128.store64_lane(rgb + p * 12, v, 0);
    store<f32>(rgb + p * 12, f32x4.extract_lane(v, 2), 8);
  }
}

/** (height+2, width+2, 4) f32 RGB0 from (height,width,3) f32, border pixels repeated. */
export function padPicture(picture: usize, width: i32, height: i32, out: usize): void {
  for (let y: i32 = -1; y <= height; y++) {
    const row = picture + <usize>(min(max(y, 0), height - 1) * width) * 12;
    for (let x: i32 = -1; x <= width; x++) {
      const from = row + <usize>min(max(x, 0), width - 1) * 12;
      v128.store(out, f32x4(load<f32>(from), load<f32>(from, 4), load<f32>(from, 8), 0));
      out += 16;
    }
  }
}
