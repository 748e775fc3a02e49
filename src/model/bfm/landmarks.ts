/**
 * Which of iBUG's 68 landmarks the names in Basel files stand for: those that both define at the same spot. The files
 * spell "attachement".
 */
import type { BfmModel } from './bfm-model.ts';

const NAMES: Readonly<Record<string, number>> = {
  'center.chin.tip': 8,
  'center.nose.tip': 30,
  'center.nose.attachement_to_philtrum': 33,
  'right.eye.corner_outer': 36,
  'right.eye.corner_inner': 39,
  'left.eye.corner_inner': 42,
  'left.eye.corner_outer': 45,
  'right.lips.corner': 48,
  'center.lips.upper.outer': 51,
  'left.lips.corner': 54,
  'center.lips.lower.outer': 57,
};

/** Fewer say too little about where the face is. */
const LEAST = 6;

/** The file's landmarks as `fitMesh` takes them, or null where it names too few. */
export function bfmLandmarks(
  model: Pick<BfmModel, 'landmarks'>,
): { numbers: number[]; points: Float64Array } | null {
  const found = Object.entries(NAMES).flatMap(([name, number]) => {
    const point = model.landmarks.get(name);
    return point ? [{ number, point }] : [];
  });
  if (found.length < LEAST) return null;
  return {
    numbers: found.map(({ number }) => number),
    points: Float64Array.from(found.flatMap(({ point }) => point)),
  };
}
