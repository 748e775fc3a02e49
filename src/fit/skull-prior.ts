/**
 * What a photo does not show of a head, the skull under the hair, is moved by what it shows of the face: both hang on the
 * same identity coefficients. Where a face lies outside of the model's space the fit bends the skull to come nearer to it,
 * and the weaker the identity prior the more (profiles with sloping skulls). So the skull is held near the mean head's by a
 * prior of its own,
 *
 *   ½ N αᵀKα,  K = BᵀB / tr BᵀB,  B (3M,S) the identity basis over the M vertices of the skull:
 *
 * N observations of the mean skull, each as far off as the model's skulls are. Without it, at an identity prior of 1,
 * the faces of another model were off by 1.49 mm instead of 1.47, the model's own heads by 1.17 instead of 1.28 (their skulls
 * are as the model has them). Size and place of the skull count as its shape does: with both free 1.49 and 1.23 mm, a
 * video's person 2.18 instead of 2.13 and no rounder to the eye.
 */
import type { HeadModel } from '../model/head-model.ts';
import { surfacePoint } from '../model/surface-point.ts';

/** Regions that are no skull where a model does not say what is. */
const FACE = ['skin', 'face', 'left_eyeball', 'right_eyeball', 'mouth_interior', 'teeth', 'tongue'];

/** Of the inner 51 landmarks the first ten are brows. */
const BROWS = 10;

const known = new WeakMap<HeadModel, Float64Array>();

/** (S,S) K, symmetric, its trace 1; zeros where the model has no skull. Worked out once per model object. */
export function skullPrecision(model: HeadModel): Float64Array {
  let precision = known.get(model);
  if (!precision) {
    precision = computePrecision(model);
    known.set(model, precision);
  }
  return precision;
}

/**
 * Vertices of the region `scalp`; where a model has none, of all above the brows that is not face. (Necks, shoulders and ears
 * are no skull, and photos show them.)
 */
function skullVertices(model: HeadModel): Uint32Array {
  const scalp = model.regions.get('scalp');
  if (scalp) return scalp;
  const { inner51 } = model.landmarks;
  let brows = 0;
  for (let l = 0; l < BROWS; l++) brows += surfacePoint(model, inner51, l, model.template)[1] / BROWS;
  const face = new Set(FACE.flatMap((name) => [...(model.regions.get(name) ?? [])]));
  const all = Uint32Array.from({ length: model.template.length / 3 }, (_, v) => v);
  return all.filter((v) => !face.has(v) && model.template[3 * v + 1] > brows);
}

function computePrecision(model: HeadModel): Float64Array {
  const { identityBasis, template } = model;
  const S = identityBasis.length / template.length;
  const vertices = skullVertices(model);
  const M = 3 * vertices.length;
  const moved = new Float64Array(S * M);
  for (let k = 0; k < S; k++) gather(identityBasis, k * template.length, vertices, moved, k * M);
  const precision = new Float64Array(S * S);
  let trace = 0;
  for (let j = 0; j < S; j++)
    for (let k = 0; k <= j; k++) {
      const sum = dot(moved, j * M, k * M, M);
      precision[j * S + k] = sum;
      precision[k * S + j] = sum;
      if (j === k) trace += sum;
    }
  return trace > 0 ? precision.map((x) => x / trace) : precision;
}

// Loops in functions of their own: V8 compiles them once, in time for a process's first photo.

/** Displacements of `vertices` (3 each) of a component (V,3) that begins at `from`. */
function gather(
  basis: Float32Array,
  from: number,
  vertices: Uint32Array,
  out: Float64Array,
  to: number,
): void {
  for (let i = 0, o = to; i < vertices.length; i++, o += 3) {
    const at = from + 3 * vertices[i];
    out[o] = basis[at];
    out[o + 1] = basis[at + 1];
    out[o + 2] = basis[at + 2];
  }
}

function dot(values: Float64Array, a: number, b: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[a + i] * values[b + i];
  return sum;
}
