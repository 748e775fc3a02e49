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
  /** Weight that the file starts with. */
  readonly weight: number;
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
  if (mesh.faces.some((v) => v >= V)) throw bad(`faces has a vertex number beyond ${V - 1}`);
  if (mesh.faceUvs.some((t) => t >= mesh.uvs.length / 2)) throw bad(`faceUvs has a number beyond its uvs`);
  for (const [name, array] of [
    ['positions', mesh.positions],
    ['normals', mesh.normals],
    ['uvs', mesh.uvs],
    ...(mesh.morphs ?? []).map((m) => [`morphs '${m.name}'`, m.displacements] as const),
  ] as const) {
    if (!array.every(Number.isFinite)) throw bad(`${name} holds a number that is not finite`);
  }
  for (const { name, displacements } of mesh.morphs ?? []) {
    if (displacements.length !== 3 * V)
      throw bad(`morphs '${name}' has ${displacements.length} numbers, must be ${3 * V}`);
  }
  if (mesh.skin) {
    const J = mesh.skin.joints.length;
    if (mesh.skin.weights.length !== V * J)
      throw bad(`skin.weights has ${mesh.skin.weights.length} numbers, must be ${V * J}`);
    mesh.skin.joints.forEach(({ parent }, j) => {
      if (parent >= j) throw bad(`skin.joints: joint ${j} comes before its parent ${parent}`);
    });
  }
}
