/**
 * The original's energy as a least-squares problem for our Levenberg-Marquardt: absolute values and distances as
 * re-weighted squares, w = 1/max(|r|, ε), so that the gradient is exact beyond ε.
 *
 * Unlike the fit's own photometric term, which follows surface points into the photo, this one stays at the picture's
 * pixels, as the original does (`kernels/original.ts`). Shading's dependence on geometry is included (the original
 * detaches it, which makes its steps, not its energy, other ones); coverage is constant, steps are judged by the true
 * energy. That is summed up here in float32 and without the zeros that the original has around its map, which no UV of a
 * head comes near: 1e-6 from `originalEnergy`, the definition.
 *
 * All on the kernels: 25 ms for one linearisation of FLAME with 158 geometry columns and one evaluation, where plain
 * TypeScript rows took 150 ms.
 */
import type { Camera } from '../camera/camera.ts';
import { projectResident } from '../camera/project.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import { collectSamples } from '../kernels/collect.ts';
import {
  type OriginalInput,
  type OriginalSamples,
  originalPixelEnergy,
  originalPixelEquations,
} from '../kernels/original.ts';
import { firstOf } from '../kernels/part.ts';
import { Q_STRIDE } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fanNormals, tangentFrames } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { flameContourRow, flameYaw } from '../model/flame/landmarks.ts';
import { type HeadModel, jointIndex } from '../model/head-model.ts';
import type { Skeleton } from '../model/pose.ts';
import { residentJacobian } from '../model/resident-jacobian.ts';
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import { addWeightedLandmarks, type LandmarkTargets, projectTargets } from './landmark-energy.ts';
import { ORIGINAL_SIZE, ORIGINAL_WEIGHTS, type OriginalObservation } from './original-energy.ts';
import { type FitState, type ParameterLayout, retractState, stepBounds } from './parameters.ts';
import { prepareWhole } from './prepare.ts';
import { type ResidentModel, rowStride, takeModel } from './resident.ts';
import { projectedNormals, visibleRows, wantedRows } from './surface-rows.ts';
import { addAppearance, addGeometry } from './vertex-equations.ts';

/** A model and a picture in kernel memory, until whoever made it releases that. */
export interface OriginalMemory {
  readonly resident: ResidentModel;
  readonly observation: OriginalObservation;
  /** (224²,4) RGB0 and (224²). */
  readonly picture: F32;
  readonly mask: F32;
}

/** Puts `model` and `observation` into kernel memory. */
export function takeOriginal(
  kernels: Kernels,
  model: HeadModel,
  observation: OriginalObservation,
): OriginalMemory {
  const pixels = ORIGINAL_SIZE * ORIGINAL_SIZE;
  const picture = kernels.f32(4 * pixels);
  const [to, from] = [picture.view, observation.image.data];
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) to[4 * p + c] = from[3 * p + c];
  const mask = kernels.f32(observation.mask);
  return { resident: takeModel(kernels, prepareWhole(model)), observation, picture, mask };
}

/** What to minimise. */
export interface OriginalProblemInput {
  readonly memory: OriginalMemory;
  readonly layout: ParameterLayout;
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
  const { memory, layout } = input;
  const { model } = memory.resident.prepared;
  return {
    cost: (state) => kernels.scope(() => energyAt(kernels, input, state)),
    linearize: (state) => {
      throwIfAborted(input.signal);
      return kernels.scope(() => linearize(kernels, input, state));
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

function energyAt(kernels: Kernels, input: OriginalProblemInput, state: FitState): number {
  const { memory, stage } = input;
  const { resident } = memory;
  const skeleton = resident.pose(state);
  const landmarks = landmarkTargets(input, skeleton);
  const distance = landmarkDistances(landmarks, resident, state.camera).reduce((a, b) => a + b, 0);
  const energy = (ORIGINAL_WEIGHTS.landmarks * distance) / landmarks.weights.length;
  if (stage === 'rigid') return energy;
  const seen = takePixels(kernels, memory, state.camera);
  const pixels = originalPixelEnergy(kernels, seen.samples, pixelInput(input, seen, state));
  return energy + pixels + regularisers(state);
}

function regularisers(state: FitState): number {
  const squares = (x: Float64Array) => x.reduce((s, v) => s + v * v, 0) / 2;
  return (
    ORIGINAL_WEIGHTS.shape * squares(state.identity) + ORIGINAL_WEIGHTS.expression * squares(state.expression)
  );
}

function linearize(kernels: Kernels, input: OriginalProblemInput, state: FitState): NormalEquations {
  const { memory, layout, stage, epsilon } = input;
  const { resident } = memory;
  const { prepared } = resident;
  const n = layout.size;
  const hessian = new Float64Array(n * n);
  const gradient = new Float64Array(n);
  const { camera } = state;
  if (camera.kind !== 'orthographic')
    throw new InvalidArgumentError(
      'original energy: its camera is scaled orthographic, the state has a perspective one',
    );
  const skeleton = resident.pose(state);
  const targets = landmarkTargets(input, skeleton);
  const seen = stage === 'full' ? takePixels(kernels, memory, camera) : null;
  const stride = rowStride(layout.geometrySize);
  const moves = layout.geometrySize > 0;
  const rows = firstOf(resident.work.rows, moves ? 3 * prepared.ids.length * stride : 0);
  if (moves) {
    const wanted = kernels.u32(wantedRows(prepared, [targets.corners], seen?.active ?? null));
    // Columns that no kernel writes are zero, but another layout's may be in their place.
    if (resident.work.layout !== layout) rows.view.fill(0);
    resident.work.layout = layout;
    residentJacobian(kernels, resident.head, skeleton, layout, wanted, rows, stride);
  }
  const geometry = { resident, rows, stride, layout, camera };

  // The mean of distances d, in units of half the picture: weight 1/d each, capped.
  const distances = landmarkDistances(targets, resident, camera);
  let cost = 0;
  const unit = (2 / ORIGINAL_SIZE) ** 2;
  const weights = distances.map((d) => {
    cost += (ORIGINAL_WEIGHTS.landmarks * d) / distances.length;
    return (ORIGINAL_WEIGHTS.landmarks * unit) / distances.length / Math.max(d, epsilon.landmarks);
  });
  if (moves)
    addWeightedLandmarks(kernels, targets, geometry, { points: weights, gaps: [] }, { hessian, gradient });

  if (seen) {
    const measured = pixelInput(input, seen, state);
    const { samples, active, edges, normals } = seen;
    const mesh = { vertexCount: active.length, edgeCount: edges.length / 2 };
    const totals = originalPixelEquations(kernels, samples, mesh, measured);
    const target = { layout, T: state.texture.length, hessian, gradient };
    cost += measured.weight * totals.sum + regularisers(state);
    addAppearance(target, totals);
    if (moves && active.length > 0) {
      const fans = kernels.u32(active);
      const frames = kernels.f32(8 * active.length);
      tangentFrames(kernels, fans, normals, frames);
      visibleRows(kernels, geometry, normals, fans, frames, resident.work.P);
      addGeometry(kernels, target, totals, { ...resident.work, stride }, frames, edges);
    }
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

/** The landmarks that count, the contour chosen by yaw as the original rounds it; targets in pixels. */
function landmarkTargets({ memory, stage }: OriginalProblemInput, skeleton: Skeleton): LandmarkTargets {
  const { model } = memory.resident.prepared;
  const { contour, inner51 } = model.landmarks;
  const yaw = flameYaw(skeleton.rotations, 9 * Math.max(jointIndex(model, 'neck'), 0));
  const row = 17 * flameContourRow(contour, yaw);
  const from = stage === 'rigid' ? 17 : 0;
  const L = 68 - from;
  const corners = new Uint32Array(3 * L);
  const barycentrics = new Float32Array(3 * L);
  const targets = new Float32Array(2 * L);
  for (let l = from; l < 68; l++) {
    const points = l < 17 ? contour.points : inner51;
    const i = l < 17 ? row + l : l - 17;
    const o = l - from;
    for (let a = 0; a < 3; a++) {
      corners[3 * o + a] = model.faces[3 * points.faces[i] + a];
      barycentrics[3 * o + a] = points.barycentrics[3 * i + a];
    }
    for (let a = 0; a < 2; a++)
      targets[2 * o + a] = ((memory.observation.landmarks[2 * l + a] + 1) * ORIGINAL_SIZE) / 2;
  }
  return { corners, barycentrics, targets, weights: new Float32Array(L).fill(1), gaps: [] };
}

/** (L) in units of half the picture. */
function landmarkDistances(t: LandmarkTargets, { head }: ResidentModel, camera: Camera): Float64Array {
  const projected = projectTargets(t, head.vertices.view, camera);
  return Float64Array.from(
    t.weights,
    (_, l) =>
      (Math.hypot(projected[3 * l] - t.targets[2 * l], projected[3 * l + 1] - t.targets[2 * l + 1]) * 2) /
      ORIGINAL_SIZE,
  );
}

/** The pixels of the mask in which the head is seen. */
interface SeenPixels extends Pick<OriginalInput, 'raster'> {
  readonly samples: OriginalSamples;
  /** (A) vertices, (D,2) edges between positions in `active`. */
  readonly active: Uint32Array;
  readonly edges: Uint32Array;
  /** (V,4) and (A,8). */
  readonly normals: F32;
  readonly q: F32;
}

/** Takes the pixels of the head as it was posed last, in memory that the caller gives back. */
function takePixels(kernels: Kernels, { resident, mask }: OriginalMemory, camera: Camera): SeenPixels {
  const { head, skin, fans, texture } = resident;
  const size = ORIGINAL_SIZE;
  const room = size * size;
  const normals = kernels.f32(4 * fans.centres.length, false);
  fanNormals(kernels, fans, head.vertices, normals);
  const raster = createRasterizeOutput(kernels, size, size);
  const positions = kernels.f32(head.vertices.length, false);
  projectResident(kernels, camera, head.vertices, positions);
  rasterize(
    kernels,
    { positions, faces: head.faces, width: size, height: size, cull: 'none', perspective: false },
    raster,
  );
  const arrays = {
    corners: kernels.u32(3 * room, false),
    edges: kernels.u32(3 * room, false),
    barycentrics: kernels.f32(3 * room, false),
    mask: kernels.f32(room, false),
  };
  const map = texture?.fine;
  const textureSize = map ? ([map.width, map.height] as const) : ([1, 1] as const);
  const what = { raster, width: size, height: size, mask, textureSize, careful: null };
  const { count, points, pixels, active, ends } = collectSamples(kernels, skin, what, arrays, room);
  const q = projectedNormals(resident, camera, normals, active, kernels.f32(Q_STRIDE * active.length));
  return { raster, samples: { ...arrays, count, points, pixels }, active, edges: ends, normals, q };
}

/** 8 · mean over all pixels and channels of mask·|image − picture|. */
function pixelInput(
  { memory, epsilon }: OriginalProblemInput,
  { q, raster }: SeenPixels,
  state: FitState,
): OriginalInput {
  const { skin, texture, prepared } = memory.resident;
  if (!texture)
    throw new InvalidArgumentError(
      `original energy: the model ${prepared.model.name} has no texture space; import it with --texture`,
    );
  return {
    q,
    raster,
    textureFaces: skin.textureFaces,
    textureCoordinates: skin.textureCoordinates,
    map: texture.fine,
    picture: memory.picture,
    light: state.light,
    basis: SH_CONSTANTS,
    texture: state.texture,
    weight: ORIGINAL_WEIGHTS.photometric / (3 * ORIGINAL_SIZE * ORIGINAL_SIZE),
    epsilon: epsilon.photometric,
  };
}
