/** What a model needs once before any photo can be fitted with it. */
import { InvalidArgumentError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import { buildFans, type FanTables } from '../kernels/surface.ts';
import type { HeadModel, TextureSpace } from '../model/head-model.ts';
import { appearanceMap, shrinkMap } from '../render/albedo.ts';

/** A model with what fitting derives from it. */
export interface PreparedModel {
  readonly model: HeadModel;
  /** (R) vertices with derivatives, ascending: the skin region, its neighbours and the landmarks' corners. */
  readonly ids: Uint32Array;
  /** (V) position of each vertex in `ids`, −1 for none. */
  readonly rowOf: Int32Array;
  /** (F) 1 where all corners of the face are in the skin region. */
  readonly skinFaces: Uint8Array;
  /** The skin region's vertices with their rings. */
  readonly fans: FanTables;
  /** (V) fan of each vertex, −1 outside the skin region. */
  readonly fanOf: Int32Array;
  /** (F,3) numbers of the edges (0,1), (1,2), (2,0) of faces in the skin region. */
  readonly faceEdges: Uint32Array;
  /** Edges so numbered. */
  readonly edgeCount: number;
  /** Texture space by texel (`appearanceMap`), coarse and fine; null for a model without one. */
  readonly texture: { readonly coarse: ImageF; readonly fine: ImageF } | null;
}

/** Texels along a side of the texture spaces fitted with, at most. */
const FINE = 256;
const COARSE = 128;

const prepared = new WeakMap<HeadModel, PreparedModel>();
const whole = new WeakMap<HeadModel, PreparedModel>();

/**
 * Prepares `model`; the work is done once per model object.
 * @throws {InvalidArgumentError} when the model has no `skin` region.
 */
export function prepareModel(model: HeadModel): PreparedModel {
  const known = prepared.get(model);
  if (known) return known;
  const skin = model.regions.get('skin') ?? model.regions.get('face');
  if (!skin)
    throw new InvalidArgumentError(
      `fit: the model ${model.name} has no region "skin" or "face"; fitting needs to know which vertices are skin`,
    );
  const result = prepareRegion(model, skin, model.texture ? appearanceMaps(model.texture) : null);
  prepared.set(model, result);
  return result;
}

/** Prepares `model` as if all of it were skin, with its texture space as fine as it is. */
export function prepareWhole(model: HeadModel): PreparedModel {
  const known = whole.get(model);
  if (known) return known;
  const all = Uint32Array.from({ length: model.template.length / 3 }, (_, v) => v);
  const fine = model.texture ? appearanceMap(model.texture, model.texture.width) : null;
  const result = prepareRegion(model, all, fine && { fine, coarse: fine });
  whole.set(model, result);
  return result;
}

function prepareRegion(
  model: HeadModel,
  skin: Iterable<number>,
  texture: PreparedModel['texture'],
): PreparedModel {
  const V = model.template.length / 3;
  const fanOf = new Int32Array(V).fill(-1);
  const centres = Uint32Array.from(new Set(skin)).sort();
  for (let i = 0; i < centres.length; i++) fanOf[centres[i]] = i;
  const F = model.faces.length / 3;
  const skinFaces = new Uint8Array(F);
  const wanted = new Uint8Array(V);
  for (const v of centres) wanted[v] = 1;
  const { faces } = model;
  for (let f = 0; f < F; f++) {
    let inside = 0;
    for (let i = 3 * f; i < 3 * f + 3; i++) if (fanOf[faces[i]] >= 0) inside++;
    if (inside === 3) skinFaces[f] = 1;
    if (inside > 0) for (let i = 3 * f; i < 3 * f + 3; i++) wanted[faces[i]] = 1;
  }
  const { contour, inner51, mesh } = model.landmarks;
  for (const points of [contour.points, inner51, mesh.points])
    for (const f of points.faces) for (let a = 0; a < 3; a++) wanted[faces[3 * f + a]] = 1;
  const rowOf = new Int32Array(V).fill(-1);
  const ids: number[] = [];
  for (let v = 0; v < V; v++) if (wanted[v]) rowOf[v] = ids.push(v) - 1;
  return {
    model,
    ids: Uint32Array.from(ids),
    rowOf,
    skinFaces,
    fans: buildFans(centres, model.faces, rowOf),
    fanOf,
    ...numberEdges(model.faces, skinFaces, V),
    texture,
  };
}

function appearanceMaps(space: TextureSpace): NonNullable<PreparedModel['texture']> {
  const fine = appearanceMap(space, FINE);
  return { fine, coarse: shrinkMap(fine, COARSE) };
}

/** Numbers the edges of the faces in the region, each once however many faces share it. */
function numberEdges(
  faces: Uint32Array,
  skinFaces: Uint8Array,
  V: number,
): Pick<PreparedModel, 'faceEdges' | 'edgeCount'> {
  const faceEdges = new Uint32Array(faces.length);
  const numbers = new Map<number, number>();
  for (let i = 0; i < faces.length; i++) {
    const f = Math.floor(i / 3);
    if (!skinFaces[f]) continue;
    const v = faces[i];
    const w = faces[3 * f + ((i + 1) % 3)];
    const key = Math.min(v, w) * V + Math.max(v, w);
    const known = numbers.get(key);
    faceEdges[i] = known ?? numbers.size;
    if (known === undefined) numbers.set(key, numbers.size);
  }
  return { faceEdges, edgeCount: numbers.size };
}
