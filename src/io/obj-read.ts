/**
 * Wavefront OBJ, read: `v`, `vt`, `vn`, `f` (polygons become fans of triangles; negative indices count back from the
 * last), vertex colours after the position. Materials, groups, curves and everything else are passed over.
 *
 * The text is decoded a megabyte at a time, so a file of any size costs its numbers and little more.
 */
import { FormatError } from '../core/errors.ts';

/** A triangle mesh as an OBJ file tells it. */
export interface ObjMesh {
  /** (V,3) float32, units of the file. */
  readonly vertices: Float32Array;
  /** (V,3) float32 colours, as written; null unless every vertex has one. */
  readonly colors: Float32Array | null;
  /** (U,2) float32, v **up** as OBJ has it. */
  readonly uvs: Float32Array;
  /** (N,3) float32. */
  readonly normals: Float32Array;
  /** (F,3) uint32. */
  readonly faces: Uint32Array;
  /** (F,3) uint32 into `uvs`; null unless every corner has one. */
  readonly faceUvs: Uint32Array | null;
  /** (F,3) uint32 into `normals`; null unless every corner has one. */
  readonly faceNormals: Uint32Array | null;
}

const CHUNK = 1 << 20;
const NONE = 0xffffffff;

/** A list of numbers that grows without boxing them. */
class NumberList<T extends Float32Array | Uint32Array> {
  length = 0;
  #data: T;
  readonly #make: (n: number) => T;
  constructor(make: (n: number) => T) {
    this.#make = make;
    this.#data = make(1024);
  }
  push(value: number): void {
    if (this.length === this.#data.length) {
      const larger = this.#make(2 * this.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.length++] = value;
  }
  done(): T {
    return this.#data.slice(0, this.length) as T;
  }
}

const floats = () => new NumberList((n) => new Float32Array(n));
const indices = () => new NumberList((n) => new Uint32Array(n));

/** Logical lines of the text with their numbers; a trailing backslash joins lines. */
function* linesOf(bytes: Uint8Array): Generator<[line: string, number: number]> {
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  let joined = '';
  for (let at = 0; at < bytes.length || rest !== ''; at += CHUNK) {
    const last = at + CHUNK >= bytes.length;
    const lines = (rest + decoder.decode(bytes.subarray(at, at + CHUNK), { stream: !last })).split(
      /\r\n|\n|\r(?!$)/,
    );
    rest = last ? '' : (lines.pop() ?? '');
    for (const line of lines) {
      number++;
      if (line.endsWith('\\')) {
        joined += `${line.slice(0, -1)} `;
        continue;
      }
      yield [joined + line, number];
      joined = '';
    }
    if (last) break;
  }
  if (joined !== '') yield [joined, number];
}

/**
 * Reads an OBJ file.
 * @param name how errors call the file.
 * @throws {FormatError} with the line, when a number or an index is wrong; when there is no face at all.
 */
export function readObj(bytes: Uint8Array, name = 'obj'): ObjMesh {
  const vertices = floats();
  const colors = floats();
  const uvs = floats();
  const normals = floats();
  const faces = indices();
  const faceUvs = indices();
  const faceNormals = indices();
  let lineNumber = 0;
  const fail = (what: string): never => {
    throw new FormatError(`${name}: line ${lineNumber}: ${what}`);
  };
  const number = (token: string | undefined): number => {
    const value = token === undefined || token === '' ? Number.NaN : Number(token);
    if (!Number.isFinite(value))
      fail(`a number expected, found ${token === undefined ? 'nothing' : `"${token}"`}`);
    return value;
  };
  const index = (token: string, count: number, what: string): number => {
    const value = Number(token);
    const at = value < 0 ? count + value : value - 1;
    if (!Number.isInteger(value) || value === 0 || at < 0 || at >= count)
      fail(`${what} ${token} does not exist (there are ${count} so far)`);
    return at;
  };
  const corner = (token: string): [number, number, number] => {
    const [v, vt, vn] = token.split('/');
    return [
      index(v, vertices.length / 3, 'vertex'),
      vt ? index(vt, uvs.length / 2, 'texture vertex') : NONE,
      vn ? index(vn, normals.length / 3, 'normal') : NONE,
    ];
  };
  for (const [line, n] of linesOf(bytes)) {
    lineNumber = n;
    const tokens = line.trim().split(/\s+/);
    switch (tokens[0]) {
      case 'v':
        for (let i = 1; i <= 3; i++) vertices.push(number(tokens[i]));
        if (tokens.length >= 7) for (let i = 4; i <= 6; i++) colors.push(number(tokens[i]));
        break;
      case 'vt':
        uvs.push(number(tokens[1]));
        uvs.push(tokens.length > 2 ? number(tokens[2]) : 0);
        break;
      case 'vn':
        for (let i = 1; i <= 3; i++) normals.push(number(tokens[i]));
        break;
      case 'f': {
        const comment = tokens.findIndex((t) => t.startsWith('#'));
        const corners = tokens.slice(1, comment < 0 ? undefined : comment).map(corner);
        if (corners.length < 3) fail(`a face of ${corners.length} corners`);
        for (let i = 2; i < corners.length; i++)
          for (const [v, vt, vn] of [corners[0], corners[i - 1], corners[i]]) {
            faces.push(v);
            faceUvs.push(vt);
            faceNormals.push(vn);
          }
        break;
      }
    }
  }
  if (faces.length === 0) throw new FormatError(`${name}: no faces; is this an OBJ file?`);
  const complete = (list: ReturnType<typeof indices>): Uint32Array | null => {
    const values = list.done();
    return values.includes(NONE) ? null : values;
  };
  return {
    vertices: vertices.done(),
    colors: colors.length === vertices.length && colors.length > 0 ? colors.done() : null,
    uvs: uvs.done(),
    normals: normals.done(),
    faces: faces.done(),
    faceUvs: complete(faceUvs),
    faceNormals: complete(faceNormals),
  };
}
