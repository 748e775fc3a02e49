/**
 * Random people in the source's terms: target weights of a person's macro shape (ancestry mix, sex, age, build) and
 * of the modelling sliders. The spreads here are only a first guess; `statistics.ts` conditions every adult on drawn
 * anthropometric measurements, and the sliders' spreads only decide what those leave free.
 */
import type { Random } from '../../src/core/random.ts';
import type { Source } from './source.ts';

/** Weights of targets by name. */
export type Weights = Map<string, number>;

/** A slider (or both sides' sliders together) as drawn: −1…1 or 0…1. */
export interface Slider {
  readonly name: string;
  /** Targets for negative and positive values; null where there is none that may be used. */
  readonly low: readonly (string | null)[];
  readonly high: readonly (string | null)[];
  readonly sd: number;
  /** 0…1 only. */
  readonly oneSided: boolean;
}

/** One drawn person. */
export interface Person {
  readonly age: 'adult' | 'child';
  /** 0 = woman, 1 = man. */
  readonly sex: number;
  readonly macro: Weights;
  /** (sliders) values. */
  readonly values: Float64Array;
  /** Asymmetry targets and their weights. */
  readonly asymmetry: Weights;
}

const RACES = ['african', 'asian', 'caucasian'] as const;
const SEXES = ['female', 'male'] as const;
const GROUPS = new Set([
  'head',
  'forehead',
  'eyebrows',
  'neck',
  'eyes',
  'nose',
  'mouth',
  'ears',
  'chin',
  'cheek',
]);

/** All sliders of head and face; the two sides of one slider are one entry with two targets each way. */
export function faceSliders(source: Source): Slider[] {
  const out: Slider[] = [];
  const usable = (name: string | null) => (name !== null && source.has(name) ? name : null);
  for (const m of source.modifiers) {
    if (!GROUPS.has(m.group) || m.target.startsWith('l-')) continue;
    if (m.target === 'head-trans' || m.target === 'neck-trans-horiz' || m.target === 'nose-trans-horiz')
      continue;
    if (m.target === 'mouth-trans' && m.min === 'in') continue;
    const sides = m.target.startsWith('r-') ? [m.target, `l-${m.target.slice(2)}`] : [m.target];
    const high = sides.map((s) => usable(`${m.group}/${s}${m.max ? `-${m.max}` : ''}`));
    const low = sides.map((s) => (m.min ? usable(`${m.group}/${s}-${m.min}`) : null));
    // One end missing: the other end's negative stands in (the targets are small displacements about the same head).
    const oneSided = m.min === undefined;
    if (!oneSided && low.every((x) => x === null) && high.every((x) => x === null)) continue;
    out.push({
      name: `${m.target}${m.min ? `:${m.min}-${m.max}` : ''}`,
      low,
      high,
      sd: spread(m.group, oneSided),
      oneSided,
    });
  }
  return out;
}

function spread(group: string, oneSided: boolean): number {
  if (oneSided) return 0.12;
  const g: Record<string, number> = {
    head: 0.22,
    neck: 0.18,
    ears: 0.26,
    forehead: 0.28,
    eyes: 0.27,
    nose: 0.24,
    mouth: 0.25,
  };
  return g[group] ?? 0.3;
}

/** Draws a person; `childShare` of them are 0.5 to 14 years old. */
export function drawPerson(
  random: Random,
  sliders: readonly Slider[],
  asymmetry: readonly string[][],
  childShare: number,
): Person {
  const child = random.uniform() < childShare;
  const man = child
    ? random.uniform()
    : random.uniform() < 0.5
      ? 0.12 * random.uniform()
      : 1 - 0.12 * random.uniform();
  const races = RACES.map(() =>
    Math.max(1e-6, -Math.log(1 - random.uniform()) * (random.uniform() < 0.5 ? 0.25 : 1)),
  );
  const sum = races[0]! + races[1]! + races[2]!;
  // Ages as weights of baby (1 y), child (11 y), young (25 y), old (90 y).
  const ages: Record<string, number> = {};
  if (child) {
    const t = random.uniform();
    if (t < 0.55) {
      ages.baby = 1 - t / 0.55;
      ages.child = t / 0.55;
    } else {
      ages.child = 1 - (t - 0.55) / 0.6;
      ages.young = (t - 0.55) / 0.6;
    }
  } else {
    const old = random.uniform() ** 1.8;
    ages.young = 1 - 0.85 * old;
    ages.old = 0.85 * old;
  }
  const muscle = three(clamp(0.5 + 0.15 * random.normal(), 0, 1));
  const weight = three(clamp(0.5 + 0.2 * random.normal(), 0, 1));
  const macro: Weights = new Map();
  const add = (name: string, w: number) => {
    if (w > 0) macro.set(name, (macro.get(name) ?? 0) + w);
  };
  for (const [age, aw] of Object.entries(ages)) {
    SEXES.forEach((sex, s) => {
      const sw = s === 0 ? 1 - man : man;
      RACES.forEach((race, r) => {
        add(`macrodetails/${race}-${sex}-${age}`, (aw * sw * races[r]!) / sum);
      });
      ['min', 'average', 'max'].forEach((mu, i) => {
        ['min', 'average', 'max'].forEach((we, j) => {
          add(
            `macrodetails/universal-${sex}-${age}-${mu}muscle-${we}weight`,
            aw * sw * muscle[i]! * weight[j]!,
          );
        });
      });
    });
  }
  const values = Float64Array.from(sliders, (s) => {
    const x = clamp(s.sd * random.normal(), -1, 1);
    return s.oneSided ? Math.abs(x) : x;
  });
  const asym: Weights = new Map();
  for (const pair of asymmetry) {
    const x = 0.12 * random.normal();
    const name = pair.length === 2 ? pair[x < 0 ? 0 : 1]! : pair[0]!;
    asym.set(name, Math.abs(x));
  }
  return { age: child ? 'child' : 'adult', sex: man, macro, values, asymmetry: asym };
}

/** Macro targets of excluded revisions, and what stands in for them: the same change seen in the other ancestries. */
export function macroDisplacement(source: Source, name: string): Float32Array {
  const read = (n: string) => Float32Array.from(source.target(n), (x) => x * 1e-4);
  if (source.has(name)) return read(name);
  // e.g. african-female-old ≈ african-female-young + mean over the ancestries that have it of (old − young).
  const [race, sex] = name.replace('macrodetails/', '').split('-') as [string, string, string];
  const out = read(`macrodetails/${race}-${sex}-young`);
  const pairs: [string, string][] = [];
  for (const s of [sex, sex === 'female' ? 'male' : 'female']) {
    for (const r of RACES)
      if (source.has(`macrodetails/${r}-${s}-old`))
        pairs.push([`macrodetails/${r}-${s}-old`, `macrodetails/${r}-${s}-young`]);
    if (pairs.length > 0) break;
  }
  for (const [old, young] of pairs) {
    const o = source.target(old);
    const y = source.target(young);
    for (let i = 0; i < out.length; i++) out[i]! += ((o[i]! - y[i]!) * 1e-4) / pairs.length;
  }
  return out;
}

/** Target weights of the sliders' values. Where one end is missing its opposite is used with the sign turned. */
export function sliderWeights(sliders: readonly Slider[], values: Float64Array, into: Weights): void {
  const add = (name: string, w: number) => into.set(name, (into.get(name) ?? 0) + w);
  sliders.forEach((s, i) => {
    const x = values[i]!;
    if (x === 0) return;
    for (let side = 0; side < s.high.length; side++) {
      const [direct, other] = x > 0 ? [s.high[side], s.low[side]] : [s.low[side], s.high[side]];
      if (direct) add(direct, Math.abs(x));
      else if (other) add(other, -Math.abs(x));
    }
  });
}

/** Asymmetry targets in their pairs. */
export function asymmetryPairs(source: Source): string[][] {
  const groups = new Map<string, string[]>();
  for (const name of [...source.targetNames].sort()) {
    if (!name.startsWith('asym/')) continue;
    const key = name.slice(0, name.lastIndexOf('-'));
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()];
}

function three(x: number): [number, number, number] {
  const high = Math.max(0, 2 * x - 1);
  const low = Math.max(0, 1 - 2 * x);
  return [low, 1 - high - low, high];
}

function clamp(x: number, a: number, b: number): number {
  return Math.min(b, Math.max(a, x));
}
