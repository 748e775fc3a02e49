/**
 * What the command line says of camera and size, checked against picture and head before the library does: in the words and
 * the pixels of whoever typed it.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { focalRange, principalRange, requireEyes } from '../fit/known-size.ts';
import type { HeadModel } from '../model/head-model.ts';

/** Options as typed; pixels are those of `picture`. */
export interface TypedMeasures {
  readonly focal?: number;
  readonly principalPoint?: readonly [number, number];
  readonly ipd?: number;
}

/** What pixels are counted in. */
export interface MeasuredPicture {
  readonly width: number;
  readonly height: number;
  /** `the photo`, `the frames`. */
  readonly name: string;
}

/** @throws {InvalidArgumentError} on what cannot be of this picture, or this head has no use for */
export function checkMeasures(
  { focal, principalPoint, ipd }: TypedMeasures,
  { width, height, name }: MeasuredPicture,
  model: HeadModel,
): void {
  const pixels = (typed: string, value: number, [least, most]: readonly [number, number]) => {
    if (value >= least && value <= most) return;
    throw new InvalidArgumentError(
      `${typed}: must be ${Math.ceil(least)}…${Math.floor(most)} pixels, since ${name} is ${width} × ${height}`,
    );
  };
  if (focal !== undefined) pixels(`--focal ${focal}`, focal, focalRange({ width, height }));
  for (const [a, side] of [width, height].entries())
    if (principalPoint)
      pixels(
        `--principal-point ${principalPoint.join(',')}: ${'xy'[a]}`,
        principalPoint[a],
        principalRange(side),
      );
  if (ipd !== undefined) requireEyes('--ipd', model);
}
