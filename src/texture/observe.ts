/**
 * What the photo says about the texture: for every pixel of the face crop that can be trusted, the texels it mixes, the
 * light on them, and how far it is to be believed.
 *
 * Trust is a product of factors in [0, 1]:
 *   skin      the fit's mask in the skin region. Moles and stubble that it took for something else inside the
 *             landmarks' hull, brows, and eyes, lips and teeth, which it never covers, are taken where the mask agrees
 *             around them: what is surrounded by face is face, what covers the skin round the eye covers the eye too;
 *   light     falls in the dark, where noise divided by little light would be albedo;
 *   edge      falls to nothing towards the silhouette, towards depth jumps within the head (nose before cheek) and
 *             towards the photo's border: the fitted outline is only right to some pixels, and a smear of background
 *             along the cheek is the ugliest thing a texture can have;
 *   angle     falls at grazing angles, where a pixel spreads over many texels.
 *
 * Eyes and mouth are taken as painted on whatever the model shows there: lips that are closed in the photo go over
 * teeth that a fit leaves uncovered, and depth jumps between lids, eyeballs, lips and teeth are no outlines.
 */
import { cropCamera } from '../camera/project.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { shBasis } from '../light/sh.ts';
import type { HeadModel } from '../model/head-model.ts';
import { vertexNormals } from '../render/normals.ts';
import { rasterMesh } from '../render/raster.ts';
import { resampleCrop } from '../render/resample.ts';
import { distanceTo, smoothstep } from './grids.ts';
import type { SamplingOperator } from './sampling-operator.ts';
import { facesInSkin, skinPixels, skinTrust } from './skin-trust.ts';
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
  /** (P) 1 well inside the landmarks' hull, where hair hardly ever is. */
  readonly inner: Uint8Array;
  /** (P) 1 for the skin pixels that the fit's metrics are taken over. */
  readonly measured: Uint8Array;
  /** (n) how well each node was seen, in [0, 1]. */
  readonly visibility: Float32Array;
}

/** Tuning of {@link observe}; lengths are fractions of the crop's width where no unit is given. */
export const OBSERVE_DEFAULTS = {
  /** Nothing is believed nearer to an outline than `edge[0]`, everything beyond `edge[1]`. */
  edge: [0.004, 0.016],
  /** The same for the cosine between normal and view. */
  angle: [0.12, 0.4],
  /** Metres between neighbouring pixels that make a jump in depth. */
  jump: 0.008,
  /** Nothing is believed below the first mean shading, everything above the second. */
  light: [0.12, 0.35],
  /** `angle` within the outlines of eyes and mouth. */
  apertureAngle: [0.02, 0.2],
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
    let x = tx;
    let y = ty;
    let z = tz;
    let nx = 0;
    let ny = 0;
    let nz = 0;
    let u = 0;
    let v = 0;
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
  const { trust, hull, aperture } = skinTrust(fit, crop, raster.faceIndex, skinFaces);
  const outline = outlineDistance(raster.faceIndex, depth, aperture, photo, crop);
  const { edge, angle, apertureAngle, light: lit } = OBSERVE_DEFAULTS;
  const harmonics = new Float64Array(9);
  for (let p = 0; p < n; p++) {
    if (trust[p] === 0) continue;
    const steepest = aperture[p] ? apertureAngle : angle;
    shBasis(normal[3 * p], normal[3 * p + 1], normal[3 * p + 2], harmonics);
    trust[p] *=
      smoothstep(edge[0] * size, edge[1] * size, outline[p]) *
      smoothstep(steepest[0], steepest[1], facing[p]) *
      smoothstep(lit[0], lit[1], meanShading(fit.light, harmonics));
  }

  const pixels = new Uint32Array(n);
  const taps = new Uint32Array(4 * n);
  const weights = new Float32Array(4 * n);
  let P = 0;
  const measured = skinPixels(fit, raster.faceIndex, skinFaces, size);
  for (let p = 0; p < n; p++) {
    if (trust[p] < 0.01) trust[p] = 0;
    if (trust[p] === 0 && !measured[p]) continue;
    if (bilinearNodes(graph, uv[2 * p], uv[2 * p + 1], taps, weights, 4 * P)) pixels[P++] = p;
    else trust[p] = 0;
  }
  const basis = new Float32Array(9 * P);
  const kept = new Float32Array(P);
  const skin = new Uint8Array(P);
  const inMetrics = new Uint8Array(P);
  const inner = new Uint8Array(P);
  for (let i = 0; i < P; i++) {
    const p = pixels[i];
    shBasis(normal[3 * p], normal[3 * p + 1], normal[3 * p + 2], basis, 9 * i);
    kept[i] = trust[p];
    skin[i] = skinFaces[raster.faceIndex[p]];
    inMetrics[i] = measured[p];
    inner[i] = hull[p];
  }
  const operator = {
    rows: P,
    columns: graph.texels.length,
    nodes: taps.slice(0, 4 * P),
    weights: weights.slice(0, 4 * P),
  };
  const visibility = nodeVisibility(graph, model, vertices, camera, depth, trust, raster.faceIndex, size);
  sampledVisibility(operator, kept, visibility);
  return {
    crop,
    photo: resampleCrop(photo, crop),
    pixels: pixels.slice(0, P),
    operator,
    basis,
    trust: kept,
    skin,
    inner,
    measured: inMetrics,
    visibility,
  };
}

function meanShading(light: ArrayLike<number>, basis: Float64Array): number {
  let s = 0;
  for (let k = 0; k < 9; k++) s += (basis[k] * (light[3 * k] + light[3 * k + 1] + light[3 * k + 2])) / 3;
  return s;
}

/** Sets the four nodes and weights of a bilinear sample, from `at` on; false when one of them is no node. */
export function bilinearNodes(
  graph: TexelGraph,
  u: number,
  v: number,
  taps: Uint32Array,
  weights: Float32Array | Float64Array,
  at: number,
): boolean {
  const { width, height, nodes } = graph;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const ix = Math.min(Math.floor(x), Math.max(width - 2, 0));
  const iy = Math.min(Math.floor(y), Math.max(height - 2, 0));
  const t = iy * width + ix;
  const right = width > 1 ? 1 : 0;
  const below = height > 1 ? width : 0;
  const a = nodes[t];
  const b = nodes[t + right];
  const c = nodes[t + below];
  const d = nodes[t + below + right];
  if (a < 0 || b < 0 || c < 0 || d < 0) return false;
  const fx = x - ix;
  const fy = y - iy;
  taps[at] = a;
  taps[at + 1] = b;
  taps[at + 2] = c;
  taps[at + 3] = d;
  weights[at] = (1 - fx) * (1 - fy);
  weights[at + 1] = fx * (1 - fy);
  weights[at + 2] = (1 - fx) * fy;
  weights[at + 3] = fx * fy;
  return true;
}

/** (size,size) distance in pixels to the nearest outline: silhouette, depth jump, border of photo or crop. */
function outlineDistance(
  faceIndex: Int32Array,
  depth: Float32Array,
  aperture: Uint8Array,
  photo: Image8,
  crop: CropTransform,
): Float32Array {
  const { size } = crop;
  const outline = new Uint8Array(size * size);
  const jumps = (p: number, q: number) =>
    faceIndex[p] < 0 !== faceIndex[q] < 0 ||
    (faceIndex[p] >= 0 &&
      !(aperture[p] && aperture[q]) &&
      Math.abs(depth[p] - depth[q]) > OBSERVE_DEFAULTS.jump);
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
  const orthographic = camera.kind === 'orthographic' ? camera.scale : 0;
  const focal = camera.kind === 'orthographic' ? 0 : camera.focal;
  const out = new Float32Array(graph.texels.length);
  for (let i = 0; i < out.length; i++) {
    const z = points[3 * i + 2] + tz;
    const k = orthographic || focal / -z;
    const x = Math.floor(cx + k * (points[3 * i] + tx));
    const y = Math.floor(cy - k * (points[3 * i + 1] + ty));
    if (!(x >= 0 && y >= 0 && x < size && y < size)) continue;
    const p = y * size + x;
    if (faceIndex[p] < 0 || depth[p] - z > DEPTH_SLACK) continue;
    out[i] = trust[p];
  }
  return out;
}

/**
 * Raises visibility to the mean trust of the pixels that sample a node: where a UV layout folds over itself (the back of
 * an eyeball on its front), a texel has more than one point and the hidden one must not hide it.
 */
function sampledVisibility(a: SamplingOperator, trust: Float32Array, visibility: Float32Array): void {
  const total = new Float32Array(a.columns);
  const mean = new Float32Array(a.columns);
  for (let k = 0; k < a.nodes.length; k++) {
    total[a.nodes[k]] += a.weights[k];
    mean[a.nodes[k]] += a.weights[k] * trust[k >> 2];
  }
  for (let i = 0; i < a.columns; i++)
    if (total[i] > 0.25) visibility[i] = Math.max(visibility[i], mean[i] / total[i]);
}
