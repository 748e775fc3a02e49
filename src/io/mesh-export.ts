/** The textured, skinned mesh that the mesh writers take: plain data, whatever it shows. */
import { InvalidArgumentError } from '../core/errors.ts';

/** A joint of an exported skeleton; parents come before children. */
export interface ExportJoint {
  readonly name: string;
  /** Index of the parent, −1 for a root. */
  readonly parent: number;
  /** Position at rest, metres, in the frame of the mesh. */
  readonly rest: readonly [number, number, number];
  /** Rotation local to the parent as a unit quaternion (x, y, z, w). */
  readonly rotation: readonly [number, number, number, number];
}

/** A named displacement of the mesh. */
export interface ExportMorph {
  readonly name: string;
  /** (V,3) float32 metres at weight 1. */
  readonly displacements: Float32Array;
  /** (V,3) float32 change of the unit normals at weight 1; all morphs of a mesh have it or none. */
  readonly normals?: Float32Array;
  /** Weight that the file starts with. */
  readonly weight: number;
}

/** A state of the mesh by name, which a viewer can switch to. */
export interface ExportState {
  readonly name: string;
  /** Weight of each morph, in their order. */
  readonly weights: readonly number[];
  /** Rotation of each joint local to its parent, unit quaternions (x, y, z, w). */
  readonly rotations: readonly (readonly [number, number, number, number])[];
}

/** A motion of the mesh over time. */
export interface ExportMotion {
  readonly name: string;
  /** (N) float32 seconds, ascending from 0 or later. */
  readonly times: Float32Array;
  /** (N,M) float32 weight of each morph, in their order. */
  readonly weights: Float32Array;
  /** (N,J,4) float32 rotation of each joint local to its parent, unit quaternions (x, y, z, w). */
  readonly rotations: Float32Array;
  /** (N,J,3) float32 position of each joint from its parent's, in the parent's axes, metres. */
  readonly translations: Float32Array;
}

/** A camera that looks along −z with y up, in the frame of the mesh. */
export interface ExportCamera {
  readonly name: string;
  /** Metres. */
  readonly position: readonly [number, number, number];
  /** Vertical angle of view, radians (perspective), or half the picture's height in metres (orthographic). */
  readonly projection: { readonly yfov: number } | { readonly ymag: number };
  /** Width of the picture over its height. */
  readonly aspect: number;
  /** Distances between which there is something to see, metres. */
  readonly near: number;
  readonly far: number;
  /** More about it, for programs that know; JSON. */
  readonly extras?: Readonly<Record<string, unknown>>;
}

/** A mesh to be written; x to the right of a viewer whom it faces, y up, z towards the viewer. */
export interface MeshExport {
  readonly name: string;
  /** (V,3) float32 metres; where there is a skeleton, at rest. */
  readonly positions: Float32Array;
  /** (V,3) float32 unit normals. */
  readonly normals: Float32Array;
  /** (U,2) float32, v down. */
  readonly uvs: Float32Array;
  /** (F,3) uint32, counter-clockwise from outside. */
  readonly faces: Uint32Array;
  /** (F,3) uint32 into `uvs`. */
  readonly faceUvs: Uint32Array;
  /** Base colour as a PNG file. */
  readonly texturePng?: Uint8Array | null;
  readonly skin?: {
    readonly joints: readonly ExportJoint[];
    /** (V,J) float32, rows sum to 1. */
    readonly weights: Float32Array;
  } | null;
  readonly morphs?: readonly ExportMorph[];
  /** States to switch between; need a skeleton. */
  readonly states?: readonly ExportState[];
  /** A motion, which viewers play; needs a skeleton. */
  readonly motion?: ExportMotion | null;
  readonly camera?: ExportCamera | null;
  /** More about the scene, for programs that know; JSON. */
  readonly extras?: Readonly<Record<string, unknown>>;
  /** Rights statement for the file. */
  readonly copyright?: string;
}

/**
 * Throws unless the arrays of `mesh` fit together.
 * @throws {InvalidArgumentError} naming the array
 */
export function checkMeshExport(mesh: MeshExport, caller: string): void {
  const V = mesh.positions.length / 3;
  const bad = (what: string) => new InvalidArgumentError(`${caller}: mesh.${what}`);
  if (mesh.normals.length !== 3 * V)
    throw bad(`normals has ${mesh.normals.length} numbers, must be ${3 * V}`);
  if (mesh.faceUvs.length !== mesh.faces.length)
    throw bad(`faceUvs must be as long as faces, ${mesh.faces.length}`);
  if (mesh.faces.length === 0 || mesh.faces.length % 3 !== 0)
    throw bad('faces must be rows of three vertices');
  if (largest(mesh.faces) >= V) throw bad(`faces has a vertex number beyond ${V - 1}`);
  if (largest(mesh.faceUvs) >= mesh.uvs.length / 2) throw bad(`faceUvs has a number beyond its uvs`);
  for (const [name, array] of [
    ['positions', mesh.positions],
    ['normals', mesh.normals],
    ['uvs', mesh.uvs],
    ...(mesh.morphs ?? []).map((m) => [`morphs '${m.name}'`, m.displacements] as const),
  ] as const) {
    if (!allFinite(array)) throw bad(`${name} holds a number that is not finite`);
  }
  for (const { name, displacements, normals } of mesh.morphs ?? []) {
    if (displacements.length !== 3 * V)
      throw bad(`morphs '${name}' has ${displacements.length} numbers, must be ${3 * V}`);
    if ((normals?.length ?? -1) !== (mesh.morphs?.[0].normals ? 3 * V : -1))
      throw bad(`morphs '${name}': normals must be ${3 * V} numbers in all morphs or absent from all`);
  }
  for (const { name, weights, rotations } of mesh.states ?? []) {
    const M = mesh.morphs?.length ?? 0;
    const J = mesh.skin?.joints.length ?? 0;
    if (J === 0) throw bad(`states '${name}' needs a skeleton, the mesh has none`);
    if (weights.length !== M) throw bad(`states '${name}' has ${weights.length} weights, must be ${M}`);
    if (rotations.length !== J) throw bad(`states '${name}' has ${rotations.length} rotations, must be ${J}`);
  }
  if (mesh.motion) checkMotion(mesh.motion, mesh.morphs?.length ?? 0, mesh.skin?.joints.length ?? 0, bad);
  if (mesh.skin) {
    const J = mesh.skin.joints.length;
    if (mesh.skin.weights.length !== V * J)
      throw bad(`skin.weights has ${mesh.skin.weights.length} numbers, must be ${V * J}`);
    mesh.skin.joints.forEach(({ parent }, j) => {
      if (parent >= j) throw bad(`skin.joints: joint ${j} comes before its parent ${parent}`);
    });
  }
}

function checkMotion(
  { name, times, weights, rotations, translations }: ExportMotion,
  M: number,
  J: number,
  bad: (what: string) => Error,
): void {
  const N = times.length;
  if (J === 0) throw bad(`motion '${name}' needs a skeleton, the mesh has none`);
  if (N === 0 || !(times[0] >= 0) || times.some((t, i) => i > 0 && !(t > times[i - 1])))
    throw bad(`motion '${name}': times must ascend from 0 or later, and there must be one`);
  for (const [key, array, length] of [
    ['weights', weights, N * M],
    ['rotations', rotations, 4 * N * J],
    ['translations', translations, 3 * N * J],
  ] as const) {
    if (array.length !== length)
      throw bad(`motion '${name}': ${key} has ${array.length} numbers, must be ${length}`);
    if (!allFinite(array)) throw bad(`motion '${name}': ${key} holds a number that is not finite`);
  }
}

function largest(numbers: Uint32Array): number {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > most) most = numbers[i];
  return most;
}

/** Whether no number is infinite or NaN: either makes the sum of x − x NaN. */
function allFinite(numbers: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i] - numbers[i];
  return sum === 0;
}
