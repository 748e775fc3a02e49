/**
 * Landmarks on a mesh, as people write them down: all 68 of iBUG, the inner 51, or some by number or name; as
 * coordinates or as vertex numbers of the mesh; as JSON or as lines of text.
 *
 *   [[x, y, z], …]   [1225, 1888, …]   {"30": [x, y, z], "nose_tip": 2081}       JSON
 *   x y z            1225              nose_tip x y z       30 2081              lines; commas may stand between
 */

import { FormatError } from '../core/errors.ts';
import { parseJson } from '../io/json.ts';

/** Landmarks on a mesh. */
export interface MeshLandmarks {
  /** (N) iBUG numbers, 0…67; ascending where they were read. */
  readonly numbers: readonly number[];
  /** (N,3) float64, units of the mesh. */
  readonly points: Float64Array;
}

/** Names for iBUG numbers; left and right are the subject's. */
export const LANDMARK_NAMES: Readonly<Record<string, number>> = {
  chin: 8,
  nasion: 27,
  nose_tip: 30,
  subnasale: 33,
  right_nostril: 31,
  left_nostril: 35,
  right_eye_outer: 36,
  right_eye_inner: 39,
  left_eye_inner: 42,
  left_eye_outer: 45,
  mouth_right: 48,
  upper_lip: 51,
  mouth_left: 54,
  lower_lip: 57,
};

type Place = readonly number[];

/**
 * Reads landmarks.
 * @param vertices (V,3) of the mesh, for landmarks given as vertex numbers (from 0).
 * @param name how errors call the file.
 * @throws {FormatError} when the text is in none of the forms above, a name is not known, a vertex does not exist, or
 *   there are fewer than four.
 */
export function readMeshLandmarks(text: string, vertices: ArrayLike<number>, name: string): MeshLandmarks {
  const entries = /^\s*[[{]/.test(text) ? fromJson(text, name) : fromLines(text, name);
  const named = new Map<number, Place>();
  const bare = entries.filter(([key]) => key === null);
  if (bare.length > 0 && (bare.length !== entries.length || ![51, 68].includes(bare.length)))
    throw new FormatError(
      `${name}: ${bare.length} landmarks without number or name; give all 68 of iBUG, the inner 51, or a number or name with each`,
    );
  entries.forEach(([key, place], i) => {
    const number = key === null ? i + 68 - bare.length : numberOf(key, name);
    if (named.has(number)) throw new FormatError(`${name}: landmark ${number} is there twice`);
    named.set(number, place);
  });
  if (named.size < 4)
    throw new FormatError(
      `${name}: ${named.size} landmarks; at least 4 are needed, e.g. the outer corners of the eyes, the nose's tip and the chin`,
    );
  const sorted = [...named].sort(([a], [b]) => a - b);
  const points = sorted.flatMap(([, place]) => coordinates(place, vertices, name));
  return { numbers: sorted.map(([number]) => number), points: Float64Array.from(points) };
}

function fromJson(text: string, name: string): [string | null, Place][] {
  const value = parseJson(text, name);
  const place = (x: unknown): Place => (Array.isArray(x) ? x : [x as number]);
  if (Array.isArray(value)) return value.map((x) => [null, place(x)]);
  return Object.entries(value as object).map(([key, x]) => [key, place(x)]);
}

function fromLines(text: string, name: string): [string | null, Place][] {
  return text.split(/\r?\n/).flatMap((line, i): [string | null, Place][] => {
    const words = line
      .replace(/#.*/, '')
      .split(/[\s,;]+/)
      .filter(Boolean);
    if (words.length === 0) return [];
    if (words.length > 4)
      throw new FormatError(`${name}: line ${i + 1} has ${words.length} words, at most 4`);
    const labelled = words.length % 2 === 0;
    return [[labelled ? words[0] : null, words.slice(labelled ? 1 : 0).map(Number)]];
  });
}

function numberOf(key: string, name: string): number {
  const number = LANDMARK_NAMES[key.toLowerCase()] ?? Number(key);
  if (Number.isInteger(number) && number >= 0 && number < 68) return number;
  throw new FormatError(
    `${name}: no landmark is called ${key}; give iBUG's numbers, 0 to 67, or ${Object.keys(LANDMARK_NAMES).join(', ')}`,
  );
}

function coordinates(place: Place, vertices: ArrayLike<number>, name: string): Place {
  if (place.length === 3 && place.every(Number.isFinite)) return place;
  const [v] = place;
  if (place.length !== 1 || !Number.isInteger(v))
    throw new FormatError(
      `${name}: a landmark is neither three coordinates nor a vertex number: ${JSON.stringify(place)}`,
    );
  if (v < 0 || v >= vertices.length / 3)
    throw new FormatError(
      `${name}: vertex ${v} does not exist, the mesh has ${vertices.length / 3}, numbered from 0`,
    );
  return [vertices[3 * v], vertices[3 * v + 1], vertices[3 * v + 2]];
}
