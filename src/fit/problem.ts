/**
 * The energy of one photo as a least-squares problem:
 *   E = E_landmarks + E_photometric + E_priors.
 * Linearising re-rasterises the head and takes fresh surface samples; `cost` then compares steps on exactly those
 * samples, so that what a step is judged by is the function that was linearised.
 */
import { cropCamera, projectPoints } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { gemmTN, matrixF32, symmetricTN } from '../kernels/gemm.ts';
import { firstOf } from '../kernels/part.ts';
import {
  type PaddedPhoto,
  type PhotometricEquations,
  type PhotometricInput,
  type PhotometricLoss,
  photometricCost,
  photometricEquations,
  Q_STRIDE,
  RESIDUAL_COLUMN,
  type SampleArrays,
  takePhoto,
} from '../kernels/photometric.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fanNormals } from '../kernels/surface.ts';
import { multiplyVertexBlocks } from '../kernels/vertex-blocks.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { residentJacobian } from '../model/resident-jacobian.ts';
import type { FaceObservation } from '../perceive/types.ts';
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
import { type ResidentModel, rowStride, takeModel, VERTEX_NUMBERS } from './resident.ts';
import { createSampleArrays, type PixelSamples, takeSamples } from './samples.ts';
import { type SurfaceGeometry, visibleRows } from './surface-rows.ts';

/** What to minimise. Pixels are those of the crop at full size; `photometric.photo` may be smaller. */
export interface ProblemInput {
  readonly prepared: PreparedModel;
  /** `prepared` in the memory of the kernels; taken anew when absent. */
  readonly resident?: ResidentModel;
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

/**
 * Makes the problem. It takes its arrays from the top of the kernels' memory and keeps them: whoever makes problems
 * gives them back (`kernels.release`) when done with one.
 */
export function createProblem(kernels: Kernels, input: ProblemInput): FitProblem {
  const { prepared, layout, photometric } = input;
  const { model } = prepared;
  const n = layout.size;
  const resident = input.resident ?? takeModel(kernels, prepared);
  const stride = rowStride(layout.geometrySize);
  const moves = layout.geometrySize > 0;
  const rows = firstOf(resident.work.rows, moves ? 3 * prepared.ids.length * stride : 0);
  const picture = photometric ? takePicture(kernels, resident, photometric) : null;
  let targets: LandmarkTargets | null = null;
  let samples: PixelSamples | null = null;

  const photometricInput = (state: FitState, at: PixelSamples): PhotometricInput => ({
    q: projectedNormals(resident, pictureCamera(state, photometric), picture!.normals, at.active, picture!.q),
    photo: picture!.photo,
    light: state.light,
    basis: SH_CONSTANTS,
    texture: state.texture,
    loss: photometric!.loss,
  });

  const terms = (state: FitState): EnergyTerms => {
    resident.pose(state);
    const vertices = resident.head.vertices;
    if (picture && samples) fanNormals(kernels, resident.fans, vertices, picture.normals);
    return {
      landmarks:
        input.landmarks && targets
          ? landmarkCost(targets, vertices.view, state.camera, input.landmarks.loss)
          : 0,
      photometric:
        picture && samples ? photometricCost(kernels, samples.arrays, photometricInput(state, samples)) : 0,
      ...priors(model, layout, state, input.priors),
    };
  };

  const linearize = (state: FitState): NormalEquations => {
    const hessian = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    const skeleton = resident.pose(state);
    if (input.landmarks)
      targets = landmarkTargets(
        model,
        input.observation,
        headYaw(model, state.pose),
        input.landmarks.weights,
      );
    const camera = pictureCamera(state, photometric);
    if (picture && photometric) {
      fanNormals(kernels, resident.fans, resident.head.vertices, picture.normals);
      const { width } = photometric.photo;
      samples = takeSamples(
        kernels,
        resident,
        picture.normals,
        camera,
        width,
        photometric.mask,
        picture.samples,
      );
    }
    if (moves)
      kernels.scope(() => {
        const wanted = kernels.u32(wantedRows(prepared, targets, samples));
        // Columns that no kernel writes are zero, but another layout's may be in their place.
        if (resident.work.layout !== layout) rows.view.fill(0);
        resident.work.layout = layout;
        residentJacobian(kernels, resident.head, skeleton, layout, wanted, rows, stride);
      });
    const geometry: SurfaceGeometry = { resident, rows, stride, layout, camera: state.camera };
    let cost = 0;
    if (input.landmarks && targets)
      cost += addLandmarkEquations(kernels, targets, geometry, input.landmarks.loss, hessian, gradient, n);
    if (picture && samples) {
      const { arrays, active, edges } = samples;
      const measured = photometricInput(state, samples);
      kernels.scope(() => {
        const equations = photometricEquations(kernels, arrays, active.length, edges.length / 2, measured);
        cost += equations.cost;
        addAppearance(layout, equations, state.texture.length, hessian, gradient);
        if (!moves || active.length === 0) return;
        visibleRows(kernels, { ...geometry, camera }, picture.normals, kernels.u32(active), picture.P);
        addGeometry(
          kernels,
          layout,
          picture,
          edges,
          equations,
          stride,
          state.texture.length,
          hessian,
          gradient,
        );
      });
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

/** What a problem with a photometric term keeps in kernel memory. */
interface Picture {
  readonly photo: PaddedPhoto;
  readonly samples: SampleArrays;
  /** (fans,4) and (fans,8). */
  readonly normals: F32;
  readonly q: F32;
  /** Room for (5·fans,stride) each, shared with other problems. */
  readonly P: F32;
  readonly HP: F32;
}

function takePicture(
  kernels: Kernels,
  resident: ResidentModel,
  photometric: NonNullable<ProblemInput['photometric']>,
): Picture {
  const fans = resident.prepared.fans.centres.length;
  return {
    photo: takePhoto(kernels, photometric.photo),
    samples: createSampleArrays(kernels, resident, photometric.photo.width, photometric.mask),
    normals: kernels.f32(4 * fans),
    q: kernels.f32(Q_STRIDE * fans),
    P: resident.work.P,
    HP: resident.work.HP,
  };
}

/** The camera in pixels of the picture compared with. */
function pictureCamera(state: FitState, photometric: ProblemInput['photometric']): FitState['camera'] {
  return photometric ? cropCamera(state.camera, [0, 0], photometric.scale) : state.camera;
}

/** Rows that the energies read: active vertices with their neighbours, and corners of landmarks. */
function wantedRows(
  prepared: PreparedModel,
  targets: LandmarkTargets | null,
  samples: PixelSamples | null,
): Uint32Array {
  const wanted = new Uint8Array(prepared.ids.length);
  if (targets) for (const v of targets.corners) wanted[prepared.rowOf[v]] = 1;
  if (samples) {
    const { starts, entries, rows } = prepared.fans;
    for (const fan of samples.active) {
      wanted[rows[fan]] = 1;
      for (let e = starts[fan]; e < starts[fan + 1]; e++) wanted[entries[4 * e + 3]] = 1;
    }
  }
  const list = new Uint32Array(wanted.length);
  let count = 0;
  for (let r = 0; r < wanted.length; r++) if (wanted[r]) list[count++] = r;
  return list.subarray(0, count);
}

/** Writes projection and unit normal of the active fans to `q`; returns its part in use, (A,8). */
function projectedNormals(
  { head, prepared }: ResidentModel,
  camera: FitState['camera'],
  normals: F32,
  active: Uint32Array,
  q: F32,
): F32 {
  const vertices = head.vertices.view;
  const A = active.length;
  const points = new Float32Array(3 * A);
  const { centres } = prepared.fans;
  for (let i = 0; i < A; i++) {
    const v = 3 * centres[active[i]];
    points[3 * i] = vertices[v];
    points[3 * i + 1] = vertices[v + 1];
    points[3 * i + 2] = vertices[v + 2];
  }
  const projected = projectPoints(camera, points);
  const [out, n] = [q.view, normals.view];
  for (let i = 0; i < A; i++) {
    const o = Q_STRIDE * i;
    out[o] = projected[3 * i];
    out[o + 1] = projected[3 * i + 1];
    const k = 4 * active[i];
    out[o + 2] = n[k];
    out[o + 3] = n[k + 1];
    out[o + 4] = n[k + 2];
  }
  return firstOf(q, Q_STRIDE * A);
}

/** Adds the block of light and texture. */
function addAppearance(
  layout: ParameterLayout,
  { columns, appearance }: PhotometricEquations,
  T: number,
  hessian: Float64Array,
  gradient: Float64Array,
): void {
  const n = layout.size;
  const map = appearanceColumns(layout, T);
  const block = appearance.view;
  for (let x = 0; x < map.length; x++) {
    const i = map[x];
    if (i < 0) continue;
    gradient[i] += block[RESIDUAL_COLUMN * columns + x];
    for (let y = 0; y < map.length; y++) {
      const j = map[y];
      if (j >= 0 && j <= i) hessian[i * n + j] += block[x * columns + y];
    }
  }
}

/** Adds PᵀHP, the mixed blocks and the gradient of geometry. */
function addGeometry(
  kernels: Kernels,
  layout: ParameterLayout,
  { P, HP }: Picture,
  edges: Uint32Array,
  { columns, vertex }: PhotometricEquations,
  stride: number,
  T: number,
  hessian: Float64Array,
  gradient: Float64Array,
): void {
  const n = layout.size;
  const g = layout.geometrySize;
  const m = VERTEX_NUMBERS * vertex.vertexCount;
  const p = firstOf(P, m * stride);
  const hp = firstOf(HP, m * stride);
  multiplyVertexBlocks(kernels, vertex, edges, p, stride, hp);
  const product = kernels.f64(g * g);
  const cross = kernels.f64(columns * g);
  symmetricTN(kernels, matrixF32(p, m, g, stride), matrixF32(hp, m, g, stride), product);
  gemmTN(kernels, matrixF32(vertex.mixed, m, columns, vertex.mixedStride), matrixF32(p, m, g, stride), cross);
  const [G, C] = [product.view, cross.view];
  const map = appearanceColumns(layout, T);
  for (let i = 0; i < g; i++) {
    gradient[i] += C[RESIDUAL_COLUMN * g + i];
    for (let j = 0; j <= i; j++) hessian[i * n + j] += G[i * g + j];
  }
  for (let x = 0; x < map.length; x++) {
    const i = map[x];
    if (i >= 0) for (let j = 0; j < g; j++) hessian[i * n + j] += C[x * g + j];
  }
}

/** Column in the layout of each column of the appearance block; −1 where it is fixed or no parameter. */
function appearanceColumns(layout: ParameterLayout, T: number): Int32Array {
  const map = new Int32Array(RESIDUAL_COLUMN + 1 + T).fill(-1);
  const light = layout.blocks.get('light');
  if (light)
    for (let k = 0; k < 9; k++)
      for (let c = 0; c < 3; c++)
        map[3 * k + c] = light.offset + (layout.lightColumns === 27 ? 3 * k + c : k);
  const texture = layout.blocks.get('texture');
  if (texture)
    for (let t = 0; t < Math.min(texture.size, T); t++) map[RESIDUAL_COLUMN + 1 + t] = texture.offset + t;
  return map;
}
