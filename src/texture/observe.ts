/**
 * What the photo says about the texture: for every pixel of the face crop that can be trusted, the texels it mixes, the
 * light on them, and how far it is to be believed.
 *
 * Trust is a product of factors in [0, 1]:
 *   skin      the fit's mask in the skin region. Brows, moles and stubble that the mask took for something else, and
 *             eyes, lips and teeth that it never covers, are taken where they lie inside the landmarks' hull and the
 *             mask agrees around them: what is surrounded by face is face, what covers the skin round the eye covers
 *             the eye too;
 *   edge      falls to nothing towards the silhouette, towards depth jumps within the head (nose before cheek) and
 *             towards the photo's border: the fitted outline is only right to some pixels, and a smear of background
 *             along the cheek is the ugliest thing a texture can have;
 *   angle     falls at grazing angles, where a pixel spreads over many texels.
 */
import { cropCamera } from '../camera/project.ts';
import type { Image8, ImageF } from '../core/image.ts';
import { faceHull } from '../fit/skin.ts';
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { shBasis } from '../light/sh.ts';
import type { HeadModel } from '../model/head-model.ts';
import { vertexNormals } from '../render/normals.ts';
import { rasterMesh } from '../render/raster.ts';
import { resampleCrop } from '../render/resample.ts';
import { boxMean, distanceTo, smoothstep } from './grids.ts';
import type { SamplingOperator } from './sampling-operator.ts';
import { nodePoints, type TexelGraph } from './texel-graph.ts';

/** A face crop as evidence about texels. */
export interface Observation {
  readonly crop: CropTransform;
  /** (M,M,3) in [0, 1]. */
  readonly photo: ImageF;
  /** (P) pixel of each row of the operator. */
  readonly pixels: Uint32Array;
  readonly operator: SamplingOperator;
  /** (P,9) spherical-harmonics basis at the pixel's normal. */
  readonly basis: Float32Array;
  /** (P) trust in [0, 1]; zero for pixels that are there to be measured only. */
  readonly trust: Float32Array;
  /** (P) 1 where the model's skin region is seen. */
  readonly skin: Uint8Array;
  /** (P) 1 for the skin pixels that the fit's metrics are taken over. */
  readonly measured: Uint8Array;
  /** (n) how well each node was seen, in [0, 1]. */
  readonly visibility: Float32Array;
}

/** Tuning of {@link observe}; lengths are fractions of the crop's width. */
export const OBSERVE_DEFAULTS = {
  /** Nothing is believed nearer to an outline than `edge[0]`, everything beyond `edge[1]`. */
  edge: [0.006, 0.022],
  /** The same for the cosine between normal and view. */
  angle: [0.2, 0.55],
  /** Metres between neighbouring pixels that make a jump in depth. */
  jump: 0.008,
  /** Radius in which the skin mask must agree for holes in it to be closed. */
  hole: 0.035,
  /** Share of it that must agree: none below, all above. */
  agree: [0.4, 0.7],
  /** How far the landmarks' hull is grown: brows lie on its rim. */
  hull: 0.03,
} as const;

/** Metres a texel may lie behind the nearest surface and still be the one seen. */
const DEPTH_SLACK = 0.004;

/** Gathers the evidence of `photo` at `size`×`size` pixels of the fit's crop. */
export function observe(
  kernels: Kernels,
  fit: PhotoFit,
  photo: Image8,
  model: HeadModel,
  vertices: Float32Array,
  graph: TexelGraph,
  size: number,
): Observation {
  const own = fit.skin.crop;
  const crop = { origin: own.origin, scale: (own.scale * size) / own.size, size };
  const camera = cropCamera(fit.camera, crop.origin, crop.scale);
  const { faces, faceUvs, uvs } = model;
  const raster = rasterMesh(kernels, vertices, faces, camera, size, size);
  const normals = vertexNormals(vertices, faces);
  const [tx, ty, tz] = camera.translation;
  const orthographic = camera.kind === 'orthographic';
  const n = size * size;
  const depth = new Float32Array(n);
  const facing = new Float32Array(n);
  const normal = new Float32Array(3 * n);
  const uv = new Float32Array(2 * n);
  for (let p = 0; p < n; p++) {
    const f = raster.faceIndex[p];
    if (f < 0) continue;
    let [x, y, z, nx, ny, nz, u, v] = [tx, ty, tz, 0, 0, 0, 0, 0];
    for (let a = 0; a < 3; a++) {
      const b = raster.barycentrics[3 * p + a];
      const i = 3 * faces[3 * f + a];
      const t = 2 * faceUvs[3 * f + a];
      x += b * vertices[i];
      y += b * vertices[i + 1];
      z += b * vertices[i + 2];
      nx += b * normals[i];
      ny += b * normals[i + 1];
      nz += b * normals[i + 2];
      u += b * uvs[t];
      v += b * uvs[t + 1];
    }
    const k = 1 / Math.max(Math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12);
    normal[3 * p] = k * nx;
    normal[3 * p + 1] = k * ny;
    normal[3 * p + 2] = k * nz;
    depth[p] = z;
    facing[p] = orthographic ? k * nz : (-k * (nx * x + ny * y + nz * z)) / Math.sqrt(x * x + y * y + z * z);
    uv[2 * p] = u;
    uv[2 * p + 1] = v;
  }
  const skinFaces = facesInSkin(model);
  const trust = skinTrust(fit, crop, raster.faceIndex, skinFaces);
  const outline = outlineDistance(raster.faceIndex, depth, size, photo, crop);
  const { edge, angle } = OBSERVE_DEFAULTS;
  for (let p = 0; p < n; p++)
    if (trust[p] > 0)
      trust[p] *=
        smoothstep(edge[0] * size, edge[1] * size, outline[p]) * smoothstep(angle[0], angle[1], facing[p]);

  const pixels: number[] = [];
  const taps: number[] = [];
  const weights: number[] = [];
  const measured = skinPixels(fit, raster.faceIndex, skinFaces, size);
  for (let p = 0; p < n; p++) {
    if (trust[p] < 0.01) trust[p] = 0;
    if (trust[p] === 0 && !measured[p]) continue;
    if (bilinearNodes(graph, uv[2 * p], uv[2 * p + 1], taps, weights)) pixels.push(p);
    else trust[p] = 0;
  }
  const P = pixels.length;
  const basis = new Float32Array(9 * P);
  const kept = new Float32Array(P);
  const skin = new Uint8Array(P);
  const inMetrics = new Uint8Array(P);
  for (let i = 0; i < P; i++) {
    const p = pixels[i];
    shBasis(normal[3 * p], normal[3 * p + 1], normal[3 * p + 2], basis, 9 * i);
    kept[i] = trust[p];
    skin[i] = skinFaces[raster.faceIndex[p]];
    inMetrics[i] = measured[p];
  }
  return {
    crop,
    photo: resampleCrop(photo, crop),
    pixels: Uint32Array.from(pixels),
    operator: {
      rows: P,
      columns: graph.texels.length,
      nodes: Uint32Array.from(taps),
      weights: Float32Array.from(weights),
    },
    basis,
    trust: kept,
    skin,
    measured: inMetrics,
    visibility: nodeVisibility(graph, model, vertices, camera, depth, trust, raster.faceIndex, size),
  };
}

/** Appends the four nodes and weights of a bilinear sample; false when one of them is no node. */
export function bilinearNodes(
  graph: TexelGraph,
  u: number,
  v: number,
  taps: number[],
  weights: number[],
): boolean {
  const { width, height, nodes } = graph;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const ix = Math.min(Math.floor(x), Math.max(width - 2, 0));
  const iy = Math.min(Math.floor(y), Math.max(height - 2, 0));
  const t = iy * width + ix;
  const right = width > 1 ? 1 : 0;
  const below = height > 1 ? width : 0;
  const [a, b, c, d] = [nodes[t], nodes[t + right], nodes[t + below], nodes[t + below + right]];
  if (a < 0 || b < 0 || c < 0 || d < 0) return false;
  const fx = x - ix;
  const fy = y - iy;
  taps.push(a, b, c, d);
  weights.push((1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy);
  return true;
}

/** (F) 1 where all corners of a face are in the skin region. */
function facesInSkin(model: HeadModel): Uint8Array {
  const inside = new Uint8Array(model.template.length / 3);
  for (const v of model.regions.get('skin') ?? model.regions.get('face') ?? []) inside[v] = 1;
  const out = new Uint8Array(model.faces.length / 3);
  for (let f = 0; f < out.length; f++)
    out[f] = inside[model.faces[3 * f]] & inside[model.faces[3 * f + 1]] & inside[model.faces[3 * f + 2]];
  return out;
}

/** The skin factor, see the file's head. */
function skinTrust(
  fit: PhotoFit,
  crop: CropTransform,
  faceIndex: Int32Array,
  skinFaces: Uint8Array,
): Float32Array {
  const { size } = crop;
  const { mask, crop: own } = fit.skin;
  const s = own.size;
  const k = s / size;
  const { hole, agree, hull: grow } = OBSERVE_DEFAULTS;
  // Everything about neighbourhoods is smooth: at the fit's resolution.
  const seen = new Float32Array(s * s);
  const agreed = new Float32Array(s * s);
  for (let y = 0; y < s; y++)
    for (let x = 0; x < s; x++) {
      const f = faceIndex[Math.floor((y + 0.5) / k) * size + Math.floor((x + 0.5) / k)];
      if (f < 0 || !skinFaces[f]) continue;
      seen[y * s + x] = 1;
      agreed[y * s + x] = mask[y * s + x] / 255;
    }
  const radius = Math.max(1, Math.round(hole * s));
  const [around, agreeing] = [boxMean(seen, s, radius), boxMean(agreed, s, radius)];
  const local = Float32Array.from(fit.observation.landmarks68, (x, i) => (x - own.origin[i % 2]) * own.scale);
  const toHull = distanceTo(faceHull(local, 1, s), s, s);
  const closed = new Float32Array(s * s);
  for (let p = 0; p < closed.length; p++)
    if (toHull[p] <= grow * s && around[p] > 0.02)
      closed[p] = smoothstep(agree[0], agree[1], agreeing[p] / around[p]);
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      const f = faceIndex[p];
      if (f < 0) continue;
      const px = (x + 0.5) * k;
      const py = (y + 0.5) * k;
      const hole = bilinear(closed, s, px, py);
      out[p] = skinFaces[f] ? Math.max(hole, bilinear(mask, s, px, py) / 255) : hole;
    }
  return out;
}

/** (size,size) 1 for the pixels that the metrics of `PhotoFit` are taken over. */
function skinPixels(fit: PhotoFit, faceIndex: Int32Array, skinFaces: Uint8Array, size: number): Uint8Array {
  const { mask, crop } = fit.skin;
  const out = new Uint8Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const f = faceIndex[y * size + x];
      if (f < 0 || !skinFaces[f]) continue;
      const k = crop.size / size;
      const p = Math.floor((y + 0.5) * k) * crop.size + Math.floor((x + 0.5) * k);
      out[y * size + x] = mask[p] >= 128 ? 1 : 0;
    }
  return out;
}

function bilinear(data: ArrayLike<number>, s: number, px: number, py: number): number {
  const x = Math.min(Math.max(px - 0.5, 0), s - 1.001);
  const y = Math.min(Math.max(py - 0.5, 0), s - 1.001);
  const i = Math.floor(y) * s + Math.floor(x);
  const fx = x - Math.floor(x);
  const fy = y - Math.floor(y);
  return (
    (1 - fy) * ((1 - fx) * data[i] + fx * data[i + 1]) + fy * ((1 - fx) * data[i + s] + fx * data[i + s + 1])
  );
}

/** (size,size) distance in pixels to the nearest outline: silhouette, depth jump, border of photo or crop. */
function outlineDistance(
  faceIndex: Int32Array,
  depth: Float32Array,
  size: number,
  photo: Image8,
  crop: CropTransform,
): Float32Array {
  const outline = new Uint8Array(size * size);
  const jumps = (p: number, q: number) =>
    faceIndex[p] < 0 !== faceIndex[q] < 0 ||
    (faceIndex[p] >= 0 && Math.abs(depth[p] - depth[q]) > OBSERVE_DEFAULTS.jump);
  for (let y = 0; y < size; y++) {
    const py = crop.origin[1] + (y + 0.5) / crop.scale;
    const rowOutside = py < 0.5 || py > photo.height - 0.5;
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      const px = crop.origin[0] + (x + 0.5) / crop.scale;
      if (rowOutside || px < 0.5 || px > photo.width - 0.5) outline[p] = 1;
      if (x > 0 && jumps(p, p - 1)) outline[p] = outline[p - 1] = 1;
      if (y > 0 && jumps(p, p - size)) outline[p] = outline[p - size] = 1;
      if (x === 0 || y === 0 || x === size - 1 || y === size - 1) outline[p] = 1;
    }
  }
  return distanceTo(outline, size, size);
}

/** Trust of the pixel in which each node's own point is seen; 0 where something else hides it. */
function nodeVisibility(
  graph: TexelGraph,
  model: HeadModel,
  vertices: Float32Array,
  camera: ReturnType<typeof cropCamera>,
  depth: Float32Array,
  trust: Float32Array,
  faceIndex: Int32Array,
  size: number,
): Float32Array {
  const points = nodePoints(graph, model, vertices);
  const [tx, ty, tz] = camera.translation;
  const [cx, cy] = camera.principal;
  const out = new Float32Array(graph.texels.length);
  for (let i = 0; i < out.length; i++) {
    const z = points[3 * i + 2] + tz;
    const k = camera.kind === 'orthographic' ? camera.scale : camera.focal / -z;
    const x = Math.floor(cx + k * (points[3 * i] + tx));
    const y = Math.floor(cy - k * (points[3 * i + 1] + ty));
    if (!(x >= 0 && y >= 0 && x < size && y < size)) continue;
    const p = y * size + x;
    if (faceIndex[p] < 0 || depth[p] - z > DEPTH_SLACK) continue;
    out[i] = trust[p];
  }
  return out;
}
