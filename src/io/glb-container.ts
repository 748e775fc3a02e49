/**
 * The binary part of a GLB file (glTF 2.0, https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html): arrays go in,
 * numbers of accessors and buffer views come out, and at the end the container with its two chunks.
 */

/** Component types of glTF. */
const COMPONENT = { u8: 5121, u16: 5123, u32: 5125, f32: 5126 } as const;
const COLUMNS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 } as const;
const VERTICES = 34962;
const INDICES = 34963;

/** Arrays that an accessor may hold. */
export type GltfArray = Uint8Array | Uint16Array | Uint32Array | Float32Array;

/** What an array is used for. */
export interface AccessorUse {
  readonly type: keyof typeof COLUMNS;
  /** `vertices` for attributes, `indices` for faces, absent for anything else. */
  readonly target?: 'vertices' | 'indices';
  /** Whether to store the bounds, as positions must. */
  readonly bounds?: boolean;
}

/** What a container holds, as plain data: another thread can go on with it. */
export interface GlbContents {
  readonly parts: Uint8Array[];
  readonly views: object[];
  readonly accessors: object[];
}

/** Collects the arrays of one file. */
export class GlbContainer {
  readonly #parts: Uint8Array[];
  readonly #views: object[];
  readonly #accessors: object[];
  #length: number;

  constructor({ parts, views, accessors }: GlbContents = { parts: [], views: [], accessors: [] }) {
    this.#parts = [...parts];
    this.#views = [...views];
    this.#accessors = [...accessors];
    this.#length = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** All that was added so far. */
  contents(): GlbContents {
    return { parts: this.#parts, views: this.#views, accessors: this.#accessors };
  }

  /** Adds an array; returns the number of its accessor. */
  accessor(array: GltfArray, use: AccessorUse): number {
    const bufferView = this.bytes(array, use.target);
    return this.#add({
      bufferView,
      componentType: componentType(array),
      count: array.length / COLUMNS[use.type],
      type: use.type,
      ...(use.bounds && boundsOf(array, COLUMNS[use.type])),
    });
  }

  /**
   * Adds (n,3) float32 rows of which many are zero: rows `order` of `values`. What is below `least` counts as zero.
   * Returns the number of its accessor.
   */
  sparseRows(values: Float32Array, order: Uint32Array, least: number): number {
    const count = order.length;
    const filled = count <= 65536 ? new Uint16Array(count) : new Uint32Array(count);
    const rows = new Float32Array(3 * count);
    const n = takeRows(values, order, least, rows, filled);
    const indices = filled.slice(0, n);
    const sparse = rows.slice(0, 3 * n);
    if (indices.byteLength + sparse.byteLength >= rows.byteLength) {
      rows.fill(0);
      for (let i = 0; i < n; i++) for (let a = 0; a < 3; a++) rows[3 * indices[i] + a] = sparse[3 * i + a];
      return this.accessor(rows, { type: 'VEC3', target: 'vertices', bounds: true });
    }
    const bounds = boundsOf(sparse, 3);
    if (n < count)
      for (let a = 0; a < 3; a++) {
        bounds.min[a] = Math.min(bounds.min[a], 0);
        bounds.max[a] = Math.max(bounds.max[a], 0);
      }
    const base = { componentType: COMPONENT.f32, count, type: 'VEC3', ...bounds };
    // An accessor without data is all zeros; an empty sparse part is not allowed.
    if (n === 0) return this.#add(base);
    return this.#add({
      ...base,
      sparse: {
        count: n,
        indices: { bufferView: this.bytes(indices), componentType: componentType(indices) },
        values: { bufferView: this.bytes(sparse) },
      },
    });
  }

  /** Adds bytes as they are, e.g. a picture; returns the number of their buffer view. */
  bytes(array: GltfArray, target?: AccessorUse['target']): number {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const view = {
      buffer: 0,
      byteOffset: this.#length,
      byteLength: bytes.length,
      ...(target && { target: target === 'vertices' ? VERTICES : INDICES }),
    };
    this.#parts.push(bytes);
    const padding = -bytes.length & 3;
    if (padding > 0) this.#parts.push(new Uint8Array(padding));
    this.#length += bytes.length + padding;
    return this.#views.push(view) - 1;
  }

  /** The file: `json` is the glTF document without `buffers`, `bufferViews` and `accessors`. */
  pack(json: object): Uint8Array {
    const document = {
      ...json,
      accessors: this.#accessors,
      bufferViews: this.#views,
      buffers: [{ byteLength: this.#length }],
    };
    const text = new TextEncoder().encode(JSON.stringify(document));
    const textLength = text.length + (-text.length & 3);
    const total = 12 + 8 + textLength + 8 + this.#length;
    const out = new Uint8Array(total);
    const view = new DataView(out.buffer);
    const words = [0x46546c67, 2, total, textLength, 0x4e4f534a];
    words.forEach((word, i) => {
      view.setUint32(4 * i, word, true);
    });
    out.set(text, 20);
    out.fill(0x20, 20 + text.length, 20 + textLength);
    let at = 20 + textLength;
    view.setUint32(at, this.#length, true);
    view.setUint32(at + 4, 0x004e4942, true);
    at += 8;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #add(accessor: object): number {
    return this.#accessors.push(accessor) - 1;
  }
}

function componentType(array: GltfArray): number {
  if (array instanceof Float32Array) return COMPONENT.f32;
  if (array instanceof Uint32Array) return COMPONENT.u32;
  return array instanceof Uint16Array ? COMPONENT.u16 : COMPONENT.u8;
}

/** Least and largest value of each column, exactly as stored. */
function boundsOf(array: GltfArray, columns: number): { min: number[]; max: number[] } {
  const min = new Array<number>(columns).fill(Infinity);
  const max = new Array<number>(columns).fill(-Infinity);
  for (let c = 0; c < columns; c++) {
    let [least, most] = [Infinity, -Infinity];
    for (let i = c; i < array.length; i += columns) {
      const x = array[i];
      if (x < least) least = x;
      if (x > most) most = x;
    }
    min[c] = least;
    max[c] = most;
  }
  return { min, max };
}

/** Rows `order` of `values` that are not zero, to `rows`, their places in `order` to `filled`; returns how many. */
function takeRows(
  values: Float32Array,
  order: Uint32Array,
  least: number,
  rows: Float32Array,
  filled: Uint16Array | Uint32Array,
): number {
  let n = 0;
  for (let r = 0; r < order.length; r++) {
    const v = 3 * order[r];
    const x = values[v];
    const y = values[v + 1];
    const z = values[v + 2];
    if (x === 0 && y === 0 && z === 0) continue;
    const ax = Math.abs(x);
    const ay = Math.abs(y);
    const az = Math.abs(z);
    // A row that is no number is kept: it is for the caller's checks to tell.
    if ((ax < least || ax === 0) && (ay < least || ay === 0) && (az < least || az === 0)) continue;
    rows[3 * n] = ax < least ? 0 : x;
    rows[3 * n + 1] = ay < least ? 0 : y;
    rows[3 * n + 2] = az < least ? 0 : z;
    filled[n++] = r;
  }
  return n;
}
