/**
 * The energy of one photo as a least-squares problem:
 *   E = E_landmarks + E_photometric + E_priors.
 * Linearising re-rasterises the head and takes fresh surface samples; `cost` then compares steps on exactly those
 * samples, so that what a step is judged by is the function that was linearised.
 */
import { cropCamera, projectPoints } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { gemmTN, matrixF32, symmetricTN } from '../kernels/gemm.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { multiplyVertexBlocks } from '../kernels/vertex-blocks.ts';
import { vertexJacobian } from '../model/jacobian.ts';
import { poseHead } from '../model/pose.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { vertexNormals } from '../render/normals.ts';
import { type PhotometricLoss, photometricCost, Q } from '../render/photometric-blocks.ts';
import { type PhotometricEquations, photometricEquations } from '../render/photometric-equations.ts';
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import {
  addLandmarkEquations,
  headYaw,
  type LandmarkLoss,
  type LandmarkTargets,
  type LandmarkWeights,
  landmarkCost,
  landmarkTargets,
} from './landmark-energy.ts';
import { type FitState, type ParameterLayout, retractState, stepBounds } from './parameters.ts';
import type { PreparedModel } from './prepare.ts';
import { type PriorOptions, priors } from './priors.ts';
import { type PixelSamples, takeSamples } from './samples.ts';
import { activeRows, type GeometryRows } from './vertex-rows.ts';

/** What to minimise. Pixels are those of the crop at full size; `photometric.photo` may be smaller. */
export interface ProblemInput {
  readonly prepared: PreparedModel;
  readonly layout: ParameterLayout;
  readonly observation: FaceObservation;
  readonly landmarks: { readonly weights: LandmarkWeights; readonly loss: LandmarkLoss } | null;
  readonly photometric: {
    readonly photo: ImageF;
    /** Pixels of `photo` per pixel of the crop. */
    readonly scale: number;
    /** (photo.height,photo.width) skin weights. */
    readonly mask: Float32Array | null;
    readonly loss: PhotometricLoss;
  } | null;
  readonly priors: PriorOptions;
}

/** Energy by term. */
export interface EnergyTerms {
  readonly landmarks: number;
  readonly photometric: number;
  readonly identity: number;
  readonly expression: number;
  readonly texture: number;
  readonly joints: number;
  readonly light: number;
  readonly camera: number;
}

/** The problem, and its energy split by term at the state linearised last. */
export interface FitProblem extends LeastSquaresProblem<FitState> {
  /** Terms at `state`, on the samples of the last linearisation. */
  terms(state: FitState): EnergyTerms;
}

/** Makes the problem. */
export function createProblem(kernels: Kernels, input: ProblemInput): FitProblem {
  const { prepared, layout, photometric } = input;
  const { model, set } = prepared;
  const n = layout.size;
  let targets: LandmarkTargets | null = null;
  let sampled: PixelSamples | null = null;

  const photoCamera = (state: FitState) =>
    photometric ? cropCamera(state.camera, [0, 0], photometric.scale) : state.camera;

  const photometricState = (state: FitState, vertices: Float32Array, pixels: PixelSamples) => ({
    q: projectedNormals(photoCamera(state), vertices, model.faces, pixels.mesh.vertices),
    light: state.light,
    texture: state.texture,
    photo: photometric!.photo,
  });

  const terms = (state: FitState): EnergyTerms => {
    const { vertices } = poseHead(model, state);
    return {
      landmarks:
        input.landmarks && targets ? landmarkCost(targets, vertices, state.camera, input.landmarks.loss) : 0,
      photometric:
        photometric && sampled
          ? photometricCost(
              sampled.mesh,
              sampled.samples,
              photometricState(state, vertices, sampled),
              photometric.loss,
            )
          : 0,
      ...priors(model, layout, state, input.priors),
    };
  };

  const linearize = (state: FitState): NormalEquations => kernels.scope(() => linearizeInScope(state));

  const linearizeInScope = (state: FitState): NormalEquations => {
    const posed = poseHead(model, state);
    const hessian = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    const rows = kernels.f32(3 * set.ids.length * layout.geometrySize);
    vertexJacobian(model, set, posed, layout, rows.view);
    const geometry: GeometryRows = { set, vertices: posed.vertices, rows, layout, camera: state.camera };
    let cost = 0;
    if (input.landmarks) {
      targets = landmarkTargets(
        model,
        input.observation,
        headYaw(model, state.pose),
        input.landmarks.weights,
      );
      cost += addLandmarkEquations(kernels, targets, geometry, input.landmarks.loss, hessian, gradient, n);
    }
    if (photometric) {
      const camera = photoCamera(state);
      sampled = takeSamples(
        kernels,
        prepared,
        posed.vertices,
        camera,
        photometric.photo.width,
        photometric.mask,
      );
      const { mesh, samples } = sampled;
      const equations = photometricEquations(
        kernels,
        mesh,
        samples,
        photometricState(state, posed.vertices, sampled),
        photometric.loss,
      );
      cost += equations.cost;
      const P = kernels.f32(Q * mesh.vertices.length * layout.geometrySize);
      activeRows(kernels, { ...geometry, camera }, mesh.vertices, prepared.facesAroundSkin, P);
      addPhotometric(kernels, layout, mesh.edges, equations, P, state.texture.length, hessian, gradient);
    }
    const priorTerms = priors(model, layout, state, input.priors, { hessian, gradient });
    cost += Object.values(priorTerms).reduce((a, b) => a + b, 0);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) hessian[j * n + i] = hessian[i * n + j];
    return { cost, hessian, gradient };
  };

  return {
    linearize,
    cost: (state) => Object.values(terms(state)).reduce((a, b) => a + b, 0),
    retract: (state, step) => retractState(model, layout, state, step),
    stepBounds: (state) => stepBounds(model, layout, state),
    terms,
  };
}

/** (A,5) float32: projection and unit normal of the active vertices. */
function projectedNormals(
  camera: FitState['camera'],
  vertices: Float32Array,
  faces: Uint32Array,
  active: Uint32Array,
): Float32Array {
  const normals = vertexNormals(vertices, faces);
  const projected = projectPoints(camera, vertices);
  const q = new Float32Array(Q * active.length);
  for (let i = 0; i < active.length; i++) {
    const v = 3 * active[i];
    q[Q * i] = projected[v];
    q[Q * i + 1] = projected[v + 1];
    q.set(normals.subarray(v, v + 3), Q * i + 2);
  }
  return q;
}

/** Adds PᵀHP and the mixed and appearance blocks to the lower triangle of `hessian`, and the gradient. */
function addPhotometric(
  kernels: Kernels,
  layout: ParameterLayout,
  edges: Uint32Array,
  equations: PhotometricEquations,
  P: F32,
  T: number,
  hessian: Float64Array,
  gradient: Float64Array,
): void {
  const n = layout.size;
  const g = layout.geometrySize;
  const { columns, vertex } = equations;
  const X = columns - 1;
  const rows = Q * vertex.vertexCount;
  const map = appearanceColumns(layout, T);
  const appearance = equations.appearance.view;
  for (let x = 0; x < X; x++) {
    const i = map[x];
    if (i < 0) continue;
    gradient[i] += appearance[x * columns + X];
    for (let y = 0; y < X; y++) {
      const j = map[y];
      if (j >= 0 && j <= i) hessian[i * n + j] += appearance[x * columns + y];
    }
  }
  if (g === 0 || rows === 0) return;
  const product = kernels.f32(rows * g);
  multiplyVertexBlocks(kernels, vertex, edges, P, g, product);
  const p = matrixF32(P, rows, g);
  const geometry = kernels.f64(g * g);
  const cross = kernels.f64(columns * g);
  symmetricTN(kernels, p, matrixF32(product, rows, g), geometry);
  gemmTN(kernels, matrixF32(vertex.mixed, rows, columns, vertex.mixedStride), p, cross);
  const G = geometry.view;
  const C = cross.view;
  for (let i = 0; i < g; i++) for (let j = 0; j <= i; j++) hessian[i * n + j] += G[i * g + j];
  for (let x = 0; x < X; x++) {
    const i = map[x];
    if (i >= 0) for (let j = 0; j < g; j++) hessian[i * n + j] += C[x * g + j];
  }
  for (let j = 0; j < g; j++) gradient[j] += C[X * g + j];
}

/** Column of each light (3k+c) and texture coefficient in the layout, −1 where it is fixed. */
function appearanceColumns(layout: ParameterLayout, T: number): Int32Array {
  const map = new Int32Array(27 + T).fill(-1);
  const light = layout.blocks.get('light');
  if (light)
    for (let k = 0; k < 9; k++)
      for (let c = 0; c < 3; c++)
        map[3 * k + c] = light.offset + (layout.lightColumns === 27 ? 3 * k + c : k);
  const texture = layout.blocks.get('texture');
  if (texture) for (let t = 0; t < texture.size; t++) map[27 + t] = texture.offset + t;
  return map;
}
