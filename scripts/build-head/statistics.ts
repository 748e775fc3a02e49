/**
 * Sampling distribution matched to anthropometry.
 *
 * The sliders' spreads are guesses, people's head measurements are published. So every adult drawn from the sliders
 * is measured; its measurements are standardised by what the sliders give for that sex (this keeps the sliders'
 * correlations between measurements), rescaled to the published mean and standard deviation of the sex, and the
 * head's proportions (`fields.ts`, and scales along the axes) take the smallest change that yields them:
 *   Δx = S Jᵀ (J S Jᵀ + N)⁻¹ (m* − m),  S the fields' variances, J = ∂m/∂x, N a fifth of a standard deviation.
 *
 * Published values (mm): NIOSH head-and-face survey (Zhuang & Bradtmiller 2005, 2543 men and 1454 women), Farkas (1994,
 * young adults) and ANSUR (1988), entered by hand; docs/open-head.md says which could be checked. Two are ours: the eye
 * fissure is 18 % lower and the inner canthi 2.4 mm wider apart than published, as the detector's lids and inner corners
 * on photos ask for (it leaves the caruncle out).
 *
 * Depths matter as much as widths, and no photo from the front shows them. With the nose's protrusion taken from the
 * alae instead of the subnasale and no depth of the eyes, the mean face was flat: tip of the nose 13 mm before the
 * sellion (published 23), outer canthi 17 mm behind it (about 20); rendered ICT-FaceKit people were then 2.25 mm from the
 * mean head and 2.06 mm from what was fitted to their pictures, for 1.7 mm of the former was one and the same for all.
 */
import { inverse, Matrix } from 'ml-matrix';
import type { Random } from '../../src/core/random.ts';
import { proportionFields } from './fields.ts';
import { type Person, type Slider, sliderWeights, type Weights } from './people.ts';
import { fitSphere, type ShapeSpace } from './shapes.ts';
import type { Topology } from './topology.ts';

/** A measurement: how it is taken and what is published. */
export interface Measurement {
  readonly name: string;
  /** Mean and standard deviation, metres. */
  readonly women: readonly [number, number];
  readonly men: readonly [number, number];
  readonly of: (shape: ArrayLike<number>) => number;
}

/** What the matched sample gives, for the report. */
export interface MeasurementReport {
  readonly name: string;
  readonly published: readonly [number, number];
  readonly sampled: readonly [number, number];
}

const mm = (mean: number, sd: number): [number, number] => [mean / 1000, sd / 1000];

/** The measurements on shapes of `space`. */
export function measurements(space: ShapeSpace, topology: Topology): Measurement[] {
  const [sellion, menton, subnasale, pronasale, stomion] = [133, 5296, 317, 5054, 540];
  const at = (source: number) => {
    const row = topology.source.indexOf(source);
    if (row < 0) throw new Error(`measurement vertex ${source} is not part of the head`);
    return row;
  };
  const dist = (s: ArrayLike<number>, a: number, b: number) =>
    Math.sqrt(
      (s[3 * a]! - s[3 * b]!) ** 2 +
        (s[3 * a + 1]! - s[3 * b + 1]!) ** 2 +
        (s[3 * a + 2]! - s[3 * b + 2]!) ** 2,
    );
  // Widths are measured on both halves: x of a left point minus x of its mirror image.
  const width = (source: number) => {
    const a = at(source);
    const b = topology.mirror[a]!;
    return (s: ArrayLike<number>) => dist(s, a, b);
  };
  const length = (p: number, q: number) => {
    const [a, b] = [at(p), at(q)];
    return (s: ArrayLike<number>) => dist(s, a, b);
  };
  // How far the sellion stands out before a pair of points at its height: hardly changed by a nod.
  const depth = (source: number) => {
    const [n, a] = [at(sellion), at(source)];
    const b = topology.mirror[a]!;
    return (s: ArrayLike<number>) => s[3 * n + 2]! - (s[3 * a + 2]! + s[3 * b + 2]!) / 2;
  };
  const widest = (sources: readonly number[]) => {
    const pairs = sources.map((v) => [at(v), topology.mirror[at(v)]!] as const);
    return (s: ArrayLike<number>) => Math.max(...pairs.map(([a, b]) => Math.abs(s[3 * a]! - s[3 * b]!)));
  };
  const glabella = at(220);
  const back = [5389, 962, 955, 5379, 948].map(at);
  const { leftEye, rightEye } = space.layout;
  return [
    {
      name: 'head breadth',
      women: mm(146.8, 5.6),
      men: mm(153.0, 6.0),
      of: widest([7702, 11994, 11970, 7674, 7675]),
    },
    {
      name: 'head length',
      women: mm(187.5, 7.2),
      men: mm(197.3, 7.4),
      of: (s) => Math.max(...back.map((b) => dist(s, glabella, b))),
    },
    {
      name: 'bizygomatic breadth',
      women: mm(135.1, 6.5),
      men: mm(143.5, 6.9),
      of: widest([7572, 7573, 11845, 11844]),
    },
    {
      name: 'face length (sellion-menton)',
      women: mm(113.4, 6.1),
      men: mm(122.7, 7.0),
      of: length(sellion, menton),
    },
    {
      name: 'interpupillary distance',
      women: mm(61.9, 3.5),
      men: mm(64.5, 3.6),
      of: (s) => fitSphere(s, leftEye).center[0] - fitSphere(s, rightEye).center[0],
    },
    {
      name: 'nose length (sellion-subnasale)',
      women: mm(48.2, 3.8),
      men: mm(52.0, 4.1),
      of: length(sellion, subnasale),
    },
    { name: 'nose breadth', women: mm(33.2, 3.9), men: mm(36.6, 4.1), of: width(11673) },
    {
      name: 'nose protrusion',
      women: mm(19.8, 2.7),
      men: mm(21.1, 2.7),
      // From the angle of columella and lip, which lies 2 mm below the subnasale of the lengths.
      of: length(343, pronasale),
    },
    {
      name: 'nasal root depth (sellion-inner canthi)',
      women: mm(14.8, 2.5),
      men: mm(17.2, 2.5),
      of: depth(7769),
    },
    {
      name: 'outer canthus depth (sellion-outer canthi)',
      women: mm(19.0, 2.8),
      men: mm(21.0, 2.8),
      of: depth(7754),
    },
    { name: 'lip length', women: mm(48.0, 4.0), men: mm(51.1, 4.2), of: width(7188) },
    { name: 'bigonial breadth', women: mm(102.0, 7.0), men: mm(111.0, 8.0), of: width(7460) },
    { name: 'outer canthi', women: mm(87.8, 4.0), men: mm(91.2, 4.0), of: width(7754) },
    { name: 'inner canthi', women: mm(34.2, 2.6), men: mm(35.6, 2.8), of: width(7769) },
    { name: 'eye fissure height', women: mm(8.9, 1.1), men: mm(8.6, 1.1), of: length(13359, 7762) },
    {
      name: 'upper lip (subnasale-stomion)',
      women: mm(20.1, 2.1),
      men: mm(22.3, 2.2),
      of: length(subnasale, stomion),
    },
    {
      name: 'lower face (stomion-menton)',
      women: mm(44.5, 3.5),
      men: mm(49.5, 4.0),
      of: length(stomion, menton),
    },
    { name: 'ear length', women: mm(58.5, 3.9), men: mm(62.8, 4.1), of: length(12012, 12329) },
    {
      name: 'head height (tragion-vertex)',
      women: mm(127.0, 6.0),
      men: mm(131.0, 6.0),
      of: (s) => Math.max(s[3 * at(881) + 1]!, s[3 * at(879) + 1]!) - s[3 * at(12135) + 1]!,
    },
  ];
}

/** A person while being matched: the shape its sliders give, and what is added. */
interface Sample {
  readonly man: boolean;
  readonly child: boolean;
  readonly start: Float64Array;
  /** Log scales of the three axes, then amplitudes of the fields. */
  readonly x: Float64Array;
}

const SCALE_SD = 0.03;
/** Interpupillary distance that children's shapes are brought to, metres. */
const ADULT_IPD = 0.063;

/** Shapes of people whose adults follow the published measurements; children follow by the adults' mean correction. */
export function matchedShapes(
  space: ShapeSpace,
  topology: Topology,
  sliders: readonly Slider[],
  people: readonly Person[],
  random: Random,
  log: (line: string) => void,
): { shapes: Float64Array[]; report: MeasurementReport[] } {
  const list = measurements(space, topology);
  const fields = proportionFields(space);
  const measure = (shape: ArrayLike<number>) => list.map((m) => m.of(shape));
  const build = (start: Float64Array, x: Float64Array) => {
    const shape = start.slice();
    fields.forEach((f, k) => {
      const a = x[3 + k]!;
      if (a !== 0) for (let i = 0; i < shape.length; i++) shape[i]! += a * f.displacement[i]!;
    });
    for (let i = 0; i < shape.length; i++) shape[i]! *= Math.exp(x[i % 3]!);
    return shape;
  };
  const P = 3 + fields.length;
  const samples: Sample[] = people.map((person) => {
    const child = person.age === 'child';
    const weights: Weights = new Map();
    sliderWeights(
      sliders,
      person.values.map((v) => v * (child ? 0.5 : 1)),
      weights,
    );
    const start = space.shape(person.macro, weights, person.asymmetry);
    return { man: person.sex > 0.5, child, start, x: new Float64Array(P) };
  });
  const adults = samples.filter((s) => !s.child);

  // J at the mean adult; the correction's gain.
  const middle = new Float64Array(adults[0]!.start.length);
  for (const s of adults) for (let i = 0; i < middle.length; i++) middle[i]! += s.start[i]! / adults.length;
  const J = Matrix.zeros(list.length, P);
  for (let p = 0; p < P; p++) {
    const h = 0.5 * (p < 3 ? SCALE_SD : fields[p - 3]!.sd);
    const x = new Float64Array(P);
    x[p] = h;
    const plus = measure(build(middle, x));
    x[p] = -h;
    const minus = measure(build(middle, x));
    plus.forEach((m, i) => {
      J.set(i, p, (m - minus[i]!) / (2 * h));
    });
  }
  const JS = J.clone();
  for (let p = 0; p < P; p++) JS.mulColumn(p, (p < 3 ? SCALE_SD : fields[p - 3]!.sd) ** 2);
  const A = JS.mmul(J.transpose());
  list.forEach((m, i) => {
    A.set(i, i, A.get(i, i) + (0.2 * m.women[1]) ** 2);
  });
  const gain = JS.transpose().mmul(inverse(A));

  const first = adults.map((s) => measure(s.start));
  const natural = [false, true].map((man) =>
    list.map((_, i) => meanSd(first.flatMap((m, n) => (adults[n]!.man === man ? [m[i]!] : [])))),
  );
  const wanted = adults.map((s, n) =>
    list.map((m, i) => {
      const [mean, sd] = natural[s.man ? 1 : 0]![i]!;
      const [pm, ps] = s.man ? m.men : m.women;
      // A quarter of the variance is fresh, so that sizes are not slaves of the sliders' correlations.
      const z =
        Math.sqrt(0.75) * clamp((first[n]![i]! - mean) / sd, -2.5, 2.5) +
        Math.sqrt(0.25) * clamp(random.normal(), -2.5, 2.5);
      return pm + ps * z;
    }),
  );
  for (let round = 0; round < 4; round++) {
    adults.forEach((s, n) => {
      const m = measure(build(s.start, s.x));
      const delta = gain.mmul(Matrix.columnVector(wanted[n]!.map((w, i) => w - m[i]!)));
      for (let p = 0; p < P; p++) s.x[p]! += delta.get(p, 0);
    });
  }
  log('adults matched to the published measurements');
  const mean = new Float64Array(P);
  for (const s of adults) for (let p = 0; p < P; p++) mean[p]! += s.x[p]! / adults.length;
  log(
    `mean correction: ${['x', 'y', 'z', ...fields.map((f) => f.name)].map((n, p) => `${n} ${mean[p]!.toFixed(4)}`).join(', ')}`,
  );

  // Children: the adults' mean correction, then their smaller size taken out: a photo cannot tell size, and a component
  // of both child and small makes every soft face a small one (at 70 % rendered ICT heads came out up to 14 % small).
  // Children's noses stand out half as far as adults' (Farkas 1994): they take less of that.
  const nose = 3 + fields.findIndex((f) => f.name === 'nose protrusion');
  const ipd = list.find((m) => m.name === 'interpupillary distance')!;
  const shapes = samples.map((s) => {
    if (!s.child) return build(s.start, s.x);
    const shape = build(
      s.start,
      mean.map((v, p) => (p === nose ? 0.2 : 0.6) * v),
    );
    const grow = ADULT_IPD / ipd.of(shape);
    for (let i = 0; i < shape.length; i++) shape[i]! *= grow;
    return shape;
  });
  const final = samples.flatMap((s, n) => (s.child ? [] : [{ man: s.man, m: measure(shapes[n]!) }]));
  const report = list.flatMap((m, i) =>
    [false, true].map((man) => ({
      name: `${m.name}, ${man ? 'men' : 'women'}`,
      published: man ? m.men : m.women,
      sampled: meanSd(final.filter((f) => f.man === man).map((f) => f.m[i]!)),
    })),
  );
  return { shapes, report };
}

/** Mean and standard deviation. */
export function meanSd(x: readonly number[]): [number, number] {
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  return [mean, Math.sqrt(x.reduce((s, v) => s + (v - mean) ** 2, 0) / Math.max(1, x.length - 1))];
}

function clamp(x: number, a: number, b: number): number {
  return Math.min(b, Math.max(a, x));
}
