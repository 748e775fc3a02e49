/**
 * Where to look for faces: stages of square crops of the photo, cheapest first.
 *
 * Measured on the detector: it finds faces of 7 % of its crop's side and more, rolled by up to 60° (mostly 90°)
 * either way. So one crop around the photo serves for most; quarter turns for the rest of the rolls; half-size tiles
 * for faces down to 3.5 % of the photo, in large photos quarter-size tiles for half of that. Tiles overlap by a
 * third: a face too large to fit the overlap is one that the stage before has seen. A crop costs 30 ms: a photo with
 * a face of the usual size 30 ms, one without any face about 1.2 s, but nothing for crops of one colour.
 */
import type { Frame } from './frame.ts';

/** One stage: crops that are searched together. */
export interface SearchStage {
  readonly frames: readonly Frame[];
  /** Once a sure face has been found, the stage is skipped unless all sure ones are smaller than this (pixels). */
  readonly skipAbove: number;
}

const QUARTER = Math.PI / 2;
/** Faces of at least this part of the crop's side are found surely; smaller ones suggest that others were missed. */
const SURE_SIZE = 0.15;

/** The stages for a photo. */
export function searchStages(width: number, height: number): SearchStage[] {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  // One square around the photo; a row of squares along it when it is much longer than wide.
  const whole = long <= 2 * short ? long : Math.max(1.5 * short, long / 6);
  const turned = (side: number) =>
    [-QUARTER, QUARTER, 2 * QUARTER].flatMap((roll) => tiles(width, height, side, roll));
  const stages: SearchStage[] = [
    { frames: tiles(width, height, whole), skipAbove: 0 },
    { frames: turned(whole), skipAbove: 0 },
  ];
  if (whole >= 192) stages.push({ frames: tiles(width, height, whole / 2), skipAbove: SURE_SIZE * whole });
  if (whole >= 2048)
    stages.push({ frames: tiles(width, height, whole / 4), skipAbove: (SURE_SIZE * whole) / 2 });
  if (whole >= 512) stages.push({ frames: turned(whole / 2), skipAbove: 0 });
  return stages;
}

/** Square crops of side `side` that cover width × height with a third of overlap. */
export function tiles(width: number, height: number, side: number, roll = 0): Frame[] {
  const centres = (length: number): number[] => {
    if (length <= side * 1.1) return [length / 2];
    const n = Math.ceil((length - side) / (side * (2 / 3))) + 1;
    return Array.from({ length: n }, (_, k) => side / 2 + ((length - side) * k) / (n - 1));
  };
  const out: Frame[] = [];
  for (const cy of centres(height)) for (const cx of centres(width)) out.push({ cx, cy, side, roll });
  return out;
}
