/** ICT-FaceKit's heads, from ../shared where it is there: another model's faces with known geometry. */
import { existsSync, readFileSync } from 'node:fs';
import type { Random } from '../../src/core/random.ts';
import { type NpyArray, toFloat32 } from '../../src/io/npy.ts';
import { npzGet, readNpz } from '../../src/io/npz.ts';

const FILE = '../shared/models/ict/ict_facekit.npz';

/** Whether the file is there. */
export const hasIct = existsSync(FILE);

/** The model; lengths in its own unit, centimetres. */
export interface Ict {
  /** (V,3). */
  readonly template: Float32Array;
  /** (100,V,3). */
  readonly identity: Float32Array;
  /** (F,3) of the face and the rest of the head's skin. */
  readonly faces: Uint32Array;
  readonly landmarks68: Uint32Array;
  /** Vertices 0…narrow−1 are its narrow face area. */
  readonly narrow: number;
  /** Vertices of face, head and neck: the first ones. */
  readonly vertices: number;
}

const NARROW = 6706;
const SKIN = 11248;

/** Reads the model. */
export function readIct(): Ict {
  const arrays = readNpz(readFileSync(FILE), FILE);
  const get = (name: string): NpyArray => npzGet(arrays, name, FILE);
  const ints = (name: string) => Uint32Array.from(get(name).data as Int32Array);
  const triangles = ints('triangles');
  const faces: number[] = [];
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = triangles.subarray(i, i + 3);
    if (Math.max(a, b, c) < SKIN) faces.push(a, b, c);
  }
  return {
    template: toFloat32(get('template')),
    identity: toFloat32(get('identity')),
    faces: Uint32Array.from(faces),
    landmarks68: ints('landmarks68'),
    narrow: NARROW,
    vertices: SKIN,
  };
}

/** A random person, coefficients N(0, 1): (vertices,3), centimetres. */
export function ictPerson(ict: Ict, random: Random | null): Float32Array {
  const out = ict.template.slice(0, 3 * ict.vertices);
  const n = ict.template.length;
  for (let k = 0; random && k < ict.identity.length / n; k++) {
    const c = random.normal();
    for (let i = 0; i < out.length; i++) out[i] += c * ict.identity[k * n + i];
  }
  return out;
}

/** (68,3) its landmarks. */
export function ictLandmarks(ict: Ict, vertices: Float32Array): Float64Array {
  return Float64Array.from(
    { length: 204 },
    (_, i) => vertices[3 * ict.landmarks68[Math.floor(i / 3)] + (i % 3)],
  );
}
