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
  const text = new AsciiLines();
  rows(text, 'v', positions, 6);
  for (let i = 0; i < uvs.length; i += 2) {
    text.key('vt');
    text.decimal(uvs[i], 6);
    text.decimal(1 - uvs[i + 1], 6);
    text.end();
  }
  rows(text, 'vn', normals, 5);
  const shape = text.take();
  for (let i = 0; i < faces.length; i += 3) {
    text.key('f');
    for (let k = i; k < i + 3; k++) text.corner(faces[k] + 1, faceUvs[k] + 1);
    text.end();
  }
  return `${head.join('\n')}\n${shape}usemtl ${plain(names.material)}\ns 1\n${text.take()}`;
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

function rows(text: AsciiLines, key: string, values: Float32Array, digits: number): void {
  for (let i = 0; i < values.length; i += 3) {
    text.key(key);
    for (let c = i; c < i + 3; c++) text.decimal(values[c], digits);
    text.end();
  }
}

const [SPACE, MINUS, POINT, SLASH, ZERO, NEWLINE] = [32, 45, 46, 47, 48, 10];
/** Room for the longest line. */
const LINE = 256;
/** Magnitudes from here on are left to `toFixed`: products with 10^digits would no longer be exact integers. */
const LARGE = 1e6;

/**
 * Lines of numbers as bytes. `toFixed` and strings for each number took 40 ms for a head of 5,500 vertices, and three
 * times that the first time in a process; this takes 5.
 */
class AsciiLines {
  #bytes = new Uint8Array(1 << 20);
  #length = 0;

  /** Begins a line. */
  key(key: string): void {
    if (this.#length + LINE > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#append(key);
  }

  /** A space and a number in fixed point, without a minus before zero, rounded as `toFixed` does. */
  decimal(x: number, digits: number): void {
    this.#bytes[this.#length++] = SPACE;
    if (!(Math.abs(x) < LARGE)) {
      this.#append(x.toFixed(digits));
      return;
    }
    const unit = 10 ** digits;
    const n = Math.floor(Math.abs(x) * unit + 0.5);
    if (x < 0 && n > 0) this.#bytes[this.#length++] = MINUS;
    const whole = Math.floor(n / unit);
    this.#integer(whole);
    this.#bytes[this.#length++] = POINT;
    let rest = n - whole * unit;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const next = Math.floor(rest / 10);
      this.#bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    this.#length += digits;
  }

  /** A space and the corner v/t/v of a face. */
  corner(vertex: number, uv: number): void {
    this.#bytes[this.#length++] = SPACE;
    this.#integer(vertex);
    this.#bytes[this.#length++] = SLASH;
    this.#integer(uv);
    this.#bytes[this.#length++] = SLASH;
    this.#integer(vertex);
  }

  /** Ends a line. */
  end(): void {
    this.#bytes[this.#length++] = NEWLINE;
  }

  /** All lines so far; begins anew. */
  take(): string {
    const text = new TextDecoder().decode(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return text;
  }

  #integer(n: number): void {
    let digits = 1;
    for (let k = 10; k <= n; k *= 10) digits++;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const next = Math.floor(n / 10);
      this.#bytes[at] = ZERO + n - 10 * next;
      n = next;
    }
    this.#length += digits;
  }

  #append(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }
}

function plain(text: string): string {
  if (/[\r\n\0]/.test(text) || text.trim() === '') {
    throw new InvalidArgumentError(`writeObj: ${JSON.stringify(text)} cannot be a name in an OBJ file`);
  }
  return text;
}
