/**
 * The original's energy as a least-squares problem for our Levenberg-Marquardt: absolute values and distances as
 * re-weighted squares, w = 1/max(|r|, ε), so that the gradient is exact beyond ε.
 *
 * Unlike the fit's own photometric term, which follows surface points into the photo, this one stays at the picture's
 * pixels, as the original does. At a pixel of a triangle with projected corners p_i and barycentrics β_i, an
 * interpolated attribute A (texture coordinates, normal) changes by
 *   dA = Σ β_i dA_i − (∂A/∂p)·Σ β_i dp_i,
 * again linear in five numbers per corner (x, y, n_x, n_y, n_z) with weights β_i: the vertex-space accumulation of
 * `kernels/vertex-blocks.ts` serves as it is. Shading's dependence on geometry is included (the original detaches it,
 * which makes its steps, not its energy, other ones); coverage is constant, steps are judged by the true energy.
 */
import type { OrthographicCamera } from '../camera/camera.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import { gemmTN, matrixF32, symmetricTN, syrkTN } from '../kernels/gemm.ts';
import type { Kernels } from '../kernels/runtime.ts';
import {
  accumulateVertexBlocks,
  createVertexBlocks,
  multiplyVertexBlocks,
} from '../kernels/vertex-blocks.ts';
import { shBasis, shGradient } from '../light/sh.ts';
import { flameContourRow, flameYaw } from '../model/flame/landmarks.ts';
import { type HeadModel, headSizes, jointIndex, type TextureSpace } from '../model/head-model.ts';
import { type PosedHead, poseHead } from '../model/pose.ts';
import { albedoMap, sampleMap } from '../render/albedo.ts';
import { vertexNormals } from '../render/normals.ts';
import { type Raster, rasterMesh } from '../render/raster.ts';
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import {
  ORIGINAL_SIZE,
  ORIGINAL_WEIGHTS,
  type OriginalObservation,
  originalEnergy,
  originalLandmarks,
} from './original-energy.ts';
import {
  addProjectionRows,
  attributeRows,
  type VertexMajorBases,
  vertexMajorBases,
  vertexRows,
} from './original-jacobian.ts';
import { type FitState, type ParameterLayout, retractState, stepBounds } from './parameters.ts';

/** A model with what this problem derives from it once. */
export interface OriginalModel {
  readonly model: HeadModel;
  readonly bases: VertexMajorBases;
  /** (H,W,3T) components of one texel together; null for a model without texture space. */
  readonly texels: ImageF | null;
}

/** Numbers per vertex that a pixel depends on: x, y, n_x, n_y, n_z. */
const Q = 5;

/** Prepares `model`. */
export function prepareOriginal(model: HeadModel): OriginalModel {
  return { model, bases: vertexMajorBases(model), texels: model.texture ? texelMajor(model.texture) : null };
}

function texelMajor({ width, height, mean, basis }: TextureSpace): ImageF {
  const T = basis.length / mean.length;
  const data = new Float32Array(basis.length);
  for (let t = 0; t < T; t++)
    for (let i = 0; i < mean.length; i += 3)
      for (let c = 0; c < 3; c++) data[i * T + 3 * t + c] = basis[t * mean.length + i + c];
  return { width, height, channels: 3 * T, data };
}

/** What to minimise. */
export interface OriginalProblemInput {
  readonly prepared: OriginalModel;
  readonly layout: ParameterLayout;
  readonly observation: OriginalObservation;
  readonly stage: 'rigid' | 'full';
  /** Distances below which the re-weighting is capped: landmarks in −1…1, colours in [0, 1]. */
  readonly epsilon: { readonly landmarks: number; readonly photometric: number };
  readonly signal?: AbortSignal;
}

/** Makes the problem; states hold the camera in pixels of the 224² picture. */
export function createOriginalProblem(
  kernels: Kernels,
  input: OriginalProblemInput,
): LeastSquaresProblem<FitState> {
  const { prepared, layout, observation, stage } = input;
  const { model } = prepared;
  const cost = (state: FitState) =>
    originalEnergy(kernels, model, asOriginal(state), observation, stage).total;
  return {
    cost,
    linearize: (state) => {
      throwIfAborted(input.signal);
      return kernels.scope(() => linearize(kernels, input, state, cost(state)));
    },
    retract: (state, step) => retractState(model, layout, state, step),
    stepBounds: (state) => stepBounds(model, layout, state),
  };
}

/** A fit's state as `originalEnergy` takes it. */
export function asOriginal(state: FitState) {
  const { identity, expression, pose, texture } = state;
  const f32 = (x: Float64Array) => Float32Array.from(x);
  return {
    params: { identity: f32(identity), expression: f32(expression), pose: f32(pose), texture: f32(texture) },
    camera: state.camera,
    light: state.light,
  };
}

/** Geometry around one state. */
interface Geometry {
  readonly posed: PosedHead;
  /** (3V,g) of `vertexRows`. */
  readonly rows: Float32Array;
  readonly camera: OrthographicCamera;
}

function linearize(
  kernels: Kernels,
  input: OriginalProblemInput,
  state: FitState,
  cost: number,
): NormalEquations {
  const { prepared, layout, stage } = input;
  const { model, bases } = prepared;
  const { camera } = state;
  if (camera.kind !== 'orthographic')
    throw new InvalidArgumentError(
      'original energy: its camera is scaled orthographic, the state has a perspective one',
    );
  const n = layout.size;
  const posed = poseHead(model, state);
  const hessian = new Float64Array(n * n);
  const gradient = new Float64Array(n);
  const geometry: Geometry = { posed, rows: vertexRows(model, bases, posed, layout), camera };
  addLandmarks(input, geometry, hessian, gradient);
  if (stage === 'full') {
    addPixels(kernels, input, geometry, state, hessian, gradient);
    for (const [name, values, weight] of [
      ['identity', state.identity, ORIGINAL_WEIGHTS.shape],
      ['expression', state.expression, ORIGINAL_WEIGHTS.expression],
    ] as const) {
      const block = layout.blocks.get(name);
      for (let k = 0; k < (block?.size ?? 0); k++) {
        const i = (block?.offset ?? 0) + k;
        hessian[i * n + i] += weight;
        gradient[i] += weight * values[k];
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) hessian[j * n + i] = hessian[i * n + j];
  return { cost, hessian, gradient };
}

/** Mean Euclidean distance in −1…1; lower triangle of the Hessian. */
function addLandmarks(
  { prepared: { model }, layout, observation, stage, epsilon }: OriginalProblemInput,
  { posed, rows, camera }: Geometry,
  hessian: Float64Array,
  gradient: Float64Array,
): void {
  const { contour, inner51 } = model.landmarks;
  const g = layout.geometrySize;
  const n = layout.size;
  const yaw = flameYaw(posed.skeleton.rotations, 9 * Math.max(jointIndex(model, 'neck'), 0));
  const row = 17 * flameContourRow(contour, yaw);
  const points = originalLandmarks(model, posed);
  const from = stage === 'rigid' ? 17 : 0;
  const J = new Float32Array(2 * g);
  const k = 2 / ORIGINAL_SIZE;
  for (let l = from; l < 68; l++) {
    const source = l < 17 ? contour.points : inner51;
    const i = l < 17 ? row + l : l - 17;
    const f = 3 * source.faces[i];
    J.fill(0);
    for (let a = 0; a < 3; a++)
      addProjectionRows(
        rows,
        posed.vertices,
        model.faces[f + a],
        source.barycentrics[3 * i + a],
        camera,
        layout,
        J,
        0,
      );
    const u = camera.principal[0] + camera.scale * (points[3 * l] + camera.translation[0]);
    const v = camera.principal[1] - camera.scale * (points[3 * l + 1] + camera.translation[1]);
    const dx = k * u - 1 - observation.landmarks[2 * l];
    const dy = k * v - 1 - observation.landmarks[2 * l + 1];
    const w = ORIGINAL_WEIGHTS.landmarks / (68 - from) / Math.max(Math.hypot(dx, dy), epsilon.landmarks);
    for (let a = 0; a < g; a++) {
      const [x, y] = [k * J[a], k * J[g + a]];
      if (x === 0 && y === 0) continue;
      gradient[a] += w * (x * dx + y * dy);
      for (let c = 0; c <= a; c++) hessian[a * n + c] += w * k * (x * J[c] + y * J[g + c]);
    }
  }
}

/** Faces and pixels in play, numbered. */
interface VisibleMesh {
  readonly pixels: Uint32Array;
  /** (A) model vertices. */
  readonly vertices: Uint32Array;
  /** (F) triangle number of a model face. */
  readonly triangleOf: Int32Array;
  /** (G,3) positions in `vertices`, edge numbers. */
  readonly corners: readonly number[];
  readonly triangleEdges: readonly number[];
  /** (D,2). */
  readonly edges: Uint32Array;
}

function visibleMesh(model: HeadModel, raster: Raster, mask: Float32Array): VisibleMesh {
  const { faces } = model;
  const V = model.template.length / 3;
  const triangleOf = new Int32Array(faces.length / 3).fill(-1);
  const vertexOf = new Int32Array(V).fill(-1);
  const [pixels, vertices, corners, triangleEdges, edges]: number[][] = [[], [], [], [], []];
  const edgeOf = new Map<number, number>();
  const number = (v: number) => {
    if (vertexOf[v] < 0) vertexOf[v] = vertices.push(v) - 1;
    return vertexOf[v];
  };
  for (let p = 0; p < mask.length; p++) {
    const f = raster.faceIndex[p];
    if (f < 0 || mask[p] === 0) continue;
    pixels.push(p);
    if (triangleOf[f] >= 0) continue;
    triangleOf[f] = corners.length / 3;
    const at = [number(faces[3 * f]), number(faces[3 * f + 1]), number(faces[3 * f + 2])];
    corners.push(...at);
    for (let a = 0; a < 3; a++) {
      const [i, j] = [at[a], at[(a + 1) % 3]];
      const key = Math.min(i, j) * V + Math.max(i, j);
      let e = edgeOf.get(key);
      if (e === undefined) {
        e = edges.length / 2;
        edgeOf.set(key, e);
        edges.push(i, j);
      }
      triangleEdges.push(e);
    }
  }
  const [p, v, e] = [pixels, vertices, edges].map((list) => Uint32Array.from(list));
  return { pixels: p, vertices: v, triangleOf, corners, triangleEdges, edges: e };
}

/** 8 · mean over all pixels and channels of mask·|image − picture|. */
function addPixels(
  kernels: Kernels,
  input: OriginalProblemInput,
  geometry: Geometry,
  state: FitState,
  hessian: Float64Array,
  gradient: Float64Array,
): void {
  const { prepared, layout, observation } = input;
  const { model, texels } = prepared;
  if (!model.texture || !texels) return;
  const { vertices } = geometry.posed;
  const raster = rasterMesh(kernels, vertices, model.faces, state.camera, ORIGINAL_SIZE, ORIGINAL_SIZE, {
    cull: 'none',
  });
  const mesh = visibleMesh(model, raster, observation.mask);
  const N = mesh.pixels.length;
  if (N === 0) return;
  const { T } = headSizes(model);
  const columns = 27 + T + 1;
  const g = layout.geometrySize;
  const n = layout.size;
  const vertex = createVertexBlocks(kernels, mesh.vertices.length, mesh.edges.length / 2, columns);
  const appearance = kernels.f64(columns * columns);
  kernels.scope(() => {
    const stride = ((columns + Q + 3) & ~3) + 4;
    const jacobian = kernels.f32(3 * N * stride);
    const [corners, edges] = [kernels.u32(3 * N), kernels.u32(3 * N)];
    const barycentrics = kernels.f32(3 * N);
    fillPixelRows(input, raster, mesh, vertices, state, {
      rows: jacobian.view,
      stride,
      columns,
      T,
      texels,
      albedo: albedoMap(model.texture!, state.texture),
    });
    for (let i = 0; i < N; i++) {
      const t = 3 * mesh.triangleOf[raster.faceIndex[mesh.pixels[i]]];
      for (let a = 0; a < 3; a++) {
        corners.view[3 * i + a] = mesh.corners[t + a];
        edges.view[3 * i + a] = mesh.triangleEdges[t + a];
        barycentrics.view[3 * i + a] = raster.barycentrics[3 * mesh.pixels[i] + a];
      }
    }
    accumulateVertexBlocks(kernels, { corners, edges, barycentrics, jacobian, stride, columns }, vertex);
    syrkTN(kernels, matrixF32(jacobian, 3 * N, columns, stride), appearance);
  });
  const X = columns - 1;
  const column = appearanceColumns(layout, T);
  const A = appearance.view;
  for (let x = 0; x < X; x++) {
    const i = column[x];
    if (i < 0) continue;
    gradient[i] += A[x * columns + X];
    for (let y = 0; y < X; y++)
      if (column[y] >= 0 && column[y] <= i) hessian[i * n + column[y]] += A[x * columns + y];
  }
  if (g === 0) return;
  const rows = Q * mesh.vertices.length;
  const P = kernels.f32(rows * g);
  attributeRows(model, geometry.rows, vertices, mesh.vertices, geometry.camera, layout, P.view);
  const product = kernels.f32(rows * g);
  multiplyVertexBlocks(kernels, vertex, mesh.edges, P, g, product);
  const p = matrixF32(P, rows, g);
  const block = kernels.f64(g * g);
  const cross = kernels.f64(columns * g);
  symmetricTN(kernels, p, matrixF32(product, rows, g), block);
  gemmTN(kernels, matrixF32(vertex.mixed, rows, columns, vertex.mixedStride), p, cross);
  const [G, C] = [block.view, cross.view];
  for (let i = 0; i < g; i++) for (let j = 0; j <= i; j++) hessian[i * n + j] += G[i * g + j];
  for (let x = 0; x < X; x++)
    if (column[x] >= 0) for (let j = 0; j < g; j++) hessian[column[x] * n + j] += C[x * g + j];
  for (let j = 0; j < g; j++) gradient[j] += C[X * g + j];
}

/** Rows [light 27 | texture T | residual | x y n_x n_y n_z] of every pixel and channel, times the root of the weight. */
function fillPixelRows(
  { prepared: { model }, observation, epsilon }: OriginalProblemInput,
  raster: Raster,
  mesh: VisibleMesh,
  vertices: Float32Array,
  state: FitState,
  out: { rows: Float32Array; stride: number; columns: number; T: number; texels: ImageF; albedo: ImageF },
): void {
  const { faces, faceUvs, uvs } = model;
  const { rows, stride, columns, T, texels, albedo } = out;
  const normals = vertexNormals(vertices, faces);
  const { width, height } = albedo;
  const texel = new Float32Array(3 * T);
  const colour = new Float32Array(9); // albedo, ∂/∂u, ∂/∂v
  const basis = new Float64Array(9);
  const slope = new Float64Array(3);
  const A = new Float64Array(5); // u, v, n at the pixel
  const D = new Float64Array(10); // their screen derivatives, x then y
  const scale = ORIGINAL_WEIGHTS.photometric / (3 * ORIGINAL_SIZE * ORIGINAL_SIZE);
  for (let i = 0; i < mesh.pixels.length; i++) {
    const p = mesh.pixels[i];
    const f = 3 * raster.faceIndex[p];
    A.fill(0);
    D.fill(0);
    const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
    const P = raster.positions;
    const area = (P[b] - P[a]) * (P[c + 1] - P[a + 1]) - (P[c] - P[a]) * (P[b + 1] - P[a + 1]);
    for (let k = 0; k < 3; k++) {
      const beta = raster.barycentrics[3 * p + k];
      const [at, next, last] = [3 * faces[f + k], 3 * faces[f + ((k + 1) % 3)], 3 * faces[f + ((k + 2) % 3)]];
      const bx = (P[next + 1] - P[last + 1]) / area;
      const by = (P[last] - P[next]) / area;
      const t = 2 * faceUvs[f + k];
      for (let q = 0; q < 5; q++) {
        const value = q < 2 ? uvs[t + q] : normals[at + q - 2];
        A[q] += beta * value;
        D[q] += bx * value;
        D[5 + q] += by * value;
      }
    }
    sampleWithSlope(albedo, A[0], A[1], colour);
    sampleMap(texels, A[0], A[1], texel, 0);
    shBasis(A[2], A[3], A[4], basis);
    for (let ch = 0; ch < 3; ch++) {
      let s = 0;
      for (let k = 0; k < 9; k++) s += state.light[3 * k + ch] * basis[k];
      shGradient(A[2], A[3], A[4], state.light, ch, slope);
      const r = colour[ch] * s - observation.image.data[3 * p + ch];
      const w = Math.sqrt((scale * observation.mask[p]) / Math.max(Math.abs(r), epsilon.photometric));
      const o = (3 * i + ch) * stride;
      for (let k = 0; k < 9; k++) rows[o + 3 * k + ch] = w * colour[ch] * basis[k];
      for (let t = 0; t < T; t++) rows[o + 27 + t] = w * s * texel[3 * t + ch];
      rows[o + columns - 1] = w * r;
      const du = s * colour[3 + ch] * width;
      const dv = s * colour[6 + ch] * height;
      for (let axis = 0; axis < 2; axis++) {
        let d = du * D[5 * axis] + dv * D[5 * axis + 1];
        for (let k = 0; k < 3; k++) d += colour[ch] * slope[k] * D[5 * axis + 2 + k];
        rows[o + columns + axis] = -w * d;
      }
      for (let k = 0; k < 3; k++) rows[o + columns + 2 + k] = w * colour[ch] * slope[k];
    }
  }
}

/** Bilinear sample with its derivatives per texel step: (colour 3, along x 3, along y 3). */
function sampleWithSlope(map: ImageF, u: number, v: number, out: Float32Array): void {
  const { width, height, data } = map;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1.001);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1.001);
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - ix, y - iy];
  const at = 3 * (iy * width + ix);
  for (let c = 0; c < 3; c++) {
    const [a, b] = [data[at + c], data[at + 3 + c]];
    const [d, e] = [data[at + 3 * width + c], data[at + 3 * width + 3 + c]];
    out[c] = (1 - fy) * (a + fx * (b - a)) + fy * (d + fx * (e - d));
    out[3 + c] = (1 - fy) * (b - a) + fy * (e - d);
    out[6 + c] = (1 - fx) * (d - a) + fx * (e - b);
  }
}

/** Column of each light (3k+c) and texture coefficient, −1 where it is fixed. */
function appearanceColumns(layout: ParameterLayout, T: number): Int32Array {
  const out = new Int32Array(27 + T).fill(-1);
  const light = layout.blocks.get('light');
  const texture = layout.blocks.get('texture');
  for (let k = 0; light && k < 27; k++) out[k] = light.offset + k;
  for (let t = 0; texture && t < texture.size; t++) out[27 + t] = texture.offset + t;
  return out;
}
