/**
 * The original's result file: `fit.npy`, a pickled dictionary that `numpy.load(path, allow_pickle=True).item()` reads.
 * Arrays are float32 with a leading batch axis of 1:
 *
 *   shape (1,S), exp (1,E), pose (1,6), cam (1,3), tex (1,T), lit (1,9,3)   the variables
 *   verts (1,V,3)          vertices in the original's picture space: s·(x+tx), −s·(y+ty), 10 − s·z
 *   albedos (1,3,H,W)      the albedo map, RGB
 *
 * That `verts` are neither metres nor upright is the original's, kept so that its readers go on working.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { type NpyArray, npyArray, readNpy, toFloat32 } from '../io/npy.ts';
import { PickledArray, unpickleNpy } from '../io/pickle.ts';
import { writeObjectNpy } from '../io/pickle-write.ts';
import { type HeadModel, jointIndex } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { albedoMap } from '../render/albedo.ts';
import { ORIGINAL_SIZE, type OriginalParams, type OriginalState } from './original-energy.ts';

/** Sizes the original writes: 100 shape, 50 expression and 50 texture coefficients. */
export const ORIGINAL_SIZES = { shape: 100, exp: 50, tex: 50 } as const;

/**
 * The original's variables of a state: scale and shift of its camera, head and jaw rotation, the first coefficients
 * (zeros where the model has fewer than the original).
 * @throws {InvalidArgumentError} when the camera is perspective, the neck or eyes are turned, or the model uses more
 *   components than the original has.
 */
export function originalParams(model: HeadModel, state: OriginalState): OriginalParams {
  const { camera, params, light } = state;
  if (camera.kind !== 'orthographic')
    throw new InvalidArgumentError(
      "fit.npy: the original's camera is scaled orthographic; fit with --camera orthographic",
    );
  const jaw = jointIndex(model, 'jaw');
  const pose = new Float32Array(6);
  for (let i = 0; i < params.pose.length; i++) {
    const joint = Math.floor(i / 3);
    if (joint === 0) pose[i] = params.pose[i];
    else if (joint === jaw) pose[3 + (i % 3)] = params.pose[i];
    else if (params.pose[i] !== 0)
      throw new InvalidArgumentError(
        `fit.npy: the original cannot turn the joint ${model.joints[joint].name}`,
      );
  }
  const cut = (what: string, values: Float32Array, n: number) => {
    if (values.some((v, i) => i >= n && v !== 0))
      throw new InvalidArgumentError(
        `fit.npy: the original has ${n} ${what} coefficients, the fit uses more`,
      );
    return Float32Array.from({ length: n }, (_, i) => values[i] ?? 0);
  };
  const k = 2 / ORIGINAL_SIZE;
  const scale = k * camera.scale;
  return {
    shape: cut('shape', params.identity, ORIGINAL_SIZES.shape),
    exp: cut('expression', params.expression, ORIGINAL_SIZES.exp),
    tex: cut('texture', params.texture, ORIGINAL_SIZES.tex),
    pose,
    // A principal point off the middle is a shift.
    cam: Float32Array.of(
      scale,
      camera.translation[0] + (k * camera.principal[0] - 1) / scale,
      camera.translation[1] - (k * camera.principal[1] - 1) / scale,
    ),
    lit: Float32Array.from(light),
  };
}

/**
 * Writes `fit.npy`.
 * @throws {InvalidArgumentError} as {@link originalParams}, or when the model has no texture space.
 */
export function writeOriginalFit(model: HeadModel, state: OriginalState): Uint8Array {
  if (!model.texture) throw new InvalidArgumentError(`fit.npy: the model ${model.name} has no texture space`);
  const { shape, exp, pose, cam, tex, lit } = originalParams(model, state);
  const batch = (values: ArrayLike<number>, ...axes: number[]): NpyArray =>
    npyArray(Float32Array.from(values), [1, ...(axes.length > 0 ? axes : [values.length])]);
  const { vertices } = poseHead(model, state.params);
  const verts = vertices.map((x, i) => {
    const a = i % 3;
    if (a === 2) return 10 - cam[0] * x;
    return (a === 0 ? cam[0] : -cam[0]) * (x + cam[1 + a]);
  });
  const { width, height, data } = albedoMap(model.texture, state.params.texture);
  const texels = width * height;
  const albedos = Float32Array.from(data, (_, i) => data[(i % texels) * 3 + Math.floor(i / texels)]);
  return writeObjectNpy({
    shape: batch(shape),
    exp: batch(exp),
    pose: batch(pose),
    cam: batch(cam),
    verts: batch(verts, vertices.length / 3, 3),
    albedos: batch(albedos, 3, height, width),
    tex: batch(tex),
    lit: batch(lit, 9, 3),
  });
}

/**
 * Reads a `fit.npy` of the original or of ours: its variables.
 * @throws {FormatError} when it is none.
 */
export function readOriginalFit(bytes: Uint8Array, name = 'fit.npy'): OriginalParams {
  const value = unpickleNpy(readNpy(bytes, name), name);
  const read = (key: string): Float32Array => {
    const array = value instanceof Map ? value.get(key) : undefined;
    if (!(array instanceof PickledArray) || array.items)
      throw new FormatError(
        `${name}: "${key}" is missing; a fit of the original has shape, exp, pose, cam, tex and lit`,
      );
    return toFloat32(array, `${name}: ${key}`);
  };
  const sized = (key: string, n: number): Float32Array => {
    const values = read(key);
    if (values.length !== n)
      throw new FormatError(`${name}: ${key} has ${values.length} numbers, ${n} expected`);
    return values;
  };
  return {
    shape: read('shape'),
    exp: read('exp'),
    tex: read('tex'),
    pose: sized('pose', 6),
    cam: sized('cam', 3),
    lit: sized('lit', 27),
  };
}
