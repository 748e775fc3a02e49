/**
 * FLAME's landmark embeddings, in the forms they are passed around:
 *
 *   landmark_embedding.npy          dict: static_lmk_faces_idx (51), static_lmk_bary_coords (51,3), dynamic_* (79,17),
 *                                   full_* (1,68); DECA, photometric_optimization. VHAP's "with eyes" has 53 and 70.
 *   flame_static_embedding.pkl      dict: lmk_face_idx (51), lmk_b_coords (51,3). TF_FLAME's file of this name has
 *                                   other triangles than RingNet's.
 *   flame_dynamic_embedding.npy     dict of lists: lmk_face_idx, lmk_b_coords, 79 entries of 17
 *   mediapipe_landmark_embedding.npz lmk_face_idx (105), lmk_b_coords (105,3), landmark_indices (105)
 *
 * The dynamic table slides the contour with the head's yaw. Its rows 0…39 are for 0…39 degrees towards the subject's
 * left (+x), rows 40…78 for 1…39 degrees towards the right. Checked on the geometry: on a head turned by 39 degrees
 * towards +x, row 39 lies on the left cheek's silhouette (|normal z| 0.05…0.22 there), row 78 does not (0.4…0.6), and
 * on renders of the original layer. (FLAME_PyTorch negates the angle, DECA and photometric_optimization don't; the
 * table itself decides.) Here rows are sorted by yaw, ascending.
 */
import { FormatError } from '../../core/errors.ts';
import { readNpy, toFloat64, toUint32 } from '../../io/npy.ts';
import { npzGet, readNpz } from '../../io/npz.ts';
import { PickledArray, type PickleValue, readPickle, unpickleNpy } from '../../io/pickle.ts';
import type { LandmarkEmbedding, SurfacePoints } from '../head-model.ts';

/** Landmark files, as bytes. */
export interface FlameLandmarkFiles {
  /** landmark_embedding.npy. */
  readonly landmarks?: Uint8Array;
  /** flame_static_embedding.pkl. */
  readonly staticEmbedding?: Uint8Array;
  /** flame_dynamic_embedding.npy. */
  readonly dynamicEmbedding?: Uint8Array;
  /** mediapipe_landmark_embedding.npz. */
  readonly mediapipe?: Uint8Array;
}

/** All landmarks of a FLAME head. */
export interface FlameLandmarks extends LandmarkEmbedding {
  /** The fixed 68 (iBUG order, 3D convention: the contour does not slide); null where the files have none. */
  readonly full68: SurfacePoints | null;
}

const CONTOUR = 17;
const INNER = 51;
const FULL = 68;

type Dict = Map<PickleValue, PickleValue>;

/** More numbers than any embedding has. */
const MANY = 1e6;

/** Numbers of an array, or of nested lists of arrays, in order. */
function numbers(value: PickleValue | undefined, what: string): Float64Array {
  const out: number[] = [];
  const visit = (v: PickleValue | undefined, depth: number): void => {
    // Lists may share parts: what they spell out has to be bounded, not only what they are.
    if (depth > 4 || out.length > MANY) throw new FormatError(`${what}: lists nested too deeply or too long`);
    if (typeof v === 'number') out.push(v);
    else if (v instanceof PickledArray && !v.items) for (const x of toFloat64(v, what)) out.push(x);
    else if (v instanceof PickledArray) for (const item of v.items ?? []) visit(item, depth + 1);
    else if (Array.isArray(v)) for (const item of v) visit(item, depth + 1);
    else throw new FormatError(`${what}: an array of numbers was expected`);
  };
  visit(value, 0);
  return Float64Array.from(out);
}

/** Points from face numbers and barycentric coordinates, the first `keep` of each row of `row`. */
function points(
  faces: Float64Array,
  coords: Float64Array,
  what: string,
  row = faces.length,
  keep = row,
): SurfacePoints {
  if (coords.length !== 3 * faces.length)
    throw new FormatError(`${what}: ${faces.length} faces and ${coords.length / 3} barycentric coordinates`);
  if (row === 0 || faces.length % row !== 0 || keep > row)
    throw new FormatError(`${what}: ${faces.length} points, a multiple of ${row} expected`);
  const rows = faces.length / row;
  const out = { faces: new Uint32Array(rows * keep), barycentrics: new Float32Array(3 * rows * keep) };
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < keep; i++) {
      const from = r * row + i;
      const to = r * keep + i;
      if (!Number.isInteger(faces[from]) || faces[from] < 0)
        throw new FormatError(`${what}: point ${from} lies on face ${faces[from]}`);
      out.faces[to] = faces[from];
      for (let a = 0; a < 3; a++) out.barycentrics[3 * to + a] = coords[3 * from + a];
    }
  return out;
}

function dictionary(value: PickleValue, name: string): Dict {
  if (value instanceof Map) return value;
  throw new FormatError(`${name}: a dictionary was expected; is it a FLAME landmark file?`);
}

/** FLAME's row order (yaw 0…39 towards +x, then −1…−39) to ascending yaw. */
function sortContour(rows: SurfacePoints, what: string): LandmarkEmbedding['contour'] {
  const R = rows.faces.length / CONTOUR;
  if (R % 2 === 0) throw new FormatError(`${what}: ${R} contour rows; an odd number was expected (79)`);
  const half = (R - 1) / 2;
  const yaws = new Float32Array(R);
  const out: SurfacePoints = {
    faces: new Uint32Array(rows.faces.length),
    barycentrics: new Float32Array(rows.barycentrics.length),
  };
  for (let r = 0; r < R; r++) {
    const degrees = r - half;
    const from = CONTOUR * (degrees >= 0 ? degrees : half - degrees);
    yaws[r] = (degrees * Math.PI) / 180;
    out.faces.set(rows.faces.subarray(from, from + CONTOUR), CONTOUR * r);
    out.barycentrics.set(rows.barycentrics.subarray(3 * from, 3 * (from + CONTOUR)), 3 * CONTOUR * r);
  }
  return { yaws, points: out };
}

/** The contour of the fixed 68, as a table of one row for every yaw: what is left without a dynamic embedding. */
function fixedContour(full: SurfacePoints): LandmarkEmbedding['contour'] {
  return {
    yaws: new Float32Array(1),
    points: { faces: full.faces.slice(0, CONTOUR), barycentrics: full.barycentrics.slice(0, 3 * CONTOUR) },
  };
}

function readMediapipe(bytes: Uint8Array | undefined): LandmarkEmbedding['mesh'] {
  if (!bytes)
    return {
      indices: new Uint32Array(0),
      points: { faces: new Uint32Array(0), barycentrics: new Float32Array(0) },
    };
  const name = 'mediapipe landmarks';
  const npz = readNpz(bytes, name);
  const faces = toFloat64(npzGet(npz, 'lmk_face_idx', name), name);
  const coords = toFloat64(npzGet(npz, 'lmk_b_coords', name), name);
  const indices = toUint32(npzGet(npz, 'landmark_indices', name), name);
  if (indices.length !== faces.length)
    throw new FormatError(`${name}: ${faces.length} points and ${indices.length} landmark numbers`);
  return { indices, points: points(faces, coords, name) };
}

/**
 * Reads whatever landmark files are given: the contour and the inner points from landmark_embedding.npy, or from the
 * static and dynamic pair.
 * @returns null when neither is given, since a head cannot be fitted without.
 * @throws {FormatError}
 */
export function flameLandmarks(files: FlameLandmarkFiles): FlameLandmarks | null {
  let inner: SurfacePoints | null = null;
  let contour: LandmarkEmbedding['contour'] | null = null;
  let full: SurfacePoints | null = null;
  if (files.landmarks) {
    const name = 'landmark embedding';
    const dict = dictionary(unpickleNpy(readNpy(files.landmarks, name), name), name);
    const faces = (key: string) => numbers(dict.get(`${key}_lmk_faces_idx`), `${name}: ${key}_lmk_faces_idx`);
    const coords = (key: string) =>
      numbers(dict.get(`${key}_lmk_bary_coords`), `${name}: ${key}_lmk_bary_coords`);
    const fixed = faces('static');
    inner = points(fixed, coords('static'), name, fixed.length, INNER);
    if (dict.has('dynamic_lmk_faces_idx'))
      contour = sortContour(points(faces('dynamic'), coords('dynamic'), name, CONTOUR), name);
    if (dict.has('full_lmk_faces_idx')) {
      const f = faces('full');
      full = points(f, coords('full'), name, f.length, FULL);
    }
  }
  if (!inner && files.staticEmbedding) {
    const name = 'static landmark embedding';
    const dict = dictionary(readPickle(files.staticEmbedding, name), name);
    const f = numbers(dict.get('lmk_face_idx'), `${name}: lmk_face_idx`);
    const all = points(f, numbers(dict.get('lmk_b_coords'), `${name}: lmk_b_coords`), name);
    if (f.length === FULL) {
      full = all;
      inner = { faces: all.faces.slice(CONTOUR), barycentrics: all.barycentrics.slice(3 * CONTOUR) };
    } else
      inner = points(
        Float64Array.from(all.faces),
        Float64Array.from(all.barycentrics),
        name,
        f.length,
        INNER,
      );
  }
  if (!contour && files.dynamicEmbedding) {
    const name = 'dynamic landmark embedding';
    const dict = dictionary(unpickleNpy(readNpy(files.dynamicEmbedding, name), name), name);
    const f = numbers(dict.get('lmk_face_idx'), `${name}: lmk_face_idx`);
    contour = sortContour(
      points(f, numbers(dict.get('lmk_b_coords'), `${name}: lmk_b_coords`), name, CONTOUR),
      name,
    );
  }
  if (!contour && full) contour = fixedContour(full);
  if (!inner || !contour) {
    if (!inner && !contour) return null;
    throw new FormatError(
      `FLAME landmarks: the ${inner ? 'contour (flame_dynamic_embedding.npy)' : 'inner points (flame_static_embedding.pkl)'} is missing; give landmark_embedding.npy or both files of the pair`,
    );
  }
  return { inner51: inner, contour, mesh: readMediapipe(files.mediapipe), full68: full };
}

/**
 * The row the original chooses: the yaw in whole degrees (ties to even), clamped to the table.
 * @param yaw radians, positive towards the subject's left: {@link flameYaw}.
 */
export function flameContourRow(contour: LandmarkEmbedding['contour'], yaw: number): number {
  const R = contour.yaws.length;
  const half = (R - 1) / 2;
  const degrees = (yaw * 180) / Math.PI;
  const low = Math.floor(degrees);
  const rest = degrees - low;
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  return half + Math.max(-half, Math.min(half, rounded));
}

/**
 * Yaw of a rotation as the original measures it, radians in [−π/2, π/2].
 * @param rotation row-major 3×3 at `offset`: the head's rotation times the neck's (the neck's world rotation).
 */
export function flameYaw(rotation: ArrayLike<number>, offset = 0): number {
  return Math.atan2(-rotation[offset + 6], Math.hypot(rotation[offset], rotation[offset + 3]));
}
