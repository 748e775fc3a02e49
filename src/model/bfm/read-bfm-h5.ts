/**
 * The Basel Face Models of 2017 and 2019: HDF5 files as statismo writes them, with shape, expression and color, each
 * `model/{mean (3V), pcaBasis (3V,K), pcaVariance (K)}` in mm and 0…1, the triangles in `shape/representer/cells`
 * (3,F), and landmarks of the mean face as JSON in `metadata/landmarks/json`. The basis is orthonormal:
 * colour = mean + pcaBasis · (coefficients ∘ √pcaVariance).
 */

import { FormatError } from '../../core/errors.ts';
import type { Hdf5File } from '../../io/hdf5.ts';
import { parseJson } from '../../io/json.ts';
import { toFloat32, toFloat64, toUint32 } from '../../io/npy.ts';
import { type BfmModel, type BfmPart, checkBasis, checkBfm } from './bfm-model.ts';

const MILLIMETRE = 1e-3;
/** Rows of a basis read at once. */
const ROWS = 16384;

/**
 * Reads the model; its bases when they are asked for, while `file` is open.
 * @throws {FormatError} when a data set is missing or holds impossible values
 */
export function readBfmH5(file: Hdf5File): BfmModel {
  const wanted = ['shape/model/mean', 'shape/representer/cells', 'color/model/mean'];
  const missing = wanted.filter((path) => file.shape(path) === null);
  if (missing.length > 0)
    throw new FormatError(
      `${file.name}: is no Basel Face Model of 2017 or 2019: it lacks the data set${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
    );
  const model: BfmModel = {
    edition: '2017/2019',
    faces: cells(file),
    unit: MILLIMETRE,
    shape: part(file, 'shape'),
    expression: file.shape('expression/model/mean') ? part(file, 'expression') : null,
    colour: part(file, 'color'),
    landmarks: landmarks(file),
  };
  return checkBfm(model, file.name);
}

/** (F,3) from (3,F), or as it is. */
function cells(file: Hdf5File): Uint32Array {
  const path = 'shape/representer/cells';
  const array = file.numbers(path);
  const values = toUint32(array, `${file.name}: ${path}`);
  const [rows, columns] = array.shape;
  if (array.shape.length !== 2 || (rows !== 3 && columns !== 3))
    throw new FormatError(`${file.name}: ${path} has the shape (${array.shape.join(', ')}), not (3, F)`);
  if (rows !== 3) return values;
  return Uint32Array.from(values, (_, i) => values[(i % 3) * columns + Math.floor(i / 3)]);
}

function part(file: Hdf5File, key: 'shape' | 'expression' | 'color'): BfmPart {
  const at = `${key}/model`;
  const mean = toFloat32(file.numbers(`${at}/mean`));
  const shape = file.shape(`${at}/pcaBasis`);
  const [rows, components] = shape ?? [mean.length, 0];
  if (rows !== mean.length || (shape && shape.length !== 2))
    throw new FormatError(
      `${file.name}: ${at}/pcaBasis has the shape (${shape?.join(', ')}), the mean ${mean.length} numbers`,
    );
  return {
    mean,
    components,
    basis(count) {
      const variance = toFloat64(file.numbers(`${at}/pcaVariance`));
      if (count > components || variance.length < count)
        throw new FormatError(
          `${file.name}: has ${Math.min(components, variance.length)} components of ${key}, not ${count}`,
        );
      const negative = variance.subarray(0, count).findIndex((x) => !(x >= 0));
      if (negative >= 0)
        throw new FormatError(`${file.name}: ${at}/pcaVariance holds ${variance[negative]} at ${negative}`);
      const out = new Float32Array(count * rows);
      for (let from = 0; from < rows; from += ROWS) {
        const to = Math.min(from + ROWS, rows);
        const values = toFloat32(file.numbers(`${at}/pcaBasis`, from, to));
        for (let i = from; i < to; i++)
          for (let k = 0; k < count; k++)
            out[k * rows + i] = Math.sqrt(variance[k]) * values[(i - from) * components + k];
      }
      return checkBasis(out, file.name, key);
    },
  };
}

/** A list of {id, coordinates}, or an object of coordinates by name. */
function landmarks(file: Hdf5File): Map<string, [number, number, number]> {
  const text = file.text('metadata/landmarks/json');
  const out = new Map<string, [number, number, number]>();
  if (text === null) return out;
  // Written by libraries that end their strings with a zero byte.
  const value = parseJson(text.replace(/\0+$/, ''), `${file.name}: metadata/landmarks/json`);
  const entries: [unknown, unknown][] = Array.isArray(value)
    ? value.map((entry) => [entry?.id, entry?.coordinates])
    : Object.entries((value ?? {}) as object);
  for (const [id, place] of entries)
    if (typeof id === 'string' && Array.isArray(place) && place.length === 3 && place.every(Number.isFinite))
      out.set(id, place as [number, number, number]);
  return out;
}
