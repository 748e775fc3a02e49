/** Meshes on disk: what `photofit model fit-mesh` reads and the folder it writes. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FormatError } from '../core/errors.ts';
import { type MeshFit, placeOnMesh } from '../fit/fit-mesh.ts';
import { posedHeadMesh, riggedHeadMesh } from '../fit/head-mesh.ts';
import { type MeshFitFile, toMeshFitFile } from '../fit/mesh-file.ts';
import { type MeshLandmarks, readMeshLandmarks } from '../fit/mesh-landmarks.ts';
import type { TargetMesh } from '../fit/mesh-target.ts';
import { writeGlb } from '../io/glb.ts';
import { readObj } from '../io/obj-read.ts';
import { writeMtl, writeObj } from '../io/obj-write.ts';
import { readPly } from '../io/ply-read.ts';
import type { HeadModel } from '../model/head-model.ts';
import { skinAlbedo } from '../render/albedo.ts';
import { writeFolderAtomically } from './atomic.ts';
import { albedoPng } from './texture-file.ts';
import { packageVersion } from './version.ts';

/** The files of a result folder of {@link writeMeshFitFolder}. */
export const MESH_FIT_FILES = ['head.glb', 'head.obj', 'head.mtl', 'texture.png', 'fit.json'] as const;

/**
 * Reads a mesh, OBJ or PLY by its content.
 * @throws {FormatError} when it is neither.
 */
export async function readMeshFile(file: string): Promise<TargetMesh> {
  const bytes = await readFile(file);
  const isPly = bytes.length > 3 && bytes.subarray(0, 3).toString('latin1') === 'ply';
  if (isPly) return readPly(bytes, file);
  if (!/\.(obj|txt)$/i.test(file))
    throw new FormatError(`${file}: meshes are read from OBJ and PLY files; convert it to one of them`);
  return readObj(bytes, file);
}

/**
 * Reads landmarks on a mesh, see `fit/mesh-landmarks.ts`.
 * @throws {FormatError} when the file holds none.
 */
export async function readLandmarkFile(file: string, mesh: TargetMesh): Promise<MeshLandmarks> {
  return readMeshLandmarks(await readFile(file, 'utf8'), mesh.vertices, file);
}

/** What {@link writeMeshFitFolder} writes down. */
export interface MeshFitFolderInput {
  /** Path of the mesh as the user gave it. */
  readonly file: string;
  readonly mesh: TargetMesh;
  readonly landmarks: MeshLandmarks;
  readonly model: HeadModel;
  readonly fit: MeshFit;
  readonly signal?: AbortSignal;
}

/**
 * Writes {@link MESH_FIT_FILES}: `head.glb` in metres with its skeleton, `head.obj` where the mesh lies, in its units.
 * @throws {PhotofitError} when the folder cannot be written.
 * @throws {AbortedError} when cancelled; nothing is left.
 */
export async function writeMeshFitFolder(folder: string, input: MeshFitFolderInput): Promise<MeshFitFile> {
  const { model, fit, mesh } = input;
  const skin = skinAlbedo(model, fit.params);
  const texture = skin && (await albedoPng(skin));
  const name = path.parse(input.file).name;
  const rigged = riggedHeadMesh(model, fit.params, { name, texturePng: texture });
  const posed = posedHeadMesh(model, fit.params, { name });
  const file = toMeshFitFile(fit, model, {
    version: packageVersion(),
    path: input.file,
    vertices: mesh.vertices.length / 3,
    faces: (mesh.faces?.length ?? 0) / 3,
    landmarks: input.landmarks.numbers.length,
  });
  const material = 'skin';
  const placed = { ...posed, positions: placeOnMesh(fit, posed.positions) };
  const contents: Readonly<Record<(typeof MESH_FIT_FILES)[number], Uint8Array | string | null>> = {
    'head.glb': writeGlb(rigged),
    'head.obj': writeObj(placed, { mtlFile: 'head.mtl', material }),
    'head.mtl': writeMtl({ material, textureFile: 'texture.png' }),
    'texture.png': texture,
    'fit.json': `${JSON.stringify(file, null, 1)}\n`,
  };
  const files = MESH_FIT_FILES.flatMap((entry) => {
    const content = contents[entry];
    return content === null ? [] : [[entry, content] as const];
  });
  await writeFolderAtomically(folder, files, { ours: MESH_FIT_FILES, signal: input.signal });
  return file;
}
