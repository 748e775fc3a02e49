// Hair over the face; the method is in src/fit/hair.ts, plain TypeScript for reading in src/kernels/reference/hair.ts, whose
// order of operations is kept.

/** Fields in the order of src/kernels/hair.ts; all 4 bytes. */
@unmanaged
class Job {
  /** (height,width,3) f32. */
  photo: usize;
  render: usize;
  /** (height,width) u8. */
  region: usize;
  core: usize;
  lines: usize;
  width: i32;
  height: i32;
  ring: i32;
  radius: i32;
  brow: i32;
  upX: f32;
  upY: f32;
  /** (height,width) u8 result. */
  out: usize;
  /** (height,width) f32 five times, u8 nine times; (width) f64; (2,LEVELS,CELLS,CELLS) f32. */
  floats: usize;
  bytes: usize;
  column: usize;
  tables: usize;
  /** {@link Learnt}. */
  learnt: usize;
}

/** Student distribution of skin's colours; then four times (LEVELS) f64: counts and what comes of them. */
@unmanaged
class Learnt {
  meanX: f64;
  meanY: f64;
  inverseXX: f64;
  inverseXY: f64;
  inverseYY: f64;
  peak: f64;
}

// As in src/kernels/reference/hair.ts.
const BASE: f64 = 0.5;
const FLOOR: f64 = 0.02;
const TAILS: f64 = 6;
const SPAN: f64 = 0.6;
const CELLS: i32 = 24;
const LEVELS: i32 = 6;
/** e^(DEPTH/LEVELS). */
const STEP: f64 = 1.4918246976412703;
/** e^−DEPTH. */
const DARKEST: f64 = 0.09071795328941251;
const UNSEEN_DENSITY: f64 = 0.05;
const UNSEEN_PIXELS: f64 = 2;
const MOST: f64 = 4;
const NEARLY: f32 = -0.5;
const DARK: f64 = 0.06;
const ROUNDS: i32 = 5;
/** 1 − e^−½: share of a normal distribution within a distance of one. */
const WITHIN: f64 = 0.3934693402873666;
const LEAST_ODDS: f64 = 0.002;

// @ts-ignore: decorator
@inline
function f(a: usize, i: i32): f32 {
  return load<f32>(a + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function flag(a: usize, i: i32): bool {
  return load<u8>(a + <usize>i) != 0;
}

/** Reach of a byte that counts down to a flag's end. */
const REACH: i32 = 254;

/** Flags of the pixels with a flag within a window of (2r+1)²; flags are 0 or 1. */
function dilate(from: usize, to: usize, spare: usize, job: Job, r: i32): void {
  dilateStep(from, to, spare, job, min(r, REACH));
  for (let left = r - REACH; left > 0; left -= REACH) dilateStep(to, to, spare, job, min(left, REACH));
}

/** As {@link dilate}, r at most REACH; `to` may be `from`. */
function dilateStep(from: usize, to: usize, spare: usize, job: Job, r: i32): void {
  const width = job.width, height = job.height, column = job.column;
  for (let y: i32 = 0; y < height; y++) {
    const row = <usize>(y * width);
    let left: i32 = 0;
    for (let x: usize = 0; x < <usize>width; x++) {
      left = load<u8>(from + row + x) ? r + 1 : max(left - 1, 0);
      store<u8>(spare + row + x, left > 0);
    }
    left = 0;
    for (let x: usize = width; x-- > 0; ) {
      left = load<u8>(from + row + x) ? r + 1 : max(left - 1, 0);
      if (left > 0) store<u8>(spare + row + x, 1);
    }
  }
  memory.fill(column, 0, width);
  for (let y: i32 = 0; y < height; y++) dilateRow(spare, to, column, y * width, width, r, false);
  memory.fill(column, 0, width);
  for (let y: i32 = height - 1; y >= 0; y--) dilateRow(spare, to, column, y * width, width, r, true);
}

/** One row of the way down or up; `column` counts how far flags reach yet. */
// @ts-ignore: decorator
@inline
function dilateRow(from: usize, to: usize, column: usize, row: usize, width: usize, r: i32, add: bool): void {
  const reach = i8x16.splat(<i8>(r + 1)), one = i8x16.splat(1), zero = i8x16.splat(0);
  let x: usize = 0;
  for (; x + 16 <= width; x += 16) {
    const flags = i8x16.ne(v128.load(from + row + x), zero);
    const left = v128.bitselect(reach, i8x16.sub_sat_u(v128.load(column + x), one), flags);
    v128.store(column + x, left);
    let seen = v128.and(i8x16.ne(left, zero), one);
    if (add) seen = v128.or(seen, v128.load(to + row + x));
    v128.store(to + row + x, seen);
  }
  for (; x < width; x++) {
    const left = load<u8>(from + row + x) ? r + 1 : max(<i32>load<u8>(column + x) - 1, 0);
    store<u8>(column + x, left);
    if (left > 0) store<u8>(to + row + x, 1);
    else if (!add) store<u8>(to + row + x, 0);
  }
}

/** Sums over a window of (2r+1)², in place. */
function windowSums(values: usize, spare: usize, job: Job, r: i32): void {
  const width = job.width, height = job.height, column = job.column;
  for (let y: i32 = 0; y < height; y++) {
    const row = y * width;
    let sum: f64 = 0;
    for (let x: i32 = 0; x < min(r, width); x++) sum += <f64>f(values, row + x);
    for (let x: i32 = 0; x < width; x++) {
      if (x + r < width) sum += <f64>f(values, row + x + r);
      if (x > r) sum -= <f64>f(values, row + x - r - 1);
      store<f32>(spare + (<usize>(row + x) << 2), <f32>sum);
    }
  }
  memory.fill(column, 0, <usize>width << 3);
  for (let y: i32 = 0; y < min(r, height); y++)
    for (let x: i32 = 0; x < width; x++) {
      const at = column + (<usize>x << 3);
      store<f64>(at, load<f64>(at) + <f64>f(spare, y * width + x));
    }
  for (let y: i32 = 0; y < height; y++)
    for (let x: i32 = 0; x < width; x++) {
      const at = column + (<usize>x << 3);
      let sum = load<f64>(at);
      if (y + r < height) sum += <f64>f(spare, (y + r) * width + x);
      if (y > r) sum -= <f64>f(spare, (y - r - 1) * width + x);
      store<f64>(at, sum);
      store<f32>(values + (<usize>(y * width + x) << 2), <f32>sum);
    }
}

function countFlags(flags: usize, counts: usize, spare: usize, job: Job, r: i32): void {
  const pixels = job.width * job.height;
  for (let p: i32 = 0; p < pixels; p++) store<f32>(counts + (<usize>p << 2), flag(flags, p) ? 1 : 0);
  windowSums(counts, spare, job, r);
}

/** Means over the flagged part of a window; values are zero elsewhere. */
function averageOver(values: usize, flags: usize, counts: usize, spare: usize, job: Job, r: i32): void {
  const pixels = job.width * job.height;
  windowSums(values, spare, job, r);
  for (let p: i32 = 0; p < pixels; p++) {
    const at = values + (<usize>p << 2);
    store<f32>(at, flag(flags, p) ? load<f32>(at) / f(counts, p) : 0);
  }
}

/** Flags of the pixels above the base. */
function upperFace(job: Job, above: usize): void {
  const width = job.width;
  const ux = <f64>job.upX, uy = <f64>job.upY;
  let least: f64 = Infinity, most: f64 = -Infinity;
  for (let y: i32 = 0, p: i32 = 0; y < job.height; y++)
    for (let x: i32 = 0; x < width; x++, p++) {
      if (!flag(job.core, p)) continue;
      const h = ux * <f64>x + uy * <f64>y;
      least = min(least, h);
      most = max(most, h);
    }
  const base = least + BASE * (most - least);
  for (let y: i32 = 0, p: i32 = 0; y < job.height; y++)
    for (let x: i32 = 0; x < width; x++, p++)
      store<u8>(above + <usize>p, ux * <f64>x + uy * <f64>y > base);
}

/** Colours of region and ring; false where nothing is sure. */
function takeColours(job: Job, ring: usize, first: usize, second: usize, level: usize): bool {
  const pixels = job.width * job.height;
  let red: f64 = 0, green: f64 = 0, blue: f64 = 0, n: f64 = 0;
  for (let p: i32 = 0; p < pixels; p++)
    if (flag(job.region, p) && flag(job.core, p)) {
      const at = job.render + <usize>p * 12;
      red += <f64>load<f32>(at);
      green += <f64>load<f32>(at, 4);
      blue += <f64>load<f32>(at, 8);
      n++;
    }
  if (n == 0) return false;
  red /= n;
  green /= n;
  blue /= n;
  const brightness = red + green + blue + DARK;
  for (let p: i32 = 0; p < pixels; p++) {
    const to = <usize>p << 2;
    const inside = flag(job.region, p);
    if (!inside && !flag(ring, p)) {
      store<f32>(first + to, 0);
      store<f32>(second + to, 0);
      continue;
    }
    const at = job.photo + <usize>p * 12, other = job.render + <usize>p * 12;
    const r = max(<f64>load<f32>(at), 0), g = max(<f64>load<f32>(at, 4), 0), b = max(<f64>load<f32>(at, 8), 0);
    const R = inside ? <f64>load<f32>(other) : red;
    const G = inside ? <f64>load<f32>(other, 4) : green;
    const B = inside ? <f64>load<f32>(other, 8) : blue;
    store<f32>(first + to, <f32>(2 * ((r - g) / (r + g + DARK) - (R - G) / (R + G + DARK))));
    store<f32>(second + to, <f32>(2 * ((g - b) / (g + b + DARK) - (G - B) / (G + B + DARK))));
    let l: i32 = 0;
    const ratio = (r + g + b + DARK) / brightness;
    for (let from = DARKEST * STEP; l < LEVELS - 1 && ratio >= from; from *= STEP) l++;
    store<u8>(level + <usize>p, <u8>l);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function distance(skin: Learnt, first: usize, second: usize, p: i32): f64 {
  const x = <f64>f(first, p) - skin.meanX, y = <f64>f(second, p) - skin.meanY;
  return skin.inverseXX * x * x + 2 * skin.inverseXY * x * y + skin.inverseYY * y * y;
}

// @ts-ignore: decorator
@inline
function density(skin: Learnt, squared: f64): f64 {
  const t = 1 + squared / TAILS, t2 = t * t;
  return skin.peak / (t2 * t2);
}

/** Re-weighted least squares. */
function learnSkin(job: Job, skin: Learnt, first: usize, second: usize): void {
  const pixels = job.width * job.height;
  skin.meanX = 0;
  skin.meanY = 0;
  skin.inverseXX = 400;
  skin.inverseXY = 0;
  skin.inverseYY = 400;
  for (let round = 0; round < ROUNDS; round++) {
    let n: f64 = 0, x: f64 = 0, y: f64 = 0, xx: f64 = 0, xy: f64 = 0, yy: f64 = 0;
    for (let p: i32 = 0; p < pixels; p++) {
      if (!flag(job.region, p) || !flag(job.core, p)) continue;
      const t = 1 + distance(skin, first, second, p) / 4, w = 1 / (t * t);
      const a = <f64>f(first, p), b = <f64>f(second, p);
      n += w;
      x += w * a;
      y += w * b;
      xx += w * a * a;
      xy += w * a * b;
      yy += w * b * b;
    }
    x /= n;
    y /= n;
    const a = 1.6 * (xx / n - x * x) + FLOOR * FLOOR, b = 1.6 * (xy / n - x * y);
    const c = 1.6 * (yy / n - y * y) + FLOOR * FLOOR, det = a * c - b * b;
    skin.meanX = x;
    skin.meanY = y;
    skin.inverseXX = c / det;
    skin.inverseXY = -b / det;
    skin.inverseYY = a / det;
    skin.peak = 1 / (2 * Math.PI * Math.sqrt(det));
  }
}

// @ts-ignore: decorator
@inline
function cell(x: f64): i32 {
  return min(max(<i32>Math.floor((x / (2 * SPAN) + 0.5) * <f64>CELLS), 0), CELLS - 1);
}

// @ts-ignore: decorator
@inline
function cellOf(first: usize, second: usize, level: usize, p: i32): i32 {
  return (<i32>load<u8>(level + <usize>p) * CELLS + cell(<f64>f(first, p))) * CELLS + cell(<f64>f(second, p));
}

/** [1 2 1]/4 along an axis of `length` items `stride` apart, in place. */
function blur(table: usize, stride: i32, length: i32): void {
  for (let start: i32 = 0; start < LEVELS * CELLS * CELLS; start++) {
    if ((start / stride) % length != 0) continue;
    let before: f64 = 0;
    for (let i: i32 = 0, at = start; i < length; i++, at += stride) {
      const here = <f64>f(table, at);
      const after = i + 1 < length ? <f64>f(table, at + stride) : 0;
      store<f32>(table + (<usize>at << 2), <f32>(0.25 * (before + 2 * here + after)));
      before = here;
    }
  }
}

/** Counts in a table made densities of colours given the brightness. */
function toDensities(table: usize): void {
  blur(table, 1, CELLS);
  blur(table, 1, CELLS);
  blur(table, CELLS, CELLS);
  blur(table, CELLS, CELLS);
  blur(table, CELLS * CELLS, LEVELS);
  const side = 2 * SPAN / <f64>CELLS, area = side * side;
  for (let l: i32 = 0; l < LEVELS; l++) {
    const from = l * CELLS * CELLS, to = from + CELLS * CELLS;
    let total = UNSEEN_PIXELS;
    for (let i = from; i < to; i++) total += <f64>f(table, i);
    for (let i = from; i < to; i++)
      store<f32>(
        table + (<usize>i << 2),
        <f32>((<f64>f(table, i) / area + UNSEEN_DENSITY * UNSEEN_PIXELS) / total),
      );
  }
}

// @ts-ignore: decorator
@inline
function count(table: usize, at: i32, weight: f64): void {
  const to = table + (<usize>at << 2);
  store<f32>(to, <f32>(<f64>load<f32>(to) + weight));
}

// @ts-ignore: decorator
@inline
function item(a: usize, i: i32): f64 {
  return load<f64>(a + (<usize>i << 3));
}

function smoothed(values: usize, l: i32): f64 {
  const before = l > 0 ? item(values, l - 1) : 0;
  const after = l + 1 < LEVELS ? item(values, l + 1) : 0;
  return 0.25 * (before + 2 * item(values, l) + after);
}

// @ts-ignore: decorator
@inline
function add(a: usize, i: i32, x: f64): void {
  const at = a + (<usize>i << 3);
  store<f64>(at, load<f64>(at) + x);
}

/** Hair's densities into the second table, and its odds at each brightness to `odds`. */
function learnHair(
  job: Job, skin: Learnt, ring: usize, first: usize, second: usize, level: usize, odds: usize,
): usize {
  const pixels = job.width * job.height;
  const all = job.tables, hair = all + (<usize>(LEVELS * CELLS * CELLS) << 2);
  const near = odds + (LEVELS << 3), counts = near + (LEVELS << 3), share = counts + (LEVELS << 3);
  memory.fill(all, 0, <usize>(2 * LEVELS * CELLS * CELLS) << 2);
  memory.fill(odds, 0, <usize>LEVELS << 5);
  for (let p: i32 = 0; p < pixels; p++) {
    if (!flag(ring, p)) continue;
    count(all, cellOf(first, second, level, p), 1);
    const l = <i32>load<u8>(level + <usize>p);
    add(counts, l, 1);
    if (distance(skin, first, second, p) < 1) add(near, l, 1);
  }
  toDensities(all);
  for (let l: i32 = 0; l < LEVELS; l++) {
    const s = min(smoothed(near, l) / (smoothed(counts, l) + UNSEEN_PIXELS) / WITHIN, 1);
    add(share, l, s);
    add(odds, l, max(1 - s, LEAST_ODDS) / (1 + s));
  }
  for (let p: i32 = 0; p < pixels; p++) {
    if (!flag(ring, p)) continue;
    const at = cellOf(first, second, level, p);
    const s = item(share, load<u8>(level + <usize>p)) * density(skin, distance(skin, first, second, p));
    count(hair, at, max(0, 1 - s / <f64>f(all, at)));
  }
  toDensities(hair);
  return hair;
}

/** Natural logarithm of a positive number, to 1e-9: the standard library's would need tables in memory. */
function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1023;
  let m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1), t = s * s;
  return <f64>exponent * 0.6931471805599453 + 2 * s * (1 + t * (1 / 3.0 + t * (0.2 + t * (1 / 7.0 + t / 9))));
}

/**
 * What of `flags` hangs together with `seeds`, to `out`; through `own` only downwards. `stack` has room for (pixels) i32.
 */
function flood(flags: usize, own: usize, seeds: usize, out: usize, stack: usize, job: Job): void {
  const width = job.width, height = job.height, pixels = width * height;
  const steep = abs(job.upY) >= abs(job.upX);
  const downX: i32 = steep ? 0 : job.upX < 0 ? 1 : -1, downY: i32 = !steep ? 0 : job.upY < 0 ? 1 : -1;
  memory.fill(out, 0, pixels);
  let top: i32 = 0;
  for (let p: i32 = 0; p < pixels; p++) if (flag(seeds, p) && !flag(own, p)) top = take(flags, out, stack, p, top);
  while (top > 0) {
    top--;
    const p = load<i32>(stack + (<usize>top << 2));
    const y = p / width, x = p - y * width;
    for (let v = y - 1; v <= y + 1; v++)
      for (let u = x - 1; u <= x + 1; u++) {
        if (u < 0 || v < 0 || u >= width || v >= height) continue;
        const q = v * width + u;
        const down = steep ? v - y == downY : u - x == downX;
        if (down || (!flag(own, q) && (u == x || v == y))) top = take(flags, out, stack, q, top);
      }
  }
}

// @ts-ignore: decorator
@inline
function take(flags: usize, out: usize, stack: usize, p: i32, top: i32): i32 {
  if (!flag(flags, p) || flag(out, p)) return top;
  store<u8>(out + <usize>p, 1);
  store<i32>(stack + (<usize>top << 2), p);
  return top + 1;
}

/** Fills `out`. */
export function hairFlags(address: usize): void {
  const job = changetype<Job>(address);
  const pixels = job.width * job.height, size = <usize>pixels;
  const first = job.floats, second = first + (size << 2), evidence = second + (size << 2);
  const sums = evidence + (size << 2), spare = sums + (size << 2);
  const above = job.bytes, ring = above + size, level = ring + size, known = level + size, rows = known + size;
  const a = rows + size, b = a + size, skin = b + size, own = skin + size;
  memory.fill(job.out, 0, size);
  upperFace(job, above);
  for (let p: usize = 0; p < size; p++) store<u8>(known + p, load<u8>(job.region + p) | load<u8>(job.core + p));
  dilate(known, ring, rows, job, job.ring);
  for (let p: usize = 0; p < size; p++) {
    const r = load<u8>(ring + p) != 0 && !load<u8>(known + p) && load<u8>(above + p) != 0;
    store<u8>(ring + p, r);
    store<u8>(known + p, r || load<u8>(job.region + p) != 0);
  }
  if (!takeColours(job, ring, first, second, level)) return;
  countFlags(known, sums, spare, job, 1);
  averageOver(first, known, sums, spare, job, 1);
  averageOver(second, known, sums, spare, job, 1);
  const learnt = changetype<Learnt>(job.learnt);
  learnSkin(job, learnt, first, second);
  const odds = job.learnt + offsetof<Learnt>();
  const hair = learnHair(job, learnt, ring, first, second, level, odds);
  for (let p: i32 = 0; p < pixels; p++) {
    let e: f64 = 0;
    if (flag(job.region, p)) {
      const chance = item(odds, load<u8>(level + <usize>p)) * <f64>f(hair, cellOf(first, second, level, p));
      e = min(max(log(chance / density(learnt, distance(learnt, first, second, p))), -MOST), MOST);
    }
    store<f32>(evidence + (<usize>p << 2), <f32>e);
  }
  countFlags(job.region, sums, spare, job, job.radius);
  averageOver(evidence, job.region, sums, spare, job, job.radius);
  connect(job, evidence, above, ring, rows, a, b, skin, own, spare);
}

/** What is more like hair than like skin and hangs together with the ring. */
function connect(
  job: Job, evidence: usize, above: usize, ring: usize, rows: usize, a: usize, b: usize, skin: usize, own: usize,
  stack: usize,
): void {
  const size = <usize>(job.width * job.height), out = job.out;
  // Where hair may be takes the place of what is above.
  const allowed = above;
  for (let p: usize = 0; p < size; p++) {
    const may = load<u8>(job.region + p) & load<u8>(above + p);
    store<u8>(allowed + p, may);
    store<u8>(skin + p, may != 0 && !(load<f32>(evidence + (p << 2)) > 0));
  }
  dilate(skin, a, rows, job, 1);
  for (let p: usize = 0; p < size; p++) store<u8>(a + p, load<u8>(allowed + p) & (1 - load<u8>(a + p)));
  dilate(a, b, rows, job, 1);
  dilate(job.lines, own, rows, job, job.brow);
  for (let p: usize = 0; p < size; p++)
    store<u8>(b + p, load<u8>(b + p) & load<u8>(allowed + p) & (1 - load<u8>(skin + p)));
  dilate(ring, a, rows, job, 1);
  flood(b, own, a, out, stack, job);
  dilate(out, a, rows, job, job.radius);
  for (let p: usize = 0; p < size; p++)
    if (load<u8>(allowed + p) & load<u8>(a + p) & (1 - load<u8>(own + p)) && load<f32>(evidence + (p << 2)) > NEARLY)
      store<u8>(out + p, 1);
  for (let p: usize = 0; p < size; p++) store<u8>(a + p, load<u8>(out + p) | load<u8>(ring + p));
  dilate(a, b, rows, job, job.radius);
  for (let p: usize = 0; p < size; p++) store<u8>(b + p, 1 - load<u8>(b + p));
  dilate(b, a, rows, job, job.radius);
  for (let p: usize = 0; p < size; p++)
    if (load<u8>(allowed + p) & (1 - load<u8>(a + p))) store<u8>(out + p, 1);
}
