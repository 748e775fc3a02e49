/**
 * The energy of one photo as a least-squares problem:
 *   E = E_landmarks + E_photometric + E_priors.
 * Linearising re-rasterises the head and takes fresh surface samples; `cost` then compares steps on exactly those
 * samples, so that what a step is judged by is the function that was linearised.
 *
 * Near a linearisation the derivatives of the surface hardly change, and they are what costs: chord steps (`relinearize`)
 * keep them and the photometric Hessian, and take samples, residuals, robust weights and the gradient anew, at a third of
 * the time. Samples must not be kept: left where they were taken they come to lie between pixels, where interpolation
 * averages the photo's noise away, and the energy rewards that (a head that held still jittered three times as much).
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
  photometricGradient,
  Q_STRIDE,
  type SampleArrays,
  takePhoto,
} from '../kernels/photometric.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fanNormals, tangentFrames } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import type { Skeleton } from '../model/pose.ts';
import { residentJacobian } from '../model/resident-jacobian.ts';
import type { FaceObservation } from '../perceive/types.ts';
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import type { CommonPoints } from './common-albedo.ts';
import { type KnownSize, knownSizeEnergy, noseRootCorners } from './known-size.ts';
import {
  addLandmarkEquations,
  type LandmarkLoss,
  type LandmarkTargets,
  type LandmarkWeights,
  landmarkCost,
  landmarkTargets,
} from './landmark-energy.ts';
import { addScaledLower, mirrorLower } from './lower-triangle.ts';
import { type FitState, type ParameterLayout, retractState, stepBounds } from './parameters.ts';
import type { PreparedModel } from './prepare.ts';
import { type PriorOptions, type PriorTerms, priors } from './priors.ts';
import { type ResidentModel, rowStride, takeModel } from './resident.ts';
import { addPoints, createSampleArrays, type PixelSamples, takeSamples } from './samples.ts';
import { projectedNormals, type SurfaceGeometry, visibleRows, wantedRows } from './surface-rows.ts';
import {
  addAppearance,
  addAppearanceGradient,
  addGeometry,
  addGeometryGradient,
} from './vertex-equations.ts';

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
    /** Compares the photo with others of the person too. */
    readonly common?: {
      /** Points that the photo shows, as of now. */
      readonly points: () => CommonPoints;
      /** Weight of their energy, and deviation of their residuals. */
      readonly weight: number;
      readonly noise: () => number;
    };
  } | null;
  readonly priors: PriorOptions;
  /** What is known of the head's size. */
  readonly known?: KnownSize;
  /** Where equations are made instead of in new arrays: those of the linearisation before are gone with the next. */
  readonly room?: EquationsRoom;
}

/** Room for the equations of one problem at a time: (n,n) float64 each. */
export interface EquationsRoom {
  readonly hessian: Float64Array;
  readonly photometric: Float64Array;
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
  /** Of what is known about the head's size. */
  readonly size: number;
}

/** The problem, and its energy split by term at the state linearised last. */
export interface FitProblem extends LeastSquaresProblem<FitState> {
  /** Terms at `state`, on the samples of the last linearisation. */
  terms(state: FitState): EnergyTerms;
  /** As `linearize`, with derivatives of the surface and the photometric Hessian of the last one, which must be near. */
  relinearize(state: FitState): NormalEquations;
  /** Makes the photometric loss `factor` times as wide as asked for, until told otherwise. */
  widen(factor: number): void;
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
  let samples: ComparedSamples | null = null;
  let width = 1;
  let last: Linearization | null = null;

  const photometricInput = (state: FitState, at: ComparedSamples): PhotometricInput => ({
    q: projectedNormals(resident, pictureCamera(state, photometric), picture!.normals, at.active, picture!.q),
    photo: picture!.photo,
    light: state.light,
    basis: SH_CONSTANTS,
    texture: state.texture,
    loss: {
      ...photometric!.loss,
      sigma: width * photometric!.loss.sigma,
      weight: photometric!.loss.weight * (1 + at.evidence),
    },
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
      size: input.known ? knownSizeEnergy(model, layout, state, vertices.view, input.known) : 0,
    };
  };

  const geometryAt = (state: FitState): SurfaceGeometry => ({
    ...{ resident, rows, stride, layout },
    camera: state.camera,
  });

  /** Poses the head and takes samples of it. */
  const sample = (state: FitState): Skeleton => {
    const skeleton = resident.pose(state);
    if (!picture || !photometric) return skeleton;
    const { photo, mask } = photometric;
    fanNormals(kernels, resident.fans, resident.head.vertices, picture.normals);
    const camera = pictureCamera(state, photometric);
    const pixels = takeSamples(
      kernels,
      resident,
      picture.normals,
      camera,
      photo.width,
      mask,
      picture.samples,
    );
    samples = comparePoints(prepared, pixels, photometric);
    return skeleton;
  };

  /** Derivatives of the surface at `state`, of which samples were taken. */
  const differentiate = (state: FitState, skeleton: Skeleton): void => {
    if (input.landmarks) targets = landmarkTargets(model, input.observation, state, input.landmarks.weights);
    if (!moves) return;
    kernels.scope(() => {
      const points = [targets?.corners, input.known?.distance && noseRootCorners(model)];
      const wanted = kernels.u32(wantedRows(prepared, points, samples?.active ?? null));
      // Columns that no kernel writes are zero, but another layout's may be in their place.
      if (resident.work.layout !== layout) rows.view.fill(0);
      resident.work.layout = layout;
      residentJacobian(kernels, resident.head, skeleton, layout, wanted, rows, stride);
      if (!picture || !samples || samples.active.length === 0) return;
      const fans = kernels.u32(samples.active);
      const frames = firstOf(picture.frames, 8 * fans.length);
      tangentFrames(kernels, fans, picture.normals, frames);
      const at = { ...geometryAt(state), camera: pictureCamera(state, photometric) };
      visibleRows(kernels, at, picture.normals, fans, frames, picture.P);
    });
  };

  /** Equations at `state`, of which samples were taken; the photometric Hessian is that of `from` where there is one. */
  const assemble = (state: FitState, from: Linearization | null): NormalEquations => {
    const hessian = input.room ? input.room.hessian.fill(0) : new Float64Array(n * n);
    const gradient = new Float64Array(n);
    let cost = 0;
    if (input.landmarks && targets)
      cost += addLandmarkEquations(kernels, targets, geometryAt(state), input.landmarks.loss, {
        hessian,
        gradient,
      });
    if (picture && samples) {
      const { arrays, active, edges } = samples;
      const measured = photometricInput(state, samples);
      const T = state.texture.length;
      kernels.scope(() => {
        if (!from) {
          const equations = photometricEquations(kernels, arrays, active.length, edges.length / 2, measured);
          const frames = firstOf(picture.frames, 8 * active.length);
          const photometricHessian = input.room?.photometric.fill(0) ?? new Float64Array(n * n);
          const target = { layout, T, hessian: photometricHessian, gradient };
          addAppearance(target, equations);
          if (moves && active.length > 0)
            addGeometry(kernels, target, equations, { ...picture, stride }, frames, edges);
          last = { hessian: target.hessian, active, width };
          cost += equations.cost;
        } else {
          const first = photometricGradient(kernels, arrays, active.length, measured);
          const target = { layout, T, gradient };
          addAppearanceGradient(target, first.appearance.view);
          if (moves)
            addGeometryGradient(
              kernels,
              target,
              { fans: active, gradient: first.vertices },
              { fans: from.active, P: picture.P, frames: picture.frames, stride },
            );
          cost += first.cost;
        }
      });
      const { hessian: photo, width: then } = last!;
      // Of most samples, which every width takes for inliers, the weight is 1/σ².
      const share = (then / width) ** 2;
      addScaledLower(hessian, photo, n, share);
    }
    const priorTerms = priors(model, layout, state, input.priors, { hessian, gradient });
    cost += sumOf(priorTerms);
    if (input.known) {
      const vertices = resident.head.vertices.view;
      const equations = { prepared, rows: rows.view, stride, hessian, gradient };
      cost += knownSizeEnergy(model, layout, state, vertices, input.known, equations);
    }
    mirrorLower(hessian, n);
    return { cost, hessian, gradient };
  };

  return {
    linearize: (state) => {
      differentiate(state, sample(state));
      return assemble(state, null);
    },
    relinearize: (state) => {
      sample(state);
      return assemble(state, last);
    },
    widen: (factor) => {
      width = factor;
    },
    cost: (state) => sumOf(terms(state)),
    retract: (state, step) => retractState(model, layout, state, step),
    stepBounds: (state) => stepBounds(model, layout, state),
    terms,
  };
}

function sumOf(terms: EnergyTerms | PriorTerms): number {
  let sum = 0;
  for (const value of Object.values(terms)) sum += value;
  return sum;
}

/** What later equations may take from a linearisation besides what is in the problem's arrays. */
interface Linearization {
  /** Lower triangle of the photometric Hessian, and the width of the loss it was made with. */
  readonly hessian: Float64Array;
  readonly width: number;
  /** Fans that have derivatives, in their order. */
  readonly active: Uint32Array;
}

/** What a problem with a photometric term keeps in kernel memory. */
interface Picture {
  readonly photo: PaddedPhoto;
  readonly samples: SampleArrays;
  /** (fans,4) and (fans,8). */
  readonly normals: F32;
  readonly q: F32;
  /** (fans,8): tangents at the last linearisation. */
  readonly frames: F32;
  /** Room for (4·fans,stride) each, shared with other problems. */
  readonly P: F32;
  readonly HP: F32;
}

function takePicture(
  kernels: Kernels,
  resident: ResidentModel,
  photometric: NonNullable<ProblemInput['photometric']>,
): Picture {
  const { prepared } = resident;
  const fans = prepared.fans.centres.length;
  return {
    photo: takePhoto(kernels, photometric.photo),
    samples: createSampleArrays(
      kernels,
      resident,
      photometric.photo.width,
      photometric.mask,
      photometric.common ? prepared.skinFaces.length : 0,
    ),
    normals: kernels.f32(4 * fans),
    q: kernels.f32(Q_STRIDE * fans),
    frames: kernels.f32(8 * fans),
    P: resident.work.P,
    HP: resident.work.HP,
  };
}

/** The camera in pixels of the picture compared with. */
function pictureCamera(state: FitState, photometric: ProblemInput['photometric']): FitState['camera'] {
  return photometric ? cropCamera(state.camera, [0, 0], photometric.scale) : state.camera;
}

/** Samples, and the energy of the points among them over that of the pixels. */
interface ComparedSamples extends PixelSamples {
  readonly evidence: number;
}

/**
 * Adds the points that all photos have in common. They are samples like the pixels, under the same loss: their share
 * of the weights is what makes their energy ½·weight·Σ w·|r|²/noise² / Σ w for small residuals r.
 */
function comparePoints(
  prepared: PreparedModel,
  pixels: PixelSamples,
  { common, loss }: NonNullable<ProblemInput['photometric']>,
): ComparedSamples {
  const points = common?.points();
  if (!common || !points || points.faces.length === 0 || common.weight === 0)
    return { ...pixels, evidence: 0 };
  const evidence = (common.weight * (loss.sigma / common.noise()) ** 2) / loss.weight;
  const mask = pixels.arrays.mask.view;
  let own = 0;
  for (let p = 0; p < pixels.arrays.count; p++) own += mask[p];
  const total = points.weights.reduce((a, b) => a + b, 0);
  return { ...addPoints(prepared, pixels, points, (evidence * own) / total), evidence };
}
