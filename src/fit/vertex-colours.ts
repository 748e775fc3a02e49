/** Skin colours at the vertices, for formats without textures. */
import type { ImageF } from '../core/image.ts';
import type { HeadModel } from '../model/head-model.ts';
import { sampleMap } from '../render/albedo.ts';

/** Grey of vertices that no face uses. */
const UNUSED = 0.5;

/**
 * The albedo map at each vertex; on seams the mean over the places that the vertex has in the map.
 * @returns (V,3) float32, sRGB-encoded
 */
export function vertexColours(
  model: Pick<HeadModel, 'template' | 'faces' | 'uvs' | 'faceUvs'>,
  albedo: ImageF,
): Float32Array {
  const V = model.template.length / 3;
  const sum = new Float32Array(3 * V);
  const count = new Uint32Array(V);
  const seen = new Set<number>();
  const U = model.uvs.length / 2;
  const colour = new Float32Array(3);
  for (let i = 0; i < model.faces.length; i++) {
    const [v, t] = [model.faces[i], model.faceUvs[i]];
    if (seen.has(v * U + t)) continue;
    seen.add(v * U + t);
    sampleMap(albedo, model.uvs[2 * t], model.uvs[2 * t + 1], colour, 0);
    for (let c = 0; c < 3; c++) sum[3 * v + c] += colour[c];
    count[v]++;
  }
  return sum.map((x, i) => {
    const n = count[Math.floor(i / 3)];
    return n > 0 ? x / n : UNUSED;
  });
}
