/**
 * One person as a head model of its own: identity and texture added into template, joints and mean texture, nothing of
 * them left to choose. Everything that fits a head then fits this person's pose and expression with fewer columns and
 * less to sum per frame, and cannot change who it is.
 */
import type { ImageF } from '../../core/image.ts';
import { eyesOf } from '../../model/eyelids.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { albedoMap } from '../../render/albedo.ts';
import { resize } from '../../render/resample.ts';

/** What makes a person. */
export interface PersonParams {
  /** (S) standard deviations. */
  readonly identity: ArrayLike<number>;
  /** (T) standard deviations. */
  readonly texture: ArrayLike<number>;
  /** (H,W,3), of any size, to add to the albedo. */
  readonly skin?: ImageF;
}

/** Personal models by model and person: whoever tracks, smooths and renders one person prepares one model. */
const known = new WeakMap<HeadModel, WeakMap<PersonParams, HeadModel>>();

/**
 * `model` as the person of `params`: S = 0 and T = 0.
 * The same objects give the same model again.
 * @param albedo (H,W,3) instead of the texture that `params` say, e.g. with a texture offset.
 */
export function personalModel(model: HeadModel, params: PersonParams, albedo?: ImageF): HeadModel {
  const people = known.get(model) ?? new WeakMap<PersonParams, HeadModel>();
  known.set(model, people);
  const made = albedo ? undefined : people.get(params);
  if (made) return made;
  const person = makePersonal(model, params, albedo);
  if (!albedo) people.set(params, person);
  return person;
}

function makePersonal(model: HeadModel, params: PersonParams, albedo?: ImageF): HeadModel {
  const map = albedo ?? (model.texture ? albedoMap(model.texture, params.texture) : null);
  if (map && !albedo && params.skin) addMap(map, params.skin);
  return {
    ...model,
    eyes: eyesOf(model),
    template: add(model.template, model.identityBasis, params.identity),
    identityBasis: new Float32Array(0),
    identityNames: [],
    jointTemplate: add(model.jointTemplate, model.jointIdentityBasis, params.identity),
    jointIdentityBasis: new Float32Array(0),
    texture: map && {
      width: map.width,
      height: map.height,
      mean: map.data,
      basis: new Float32Array(0),
      names: [],
    },
  };
}

/** Adds `more`, resized, to `map` in place. */
function addMap({ width, height, data }: ImageF, more: ImageF): void {
  const added = resize(more, width, height).data;
  for (let i = 0; i < data.length; i++) data[i] += added[i];
}

/** mean (n) + Σ coefficient·component of `basis` (K,n), summed in float64. */
function add(mean: Float32Array, basis: Float32Array, coefficients: ArrayLike<number>): Float32Array {
  const n = mean.length;
  const sum = Float64Array.from(mean);
  for (let k = 0; k < coefficients.length; k++) {
    const c = coefficients[k];
    if (c === 0) continue;
    for (let i = 0, o = k * n; i < n; i++) sum[i] += c * basis[o + i];
  }
  return Float32Array.from(sum);
}
