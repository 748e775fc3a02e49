/** What a model needs once before any photo can be fitted with it. */
import { InvalidArgumentError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import type { HeadModel } from '../model/head-model.ts';
import { gatherVertices, type VertexSet } from '../model/jacobian.ts';
import { texelMajor } from '../render/albedo.ts';

/** A model with what fitting derives from it. */
export interface PreparedModel {
  readonly model: HeadModel;
  /** Vertices with derivatives: the skin region, its neighbours and the landmarks' corners. */
  readonly set: VertexSet;
  /** (F) 1 where all corners of the face are in the skin region. */
  readonly skinFaces: Uint8Array;
  /** (V) 1 where the vertex is in the skin region. */
  readonly skinVertices: Uint8Array;
  /** (F',3) faces with a corner in the skin region. */
  readonly facesAroundSkin: Uint32Array;
  /** Texel-major texture space, coarse and fine; null for a model without one. */
  readonly texture: { readonly coarse: ImageF; readonly fine: ImageF } | null;
}

const prepared = new WeakMap<HeadModel, PreparedModel>();

/**
 * Prepares `model`; the work is done once per model object.
 * @throws {InvalidArgumentError} when the model has no `skin` region.
 */
export function prepareModel(model: HeadModel): PreparedModel {
  const known = prepared.get(model);
  if (known) return known;
  const V = model.template.length / 3;
  const skin = model.regions.get('skin') ?? model.regions.get('face');
  if (!skin)
    throw new InvalidArgumentError(
      `fit: the model ${model.name} has no region "skin" or "face"; fitting needs to know which vertices are skin`,
    );
  const skinVertices = new Uint8Array(V);
  for (const v of skin) skinVertices[v] = 1;
  const F = model.faces.length / 3;
  const skinFaces = new Uint8Array(F);
  const wanted = new Uint8Array(V);
  const around: number[] = [];
  for (let f = 0; f < F; f++) {
    const corners = model.faces.subarray(3 * f, 3 * f + 3);
    const inside = skinVertices[corners[0]] + skinVertices[corners[1]] + skinVertices[corners[2]];
    if (inside === 0) continue;
    if (inside === 3) skinFaces[f] = 1;
    around.push(corners[0], corners[1], corners[2]);
    for (const v of corners) wanted[v] = 1;
  }
  const { contour, inner51, mesh } = model.landmarks;
  for (const points of [contour.points, inner51, mesh.points])
    for (const f of points.faces) for (let a = 0; a < 3; a++) wanted[model.faces[3 * f + a]] = 1;
  const ids: number[] = [];
  for (let v = 0; v < V; v++) if (wanted[v]) ids.push(v);
  const result: PreparedModel = {
    model,
    set: gatherVertices(model, Uint32Array.from(ids)),
    skinFaces,
    skinVertices,
    facesAroundSkin: Uint32Array.from(around),
    texture: model.texture
      ? { coarse: texelMajor(model.texture, 128), fine: texelMajor(model.texture, 256) }
      : null,
  };
  prepared.set(model, result);
  return result;
}
