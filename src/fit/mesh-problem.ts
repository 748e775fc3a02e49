/**
 * The least-squares problem of fitting a head to a mesh, for given pairs of points:
 *
 *   E = ½ W/M Σ ρ(d²/σ²) + ½ w_l Σ |l − l̂|²/σ_l² + priors,   d = n·(x − q) or |x − q|,  ρ Geman-McClure
 *
 * W is how many independent measurements M dense points are worth. The head's place in the mesh's frame is
 * scale·(vertex + translation), which is an orthographic camera without a picture: the layouts and steps of photo fits
 * serve here too, `focal` being the logarithm of the scale.
 */
import { matrixF32, syrkTN } from '../kernels/gemm.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { gatherVertices, type VertexSet, vertexJacobian } from '../model/jacobian.ts';
import { type PosedHead, poseHead } from '../model/pose.ts';
import { inverseLeftJacobian } from '../model/rotation.ts';
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import { gemanMcClure, gemanMcClureWeight } from '../solve/robust.ts';
import type { Matches } from './mesh-matches.ts';
import { type FitState, type ParameterLayout, retractState, stepBounds } from './parameters.ts';

/** Landmarks of the head that the mesh has too. */
export interface LandmarkTargets {
  /** (N,3) corners and barycentric coordinates on the head. */
  readonly corners: Uint32Array;
  readonly barycentrics: Float64Array;
  /** (N,3) metres. */
  readonly targets: Float64Array;
  /** (N) relative weights. */
  readonly weights: Float64Array;
}

/** What {@link createMeshProblem} minimises. */
export interface MeshProblemInput {
  readonly kernels: Kernels;
  readonly model: HeadModel;
  readonly layout: ParameterLayout;
  readonly vertexSet: VertexSet;
  readonly matches: Matches | null;
  readonly landmarks: LandmarkTargets;
  /** Weight of all landmarks together, and their standard deviation in metres. */
  readonly landmarkWeight: number;
  readonly landmarkSigma: number;
  /** Worth of all pairs together, and their standard deviation in metres. */
  readonly pairs: number;
  readonly sigma: number;
  /** Factors of the priors on coefficients. */
  readonly prior: number;
  /** Identity coefficients stay within ± this; Infinity for free. */
  readonly limit: number;
  /** Logarithm of the expected scale and its standard deviation; null where the scale is known. */
  readonly scale: { readonly log: number; readonly sd: number } | null;
}

/** Robust loss: pairs farther off than some five sigmas hardly pull. */
const ROBUST = 3;
/** Standard deviation of the jaw's angles, radians. */
const JAW_SD = [0.15, 0.03, 0.03] as const;

/** Vertices, faces and landmarks whose derivatives a problem needs. */
export function meshVertexSet(model: HeadModel, patch: Uint32Array, landmarks: LandmarkTargets): VertexSet {
  return gatherVertices(model, Uint32Array.from(new Set([...patch, ...landmarks.corners])).sort());
}

/** (V,3) vertices of the head in the mesh's frame, metres. */
export function placedVertices(model: HeadModel, state: FitState): Float32Array {
  const { vertices } = poseHead(model, state);
  const { translation } = state.camera;
  const k = scaleOf(state);
  return vertices.map((x, i) => k * (x + translation[i % 3]));
}

/** The similarity's scale. */
export function scaleOf({ camera }: FitState): number {
  return camera.kind === 'orthographic' ? camera.scale : 1;
}

/** Builds the problem. */
export function createMeshProblem(input: MeshProblemInput): LeastSquaresProblem<FitState> {
  const { model, layout, limit } = input;
  const identity = layout.blocks.get('identity');
  return {
    cost: (state) => evaluate(input, state, false).cost,
    linearize: (state) => evaluate(input, state, true),
    retract(state, step) {
      const next = retractState(model, layout, state, step);
      return { ...next, identity: next.identity.map((x) => Math.min(Math.max(x, -limit), limit)) };
    },
    stepBounds(state) {
      const bounds = stepBounds(model, layout, state);
      if (identity)
        for (let k = 0; k < identity.size; k++) {
          bounds.lower[identity.offset + k] = -limit - state.identity[k];
          bounds.upper[identity.offset + k] = limit - state.identity[k];
        }
      return bounds;
    },
  };
}

function evaluate(input: MeshProblemInput, state: FitState, derivatives: boolean): NormalEquations {
  const { model, layout, matches, landmarks } = input;
  const n = derivatives ? layout.size : 0;
  const head = poseHead(model, state);
  const k = scaleOf(state);
  const { translation } = state.camera;
  const d = new Float64Array(3);
  const rows = derivatives ? new WeightedRows(input, state, head) : null;
  let cost = 0;

  /** d = point of the head − target. */
  const difference = (list: Pick<Matches, 'corners' | 'barycentrics' | 'targets'>, i: number) => {
    for (let a = 0; a < 3; a++) {
      let x = 0;
      for (let c = 0; c < 3; c++)
        x += list.barycentrics[3 * i + c] * head.vertices[3 * list.corners[3 * i + c] + a];
      d[a] = k * (x + translation[a]) - list.targets[3 * i + a];
    }
  };
  if (matches && matches.size > 0) {
    const s2 = input.sigma * input.sigma;
    const each = input.pairs / matches.size;
    for (let i = 0; i < matches.size; i++) {
      difference(matches, i);
      const normal = matches.normals.subarray(3 * i, 3 * i + 3);
      const isPlane = normal[0] !== 0 || normal[1] !== 0 || normal[2] !== 0;
      const r2 = isPlane
        ? (normal[0] * d[0] + normal[1] * d[1] + normal[2] * d[2]) ** 2
        : d[0] ** 2 + d[1] ** 2 + d[2] ** 2;
      cost += 0.5 * each * gemanMcClure(r2 / s2, ROBUST);
      if (!rows) continue;
      const weight = (each * gemanMcClureWeight(r2 / s2, ROBUST)) / s2;
      if (isPlane) rows.add(matches, i, normal, d, weight);
      else for (const axis of AXES) rows.add(matches, i, axis, d, weight);
    }
  }
  for (let i = 0; i < landmarks.weights.length; i++) {
    difference(landmarks, i);
    const weight = (input.landmarkWeight * landmarks.weights[i]) / input.landmarkSigma ** 2;
    cost += 0.5 * weight * (d[0] ** 2 + d[1] ** 2 + d[2] ** 2);
    if (rows) for (const axis of AXES) rows.add(landmarks, i, axis, d, weight);
  }
  const equations = rows?.normalEquations() ?? {
    hessian: new Float64Array(0),
    gradient: new Float64Array(0),
  };
  cost += addPriors(input, state, rows ? equations : null);
  const { hessian } = equations;
  for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) hessian[q * n + p] = hessian[p * n + q];
  return { cost, ...equations };
}

/**
 * Rows √w·(J | r), a chunk at a time in kernel memory; their product with themselves holds Hessian and gradient. In
 * plain TypeScript these products were half of a fit's time.
 */
class WeightedRows {
  readonly #input: MeshProblemInput;
  readonly #jacobian: Float32Array;
  readonly #columns: number;
  readonly #chunk: Float32Array;
  readonly #sum: Float64Array;
  #count = 0;

  constructor(input: MeshProblemInput, state: FitState, head: PosedHead) {
    this.#input = input;
    this.#jacobian = placedJacobian(input, state, head);
    this.#columns = input.layout.size + 1;
    this.#chunk = new Float32Array(CHUNK * this.#columns);
    this.#sum = new Float64Array(this.#columns ** 2);
  }

  /** Adds the residual direction·d of a point of `list`. */
  add(
    list: Pick<Matches, 'corners' | 'barycentrics'>,
    i: number,
    direction: ArrayLike<number>,
    d: Float64Array,
    weight: number,
  ): void {
    const n = this.#columns - 1;
    const jacobian = this.#jacobian;
    const { rowOf } = this.#input.vertexSet;
    const root = Math.sqrt(weight);
    const at = this.#count * this.#columns;
    const row = this.#chunk.subarray(at, at + n + 1).fill(0);
    for (let c = 0; c < 3; c++) {
      const b = root * list.barycentrics[3 * i + c];
      if (b === 0) continue;
      const [x, y, z] = [b * direction[0], b * direction[1], b * direction[2]];
      const o = 3 * rowOf[list.corners[3 * i + c]] * n;
      for (let p = 0; p < n; p++)
        row[p] += x * jacobian[o + p] + y * jacobian[o + n + p] + z * jacobian[o + 2 * n + p];
    }
    row[n] = root * (direction[0] * d[0] + direction[1] * d[1] + direction[2] * d[2]);
    if (++this.#count === CHUNK) this.#flush();
  }

  normalEquations(): { hessian: Float64Array; gradient: Float64Array } {
    this.#flush();
    const n = this.#columns - 1;
    const hessian = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    for (let p = 0; p < n; p++) {
      hessian.set(this.#sum.subarray(p * (n + 1), p * (n + 1) + n), p * n);
      gradient[p] = this.#sum[p * (n + 1) + n];
    }
    return { hessian, gradient };
  }

  #flush(): void {
    const { kernels } = this.#input;
    const used = this.#count * this.#columns;
    kernels.scope(() => {
      const rows = kernels.f32(used);
      const product = kernels.f64(this.#sum.length);
      rows.view.set(this.#chunk.subarray(0, used));
      product.view.set(this.#sum);
      syrkTN(kernels, matrixF32(rows, this.#count, this.#columns), product);
      this.#sum.set(product.view);
    });
    this.#count = 0;
  }
}

const CHUNK = 1024;
const AXES = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;

/** Derivative of the placed vertices, (3R,n) float32. */
function placedJacobian(input: MeshProblemInput, state: FitState, head: PosedHead): Float32Array {
  const { model, layout, vertexSet } = input;
  const n = layout.size;
  const R = vertexSet.ids.length;
  const out = new Float32Array(3 * R * n);
  vertexJacobian(model, vertexSet, head, layout, out);
  const k = scaleOf(state);
  const { translation } = state.camera;
  for (let i = 0; i < out.length; i++) out[i] *= k;
  const t = layout.blocks.get('translation');
  const s = layout.blocks.get('focal');
  for (let r = 0; r < R; r++)
    for (let a = 0; a < 3; a++) {
      const o = (3 * r + a) * n;
      if (t) out[o + t.offset + a] = k;
      if (s) out[o + s.offset] = k * (head.vertices[3 * vertexSet.ids[r] + a] + translation[a]);
    }
  return out;
}

/** Priors on identity, expression, jaw and scale; their energy. */
function addPriors(
  { model, layout, prior, scale }: MeshProblemInput,
  state: FitState,
  equations: { readonly hessian: Float64Array; readonly gradient: Float64Array } | null,
): number {
  const n = layout.size;
  let cost = 0;
  const add = (r: number, weight: number, entries: readonly (readonly [column: number, value: number])[]) => {
    cost += 0.5 * weight * r * r;
    if (!equations) return;
    for (const [i, a] of entries) {
      equations.gradient[i] += weight * a * r;
      for (const [j, b] of entries) if (j <= i) equations.hessian[i * n + j] += weight * a * b;
    }
  };
  const identity = layout.blocks.get('identity');
  state.identity.forEach((x, i) => {
    add(x, prior, identity && i < identity.size ? [[identity.offset + i, 1]] : []);
  });
  const expression = layout.blocks.get('expression');
  state.expression.forEach((x, i) => {
    const s = 1 / model.expressionSd[i];
    add(s * x, prior, expression ? [[expression.offset + i, s]] : []);
  });
  for (const { joint, offset } of layout.joints) {
    if (joint === 0) continue;
    const w = state.pose.subarray(3 * joint, 3 * joint + 3);
    const j = inverseLeftJacobian(w);
    JAW_SD.forEach((sd, a) => {
      add(
        w[a] / sd,
        prior,
        [0, 1, 2].map((b) => [offset + b, j[3 * a + b] / sd]),
      );
    });
  }
  const s = layout.blocks.get('focal');
  if (scale && s) add((Math.log(scaleOf(state)) - scale.log) / scale.sd, 1, [[s.offset, 1 / scale.sd]]);
  return cost;
}
