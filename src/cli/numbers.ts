/** Numbers on the command line, each with the words for what it must be. */
import { InvalidArgumentError } from 'commander';
import { MEASURED } from '../fit/fit-options.ts';

/** A count of at least one. */
export function parseCount(text: string): number {
  return whole(text, 1, 10_000);
}

/** How many things to do at the same time. */
export function parseJobs(text: string): number {
  return whole(text, 1, 999);
}

/** A seed of random numbers. */
export function parseSeed(text: string): number {
  return whole(text, 0, 2 ** 32 - 1);
}

/** Width and height of a picture in pixels. */
export function parseSize(text: string): number {
  return whole(text, 32, 2048);
}

/** A spread: a number that is not negative. */
export function parseSpread(text: string): number {
  const x = Number(text);
  if (text.trim() !== '' && x >= 0 && x < Infinity) return x;
  throw new InvalidArgumentError('It must be a number that is not negative.');
}

/** Metres from a camera to a face. */
export function parseDistance(text: string): number {
  return between(text, MEASURED.distance.least, MEASURED.distance.most, 'metres');
}

/** An interpupillary distance, millimetres. */
export function parseIpd(text: string): number {
  return between(text, 1000 * MEASURED.ipd.least, 1000 * MEASURED.ipd.most, 'millimetres');
}

/** A focal length in pixels; what a photo allows is checked with the photo. */
export function parseFocal(text: string): number {
  return between(text, 1, 1e7, 'pixels');
}

/** A point in pixels, `X,Y`; it may lie outside of the photo. */
export function parsePoint(text: string): readonly [number, number] {
  const parts = text.split(',');
  const [x, y] = parts.map(Number);
  if (parts.length === 2 && parts.every((part) => part.trim() !== '') && Number.isFinite(x + y))
    return [x, y];
  throw new InvalidArgumentError('It must be two numbers of pixels, as 800,-120.');
}

function between(text: string, least: number, most: number, unit: string): number {
  const x = Number(text);
  if (text.trim() !== '' && x >= least && x <= most) return x;
  throw new InvalidArgumentError(`It must be a number of ${unit} from ${least} to ${most}.`);
}

function whole(text: string, least: number, most: number): number {
  const n = Number(text);
  if (text.trim() !== '' && Number.isInteger(n) && n >= least && n <= most) return n;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}
