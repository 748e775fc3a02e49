/**
 * What is known of how large a head is. A picture does not say: a head 5 % larger and as much farther away looks the same.
 *
 *   distance  ½ (log(|x|/d)/σ)²   x: the root of the nose (iBUG-68 landmark 27, what one holds a tape measure to between the
 *                                 eyes) seen from the centre of the camera; tells the size where the focal length is known
 *   eyes      ½ (|e_l − e_r| − D)²/σ²   e: centres of the eyeballs, which is where the pupils are when the eyes look into
 *                                       the distance: the interpupillary distance that opticians measure
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type HeadModel, jointIndex } from '../model/head-model.ts';
import { MEASURED, type Measured, type PersonOptions, type ViewOptions } from './fit-options.ts';
import type { FitState, ParameterLayout } from './parameters.ts';
import type { PreparedModel } from './prepare.ts';
import type { KnownValues } from './types.ts';

/** What is known; nothing where null. */
export interface KnownSize {
  /** Metres from the camera to the root of the nose, standard deviation of the logarithm. */
  readonly distance: { readonly metres: number; readonly sd: number } | null;
  /** Metres between the eyes' centres and their standard deviation; `weight` multiplies the squared residual. */
  readonly ipd: { readonly metres: number; readonly sd: number; readonly weight: number } | null;
}

/** Derivatives of the posed surface, rows as in `SurfaceGeometry`. */
interface SizeEquations {
  readonly prepared: PreparedModel;
  readonly rows: Float32Array;
  readonly stride: number;
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
}

/** A photo is a crop of one so many times as large to each side, at most. */
const PRINCIPAL_BEYOND = 10;

/** Number of iBUG-68 landmark 27 among the inner 51. */
const NOSE_ROOT = 10;

/** (3) corners of the face that the root of the nose is on. */
export function noseRootCorners({ faces, landmarks }: HeadModel): Uint32Array {
  const f = 3 * landmarks.inner51.faces[NOSE_ROOT];
  return faces.subarray(f, f + 3);
}

/** Metres from the camera to the root of the nose. */
export function cameraDistance(
  model: HeadModel,
  vertices: ArrayLike<number>,
  camera: FitState['camera'],
): number {
  return Math.hypot(...noseRoot(model, vertices, camera));
}

/** Metres between the centres of the eyes, pose and expression aside; null where the model has no such joints. */
export function interpupillaryDistance(model: HeadModel, identity: ArrayLike<number>): number | null {
  const apart = eyesApart(model, identity);
  return apart && Math.hypot(...apart);
}

/**
 * The energy of what is known; where `equations` is given, adds its normal equations (lower triangle) for the columns of
 * `layout`. The rows of the corners of the root of the nose must be filled in.
 * @param vertices (V,3) posed by `state`.
 */
export function knownSizeEnergy(
  model: HeadModel,
  layout: ParameterLayout,
  state: FitState,
  vertices: Float32Array,
  { distance, ipd }: KnownSize,
  equations?: SizeEquations,
): number {
  let energy = 0;
  const add = (residual: number, weight: number, derivative: () => Float64Array) => {
    energy += 0.5 * weight * residual ** 2;
    if (!equations) return;
    const d = derivative();
    for (let i = 0; i < d.length; i++) {
      if (d[i] === 0) continue;
      equations.gradient[i] += weight * d[i] * residual;
      for (let j = 0; j <= i; j++) equations.hessian[i * layout.size + j] += weight * d[i] * d[j];
    }
  };
  if (distance && state.camera.kind === 'perspective') {
    const x = noseRoot(model, vertices, state.camera);
    const metres = Math.hypot(...x);
    add(Math.log(metres / distance.metres) / distance.sd, 1, () =>
      alongRows(
        model,
        layout,
        equations!,
        x.map((a) => a / (metres ** 2 * distance.sd)),
      ),
    );
  }
  const apart = ipd && eyesApart(model, state.identity);
  if (ipd && apart) {
    const metres = Math.hypot(...apart);
    add((metres - ipd.metres) / ipd.sd, ipd.weight, () => {
      const d = new Float64Array(layout.size);
      const block = layout.blocks.get('identity');
      for (let k = 0; k < (block?.size ?? 0); k++) {
        const moved = eyesMoved(model, k);
        for (let a = 0; a < 3; a++) d[block!.offset + k] += (apart[a] * moved[a]) / (metres * ipd.sd);
      }
      return d;
    });
  }
  return energy;
}

/** The values of what is known, for the result; nothing where nothing is. */
export function knownValues(options: ViewOptions & PersonOptions): { known?: KnownValues } {
  const known: { -readonly [K in keyof KnownValues]: number } = {};
  for (const name of ['focal', 'distance', 'ipd'] as const) {
    const given = measured(options[name], 1);
    if (given) known[name] = given.value;
  }
  return Object.keys(known).length > 0 ? { known } : {};
}

/** A measurement with its deviation. */
export function measured(x: Measured | undefined, sd: number): { value: number; sd: number } | null {
  return x === undefined ? null : typeof x === 'number' ? { value: x, sd } : x;
}

/** Least and greatest focal length of a picture, pixels. */
export function focalRange({ width, height }: { readonly width: number; readonly height: number }) {
  const diagonal = Math.hypot(width, height);
  return [MEASURED.focal.least * diagonal, MEASURED.focal.most * diagonal] as const;
}

/** Where the principal point may lie along a side of so many pixels. */
export function principalRange(side: number): readonly [least: number, most: number] {
  return [-PRINCIPAL_BEYOND * side, (1 + PRINCIPAL_BEYOND) * side];
}

/**
 * Checks what a caller says is known.
 * @throws {InvalidArgumentError} on values that cannot be, and on those that the model or the camera has no use for.
 */
export function checkKnown(
  caller: string,
  model: HeadModel,
  image: { readonly width: number; readonly height: number },
  options: ViewOptions & PersonOptions,
): void {
  for (const [name, unit, [least, most]] of [
    ['ipd', 'metres', [MEASURED.ipd.least, MEASURED.ipd.most]],
    ['distance', 'metres', [MEASURED.distance.least, MEASURED.distance.most]],
    ['focal', 'pixels of the photo', focalRange(image)],
  ] as const) {
    const known = measured(options[name], MEASURED[name].sd);
    if (!known) continue;
    if (!(known.value >= least && known.value <= most))
      throw new InvalidArgumentError(
        `${caller}: options.${name} must be ${+least.toPrecision(3)}…${+most.toPrecision(3)} ${unit}, got ${known.value}`,
      );
    if (!(known.sd > 0 && known.sd < Infinity))
      throw new InvalidArgumentError(`${caller}: options.${name}.sd must be positive, got ${known.sd}`);
    if (name !== 'ipd' && options.camera === 'orthographic')
      throw new InvalidArgumentError(
        `${caller}: options.${name} is of a perspective camera, the camera is orthographic`,
      );
  }
  const { principal } = options;
  if (principal)
    for (const [a, side] of (['width', 'height'] as const).entries()) {
      const [least, most] = principalRange(image[side]);
      if (!(principal[a] >= least && principal[a] <= most))
        throw new InvalidArgumentError(
          `${caller}: options.principal[${a}] must be ${least}…${most} pixels of the photo, got ${principal[a]}`,
        );
    }
  if (options.ipd !== undefined) requireEyes(`${caller}: options.ipd`, model);
}

/** @throws {InvalidArgumentError} when a model has no eyes that could be apart; `what` begins the message */
export function requireEyes(what: string, model: HeadModel): void {
  if (interpupillaryDistance(model, []) !== null) return;
  const joints = model.joints.map((joint) => joint.name).join(', ');
  throw new InvalidArgumentError(
    `${what} needs a model with the joints left_eye and right_eye; ${model.name} has ${joints}`,
  );
}

/** Camera-space root of the nose. */
function noseRoot(
  model: HeadModel,
  vertices: ArrayLike<number>,
  { translation }: FitState['camera'],
): number[] {
  const corners = noseRootCorners(model);
  const beta = model.landmarks.inner51.barycentrics.subarray(3 * NOSE_ROOT);
  return translation.map((t, a) => corners.reduce((s, v, i) => s + beta[i] * vertices[3 * v + a], t));
}

/** Derivative of `direction` · root of the nose. */
function alongRows(
  model: HeadModel,
  layout: ParameterLayout,
  { prepared, rows, stride }: SizeEquations,
  direction: readonly number[],
): Float64Array {
  const d = new Float64Array(layout.size);
  const beta = model.landmarks.inner51.barycentrics.subarray(3 * NOSE_ROOT);
  for (const [i, v] of noseRootCorners(model).entries())
    for (let a = 0; a < 3; a++) {
      const row = (3 * prepared.rowOf[v] + a) * stride;
      for (let c = 0; c < layout.geometrySize; c++) d[c] += direction[a] * beta[i] * rows[row + c];
    }
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined) for (let a = 0; a < 3; a++) d[t + a] += direction[a];
  return d;
}

/** From the centre of the right eye to that of the left one, at rest. */
function eyesApart(model: HeadModel, identity: ArrayLike<number>): number[] | null {
  const [left, right] = eyes(model);
  if (left < 0 || right < 0) return null;
  const apart = [0, 1, 2].map((a) => model.jointTemplate[3 * left + a] - model.jointTemplate[3 * right + a]);
  for (let k = 0; k < identity.length; k++) {
    if (identity[k] === 0) continue;
    const moved = eyesMoved(model, k);
    for (let a = 0; a < 3; a++) apart[a] += identity[k] * moved[a];
  }
  return apart;
}

/** How an identity component changes {@link eyesApart}. */
function eyesMoved(model: HeadModel, k: number): number[] {
  const [left, right] = eyes(model);
  const basis = model.jointIdentityBasis.subarray(3 * model.joints.length * k);
  return [0, 1, 2].map((a) => basis[3 * left + a] - basis[3 * right + a]);
}

function eyes(model: HeadModel): [number, number] {
  return [jointIndex(model, 'left_eye'), jointIndex(model, 'right_eye')];
}
