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

/** Regions that are no skull where a model does not say what is. */
const FACE = ['skin', 'face', 'left_eyeball', 'right_eyeball', 'mouth_interior', 'teeth', 'tongue'];

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

/** Vertices of the region `scalp`, or of all that is not face. */
function skullVertices(model: HeadModel): Uint32Array {
  const scalp = model.regions.get('scalp');
  if (scalp) return scalp;
  const face = new Set(FACE.flatMap((name) => [...(model.regions.get(name) ?? [])]));
  const all = Uint32Array.from({ length: model.template.length / 3 }, (_, v) => v);
  return all.filter((v) => !face.has(v));
}

function computePrecision(model: HeadModel): Float64Array {
  const { identityBasis, template } = model;
  const S = identityBasis.length / template.length;
  const vertices = skullVertices(model);
  const M = 3 * vertices.length;
  const moved = new Float64Array(S * M);
  for (let k = 0; k < S; k++)
    for (let i = 0; i < M; i++)
      moved[k * M + i] = identityBasis[k * template.length + 3 * vertices[Math.floor(i / 3)] + (i % 3)];
  const precision = new Float64Array(S * S);
  let trace = 0;
  for (let j = 0; j < S; j++)
    for (let k = 0; k <= j; k++) {
      let sum = 0;
      for (let i = 0; i < M; i++) sum += moved[j * M + i] * moved[k * M + i];
      precision[j * S + k] = sum;
      precision[k * S + j] = sum;
      if (j === k) trace += sum;
    }
  return trace > 0 ? precision.map((x) => x / trace) : precision;
}
