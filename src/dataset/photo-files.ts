/**
 * What is known of one photo besides its fit: `measures.json`, by which the gate judges it, or the record of why it could
 * not be fitted.
 */
import { z } from 'zod';
import { jsonFileText, parseJsonFile } from './json-file.ts';

const finite = z.number();

const MeasuresSchema = z.strictObject({
  format: z.literal('space-measures/1'),
  file: z.string(),
  landmarks: finite,
  residual: finite,
  residual_offset: finite,
  coverage: finite,
  sharpness: finite,
  eye_distance: finite,
  yaw: finite,
  faces: z.number().int(),
  perceptual_hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Content of `measures.json`.
 *
 * - `file`: name of the photo, without its folder.
 * - `landmarks`: mean distance of the 51 inner landmarks to the detected ones over the outer-eye-corner distance.
 * - `residual`, `residual_offset`: mean absolute difference of render and photo over skin, RGB in [0, 1], with the initial
 *   space's texture and with the offset.
 * - `coverage`: how much of the face's map the photo shows: mean visibility, in [0, 1].
 * - `sharpness`: see `fit/face-sharpness.ts`.
 * - `eye_distance`: outer-eye-corner distance, pixels of the photo.
 * - `yaw`: degrees, positive turned to the subject's left.
 * - `faces`: number of faces found in the photo; the largest is the one fitted.
 * - `perceptual_hash`: 256 bits, see `perceptual-hash.ts`.
 */
export type PhotoMeasures = z.infer<typeof MeasuresSchema>;

const FailureSchema = z.strictObject({
  format: z.literal('space-failure/1'),
  file: z.string(),
  error: z.string(),
  why: z.string(),
});

/** Content of `failed/<hash>.json`: name of the photo, name of the error, a sentence. */
export type PhotoFailure = z.infer<typeof FailureSchema>;

/** Reads `measures.json`. @throws {FormatError} when it is none */
export function parseMeasures(text: string, name: string): PhotoMeasures {
  return parseJsonFile(MeasuresSchema, text, name, "a fit's measures");
}

/** The text of `measures.json`. */
export function measuresText(measures: PhotoMeasures): string {
  return jsonFileText(measures);
}

/** Reads `failed/<hash>.json`. @throws {FormatError} when it is none */
export function parseFailure(text: string, name: string): PhotoFailure {
  return parseJsonFile(FailureSchema, text, name, "the record of a photo that couldn't be fitted");
}

/** The text of `failed/<hash>.json`. */
export function failureText(failure: PhotoFailure): string {
  return jsonFileText(failure);
}
