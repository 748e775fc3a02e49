/**
 * How much surface each texel stands for. Texture maps spend texels unevenly (the nose gets more than the neck), and
 * measures over texels would say more about the layout than about skin.
 */
import type { HeadModel } from '../model/head-model.ts';
import type { TexelGraph } from './texel-graph.ts';

/** (n) square metres of the template per node; 0 in the gutter and for triangles without extent in the map. */
export function texelAreas(graph: TexelGraph, model: HeadModel): Float64Array {
  const { faces, faceUvs, uvs, template } = model;
  const { width, height } = graph;
  const perTexel = new Float64Array(faces.length / 3);
  for (let f = 0; f < perTexel.length; f++) {
    const corner = (c: number) => 3 * faces[3 * f + c];
    const [a, b, c] = [corner(0), corner(1), corner(2)];
    const u = [0, 1, 2].map((i) => template[b + i] - template[a + i]);
    const v = [0, 1, 2].map((i) => template[c + i] - template[a + i]);
    const surface =
      Math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]) / 2;
    const [s, t, w] = [0, 1, 2].map((i) => 2 * faceUvs[3 * f + i]);
    const texels =
      (Math.abs(
        (uvs[t] - uvs[s]) * (uvs[w + 1] - uvs[s + 1]) - (uvs[w] - uvs[s]) * (uvs[t + 1] - uvs[s + 1]),
      ) *
        width *
        height) /
      2;
    perTexel[f] = texels > 1e-9 ? surface / texels : 0;
  }
  return Float64Array.from(graph.faces, (f, i) => (graph.rings[i] === 0 ? perTexel[f] : 0));
}
