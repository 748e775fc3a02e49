/**
 * FFHQ images on disk by their numbers, with the landmark and mask files that the original code keeps beside them:
 * `00000.png`, `00000.npy` (68,2) pixels, `00000_seg.npy` (H,W) non-zero where skin. Images may also lie as the data
 * set has them, a folder for each thousand: `00000/00042.png`.
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { readNpy, toFloat32 } from '../io/npy.ts';
import { PHOTO_EXTENSIONS } from './photo.ts';

/** An image and what lies beside it. */
export interface FfhqEntry {
  readonly name: string;
  readonly photo: string;
  /** Landmark file, null where there is none. */
  readonly landmarks: string | null;
  /** Mask file, null where there is none. */
  readonly mask: string | null;
}

/** Images in a range at most: a slip of the hand is no order for a year of work. */
const RANGE_MOST = 70_000;

/**
 * Names from what was asked for: `00000`, `00000.png`, or a range `00000-00004`.
 * @throws {InvalidArgumentError} when a range runs backwards or is longer than the data set.
 */
export function ffhqNames(asked: readonly string[]): string[] {
  const names = asked.flatMap((text) => {
    const range = /^(\d+)-(\d+)$/.exec(text);
    if (!range) return [path.parse(text).name];
    const [first, last] = [Number(range[1]), Number(range[2])];
    if (last < first || last - first >= RANGE_MOST)
      throw new InvalidArgumentError(
        `${text}: a range goes from a smaller to a larger number, ${RANGE_MOST} images at most; e.g. 00000-00004`,
      );
    const digits = range[1].length;
    return Array.from({ length: last - first + 1 }, (_, i) => String(first + i).padStart(digits, '0'));
  });
  return [...new Set(names)];
}

/**
 * Finds an image and the files beside it.
 * @throws {InvalidArgumentError} when there is no image of that name.
 */
export async function findFfhq(folder: string, name: string): Promise<FfhqEntry> {
  const padded = /^\d{1,4}$/.test(name) ? name.padStart(5, '0') : name;
  const thousand = /^\d{5}$/.test(padded) ? `${padded.slice(0, 2)}000` : null;
  for (const stem of new Set([name, padded]))
    for (const place of thousand ? [folder, path.join(folder, thousand)] : [folder])
      for (const ending of PHOTO_EXTENSIONS) {
        const photo = path.join(place, `${stem}.${ending}`);
        if (!(await isFile(photo))) continue;
        const beside = async (tail: string) => {
          const file = path.join(place, `${stem}${tail}`);
          return (await isFile(file)) ? file : null;
        };
        return { name: stem, photo, landmarks: await beside('.npy'), mask: await beside('_seg.npy') };
      }
  throw new InvalidArgumentError(
    `${name}: no such image in ${folder}; looked for ${padded}.png and other pictures, there and in a folder of its thousand`,
  );
}

/**
 * Reads a landmark file.
 * @returns (68,2) float32 pixels
 * @throws {FormatError} when it is none.
 */
export async function readFfhqLandmarks(file: string): Promise<Float32Array> {
  const array = readNpy(await readFile(file), file);
  if (`${array.shape}` !== '68,2')
    throw new FormatError(`${file}: an array of shape (${array.shape}), (68,2) landmarks expected`);
  const values = toFloat32(array, file);
  if (!values.every(Number.isFinite)) throw new FormatError(`${file}: a landmark is not a number`);
  return values;
}

/**
 * Reads a mask file, 1 where it is non-zero.
 * @returns (height,width) float32
 * @throws {FormatError} when it is none, or of another size than the image.
 */
export async function readFfhqMask(file: string, width: number, height: number): Promise<Float32Array> {
  const array = readNpy(await readFile(file), file);
  if (`${array.shape}` !== `${[height, width]}`)
    throw new FormatError(`${file}: a mask of shape (${array.shape}), the image is (${height},${width})`);
  return toFloat32(array, file).map((x) => (x !== 0 ? 1 : 0));
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
