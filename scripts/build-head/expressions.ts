/**
 * Named expressions (weights 0…1) from the source's expression units, each the mean over its three ancestries.
 * Mouth units are split into a left and a right half by a smooth step across the middle, 24 mm wide. Teeth, tongue
 * and eyeballs never move with an expression: they belong to the jaw and eye joints. `mouth-open` is left out, the
 * jaw joint does that.
 *
 * Names follow ARKit's blend shapes where one is equivalent; the table in docs/open-head.md maps them.
 */
import { placeNostrils } from './nostrils.ts';
import { lowerPalate } from './palate.ts';
import type { Inside, ShapeSpace } from './shapes.ts';
import type { Topology } from './topology.ts';

/** name, source units (averaged over ancestries) or targets with weights, how to split. */
type Recipe = readonly [name: string, parts: readonly (readonly [string, number])[], split: 'none' | 'sides'];

const unit = (name: string): [string, number][] =>
  ['african', 'asian', 'caucasian'].map((r) => [`expression/units/${r}/${name}`, 1 / 3]);

const BOTH: readonly (readonly [string, string])[] = [
  ['browDown', 'eyebrows-SIDE-down'],
  ['browInnerUp', 'eyebrows-SIDE-inner-up'],
  ['browOuterUp', 'eyebrows-SIDE-extern-up'],
  ['browUp', 'eyebrows-SIDE-up'],
  ['eyeBlink', 'eye-SIDE-closure'],
  ['eyeSquint', 'eye-SIDE-slit'],
  ['eyeWide', 'eye-SIDE-opened-up'],
  ['noseDilate', 'nose-SIDE-dilatation'],
  ['noseSneer', 'nose-SIDE-elevation'],
];

const MOUTH: readonly (readonly [string, string])[] = [
  ['mouthSmile', 'mouth-corner-puller'],
  ['mouthLaugh', 'mouth-upward-retraction'],
  ['mouthFrown', 'mouth-depression'],
  ['mouthStretch', 'mouth-retraction'],
  ['mouthCompress', 'mouth-compression'],
  ['mouthUpperUp', 'mouth-elevation'],
  ['mouthLowerDown', 'mouth-depression-retraction'],
  ['mouthPart', 'mouth-parling'],
  ['mouthPartWide', 'mouth-part-later'],
  ['mouthFunnel', 'mouth-protusion'],
  ['mouthPucker', 'mouth-pursing'],
  ['mouthEversion', 'mouth-eversion'],
  ['neckPlatysma', 'neck-platysma'],
];

function recipes(): Recipe[] {
  const out: Recipe[] = [];
  for (const [name, source] of BOTH) {
    out.push([`${name}Left`, unit(source.replace('SIDE', 'left')), 'none']);
    out.push([`${name}Right`, unit(source.replace('SIDE', 'right')), 'none']);
  }
  for (const [name, source] of MOUTH) out.push([name, unit(source), 'sides']);
  out.push(['noseCompress', unit('nose-compression'), 'none']);
  out.push(['noseDepress', unit('nose-depression'), 'none']);
  out.push([
    'cheekPuffLeft',
    [
      ['cheek/l-cheek-volume-inflate', 1.6],
      ['cheek/l-cheek-inner-inflate', 0.8],
    ],
    'none',
  ]);
  out.push([
    'cheekPuffRight',
    [
      ['cheek/r-cheek-volume-inflate', 1.6],
      ['cheek/r-cheek-inner-inflate', 0.8],
    ],
    'none',
  ]);
  out.push(['cheekSquintLeft', [['cheek/l-cheek-trans-vert-up', 0.8]], 'none']);
  out.push(['cheekSquintRight', [['cheek/r-cheek-trans-vert-up', 0.8]], 'none']);
  out.push(['mouthLeft', [['mouth/mouth-trans-out', 0.8]], 'none']);
  out.push(['mouthRight', [['mouth/mouth-trans-in', 0.8]], 'none']);
  return out;
}

/** Expressions over all head vertices. */
export interface ExpressionSpace {
  readonly names: readonly string[];
  /** E bases (V,3), metres at weight 1. */
  readonly basis: readonly Float64Array[];
}

/** Builds the expressions. */
export function buildExpressions(
  space: ShapeSpace,
  topology: Topology,
  { palate, nostrils }: Inside,
): ExpressionSpace {
  const names: string[] = [];
  const basis: Float64Array[] = [];
  const V = topology.source.length;
  const skin = topology.partStart[1]!;
  for (const [name, parts, split] of recipes()) {
    const whole = new Float64Array(3 * V);
    for (const [target, w] of parts) {
      const d = space.displacement(target);
      for (let i = 0; i < 3 * skin; i++) whole[i]! += w * d[i]!;
    }
    lowerPalate(whole, palate);
    placeNostrils(whole, nostrils, 'displacement');
    if (split === 'none') {
      names.push(name);
      basis.push(whole);
      continue;
    }
    const left = whole.slice();
    const right = whole.slice();
    for (let v = 0; v < skin; v++) {
      const t = Math.min(1, Math.max(0, (space.base[3 * v]! + 0.012) / 0.024));
      const s = t * t * (3 - 2 * t);
      for (let k = 0; k < 3; k++) {
        left[3 * v + k]! *= s;
        right[3 * v + k]! *= 1 - s;
      }
    }
    names.push(`${name}Left`, `${name}Right`);
    basis.push(left, right);
  }
  return { names, basis };
}
