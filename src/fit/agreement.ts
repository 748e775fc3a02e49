/**
 * Do several photos show one person? Each photo's own fit says what it saw: the cosine between two photos' coefficients
 * (identity and texture, both in standard deviations) is near 1 for one person and near 0 for two, since people differ
 * independently in some hundred directions.
 *
 * Measured with open-head (smallest / median / largest): rendered heads through the detector, same person 0.48 / 0.79 /
 * 0.89, different -0.42 / 0.04 / 0.58; real photos, same person (a video's frames) 0.53 / 0.81 / 0.98, different
 * -0.06 / 0.38 / 0.63: what the model lacks in all real faces makes them alike.
 */
import type { FitState } from './parameters.ts';

/** Cosine from which two photos are taken to show one person. */
export const SAME_PERSON = 0.64;

/** Cosine between two fits' identity and texture coefficients, −1…1; 1 where both are zero. */
export function similarity(a: FitState, b: FitState): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (const name of ['identity', 'texture'] as const)
    for (let i = 0; i < a[name].length; i++) {
      ab += a[name][i] * b[name][i];
      aa += a[name][i] ** 2;
      bb += b[name][i] ** 2;
    }
  return aa === 0 && bb === 0 ? 1 : ab / Math.sqrt(Math.max(aa * bb, 1e-300));
}

/** What {@link agreement} finds. */
export interface Agreement {
  /** (n,n) similarities. */
  readonly similarities: readonly (readonly number[])[];
  /** Numbers of the photos that show the same person as most do, ascending. */
  readonly same: readonly number[];
}

/**
 * Finds the largest group of photos linked by similarity; of groups of the same size the one with the first photo.
 */
export function agreement(states: readonly FitState[], threshold = SAME_PERSON): Agreement {
  const similarities = states.map((a) => states.map((b) => similarity(a, b)));
  const group = states.map(() => -1);
  const groups: number[][] = [];
  for (let i = 0; i < states.length; i++) {
    if (group[i] >= 0) continue;
    const members = [i];
    group[i] = groups.length;
    for (let k = 0; k < members.length; k++)
      for (let j = 0; j < states.length; j++)
        if (group[j] < 0 && similarities[members[k]][j] >= threshold) {
          group[j] = groups.length;
          members.push(j);
        }
    groups.push(members.sort((a, b) => a - b));
  }
  const same = groups.reduce((best, g) => (g.length > best.length ? g : best), groups[0] ?? []);
  return { similarities, same };
}
