/** Which faces of a head are its neck. */
import type { HeadModel } from './head-model.ts';

/** Regions that are no neck, wherever they lie. */
const OTHERS = ['ears', 'scalp', 'lips', 'mouth_interior', 'teeth', 'tongue', 'nostrils'] as const;
/** Corners of the mouth among the inner 51 landmarks. */
const CORNERS = [31, 37] as const;

/**
 * (F) 1 for faces of the neck and of the jaw's underside: what is of no other region and lies lower than the mouth. None where a
 * model names no skin of the face: its chin could not be told from its neck.
 */
export function neckFaces(model: HeadModel): Uint8Array {
  const out = new Uint8Array(model.faces.length / 3);
  const face = model.regions.get('skin') ?? model.regions.get('face');
  if (!face) return out;
  const { inner51 } = model.landmarks;
  let mouth = 0;
  for (const l of CORNERS)
    for (let i = 0; i < 3; i++) {
      const v = model.faces[3 * inner51.faces[l] + i];
      mouth += (inner51.barycentrics[3 * l + i] * model.template[3 * v + 1]) / CORNERS.length;
    }
  const other = new Uint8Array(model.template.length / 3);
  for (const v of face) other[v] = 1;
  for (const name of OTHERS) for (const v of model.regions.get(name) ?? []) other[v] = 1;
  for (let v = 0; v < other.length; v++) if (model.template[3 * v + 1] > mouth) other[v] = 1;
  const { faces } = model;
  for (let f = 0, i = 0; f < out.length; f++, i += 3)
    out[f] = other[faces[i]] | other[faces[i + 1]] | other[faces[i + 2]] ? 0 : 1;
  return out;
}
