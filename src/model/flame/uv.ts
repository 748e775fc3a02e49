/**
 * FLAME's texture coordinates: from head_template_mesh.obj, or from `vt` and `ft` inside a texture file; both have v
 * up, ours is down. Without either, a cylinder round the neck-to-crown axis, so that a bare geometry file still makes a
 * complete model: good for its own unwrapped textures, useless with FLAME's texture spaces.
 */
import { FormatError } from '../../core/errors.ts';
import { type NpyArray, toFloat32, toUint32 } from '../../io/npy.ts';
import { readObj } from '../../io/obj-read.ts';

/** Texture coordinates of a mesh. */
export interface UvLayout {
  /** (U,2) float32, v down. */
  readonly uvs: Float32Array;
  /** (F,3) uint32. */
  readonly faceUvs: Uint32Array;
  /** Where they come from. */
  readonly source: 'template' | 'texture' | 'cylinder';
}

function flipped(uvs: Float32Array): Float32Array {
  return uvs.map((x, i) => (i % 2 === 1 ? 1 - x : x));
}

/**
 * From a template OBJ. Its triangles must be the model's, in any order of their own.
 * @throws {FormatError} when it has no texture coordinates or is another mesh.
 */
export function uvFromTemplate(bytes: Uint8Array, faces: Uint32Array, name = 'template mesh'): UvLayout {
  const obj = readObj(bytes, name);
  if (!obj.faceUvs) throw new FormatError(`${name}: it has no texture coordinates (f v/vt …)`);
  if (obj.faces.length !== faces.length)
    throw new FormatError(`${name}: ${obj.faces.length / 3} triangles, the model has ${faces.length / 3}`);
  const faceUvs = new Uint32Array(faces.length);
  const same = obj.faces.every((v, i) => v === faces[i]);
  if (same) faceUvs.set(obj.faceUvs);
  else matchFaces(obj.faces, obj.faceUvs, faces, faceUvs, name);
  return { uvs: flipped(obj.uvs), faceUvs, source: 'template' };
}

/** Corner by corner, for a template whose triangles are listed or begun elsewhere. */
function matchFaces(
  from: Uint32Array,
  fromUvs: Uint32Array,
  to: Uint32Array,
  out: Uint32Array,
  name: string,
): void {
  const key = (f: Uint32Array, i: number) => [f[i], f[i + 1], f[i + 2]].sort((a, b) => a - b).join();
  const where = new Map<string, number>();
  for (let i = 0; i < from.length; i += 3) where.set(key(from, i), i);
  for (let i = 0; i < to.length; i += 3) {
    const at = where.get(key(to, i));
    if (at === undefined)
      throw new FormatError(
        `${name}: triangle ${i / 3} of the model is not in it; it belongs to another mesh`,
      );
    for (let c = 0; c < 3; c++)
      for (let d = 0; d < 3; d++) if (from[at + d] === to[i + c]) out[i + c] = fromUvs[at + d];
  }
}

/** From the `vt` (U,2) and `ft` (F,3) of a texture file. @throws {FormatError} */
export function uvFromTexture(vt: NpyArray, ft: NpyArray, faceCount: number): UvLayout {
  const uvs = flipped(toFloat32(vt, 'texture file: vt'));
  const faceUvs = toUint32(ft, 'texture file: ft');
  if (faceUvs.length !== 3 * faceCount || faceUvs.some((i) => i >= uvs.length / 2))
    throw new FormatError(
      `texture file: ft (${ft.shape}) does not belong to a mesh of ${faceCount} triangles`,
    );
  return { uvs, faceUvs, source: 'texture' };
}

/** A cylinder round the y axis, seam at the back. */
export function cylinderUv(template: Float32Array, faces: Uint32Array): UvLayout {
  const V = template.length / 3;
  let low = Infinity;
  let high = -Infinity;
  for (let v = 0; v < V; v++) {
    low = Math.min(low, template[3 * v + 1]);
    high = Math.max(high, template[3 * v + 1]);
  }
  const uvs: number[] = [];
  for (let v = 0; v < V; v++) {
    uvs.push(0.5 + Math.atan2(template[3 * v], template[3 * v + 2]) / (2 * Math.PI));
    uvs.push((high - template[3 * v + 1]) / (high - low));
  }
  const faceUvs = Uint32Array.from(faces);
  const twins = new Map<number, number>();
  for (let i = 0; i < faces.length; i += 3) {
    const us = [0, 1, 2].map((c) => uvs[2 * faces[i + c]]);
    if (Math.max(...us) - Math.min(...us) < 0.5) continue;
    // A triangle across the seam: its corners right of it get a twin at the left border, pressed onto it.
    for (let c = 0; c < 3; c++) {
      const v = faces[i + c];
      if (uvs[2 * v] < 0.5) continue;
      let twin = twins.get(v);
      if (twin === undefined) {
        twin = uvs.length / 2;
        twins.set(v, twin);
        uvs.push(0, uvs[2 * v + 1]);
      }
      faceUvs[i + c] = twin;
    }
  }
  return { uvs: Float32Array.from(uvs), faceUvs, source: 'cylinder' };
}
