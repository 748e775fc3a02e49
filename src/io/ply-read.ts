/**
 * PLY (Stanford polygon format 1.0), read: ascii, binary little and big endian. Of the element `vertex` x, y, z and
 * red, green, blue; of `face` the list `vertex_indices` (or `vertex_index`), polygons as fans of triangles. Everything
 * else is passed over. A file without faces is a cloud of points.
 */
import { FormatError } from '../core/errors.ts';

/** A mesh or cloud of points as a PLY file tells it. */
export interface PlyMesh {
  /** (V,3) float64, units of the file. */
  readonly vertices: Float64Array;
  /** (V,3) colours in [0, 1]; null where there are none. */
  readonly colors: Float32Array | null;
  /** (F,3); null for a cloud of points. */
  readonly faces: Uint32Array | null;
}

interface Property {
  readonly name: string;
  readonly type: Type;
  /** Type of a list's length; null for a single number. */
  readonly count: Type | null;
}

interface Element {
  readonly name: string;
  readonly count: number;
  readonly properties: Property[];
}

type Type = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'float32' | 'float64';

const TYPES: Readonly<Record<string, Type>> = {
  char: 'int8',
  uchar: 'uint8',
  short: 'int16',
  ushort: 'uint16',
  int: 'int32',
  uint: 'uint32',
  float: 'float32',
  double: 'float64',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  uint16: 'uint16',
  int32: 'int32',
  uint32: 'uint32',
  float32: 'float32',
  float64: 'float64',
};
const HEADER_MOST = 1 << 16;

/**
 * Reads a PLY file.
 * @param name how errors call the file.
 * @throws {FormatError} when it is none, is cut short, has no vertices, or a face names a vertex that does not exist.
 */
export function readPly(bytes: Uint8Array, name = 'ply'): PlyMesh {
  const { format, elements, body } = readHeader(bytes, name);
  const next =
    format === 'ascii' ? asciiNumbers(bytes.subarray(body), name) : binaryNumbers(bytes, body, format, name);
  let vertices: Float64Array | null = null;
  let colors: Float32Array | null = null;
  let faces: number[] | null = null;
  for (const element of elements) {
    const { properties } = element;
    const place = (wanted: string) => properties.findIndex((p) => p.name === wanted && !p.count);
    const xyz = ['x', 'y', 'z'].map(place);
    const rgb = ['red', 'green', 'blue'].map(place);
    const indices = properties.findIndex((p) => /^vertex_ind(ex|ices)$/.test(p.name) && p.count);
    if (element.count > bytes.length)
      throw new FormatError(
        `${name}: cut short: ${element.count} of ${element.name} in a file of ${bytes.length} bytes`,
      );
    if (element.name === 'vertex') {
      if (xyz.includes(-1)) throw new FormatError(`${name}: vertices without x, y and z`);
      vertices = new Float64Array(3 * element.count);
      colors = rgb.includes(-1) ? null : new Float32Array(3 * element.count);
    }
    if (element.name === 'face' && indices >= 0) faces = [];
    const row = new Float64Array(properties.length);
    for (let i = 0; i < element.count; i++) {
      for (const [p, property] of properties.entries()) {
        if (!property.count) {
          row[p] = next(property.type);
          continue;
        }
        const corners = next(property.count);
        const [first, second] = [[], []] as number[][];
        for (let c = 0; c < corners; c++) {
          const v = next(property.type);
          if (!faces || p !== indices || element.name !== 'face') continue;
          if (c === 0) first.push(v);
          else if (c > 1) faces.push(first[0], second[0], v);
          second[0] = v;
        }
      }
      if (element.name !== 'vertex' || !vertices) continue;
      for (let a = 0; a < 3; a++) vertices[3 * i + a] = row[xyz[a]];
      for (let c = 0; colors && c < 3; c++) {
        const { type } = properties[rgb[c]];
        colors[3 * i + c] = row[rgb[c]] / (type === 'uint8' ? 255 : type === 'uint16' ? 65535 : 1);
      }
    }
  }
  if (!vertices || vertices.length === 0) throw new FormatError(`${name}: no vertices`);
  if (!vertices.every(Number.isFinite)) throw new FormatError(`${name}: a coordinate is not a number`);
  const V = vertices.length / 3;
  const wrong = faces?.find((v) => !(Number.isInteger(v) && v >= 0 && v < V));
  if (wrong !== undefined)
    throw new FormatError(`${name}: a face names vertex ${wrong}, there are ${V}, numbered from 0`);
  return { vertices, colors, faces: faces && faces.length > 0 ? Uint32Array.from(faces) : null };
}

function readHeader(bytes: Uint8Array, name: string) {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, HEADER_MOST));
  const end = /^end_header[ \t]*(\r\n|\n|\r)/m.exec(text);
  if (!/^ply\s/.test(text) || !end) throw new FormatError(`${name}: is no PLY file`);
  const elements: Element[] = [];
  let format = '';
  for (const line of text.slice(0, end.index).split(/[\r\n]+/)) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'format') format = rest[0];
    if (word === 'element') {
      const count = Number(rest[1]);
      if (!Number.isInteger(count) || count < 0) throw new FormatError(`${name}: ${line}: no such count`);
      elements.push({ name: rest[0], count, properties: [] });
    }
    if (word !== 'property') continue;
    const list = rest[0] === 'list';
    const [count, type] = list ? [TYPES[rest[1]], TYPES[rest[2]]] : [null, TYPES[rest[0]]];
    if (!type || count === undefined || elements.length === 0)
      throw new FormatError(`${name}: ${line}: not understood`);
    elements.at(-1)?.properties.push({ name: rest.at(-1) ?? '', type, count });
  }
  if (!['ascii', 'binary_little_endian', 'binary_big_endian'].includes(format))
    throw new FormatError(`${name}: format ${format || '(none)'} is not known`);
  return { format, elements, body: end.index + end[0].length };
}

function asciiNumbers(bytes: Uint8Array, name: string): () => number {
  let at = 0;
  const isSpace = (b: number) => b === 32 || (b >= 9 && b <= 13);
  const decoder = new TextDecoder('latin1');
  return () => {
    while (at < bytes.length && isSpace(bytes[at])) at++;
    const start = at;
    while (at < bytes.length && !isSpace(bytes[at])) at++;
    if (start === at) throw new FormatError(`${name}: cut short`);
    const word = decoder.decode(bytes.subarray(start, at));
    const value = Number(word);
    if (Number.isNaN(value))
      throw new FormatError(`${name}: a number expected, found "${word.slice(0, 20)}"`);
    return value;
  };
}

function binaryNumbers(
  bytes: Uint8Array,
  body: number,
  format: string,
  name: string,
): (type: Type) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = format === 'binary_little_endian';
  let at = body;
  const read: Record<Type, readonly [size: number, get: () => number]> = {
    int8: [1, () => view.getInt8(at)],
    uint8: [1, () => view.getUint8(at)],
    int16: [2, () => view.getInt16(at, little)],
    uint16: [2, () => view.getUint16(at, little)],
    int32: [4, () => view.getInt32(at, little)],
    uint32: [4, () => view.getUint32(at, little)],
    float32: [4, () => view.getFloat32(at, little)],
    float64: [8, () => view.getFloat64(at, little)],
  };
  return (type) => {
    const [size, get] = read[type];
    if (at + size > view.byteLength) throw new FormatError(`${name}: cut short at byte ${at}`);
    const value = get();
    at += size;
    return value;
  };
}
