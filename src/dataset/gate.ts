/**
 * The gate: which fits are good enough for the texture space. A wrong fit paints hair, background or a neighbour's cheek
 * onto the map, and PCA makes a component of it; leaving a photo out costs little, there are more.
 *
 * Each fit is judged by its own measures first, in the order of {@link GATE_REASONS}, so that the first reason is the one
 * told. What is left is looked through for duplicates: of photos that look alike the one with the larger face stays.
 * Everything follows from the measures alone: the same fits pass whatever order they were made in.
 */
import { withDefaults } from '../core/defaults.ts';
import type { GateFile } from './gate-file.ts';
import { hashDistance, hashWords } from './perceptual-hash.ts';
import type { PhotoMeasures } from './photo-files.ts';

/** Thresholds of the gate. */
export interface GateThresholds {
  /** Greatest landmark error, over the outer-eye-corner distance. */
  readonly landmarks: number;
  /** Greatest mean difference of render and photo over skin without the offset, RGB in [0, 1]. */
  readonly residual: number;
  /** The same with the offset: what no texture can explain (hair, glasses, a hand). */
  readonly offset: number;
  /** Least mean visibility of the face's part of the map. */
  readonly coverage: number;
  /** Least sharpness, see `fit/face-sharpness.ts`. */
  readonly sharpness: number;
  /** Least outer-eye-corner distance, pixels of the photo. */
  readonly size: number;
  /** Photos whose perceptual hashes differ in at most this many of 256 bits are one. */
  readonly duplicates: number;
}

/** Defaults of {@link GateThresholds}. */
export const GATE_DEFAULTS: GateThresholds = {
  landmarks: 0.06,
  residual: 0.12,
  offset: 0.04,
  coverage: 0.3,
  sharpness: 0.1,
  size: 24,
  duplicates: 20,
};

/** Why a fit may be left out, one word each. */
export const GATE_REASONS = [
  'landmarks',
  'residual',
  'offset',
  'coverage',
  'sharpness',
  'size',
  'duplicates',
] as const satisfies readonly (keyof GateThresholds)[];

/** A fit to judge. */
export interface GateCandidate {
  readonly hash: string;
  readonly measures: PhotoMeasures;
}

/** Judges fits. */
export function judgeFits(
  candidates: readonly GateCandidate[],
  thresholds: Partial<GateThresholds> = {},
): GateFile {
  const t = withDefaults(GATE_DEFAULTS, thresholds);
  const rejected: GateFile['rejected'] = [];
  const good = candidates.filter(({ hash, measures }) => {
    const fault = GATE_REASONS.flatMap((reason) => {
      const why = FAULTS[reason]?.(measures, t);
      return why ? [{ hash, reason, why }] : [];
    })[0];
    if (fault) rejected.push(fault);
    return !fault;
  });
  const kept: string[] = [];
  const words: Uint32Array[] = [];
  for (const { hash, measures } of good.sort(better)) {
    const own = hashWords(measures.perceptual_hash);
    const twin = words.findIndex((other) => hashDistance(own, other, t.duplicates) <= t.duplicates);
    if (twin >= 0) {
      const why = `looks the same as ${kept[twin].slice(0, 12)}, which shows the face at least as large`;
      rejected.push({ hash, reason: 'duplicates', why });
      continue;
    }
    kept.push(hash);
    words.push(own);
  }
  const byHash = (a: { hash: string }, b: { hash: string }) => (a.hash < b.hash ? -1 : 1);
  return {
    format: 'space-gate/1',
    thresholds: { ...t },
    kept: kept.sort(),
    rejected: rejected.sort(byHash),
  };
}

type Fault = (m: PhotoMeasures, t: GateThresholds) => string | false;

const FAULTS: Readonly<Partial<Record<keyof GateThresholds, Fault>>> = {
  landmarks: (m, t) =>
    m.landmarks > t.landmarks && `landmarks are off by ${percent(m.landmarks)} of the eye distance`,
  residual: (m, t) =>
    m.residual > t.residual && `render and photo differ by ${m.residual.toFixed(3)} over the skin`,
  offset: (m, t) =>
    m.residual_offset > t.offset &&
    `render and photo differ by ${m.residual_offset.toFixed(3)} over the skin with any texture`,
  coverage: (m, t) => m.coverage < t.coverage && `only ${percent(m.coverage)} of the face's map is seen`,
  sharpness: (m, t) => m.sharpness < t.sharpness && `blurred: sharpness ${m.sharpness.toFixed(3)}`,
  size: (m, t) =>
    m.eye_distance < t.size && `the face is small: ${m.eye_distance.toFixed(0)} pixels between the eyes`,
};

const percent = (x: number) => `${(100 * x).toFixed(0)} %`;

/** Larger faces first, then sharper ones; hashes decide between equals. */
function better(a: GateCandidate, b: GateCandidate): number {
  return (
    b.measures.eye_distance - a.measures.eye_distance ||
    b.measures.sharpness - a.measures.sharpness ||
    (a.hash < b.hash ? -1 : 1)
  );
}
