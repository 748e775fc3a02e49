/**
 * The energy of one photo as a least-squares problem:
 *   E = E_landmarks + E_photometric + E_priors.
 * Linearising re-rasterises the head and takes fresh surface samples; `cost` then compares steps on exactly those
 * samples, so that what a step is judged by is the function that was linearised.
 */
import { cropCamera } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { firstOf } from '../kernels/part.ts';
import {
  type PaddedPhoto,
  type PhotometricInput,
  type PhotometricLoss,
  photometricCost,
  photometricEquations,
  Q_STRIDE,
  type SampleArrays,
  takePhoto,
} from '../kernels/photometric.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fanNormals, tangentFrames } from '../kernels/surface.ts';
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
import { type ResidentModel, rowStride, takeModel } from './resident.ts';
import { createSampleArrays, type PixelSamples, takeSamples } from './samples.ts';
import { projectedNormals, type SurfaceGeometry, visibleRows, wantedRows } from './surface-rows.ts';
import { addAppearance, addGeometry } from './vertex-equations.ts';

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
        const wanted = kernels.u32(wantedRows(prepared, targets, samples?.active ?? null));
        // Columns that no kernel writes are zero, but another layout's may be in their place.
        if (resident.work.layout !== layout) rows.view.fill(0);
        resident.work.layout = layout;
        residentJacobian(kernels, resident.head, skeleton, layout, wanted, rows, stride);
      });
    const geometry: SurfaceGeometry = { resident, rows, stride, layout, camera: state.camera };
    let cost = 0;
    if (input.landmarks && targets)
      cost += addLandmarkEquations(kernels, targets, geometry, input.landmarks.loss, { hessian, gradient });
    if (picture && samples) {
      const { arrays, active, edges } = samples;
      const measured = photometricInput(state, samples);
      kernels.scope(() => {
        const equations = photometricEquations(kernels, arrays, active.length, edges.length / 2, measured);
        cost += equations.cost;
        const target = { layout, T: state.texture.length, hessian, gradient };
        addAppearance(target, equations);
        if (!moves || active.length === 0) return;
        const fans = kernels.u32(active);
        const frames = kernels.f32(8 * active.length);
        tangentFrames(kernels, fans, picture.normals, frames);
        visibleRows(kernels, { ...geometry, camera }, picture.normals, fans, frames, picture.P);
        addGeometry(kernels, target, equations, { ...picture, stride }, frames, edges);
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
  /** Room for (4·fans,stride) each, shared with other problems. */
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
