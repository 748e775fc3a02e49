/**
 * Priors: ½ Σ (residual)² with
 *   identity, texture: coefficient (already in standard deviations);  expression: coefficient / sd
 *   skull:   ½ weight αᵀKα of the identity, see `skull-prior.ts`
 *   joints:  axis-angle / sd per axis (jaw opens about +x; eyes hardly roll)
 *   light:   (mean shading of what faces the camera − 1)/σ_level, higher bands / σ, difference of the channels from
 *            their mean / σ_colour: brightness and tint belong to the skin unless the picture says otherwise
 *   focal:   log(f/f₀)/σ_f;  distance: log(d/d₀)/σ_d  (perspective only)
 */

import { SH_CONSTANTS } from '../light/sh.ts';
import { type HeadModel, jointIndex } from '../model/head-model.ts';
import { inverseLeftJacobian } from '../model/rotation.ts';
import type { FitState, ParameterLayout } from './parameters.ts';
import { skullPrecision } from './skull-prior.ts';

/** Standard deviations of the priors; `weight` factors multiply the squared residuals. */
export interface PriorOptions {
  readonly identityWeight: number;
  /** Observations of the mean skull. */
  readonly skullWeight: number;
  readonly expressionWeight: number;
  readonly textureWeight: number;
  /** Radians per axis. */
  readonly joints: Readonly<Record<string, readonly [number, number, number]>>;
  readonly light: {
    readonly weight: number;
    readonly level: number;
    readonly bands: number;
    readonly colour: number;
  };
  /** Focal length: log of the expected value in photo pixels and its standard deviation; null for no prior. */
  readonly focal: { readonly log: number; readonly sd: number } | null;
  /** Distance from the camera: expected metres, standard deviation of the logarithm. */
  readonly distance: { readonly metres: number; readonly sd: number } | null;
}

/**
 * Mean of the nine basis functions over the hemisphere facing the camera, weighted by projected area:
 * ⟨z⟩ = 2/3, ⟨z²⟩ = 1/2, all odd moments of x and y vanish.
 */
const MEAN_BASIS = SH_CONSTANTS.map((c, k) => (k === 0 ? c : k === 3 ? (2 / 3) * c : k === 8 ? 0.5 * c : 0));

/** Energy by term. */
export type PriorTerms = Record<
  'identity' | 'expression' | 'texture' | 'joints' | 'light' | 'camera',
  number
>;

/**
 * Energies of all priors; where `equations` is given, adds their normal equations (lower triangle) for the columns
 * of `layout`.
 */
export function priors(
  model: HeadModel,
  layout: ParameterLayout,
  state: FitState,
  o: PriorOptions,
  equations?: { readonly hessian: Float64Array; readonly gradient: Float64Array },
): PriorTerms {
  const terms: PriorTerms = { identity: 0, expression: 0, texture: 0, joints: 0, light: 0, camera: 0 };
  const n = layout.size;
  const to: PriorSums = { terms, equations, n };
  addCoefficients(to, 'identity', state.identity, o.identityWeight, null, layout);
  if (o.skullWeight > 0) addSkull(to, skullPrecision(model), state.identity, o.skullWeight, layout);
  addCoefficients(to, 'expression', state.expression, o.expressionWeight, model.expressionSd, layout);
  addCoefficients(to, 'texture', state.texture, o.textureWeight, null, layout);

  addJoints(to, model, layout, state.pose, o.joints);
  addLight(to, layout, state.light, o.light);

  if (state.camera.kind === 'perspective') {
    const f = layout.blocks.get('focal')?.offset;
    const t = layout.blocks.get('translation')?.offset;
    if (o.focal) {
      COLUMNS[0] = f ?? 0;
      DERIVATIVES[0] = 1 / o.focal.sd;
      const off = Math.log(state.camera.focal) - o.focal.log;
      addResidual(to, 'camera', off / o.focal.sd, 1, f === undefined ? 0 : 1);
    }
    if (o.distance) {
      const z = state.camera.translation[2];
      COLUMNS[0] = (t ?? 0) + 2;
      DERIVATIVES[0] = 1 / (z * o.distance.sd);
      addResidual(to, 'camera', Math.log(-z / o.distance.metres) / o.distance.sd, 1, t === undefined ? 0 : 1);
    }
  }
  return terms;
}

/** What priors are summed to. */
interface PriorSums {
  readonly terms: PriorTerms;
  readonly equations: { readonly hessian: Float64Array; readonly gradient: Float64Array } | undefined;
  /** Columns. */
  readonly n: number;
}

/** Columns of a residual and its derivatives there: a frame of a video has a hundred residuals, several times over. */
const COLUMNS = new Int32Array(9);
const DERIVATIVES = new Float64Array(9);

/*
 * Functions by themselves: closures would be made for every call, and compiled code that no closure holds goes with the
 * next collection of garbage: V8 compiled them again and again while a video was tracked.
 */

/** One residual r, weighted by w, with the first `count` of {@link COLUMNS} and {@link DERIVATIVES}. */
function addResidual(to: PriorSums, term: keyof PriorTerms, r: number, w: number, count: number): void {
  to.terms[term] += 0.5 * w * r * r;
  if (to.equations && count > 0) addRow(to.equations, to.n, r, w, count);
}

function addCoefficients(
  to: PriorSums,
  term: 'identity' | 'expression' | 'texture',
  x: Float64Array,
  weight: number,
  sd: Float32Array | null,
  layout: ParameterLayout,
): void {
  const block = layout.blocks.get(term);
  const offset = block?.offset ?? 0;
  const columns = block?.size ?? 0;
  for (let k = 0; k < x.length; k++) {
    const s = sd ? 1 / sd[k] : 1;
    COLUMNS[0] = offset + k;
    DERIVATIVES[0] = s;
    addResidual(to, term, x[k] * s, weight, k < columns ? 1 : 0);
  }
}

/** The skull's prior, see `skull-prior.ts`. @param K (S,S) */
function addSkull(
  { terms, equations, n }: PriorSums,
  K: Float64Array,
  x: Float64Array,
  weight: number,
  layout: ParameterLayout,
): void {
  const S = x.length;
  const block = layout.blocks.get('identity');
  const columns = equations && block ? block.size : 0;
  const offset = block?.offset ?? 0;
  for (let j = 0; j < S; j++) {
    const slope = weightedDot(weight, K, j * S, x);
    terms.identity += 0.5 * slope * x[j];
    if (!equations || j >= columns) continue;
    equations.gradient[offset + j] += slope;
    addWeighted(equations.hessian, (offset + j) * n + offset, weight, K, j * S, j + 1);
  }
}

/** Σ weight·a[at + k]·x[k]. */
function weightedDot(weight: number, a: Float64Array, at: number, x: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += weight * a[at + k] * x[k];
  return sum;
}

/** out[to + k] += weight·a[at + k] for `count` k. */
function addWeighted(
  out: Float64Array,
  to: number,
  weight: number,
  a: Float64Array,
  at: number,
  count: number,
): void {
  for (let k = 0; k < count; k++) out[to + k] += weight * a[at + k];
}

function addJoints(
  to: PriorSums,
  model: HeadModel,
  layout: ParameterLayout,
  pose: Float64Array,
  sds: PriorOptions['joints'],
): void {
  for (const [name, sd] of Object.entries(sds)) {
    const joint = jointIndex(model, name);
    if (joint < 0) continue;
    const w = pose.subarray(3 * joint, 3 * joint + 3);
    const offset = layout.joints.find((j) => j.joint === joint)?.offset;
    const d = inverseLeftJacobian(w);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        COLUMNS[b] = (offset ?? 0) + b;
        DERIVATIVES[b] = d[3 * a + b] / sd[a];
      }
      addResidual(to, 'joints', w[a] / sd[a], 1, offset === undefined ? 0 : 3);
    }
  }
}

function addLight(
  to: PriorSums,
  layout: ParameterLayout,
  sh: Float64Array,
  { weight, level, bands, colour }: PriorOptions['light'],
): void {
  const light = layout.blocks.get('light');
  const first = light?.offset ?? 0;
  const coloured = layout.lightColumns === 27;
  for (let c = 0; c < 3; c++) {
    let shading = 0;
    let count = 0;
    for (let k = 0; k < 9; k++) {
      const b = MEAN_BASIS[k];
      if (b === 0) continue;
      shading += b * sh[3 * k + c];
      COLUMNS[count] = first + (coloured ? 3 * k + c : k);
      DERIVATIVES[count++] = b / level;
    }
    addResidual(to, 'light', (shading - 1) / level, weight, light ? count : 0);
  }
  for (let k = 0; k < 9; k++) {
    const scale = SH_CONSTANTS[k];
    for (let c = 0; c < 3; c++) {
      const l = sh[3 * k + c];
      const s = scale / bands;
      COLUMNS[0] = first + (coloured ? 3 * k + c : k);
      DERIVATIVES[0] = s;
      if (k > 0) addResidual(to, 'light', s * l, weight, light ? 1 : 0);
      const mean = (sh[3 * k] + sh[3 * k + 1] + sh[3 * k + 2]) / 3;
      const t = scale / colour;
      for (let d = 0; d < 3; d++) {
        COLUMNS[d] = first + (coloured ? 3 * k + d : k);
        DERIVATIVES[d] = t * ((d === c ? 1 : 0) - 1 / 3);
      }
      addResidual(to, 'light', t * (l - mean), weight, light && coloured ? 3 : 0);
    }
  }
}

/**
 * Adds w·(r + Σ a_i·δ_i)² of the first `count` columns, lower triangle. Not part of `priors`, which V8 then compiles once
 * instead of again and again.
 */
function addRow(
  { hessian, gradient }: { readonly hessian: Float64Array; readonly gradient: Float64Array },
  n: number,
  r: number,
  w: number,
  count: number,
): void {
  for (let p = 0; p < count; p++) {
    const i = COLUMNS[p];
    const a = DERIVATIVES[p];
    gradient[i] += w * a * r;
    for (let q = 0; q < count; q++) {
      const j = COLUMNS[q];
      if (j <= i) hessian[i * n + j] += w * a * DERIVATIVES[q];
    }
  }
}
