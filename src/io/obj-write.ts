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
  const { positions, normals, uvs, faces, faceUvs } = mesh;
  const head: string[] = [];
  if (mesh.copyright) head.push(`# ${plain(mesh.copyright.replace(/\s+/g, ' '))}`);
  head.push(`mtllib ${plain(names.mtlFile)}`, `o ${plain(mesh.name)}`);
  const V = positions.length / 3;
  const corners = faces.length / 3;
  const bytes = new Uint8Array(LINE * Math.max(2 * V + uvs.length / 2, corners, 1));
  let at = rows(bytes, 0, 'v', positions, 3, 6);
  const turned = new Float64Array(uvs);
  for (let i = 1; i < turned.length; i += 2) turned[i] = 1 - turned[i];
  at = rows(bytes, at, 'vt', turned, 2, 6);
  at = rows(bytes, at, 'vn', normals, 3, 5);
  const decoder = new TextDecoder();
  const shape = decoder.decode(bytes.subarray(0, at));
  at = 0;
  for (let i = 0; i < faces.length; i += 3) {
    bytes[at++] = F;
    for (let k = i; k < i + 3; k++) {
      bytes[at++] = SPACE;
      at = integer(bytes, at, faces[k] + 1);
      bytes[at++] = SLASH;
      at = integer(bytes, at, faceUvs[k] + 1);
      bytes[at++] = SLASH;
      at = integer(bytes, at, faces[k] + 1);
    }
    bytes[at++] = NEWLINE;
  }
  const polygons = decoder.decode(bytes.subarray(0, at));
  return `${head.join('\n')}\n${shape}usemtl ${plain(names.material)}\ns 1\n${polygons}`;
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

const [SPACE, MINUS, POINT, SLASH, ZERO, F, NEWLINE] = [32, 45, 46, 47, 48, 102, 10];
/** Room for the longest line: three numbers below 1e21, or nine integers. */
const LINE = 128;
/** Magnitudes from here on are left to `toFixed`: products with 10^digits would no longer be exact integers. */
const LARGE = 1e6;

/*
 * Numbers are written as bytes, from `at` on, and where they end is returned: `toFixed` and strings took twice the time.
 */

function rows(
  bytes: Uint8Array,
  at: number,
  key: string,
  values: Float32Array | Float64Array,
  columns: number,
  digits: number,
): number {
  const unit = 10 ** digits;
  for (let i = 0; i < values.length; i += columns) {
    at = ascii(bytes, at, key);
    for (let c = i; c < i + columns; c++) {
      bytes[at++] = SPACE;
      at = decimal(bytes, at, values[c], digits, unit);
    }
    bytes[at++] = NEWLINE;
  }
  return at;
}

/** A number in fixed point, without a minus before zero, rounded as `toFixed` does. @param unit 10^digits */
function decimal(bytes: Uint8Array, at: number, x: number, digits: number, unit: number): number {
  if (!(x > -LARGE && x < LARGE)) return ascii(bytes, at, x.toFixed(digits));
  const n = Math.floor((x < 0 ? -x : x) * unit + 0.5);
  if (x < 0 && n > 0) bytes[at++] = MINUS;
  const whole = Math.floor(n / unit);
  at = integer(bytes, at, whole);
  bytes[at] = POINT;
  // Below 2^31 from here on: whole numbers to the processor too.
  let rest = (n - whole * unit) | 0;
  for (let k = at + digits; k > at; k--) {
    const next = (rest / 10) | 0;
    bytes[k] = ZERO + rest - 10 * next;
    rest = next;
  }
  return at + digits + 1;
}

function integer(bytes: Uint8Array, at: number, n: number): number {
  let digits = 1;
  for (let k = 10; k <= n; k *= 10) digits++;
  let rest = n | 0;
  for (let k = at + digits - 1; k >= at; k--) {
    const next = (rest / 10) | 0;
    bytes[k] = ZERO + rest - 10 * next;
    rest = next;
  }
  return at + digits;
}

function ascii(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

function plain(text: string): string {
  if (/[\r\n\0]/.test(text) || text.trim() === '') {
    throw new InvalidArgumentError(`writeObj: ${JSON.stringify(text)} cannot be a name in an OBJ file`);
  }
  return text;
}
