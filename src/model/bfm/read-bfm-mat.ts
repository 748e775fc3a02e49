/**
 * The Basel Face Model of 2009: 01_MorphableModel.mat with shapeMU (3V,1), shapePC (3V,K), shapeEV (K,1) in µm, texMU,
 * texPC, texEV in 0…255, and the triangles tl (F,3), numbered from 1. EV are standard deviations:
 * colour = texMU + texPC · (coefficients ∘ texEV).
 */
import { FormatError } from '../../core/errors.ts';
import { type MatVariable, readMat } from '../../io/mat.ts';
import { type NpyArray, toFloat32, toFloat64 } from '../../io/npy.ts';
import { type BfmModel, type BfmPart, checkBasis, checkBfm } from './bfm-model.ts';

const MICROMETRE = 1e-6;

/**
 * Reads the model; its bases when they are asked for.
 * @param bytes the whole file
 * @param name how errors call the file
 * @throws {FormatError} when it is no MAT file, lacks a variable, or holds impossible values
 */
export function readBfmMat(bytes: Uint8Array, name = '01_MorphableModel.mat'): BfmModel {
  const variables = readMat(bytes, name);
  const wanted = ['shapeMU', 'texMU', 'texPC', 'texEV', 'tl'];
  const missing = wanted.filter((key) => !variables.has(key));
  if (missing.length > 0)
    throw new FormatError(
      `${name}: is no Basel Face Model of 2009: it lacks ${missing.join(', ')}; it has ${[...variables.keys()].join(', ') || 'nothing'}`,
    );
  const get = (key: string) => (variables.get(key) as MatVariable).read();
  const tl = toFloat64(get('tl'));
  const bad = tl.findIndex((v) => !Number.isInteger(v) || v < 1);
  if (bad >= 0) throw new FormatError(`${name}: tl holds ${tl[bad]}; vertex numbers from 1 were expected`);
  const model: BfmModel = {
    edition: '2009',
    faces: Uint32Array.from(tl, (v) => v - 1),
    unit: MICROMETRE,
    shape: part(variables, 'shape', 1, name),
    expression: null,
    colour: part(variables, 'tex', 1 / 255, name),
    landmarks: new Map(),
  };
  return checkBfm(model, name);
}

function part(
  variables: Map<string, MatVariable>,
  key: 'shape' | 'tex',
  factor: number,
  name: string,
): BfmPart {
  const scaled = (array: NpyArray) => toFloat32(array).map((x) => factor * x);
  const mean = scaled((variables.get(`${key}MU`) as MatVariable).read());
  const pc = variables.get(`${key}PC`);
  const ev = variables.get(`${key}EV`);
  const [rows, components] = pc?.shape ?? [mean.length, 0];
  if (rows !== mean.length)
    throw new FormatError(`${name}: ${key}PC has ${rows} rows, ${key}MU ${mean.length}; the file is damaged`);
  return {
    mean,
    components,
    basis(count) {
      if (!pc || !ev) throw new FormatError(`${name}: lacks ${key}PC or ${key}EV`);
      const sd = toFloat64(ev.read());
      if (sd.length < count || count > components)
        throw new FormatError(
          `${name}: has ${Math.min(sd.length, components)} components of ${key}, not ${count}`,
        );
      // Columns follow one another in the file.
      const { data } = pc.read();
      const out = new Float32Array(count * rows);
      for (let k = 0; k < count; k++)
        for (let i = k * rows; i < (k + 1) * rows; i++) out[i] = factor * sd[k] * Number(data[i]);
      return checkBasis(out, name, key);
    },
  };
}
