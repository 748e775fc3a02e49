/**
 * Fits a head to a mesh or scan: first placed by landmarks, then shaped by them, then by the surface in rounds of
 * nearest points and Levenberg-Marquardt steps, from coarse to fine (`STAGES`).
 *
 * Landmarks on meshes are placed with other definitions than the head's by some millimetres, so that they guide the
 * first stages and fade out. Unknown units are guessed from the landmarks' size: a mesh in metres, decimetres,
 * centimetres, millimetres or inches keeps its true size, any other is fitted with a scale of its own.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { createKernels } from '../kernels/runtime.ts';
import { alignPoints, applyAlignment } from '../linalg/align.ts';
import { type HeadModel, type HeadParams, headSizes } from '../model/head-model.ts';
import { axisAngleFromRotation } from '../model/rotation.ts';
import { vertexNormals } from '../render/normals.ts';
import { minimize } from '../solve/levenberg-marquardt.ts';
import type { MeshLandmarks } from './mesh-landmarks.ts';
import { findMatches, type HeadPatch } from './mesh-matches.ts';
import {
  createMeshProblem,
  type LandmarkTargets,
  meshVertexSet,
  placedVertices,
  scaleOf,
} from './mesh-problem.ts';
import { type MeshResiduals, measureMesh } from './mesh-residuals.ts';
import { borderVertices, prepareTarget, type TargetMesh } from './mesh-target.ts';
import { type BlockName, createLayout, type FitState } from './parameters.ts';
import type { EnergyPoint } from './types.ts';

/** Options of {@link fitMesh}. */
export interface FitMeshOptions {
  readonly landmarks: MeshLandmarks;
  /**
   * Metres per unit of the mesh; `guess`: from the landmarks, the scale being fitted where that gives no usual unit;
   * `free`: the scale is fitted.
   */
  readonly unit?: number | 'guess' | 'free';
  /** Identity coefficients stay within ± this many standard deviations; Infinity for free. */
  readonly limit?: number;
  /** Factor of the priors on identity and expression: small for heads unlike the model's. */
  readonly prior?: number;
  /** Whether the face may have an expression and an open mouth. */
  readonly expression?: boolean;
  /** Region of the model that is matched to the mesh, or `head`: all but eyes and the mouth's inside. */
  readonly region?: string;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link FitMeshOptions}. */
export const FIT_MESH_DEFAULTS = {
  unit: 'guess',
  limit: 3,
  prior: 1,
  expression: true,
  region: 'face',
} as const;

/** A head fitted to a mesh. */
export interface MeshFit {
  readonly modelName: string;
  readonly modelHash: string;
  readonly params: HeadParams;
  /** Metres per unit of the mesh. */
  readonly unit: number;
  /** Whether `unit` was given or guessed; else the scale was fitted. */
  readonly unitKnown: boolean;
  /** A posed vertex x (metres) lies at scale·(x + translation) in the mesh's frame and units. */
  readonly place: { readonly scale: number; readonly translation: readonly [number, number, number] };
  /** Distances of the matched region to the mesh. */
  readonly residuals: MeshResiduals;
  /** Mean distance of the landmarks, millimetres. */
  readonly landmarkMm: number;
  readonly curve: readonly EnergyPoint[];
  readonly warnings: readonly string[];
}

interface Stage {
  readonly name: string;
  readonly rounds: number;
  /** Millimetres. */
  readonly sigma: number;
  /** Pairs farther apart are none, millimetres. */
  readonly reach: number;
  readonly landmarks: number;
  readonly pointToPoint: boolean;
}

/** From coarse to fine. */
const STAGES: readonly Stage[] = [
  { name: 'surface 4 mm', rounds: 4, sigma: 4, reach: 20, landmarks: 0.3, pointToPoint: true },
  { name: 'surface 2 mm', rounds: 6, sigma: 2, reach: 12, landmarks: 0.05, pointToPoint: false },
  { name: 'surface 1 mm', rounds: 6, sigma: 1, reach: 8, landmarks: 0.01, pointToPoint: false },
  { name: 'surface ½ mm', rounds: 8, sigma: 0.5, reach: 6, landmarks: 0.002, pointToPoint: false },
];
/** Cosine of the largest angle between normals that still agree, 60°. */
const COSINE = 0.5;
/**
 * Worth of all pairs together, in independent measurements. Neighbouring points say nearly the same, and what the face
 * says about the skull is the prior's to judge. Measured on four ICT-FaceKit people with 3000, 600 and 150: distance of
 * the narrow face 0.89, 0.93, 0.99 mm; root mean square of the coefficients 1.7, 1.2, 0.9; scalp off by 12, 8, 6 mm.
 * A person of the model's own comes back to 0.21 mm with 1000, 0.27 with 600, 0.36 with 300.
 */
const PAIRS = 800;
/** Points of the mesh that are matched to the head, at most. */
const POINTS = 4000;
const LANDMARK_SIGMA = 0.003;
/** Relative weight of the face's contour, which each author of landmarks draws elsewhere. */
const CONTOUR = 0.05;
/** Regions that nobody sees and touches from outside. */
export const INNER_REGIONS = [
  'left_eyeball',
  'right_eyeball',
  'eye_sockets',
  'mouth_interior',
  'teeth',
  'tongue',
];
/** Metres. */
const USUAL_UNITS = [1, 0.1, 0.01, 0.001, 0.0254] as const;
/** How far a head's size may be from the model's mean, as a factor. */
const SIZE_TOLERANCE = 1.25;

/**
 * Fits `model` to `mesh`.
 * @throws {InvalidArgumentError} when the mesh is none, landmarks are too few, lie on a line or are not those of a
 *   face, or an option is out of range.
 * @throws {AbortedError} when cancelled.
 */
export async function fitMesh(mesh: TargetMesh, model: HeadModel, options: FitMeshOptions): Promise<MeshFit> {
  const { unit, limit, prior, expression, region } = withDefaults(FIT_MESH_DEFAULTS, options);
  check(options.landmarks, unit, limit, prior);
  const patch = headPatch(model, region);
  const head = headLandmarks(model, options.landmarks.numbers);
  const first = firstPlacement(model, head, options.landmarks, unit);
  const target = prepareTarget(mesh, first.unit, first.centre);
  const landmarks: LandmarkTargets = {
    ...head,
    targets: options.landmarks.points.map((x, i) => first.unit * (x - first.centre[i % 3])),
  };
  const kernels = await createKernels();
  const vertexSet = meshVertexSet(model, patch.vertices, landmarks);
  const curve: { stage: string; iteration: number; energy: number }[] = [];
  const rounds = STAGES.reduce((s, stage) => s + stage.rounds, 2);
  let done = 0;

  const run = (
    name: string,
    state: FitState,
    blocks: readonly BlockName[],
    iterations: number,
    more: { sigma: number; landmarks: number; matches: ReturnType<typeof findMatches> | null },
  ): FitState => {
    throwIfAborted(options.signal);
    const problem = createMeshProblem({
      kernels,
      model,
      layout: createLayout(model, blocks),
      vertexSet,
      matches: more.matches,
      landmarks,
      landmarkWeight: more.landmarks,
      landmarkSigma: LANDMARK_SIGMA,
      pairs: PAIRS,
      sigma: more.sigma,
      prior,
      limit,
      scale: first.known ? null : { log: 0, sd: 0.05 },
    });
    const result = minimize(problem, state, { iterations, tolerance: 1e-5, signal: options.signal });
    done++;
    const iteration = curve.filter((point) => point.stage === name).length;
    curve.push({ stage: name, iteration, energy: result.cost });
    options.onProgress?.({ stage: name, fraction: done / rounds, energy: result.cost });
    return result.state;
  };

  const rigid: BlockName[] = ['joint:root', 'translation', ...(first.known ? [] : (['focal'] as const))];
  const all: BlockName[] = [
    ...rigid,
    'identity',
    ...(expression ? (['joint:jaw', 'expression'] as const) : []),
  ];
  const onlyLandmarks = { sigma: 1, landmarks: 1, matches: null };
  let state = run('placement', first.state, rigid, 10, onlyLandmarks);
  state = run('landmarks', state, all, 20, onlyLandmarks);
  for (const stage of STAGES)
    for (let round = 0; round < stage.rounds; round++) {
      const placed = placedVertices(model, state);
      const matches = findMatches(target, patch, placed, vertexNormals(placed, model.faces), {
        limit: stage.reach / 1000,
        cosine: COSINE,
        points: POINTS,
        pointToPoint: stage.pointToPoint,
      });
      if (matches.matched < patch.vertices.length / 20)
        throw new InvalidArgumentError(
          `fitMesh: only ${matches.matched} of ${patch.vertices.length} points of the face lie near the mesh; do the landmarks belong to this mesh, and do its faces look outwards?`,
        );
      state = run(stage.name, state, all, 2, {
        sigma: stage.sigma / 1000,
        landmarks: stage.landmarks,
        matches,
      });
    }

  const placed = placedVertices(model, state);
  const k = scaleOf(state);
  const { translation } = state.camera;
  const residuals = measureMesh(target, patch, placed, vertexNormals(placed, model.faces));
  return {
    modelName: model.name,
    modelHash: model.hash,
    params: {
      identity: Float32Array.from(state.identity),
      expression: Float32Array.from(state.expression),
      pose: Float32Array.from(state.pose),
      texture: new Float32Array(headSizes(model).T),
    },
    // A fitted scale is the mesh's unit in disguise: the head keeps its size in metres.
    unit: first.unit / k,
    unitKnown: first.known,
    place: {
      scale: k / first.unit,
      translation: [0, 1, 2].map((a) => translation[a] + target.centre[a] / k) as [number, number, number],
    },
    residuals,
    landmarkMm: landmarkDistance(placed, landmarks),
    curve,
    warnings: warningsOf(residuals, state, limit),
  };
}

/** Vertices of the fitted head, (V,3), in the frame and units of the mesh. */
export function placeOnMesh(fit: Pick<MeshFit, 'place'>, posed: Float32Array): Float32Array {
  const { scale, translation } = fit.place;
  return posed.map((x, i) => scale * (x + translation[i % 3]));
}

function check(landmarks: MeshLandmarks, unit: unknown, limit: number, prior: number): void {
  const { numbers, points } = landmarks;
  const bad = (what: string) => new InvalidArgumentError(`fitMesh: options.${what}`);
  if (numbers.length < 4 || points.length !== 3 * numbers.length)
    throw bad(`landmarks must be at least 4 numbers with as many points, got ${numbers.length}`);
  if (numbers.some((l) => !(Number.isInteger(l) && l >= 0 && l < 68)))
    throw bad('landmarks.numbers must be iBUG numbers, 0 to 67');
  if (!points.every(Number.isFinite)) throw bad('landmarks.points hold NaN or infinity');
  if (unit !== 'guess' && unit !== 'free' && !(typeof unit === 'number' && unit > 0 && unit < Infinity))
    throw bad(`unit must be metres per unit of the mesh, 'guess' or 'free', got ${unit}`);
  if (!(limit > 0)) throw bad(`limit must be positive, got ${limit}`);
  if (!(prior > 0)) throw bad(`prior must be positive, got ${prior}`);
}

function headPatch(model: HeadModel, region: string): HeadPatch {
  const vertices = region === 'head' ? outerVertices(model) : model.regions.get(region);
  if (!vertices)
    throw new InvalidArgumentError(
      `fitMesh: the model ${model.name} has no region ${region}; it has head, ${[...model.regions.keys()].join(', ')}`,
    );
  const V = headSizes(model).V;
  const inPatch = new Uint8Array(V);
  for (const v of vertices) inPatch[v] = 1;
  const faces: number[] = [];
  for (let f = 0; f < model.faces.length; f += 3) {
    const [a, b, c] = model.faces.subarray(f, f + 3);
    if (inPatch[a] && inPatch[b] && inPatch[c]) faces.push(a, b, c);
  }
  return { vertices, faces: Uint32Array.from(faces), border: borderVertices(faces, V) };
}

/** Everything that can be seen and touched from outside. */
function outerVertices(model: HeadModel): Uint32Array {
  const inner = new Set(INNER_REGIONS.flatMap((name) => [...(model.regions.get(name) ?? [])]));
  return Uint32Array.from({ length: headSizes(model).V }, (_, v) => v).filter((v) => !inner.has(v));
}

/** Where the head has landmarks; the contour as it is seen from the front. */
function headLandmarks(model: HeadModel, numbers: readonly number[]): Omit<LandmarkTargets, 'targets'> {
  const { contour, inner51 } = model.landmarks;
  let front = 0;
  contour.yaws.forEach((yaw, r) => {
    if (Math.abs(yaw) < Math.abs(contour.yaws[front])) front = r;
  });
  const corners: number[] = [];
  const barycentrics: number[] = [];
  for (const l of numbers) {
    const points = l < 17 ? contour.points : inner51;
    const i = l < 17 ? 17 * front + l : l - 17;
    for (let c = 0; c < 3; c++) {
      corners.push(model.faces[3 * points.faces[i] + c]);
      barycentrics.push(points.barycentrics[3 * i + c]);
    }
  }
  return {
    corners: Uint32Array.from(corners),
    barycentrics: Float64Array.from(barycentrics),
    weights: Float64Array.from(numbers, (l) => (l < 17 ? CONTOUR : 1)),
  };
}

function pointsOf(
  vertices: ArrayLike<number>,
  { corners, barycentrics }: Pick<LandmarkTargets, 'corners' | 'barycentrics'>,
): Float64Array {
  return Float64Array.from(corners, (_, i) => {
    const a = i % 3;
    const at = i - a;
    return [0, 1, 2].reduce((s, c) => s + barycentrics[at + c] * vertices[3 * corners[at + c] + a], 0);
  });
}

/** The mean head put where the landmarks are, and the mesh's unit. */
function firstPlacement(
  model: HeadModel,
  head: Omit<LandmarkTargets, 'targets'>,
  { points }: MeshLandmarks,
  unit: number | 'guess' | 'free',
) {
  const from = pointsOf(model.template, head);
  // Some contour weight is needed where little else was given.
  const weights = head.weights.map((w) => Math.max(w, 0.1));
  const { scale } = alignPoints(from, points, { scale: true, weights });
  if (!(scale > 0))
    throw new InvalidArgumentError(
      'fitMesh: the landmarks coincide, or are mirrored; left and right are the subject’s',
    );
  const close = (u: number) => Math.abs(Math.log(u * scale)) < Math.log(SIZE_TOLERANCE);
  const usual = unit === 'guess' ? USUAL_UNITS.find(close) : undefined;
  if (typeof unit === 'number' && !close(unit) && Math.abs(Math.log(unit * scale)) > Math.log(2))
    throw new InvalidArgumentError(
      `fitMesh: with ${unit} m per unit the face would be ${(unit * scale).toFixed(2)} times as large as the model's; the unit looks like ${(1 / scale).toPrecision(2)} m`,
    );
  const chosen = typeof unit === 'number' ? unit : (usual ?? 1 / scale);
  const known = typeof unit === 'number' || usual !== undefined;
  const centre = [0, 1, 2].map((a) => {
    let s = 0;
    for (let i = a; i < points.length; i += 3) s += points[i];
    return (3 * s) / points.length;
  });
  const moved = points.map((x, i) => chosen * (x - centre[i % 3]));
  const { rotation, translation } = alignPoints(from, moved, { scale: false, weights });
  const off = applyAlignment({ rotation, translation, scale: 1 }, from);
  const mean = meanDistance(off, moved);
  if (mean > 0.03)
    throw new InvalidArgumentError(
      `fitMesh: the landmarks are ${(1000 * mean).toFixed(0)} mm off the mean head's, so they are not those of a face; are they iBUG's, in this order, left and right the subject's?`,
    );
  const { S, E, J, T } = headSizes(model);
  const pose = new Float64Array(3 * J);
  pose.set(axisAngleFromRotation(rotation), 0);
  // The root turns about its joint p: R(x − p) + p + t' = R·x + t.
  const pivot = model.jointTemplate.subarray(0, 3);
  const shift = [0, 1, 2].map(
    (a) => translation[a] - pivot[a] + [0, 1, 2].reduce((s, b) => s + rotation[3 * a + b] * pivot[b], 0),
  ) as [number, number, number];
  const state: FitState = {
    identity: new Float64Array(S),
    expression: new Float64Array(E),
    pose,
    texture: new Float64Array(T),
    light: new Float64Array(27),
    camera: { kind: 'orthographic', scale: 1, principal: [0, 0], translation: shift },
  };
  return { unit: chosen, known, centre, state };
}

function meanDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 3)
    sum += Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2]);
  return (3 * sum) / a.length;
}

function landmarkDistance(placed: Float32Array, landmarks: LandmarkTargets): number {
  return 1000 * meanDistance(pointsOf(placed, landmarks), landmarks.targets);
}

function warningsOf(residuals: MeshResiduals, state: FitState, limit: number): string[] {
  const warnings: string[] = [];
  if (residuals.matched < 0.6)
    warnings.push(
      `only ${Math.round(100 * residuals.matched)} % of the face lie on the mesh; the rest is the model's guess`,
    );
  const atLimit = state.identity.filter((x) => Math.abs(x) > 0.99 * limit).length;
  if (atLimit > state.identity.length / 4)
    warnings.push(
      `${atLimit} of ${state.identity.length} identity coefficients are at their limit of ±${limit}; the head is unlike the model's people`,
    );
  return warnings;
}
