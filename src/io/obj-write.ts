/**
 * Wavefront OBJ and MTL, the mesh format that everything reads. Vertices stay unsplit and in order, so that vertex n
 * of the file is vertex n − 1 of the model. OBJ has v up, the library v down: v is flipped on the way out.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { checkMeshExport, type MeshExport } from './mesh-export.ts';

/** Names that an OBJ file refers to. */
export interface ObjNames {
  /** Name of the MTL file beside it. */
  readonly mtlFile: string;
  /** Name of the material in it. */
  readonly material: string;
}

/**
 * Text of an OBJ file: metres to 1 µm, normals and texture coordinates to 1e-5 and 1e-6.
 * @throws {InvalidArgumentError} when the mesh does not fit together or a name has line breaks
 */
export function writeObj(mesh: MeshExport, names: ObjNames): string {
  checkMeshExport(mesh, 'writeObj');
  const lines: string[] = [];
  if (mesh.copyright) lines.push(`# ${plain(mesh.copyright.replace(/\s+/g, ' '))}`);
  lines.push(`mtllib ${plain(names.mtlFile)}`, `o ${plain(mesh.name)}`);
  rows(lines, 'v', mesh.positions, 3, 6);
  for (let i = 0; i < mesh.uvs.length; i += 2) {
    lines.push(`vt ${number(mesh.uvs[i], 6)} ${number(1 - mesh.uvs[i + 1], 6)}`);
  }
  rows(lines, 'vn', mesh.normals, 3, 5);
  lines.push(`usemtl ${plain(names.material)}`, 's 1');
  for (let i = 0; i < mesh.faces.length; i += 3) {
    let line = 'f';
    for (let k = i; k < i + 3; k++) {
      const v = mesh.faces[k] + 1;
      line += ` ${v}/${mesh.faceUvs[k] + 1}/${v}`;
    }
    lines.push(line);
  }
  return lines.join('\n') + '\n';
}

/** Text of an MTL file: one matt material with a colour texture. */
export function writeMtl(names: { readonly material: string; readonly textureFile: string }): string {
  return [
    `newmtl ${plain(names.material)}`,
    'Ka 0 0 0',
    'Kd 1 1 1',
    'Ks 0 0 0',
    'illum 1',
    `map_Kd ${plain(names.textureFile)}`,
    '',
  ].join('\n');
}

function rows(lines: string[], key: string, values: Float32Array, columns: number, digits: number): void {
  for (let i = 0; i < values.length; i += columns) {
    let line = key;
    for (let c = i; c < i + columns; c++) line += ` ${number(values[c], digits)}`;
    lines.push(line);
  }
}

/** Fixed point without a minus before zero. */
function number(x: number, digits: number): string {
  const text = x.toFixed(digits);
  return /^-0\.0*$/.test(text) ? text.slice(1) : text;
}

function plain(text: string): string {
  if (/[\r\n\0]/.test(text) || text.trim() === '') {
    throw new InvalidArgumentError(`writeObj: ${JSON.stringify(text)} cannot be a name in an OBJ file`);
  }
  return text;
}
