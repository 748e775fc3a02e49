/**
 * Do several photos show one person? Two kinds of evidence, both cosines, near 1 for one person:
 *
 * - of the photos' own fits: identity and texture coefficients in standard deviations. People differ independently in
 *   some hundred directions, so two people's cosine would be near 0; but what the model lacks in all real faces makes
 *   real people alike.
 * - of the faces' descriptors (`FacePerception.describe`), where there are any: made to tell real people apart; rendered
 *   heads, bald and smooth, look alike to it.
 *
 * So either is weak where the other is strong. Cosines of pairs, mean ± deviation, with open-head; `bench/strangers.ts`:
 *
 *                                      fits          descriptors   both as weighted here (least or most)
 *   rendered people, same              0.76 ± 0.10   0.84 ± 0.06   0.81 ± 0.06 (0.63)
 *   rendered people, different         0.06 ± 0.16   0.56 ± 0.09   0.36 ± 0.09 (0.65)
 *   a video's frames, same             0.80 ± 0.11   0.83 ± 0.08   0.82 ± 0.09 (0.59)
 *   these and photos, different        0.35 ± 0.08   0.33 ± 0.06   0.34 ± 0.06 (0.50)
 *   photos, different                  0.27 ± 0.20   0.29 ± 0.07   0.28 ± 0.11 (0.52)
 *   thumbnails, same (18 occasions)    0.68 ± 0.13   0.74 ± 0.07   0.72 ± 0.09 (0.56)
 *   thumbnails, different              0.54 ± 0.14   0.34 ± 0.06   0.42 ± 0.07 (0.62)
 *
 * The rendered people are those of seeds 30 to 59. Weight and threshold were chosen on those of 0 to 29, on the others here,
 * and on fits with an identity prior of 2, whose cosines were 0.03 higher (thumbnails are of then). Not told apart well are
 * another model's rendered people, whose faces differ less: 0.80 ± 0.08 against 0.57 ± 0.09 (ICT-FaceKit, of then).
 *
 * By the fits alone one threshold serves neither rendered nor real people. Among three photos or more the best pair says how
 * alike photos of this person are, and the others are measured against it; two photos are left with a threshold.
 */
import type { FitState } from './parameters.ts';

/** Weight of the fits' cosine beside the descriptors', and the mean from which photos show one person. */
const FITS_SHARE = 0.4;
const SAME_PERSON = 0.56;
/** The same for the fits' cosine alone, with two photos … */
const SAME_PERSON_FITS = 0.61;
/** … and among more, where it may be this much below the best pair's, but no less than that. */
const BELOW_BEST = 0.25;
const LEAST_ALIKE = 0.47;

/** What one photo shows of a person. */
export interface PersonEvidence {
  /** The photo's own fit. */
  readonly state: Pick<FitState, 'identity' | 'texture'>;
  /** Of the face, unit length; null or absent where nobody described it. */
  readonly descriptor?: Float32Array | null;
}

/** Cosine between two fits' identity and texture coefficients, −1…1; 1 where both are zero. */
function fitSimilarity(a: PersonEvidence['state'], b: PersonEvidence['state']): number {
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
 * Finds the largest group of photos that show one person; of groups of the same size the one with the first photo.
 * Descriptors count between photos that have one. Groups grow by joining the two that are most alike, by how far all pairs
 * of photos of the two lie above what tells one person from two.
 */
export function agreement(photos: readonly PersonEvidence[]): Agreement {
  const fits = photos.map((a) => photos.map((b) => fitSimilarity(a.state, b.state)));
  const fitsAlone = fitsThreshold(fits);
  const pairs = photos.map((a, i) =>
    photos.map((b, j) => {
      if (!a.descriptor || !b.descriptor) return { alike: fits[i][j], threshold: fitsAlone };
      const alike = FITS_SHARE * fits[i][j] + (1 - FITS_SHARE) * dot(a.descriptor, b.descriptor);
      return { alike, threshold: SAME_PERSON };
    }),
  );
  const similarities = pairs.map((row) => row.map(({ alike }) => alike));
  const above = pairs.map((row) => row.map(({ alike, threshold }) => alike - threshold));
  const groups = photos.map((_, i) => [i]);
  for (;;) {
    let [best, into, from] = [-Infinity, -1, -1];
    for (let a = 0; a < groups.length; a++)
      for (let b = a + 1; b < groups.length; b++) {
        const margin = meanOver(above, groups[a], groups[b]);
        if (margin >= 0 && margin > best) [best, into, from] = [margin, a, b];
      }
    if (into < 0) break;
    groups[into].push(...groups[from]);
    groups.splice(from, 1);
  }
  const same = groups.reduce((best, g) => (g.length > best.length ? g : best), groups[0] ?? []);
  return { similarities, same: same.sort((a, b) => a - b) };
}

/** Cosine of the fits from which photos show one person. */
function fitsThreshold(similarities: readonly (readonly number[])[]): number {
  if (similarities.length < 3) return SAME_PERSON_FITS;
  let best = -1;
  for (let i = 0; i < similarities.length; i++)
    for (let j = 0; j < i; j++) best = Math.max(best, similarities[i][j]);
  return Math.min(Math.max(best - BELOW_BEST, LEAST_ALIKE), SAME_PERSON_FITS);
}

function meanOver(
  values: readonly (readonly number[])[],
  a: readonly number[],
  b: readonly number[],
): number {
  let sum = 0;
  for (const i of a) for (const j of b) sum += values[i][j];
  return sum / (a.length * b.length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
