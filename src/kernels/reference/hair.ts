/** Reference of `kernels/hair.ts`: hair that lies over the face, by the method of `fit/hair.ts`. */
import type { HairInput } from '../hair.ts';

/** Hair is looked for above this share of the core's height: beside the cheeks there is background as often. */
const BASE = 0.5;
/** Least deviation of skin's colour. */
const FLOOR = 0.02;
/** Degrees of freedom of the Student distribution. */
const TAILS = 6;
/** Colours are counted over ±SPAN in CELLS² cells, at LEVELS brightnesses: from DARKEST of the skin's in factors of STEP. */
const SPAN = 0.6;
const CELLS = 24;
const LEVELS = 6;
const DARKEST = Math.exp(-2.4);
const STEP = Math.exp(2.4 / LEVELS);
/** Density of colours that the ring does not show, and how many pixels it is worth. */
const UNSEEN = { density: 0.05, pixels: 2 };
/** Odds of hair at a brightness at which the ring shows skin alone. */
const LEAST_ODDS = 0.002;
/** Of a pixel's evidence, as a logarithm, either way. */
const MOST = 4;
/** Beside hair, what is nearly as much like it belongs to it. */
const NEARLY = -0.5;

/** Flags (H,W): 1 where hair lies over the region. */
export function hairFlagsReference(input: HairInput): Uint8Array {
  const { region, core, photo } = input;
  const { width, height } = photo;
  const grid: Grid = { width, height, spare: new Float32Array(width * height) };
  const above = upperFace(input);
  const ring = dilate(grid, either(region, core), input.ring);
  for (let p = 0; p < ring.length; p++) if (region[p] || core[p] || !above[p]) ring[p] = 0;
  const colours = takeColours(grid, input, ring);
  if (!colours) return new Uint8Array(region.length);
  const likeness = hairLikeness(grid, colours, region, input.radius);
  return connected(grid, input, likeness, above, ring);
}

/** Sizes, and room for one number a pixel. */
interface Grid {
  readonly width: number;
  readonly height: number;
  readonly spare: Float32Array;
}

/** Flags of the pixels above the base. */
function upperFace({ core, up: [ux, uy], photo: { width } }: HairInput): Uint8Array {
  let least = Infinity;
  let most = -Infinity;
  for (let p = 0; p < core.length; p++) {
    if (!core[p]) continue;
    const h = ux * (p % width) + uy * Math.floor(p / width);
    least = Math.min(least, h);
    most = Math.max(most, h);
  }
  const base = least + BASE * (most - least);
  return core.map((_, p) => (ux * (p % width) + uy * Math.floor(p / width) > base ? 1 : 0));
}

function either(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((x, p) => x | b[p]);
}

/** Logarithms of hair's density over skin's at each pixel of the region, averaged over a neighbourhood. */
function hairLikeness(grid: Grid, colours: Colours, region: Uint8Array, radius: number): Float32Array {
  const skin = skinColours(colours);
  const hair = hairColours(colours, skin);
  const evidence = new Float32Array(region.length);
  for (let p = 0; p < region.length; p++)
    if (region[p]) {
      const level = colours.level[p];
      const ratio =
        (hair.density[cellOf(colours, p)] * hair.odds[level]) / density(skin, distance(skin, colours, p));
      evidence[p] = Math.min(Math.max(Math.log(ratio), -MOST), MOST);
    }
  averageOver(grid, evidence, region, radius);
  return evidence;
}

/** Colour of each pixel of region and ring: difference in ratios, and brightness as a level. */
interface Colours {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly level: Uint8Array;
  readonly inRing: Uint8Array;
  /** Where skin's colours are learnt. */
  readonly sure: Uint8Array;
}

/** Keeps ratios of dark colours from being noise. */
const DARK = 0.06;

function takeColours(grid: Grid, input: HairInput, ring: Uint8Array): Colours | null {
  const { photo, render, region, core } = input;
  const pixels = region.length;
  const mean = new Float64Array(4);
  for (let p = 0; p < pixels; p++)
    if (region[p] && core[p]) {
      for (let c = 0; c < 3; c++) mean[c] += render.data[3 * p + c];
      mean[3]++;
    }
  if (mean[3] === 0) return null;
  const known = either(region, ring);
  const colours: Colours = {
    first: new Float32Array(pixels),
    second: new Float32Array(pixels),
    level: new Uint8Array(pixels),
    inRing: ring,
    sure: region.map((r, p) => r & core[p]),
  };
  const skin = Float32Array.from(mean.subarray(0, 3), (x) => x / mean[3]);
  const brightness = skin[0] + skin[1] + skin[2] + DARK;
  for (let p = 0; p < pixels; p++)
    if (known[p]) {
      const i = 3 * p;
      takeColour(colours, p, photo.data, i, region[p] ? render.data : skin, region[p] ? i : 0, brightness);
    }
  averageOver(grid, colours.first, known, 1);
  averageOver(grid, colours.second, known, 1);
  return colours;
}

function takeColour(
  { first, second, level }: Colours,
  p: number,
  a: Float32Array,
  i: number,
  b: Float32Array,
  j: number,
  brightness: number,
): void {
  const [r, g, l] = [Math.max(a[i], 0), Math.max(a[i + 1], 0), Math.max(a[i + 2], 0)];
  first[p] = 2 * ((r - g) / (r + g + DARK) - (b[j] - b[j + 1]) / (b[j] + b[j + 1] + DARK));
  second[p] = 2 * ((g - l) / (g + l + DARK) - (b[j + 1] - b[j + 2]) / (b[j + 1] + b[j + 2] + DARK));
  const ratio = (r + g + l + DARK) / brightness;
  for (let from = DARKEST * STEP; level[p] < LEVELS - 1 && ratio >= from; from *= STEP) level[p]++;
}

/** Student distribution of skin's colours: mean, inverse of the scale matrix, density at the mean. */
interface SkinColours {
  mean: [number, number];
  inverse: [number, number, number];
  peak: number;
}

function skinColours(colours: Colours): SkinColours {
  const skin: SkinColours = { mean: [0, 0], inverse: [400, 0, 400], peak: 1 };
  for (let round = 0; round < 5; round++) learnSkin(colours, skin);
  return skin;
}

/** One round of re-weighted least squares. */
function learnSkin(colours: Colours, skin: SkinColours): void {
  const { first, second, sure } = colours;
  let [n, x, y, xx, xy, yy] = [0, 0, 0, 0, 0, 0];
  for (let p = 0; p < sure.length; p++) {
    if (!sure[p]) continue;
    const w = 1 / (1 + distance(skin, colours, p) / 4) ** 2;
    n += w;
    x += w * first[p];
    y += w * second[p];
    xx += w * first[p] * first[p];
    xy += w * first[p] * second[p];
    yy += w * second[p] * second[p];
  }
  x /= n;
  y /= n;
  // Weights that fall so take a normal distribution's variance for 1/1.6 of what it is.
  const a = 1.6 * (xx / n - x * x) + FLOOR ** 2;
  const b = 1.6 * (xy / n - x * y);
  const c = 1.6 * (yy / n - y * y) + FLOOR ** 2;
  const det = a * c - b * b;
  skin.mean = [x, y];
  skin.inverse = [c / det, -b / det, a / det];
  skin.peak = 1 / (2 * Math.PI * Math.sqrt(det));
}

/** Squared Mahalanobis distance of a pixel's colour from skin's. */
function distance({ mean, inverse }: SkinColours, { first, second }: Colours, p: number): number {
  const x = first[p] - mean[0];
  const y = second[p] - mean[1];
  return inverse[0] * x * x + 2 * inverse[1] * x * y + inverse[2] * y * y;
}

function density({ peak }: SkinColours, squared: number): number {
  return peak / (1 + squared / TAILS) ** (TAILS / 2 + 1);
}

/** Densities of hair's colours given the brightness, (LEVELS,CELLS,CELLS), and odds of hair at each brightness. */
interface HairColours {
  readonly density: Float32Array;
  readonly odds: Float64Array;
}

/** Share of a normal distribution within a distance of one. */
const WITHIN = 1 - Math.exp(-0.5);

function hairColours(colours: Colours, skin: SkinColours): HairColours {
  const { inRing, level } = colours;
  const weights = new Float32Array(inRing);
  const all = densities(colours, weights);
  // At each brightness, how much of the ring is skin: what lies near skin's colour, over what would if all of it were.
  const [near, count] = [new Float64Array(LEVELS), new Float64Array(LEVELS)];
  for (let p = 0; p < inRing.length; p++)
    if (inRing[p]) {
      count[level[p]]++;
      if (distance(skin, colours, p) < 1) near[level[p]]++;
    }
  const [nearby, around] = [smoothed(near), smoothed(count)];
  const share = nearby.map((x, l) => Math.min(x / (around[l] + UNSEEN.pixels) / WITHIN, 1));
  for (let p = 0; p < inRing.length; p++)
    if (inRing[p]) {
      const s = share[level[p]] * density(skin, distance(skin, colours, p));
      weights[p] = Math.max(0, 1 - s / all[cellOf(colours, p)]);
    }
  return {
    density: densities(colours, weights),
    odds: share.map((s) => Math.max(1 - s, LEAST_ODDS) / (1 + s)),
  };
}

/** Number of a pixel's brightness and colour in {@link HairColours}. */
function cellOf({ first, second, level }: Colours, p: number): number {
  return (level[p] * CELLS + cell(first[p])) * CELLS + cell(second[p]);
}

function cell(x: number): number {
  return Math.min(Math.max(Math.floor((x / (2 * SPAN) + 0.5) * CELLS), 0), CELLS - 1);
}

function densities(colours: Colours, weights: Float32Array): Float32Array {
  const table = new Float32Array(LEVELS * CELLS * CELLS);
  for (let p = 0; p < weights.length; p++) if (weights[p] > 0) table[cellOf(colours, p)] += weights[p];
  for (const [stride, length] of [
    [1, CELLS],
    [1, CELLS],
    [CELLS, CELLS],
    [CELLS, CELLS],
    [CELLS * CELLS, LEVELS],
  ])
    blur(table, stride, length);
  const area = ((2 * SPAN) / CELLS) ** 2;
  for (let l = 0; l < LEVELS; l++) {
    const part = table.subarray(l * CELLS * CELLS, (l + 1) * CELLS * CELLS);
    let total = UNSEEN.pixels;
    for (let i = 0; i < part.length; i++) total += part[i];
    for (let i = 0; i < part.length; i++) part[i] = (part[i] / area + UNSEEN.density * UNSEEN.pixels) / total;
  }
  return table;
}

/** [1 2 1]/4 along an axis of `length` items `stride` apart, in place. */
function blur(table: Float32Array, stride: number, length: number): void {
  for (let start = 0; start < table.length; start++) {
    if (Math.floor(start / stride) % length !== 0) continue;
    let before = 0;
    for (let i = 0, at = start; i < length; i++, at += stride) {
      const here = table[at];
      table[at] = 0.25 * (before + 2 * here + (i + 1 < length ? table[at + stride] : 0));
      before = here;
    }
  }
}

function smoothed(values: Float64Array): Float64Array {
  return values.map((x, i) => 0.25 * ((values[i - 1] ?? 0) + 2 * x + (values[i + 1] ?? 0)));
}

/** What is more like hair than like skin and hangs together with the ring. */
function connected(
  grid: Grid,
  input: HairInput,
  likeness: Float32Array,
  above: Uint8Array,
  ring: Uint8Array,
): Uint8Array {
  const { radius } = input;
  const allowed = input.region.map((r, p) => r & above[p]);
  const skin = allowed.map((r, p) => (r && !(likeness[p] > 0) ? 1 : 0));
  // Wrinkles may be bridges a pixel or two wide.
  const inner = dilate(grid, skin, 1).map((s, p) => allowed[p] & (1 - s));
  const like = dilate(grid, inner, 1).map((s, p) => s & allowed[p] & (1 - skin[p]));
  const own = dilate(grid, input.lines, input.brow);
  const hair = flood(grid, like, own, dilate(grid, ring, 1), input.up);
  const beside = dilate(grid, hair, radius);
  for (let p = 0; p < hair.length; p++)
    if (allowed[p] && beside[p] && !own[p] && likeness[p] > NEARLY) hair[p] = 1;
  // Gaps between strands, and between them and the border.
  const wide = dilate(grid, either(hair, ring), radius);
  const outside = dilate(
    grid,
    wide.map((x) => 1 - x),
    radius,
  );
  for (let p = 0; p < hair.length; p++) if (allowed[p] && !outside[p]) hair[p] = 1;
  return hair;
}

/** What of `flags` hangs together with `seeds`; through `own` only downwards. */
function flood(
  { width, height }: Grid,
  flags: Uint8Array,
  own: Uint8Array,
  seeds: Uint8Array,
  [ux, uy]: readonly [number, number],
): Uint8Array {
  const steep = Math.abs(uy) >= Math.abs(ux);
  const down = steep ? -Math.sign(uy) || -1 : -Math.sign(ux);
  const out = new Uint8Array(flags.length);
  const stack: number[] = [];
  const take = (p: number) => {
    if (!flags[p] || out[p]) return;
    out[p] = 1;
    stack.push(p);
  };
  for (let p = 0; p < flags.length; p++) if (seeds[p] && !own[p]) take(p);
  for (let p = stack.pop(); p !== undefined; p = stack.pop()) {
    const x = p % width;
    const y = Math.floor(p / width);
    for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++)
      for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
        const q = v * width + u;
        if ((steep ? v - y : u - x) === down || (!own[q] && (u === x || v === y))) take(q);
      }
  }
  return out;
}

/** Flags of the pixels with a flag within a window of (2r+1)². */
function dilate(grid: Grid, flags: Uint8Array, r: number): Uint8Array {
  const sums = Float32Array.from(flags);
  windowSums(grid, sums, r);
  const out = new Uint8Array(flags.length);
  for (let p = 0; p < out.length; p++) if (sums[p] > 0.5) out[p] = 1;
  return out;
}

/** Means over the flagged part of a window of (2r+1)², in place; zero elsewhere. */
function averageOver(grid: Grid, values: Float32Array, flags: Uint8Array, r: number): void {
  const counts = Float32Array.from(flags);
  for (let p = 0; p < values.length; p++) if (!flags[p]) values[p] = 0;
  windowSums(grid, values, r);
  windowSums(grid, counts, r);
  for (let p = 0; p < values.length; p++) values[p] = flags[p] ? values[p] / counts[p] : 0;
}

/** Sums over a window of (2r+1)², in place. */
function windowSums({ width, height, spare }: Grid, values: Float32Array, r: number): void {
  for (let y = 0; y < height; y++) runningSums(values, y * width, 1, width, r, spare);
  for (let x = 0; x < width; x++) runningSums(spare, x, width, height, r, values);
}

/** out[i] = Σ from[i − r … i + r] along a line of `length` items `stride` apart. */
function runningSums(
  from: Float32Array,
  start: number,
  stride: number,
  length: number,
  r: number,
  out: Float32Array,
): void {
  let sum = 0;
  for (let i = 0; i < Math.min(r, length); i++) sum += from[start + i * stride];
  for (let i = 0; i < length; i++) {
    if (i + r < length) sum += from[start + (i + r) * stride];
    if (i > r) sum -= from[start + (i - r - 1) * stride];
    out[start + i * stride] = sum;
  }
}
