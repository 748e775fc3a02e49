/**
 * A Basel Face Model, as plain data: a mesh whose vertices and vertex colours are linear in coefficients that are
 * N(0, 1). The three editions differ in file format, units and size only:
 *
 *   2009 (Paysan et al.)      MATLAB, µm, colours 0…255, 199 components, 53,490 vertices
 *   2017 (Gerig et al. 2018)  HDF5, mm, colours 0…1, 199 + 100 expression components, 53,149 vertices (nomouth)
 *   2019                      HDF5, mm, colours 0…1, as 2017 with other meshes (face12, bfm, fullHead)
 *
 * Bases are read a component at a time or some at once and never kept here: one of 199 components is 128 MB.
 */
import { FormatError } from '../../core/errors.ts';

/** mean + Σ coefficient · component over V vertices. */
export interface BfmPart {
  /** (V,3) float32. */
  readonly mean: Float32Array;
  /** Components in the file. */
  readonly components: number;
  /**
   * The first `count` components, (count,V,3) float32, each scaled to one standard deviation.
   * @throws {FormatError} when the file is damaged or holds NaN
   */
  basis(count: number): Float32Array;
}

/** A Basel Face Model. */
export interface BfmModel {
  readonly edition: '2009' | '2017/2019';
  /** (F,3) uint32, counter-clockwise from outside. */
  readonly faces: Uint32Array;
  /** Metres per unit of the shape. */
  readonly unit: number;
  /** In units of the file: x to the subject's left, y up, z out of the face. */
  readonly shape: BfmPart;
  /** Offsets of expressions; null in 2009, which has none. */
  readonly expression: BfmPart | null;
  /** sRGB-encoded RGB in [0, 1]. */
  readonly colour: BfmPart;
  /** Points on the mean face by name, units of the file; empty where the file names none. */
  readonly landmarks: ReadonlyMap<string, readonly [number, number, number]>;
}

/**
 * Checks what every edition must keep to, and turns triangles that look inwards.
 * @throws {FormatError}
 */
export function checkBfm(model: BfmModel, name: string): BfmModel {
  const fail = (what: string): never => {
    throw new FormatError(`${name}: ${what}`);
  };
  const { shape, colour, expression } = model;
  const V = shape.mean.length / 3;
  if (!Number.isInteger(V) || V < 4)
    fail(`the mean shape has ${shape.mean.length} numbers, not three a vertex`);
  for (const [what, part] of [
    ['colour', colour],
    ['expression', expression],
  ] as const)
    if (part && part.mean.length !== shape.mean.length)
      fail(`the ${what} model has ${part.mean.length / 3} vertices, the shape ${V}; the file is damaged`);
  for (const [what, values] of [
    ['shape', shape.mean],
    ['colour', colour.mean],
  ] as const) {
    const bad = values.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) fail(`the mean ${what} holds ${values[bad]} at vertex ${Math.floor(bad / 3)}`);
  }
  const lost = model.faces.findIndex((v) => v >= V);
  if (model.faces.length === 0 || model.faces.length % 3 !== 0 || lost >= 0)
    fail(
      lost >= 0
        ? `triangle ${Math.floor(lost / 3)} has the vertex ${model.faces[lost]}, there are ${V}`
        : `${model.faces.length} vertex numbers do not make triangles`,
    );
  return looksInwards(shape.mean, model.faces) ? { ...model, faces: turned(model.faces) } : model;
}

/** A finite basis. @throws {FormatError} @internal */
export function checkBasis(basis: Float32Array, name: string, what: string): Float32Array {
  const bad = basis.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new FormatError(`${name}: the components of the ${what} hold ${basis[bad]}`);
  return basis;
}

/** Whether most of the surface faces the mesh's middle: files of 2009 list triangles clockwise. */
function looksInwards(vertices: Float32Array, faces: Uint32Array): boolean {
  const middle = [0, 0, 0];
  for (let i = 0; i < vertices.length; i++) middle[i % 3] += (3 * vertices[i]) / vertices.length;
  let flux = 0;
  for (let f = 0; f < faces.length; f += 3) {
    const p = [0, 1, 2].map((c) => [0, 1, 2].map((a) => vertices[3 * faces[f + c] + a] - middle[a]));
    const [a, b, c] = p;
    flux +=
      a[0] * (b[1] * c[2] - b[2] * c[1]) +
      a[1] * (b[2] * c[0] - b[0] * c[2]) +
      a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return flux < 0;
}

function turned(faces: Uint32Array): Uint32Array {
  const out = faces.slice();
  for (let f = 0; f < out.length; f += 3) [out[f + 1], out[f + 2]] = [out[f + 2], out[f + 1]];
  return out;
}
