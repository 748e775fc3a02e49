/** Pictures for the perception tests: decoded with sharp, turned and put together on the spot. */
import sharp, { type Sharp } from 'sharp';
import type { Image8 } from '../../src/core/image.ts';
import type { FaceObservation } from '../../src/perceive/types.ts';

export const PORTRAIT = 'examples/portrait.jpg';
export const MONA_LISA = 'examples/mona-lisa.jpg';
export const CAT = 'test/data/cat.jpg';
export const GREY = { r: 110, g: 110, b: 110 };

/** Decodes to RGBA; `edit` may crop, turn or scale. */
export async function read(path: string, edit: (s: Sharp) => Sharp = (s) => s): Promise<Image8> {
  return toImage(edit(sharp(path)));
}

export async function toImage(picture: Sharp): Promise<Image8> {
  const { data, info } = await picture
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8ClampedArray(data) };
}

/** Puts pictures on a grey canvas; the last ones on top. */
export async function canvas(
  width: number,
  height: number,
  pictures: readonly { picture: Sharp; left: number; top: number }[],
): Promise<Image8> {
  const composite = await Promise.all(
    pictures.map(async ({ picture, left, top }) => ({ input: await picture.png().toBuffer(), left, top })),
  );
  return toImage(sharp({ create: { width, height, channels: 3, background: GREY } }).composite(composite));
}

/** A picture of one function of x, y and channel. */
export function paint(
  width: number,
  height: number,
  value: (x: number, y: number, c: number) => number,
): Image8 {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) data[(y * width + x) * 4 + c] = value(x, y, c);
    }
  }
  return { width, height, data };
}

/** Outer-eye-corner distance in pixels. */
export function eyeDistance(landmarks: ArrayLike<number>): number {
  return Math.hypot(landmarks[2 * 36] - landmarks[2 * 45], landmarks[2 * 36 + 1] - landmarks[2 * 45 + 1]);
}

/** Mean distance of landmarks first…last−1 over the outer-eye-corner distance of `truth`. */
export function meanError(got: ArrayLike<number>, truth: ArrayLike<number>, first = 0, last = 68): number {
  let sum = 0;
  for (let k = first; k < last; k++) {
    sum += Math.hypot(got[2 * k] - truth[2 * k], got[2 * k + 1] - truth[2 * k + 1]);
  }
  return sum / (last - first) / eyeDistance(truth);
}

/** Middle of the face's box. */
export function middle(face: FaceObservation): [number, number] {
  return [face.box.x + face.box.width / 2, face.box.y + face.box.height / 2];
}
