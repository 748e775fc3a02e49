/**
 * A fit of a FLAME head as parameters that other FLAME trackers' tools read: the arrays and frames of VHAP
 * (`tracked_flame_params_*.npz`, one time step; https://github.com/ShenhanQian/VHAP), whose per-frame files
 * GaussianAvatars and its relatives read too. The same names serve FLAME_PyTorch's and smplx's arguments.
 *
 * VHAP's forward function is ours: root, neck, jaw and both eyes as axis-angle vectors, translation added at the end.
 * Its camera for single-camera recordings stands at (0, 0, 1) looking along −z with y up, so that its translation is
 * ours + (0, 0, 1); its focal length is in units of the picture's longer side. `camera_to_world`, `intrinsics` and
 * `image_size` say the same without that convention. Not written: offsets, eyelids and textures of VHAP's own.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type NpyArray, npyArray } from '../io/npy.ts';
import { type HeadModel, type HeadParams, headSizes } from '../model/head-model.ts';
import type { PhotoView } from './export-view.ts';

/** Sizes by which a FLAME head is known. */
const FLAME = { V: 5023, F: 9976, joints: ['root', 'neck', 'jaw', 'left_eye', 'right_eye'] } as const;
/** Components that VHAP and its readers expect; fewer are filled up with zeros. */
const SHAPE = 300;
const EXPRESSION = 100;
/** Distance of VHAP's camera from its origin, metres. */
const CAMERA_Z = 1;

/** One time step. */
export interface FlameStep {
  readonly expression: ArrayLike<number>;
  readonly pose: ArrayLike<number>;
  readonly camera: PhotoView['camera'];
}

/** Whether `model` has FLAME's topology and joints. */
export function isFlame(model: HeadModel): boolean {
  const { V, F } = headSizes(model);
  return V === FLAME.V && F === FLAME.F && model.joints.map((j) => j.name).join() === FLAME.joints.join();
}

/**
 * Arrays for `writeNpz` of one fit; docs/exports.md says what each is.
 * @throws {InvalidArgumentError} when `model` has not FLAME's topology, or `params` are not its
 */
export function flameParams(model: HeadModel, params: HeadParams, view: PhotoView): Record<string, NpyArray> {
  return flameSequence(model, params.identity, [{ ...params, camera: view.camera }], view);
}

/**
 * Arrays for `writeNpz` of a motion, a row per time step, as VHAP writes them for a video.
 * @param identity (S) standard deviations.
 * @param view picture size and light; the camera is that of the first step but for its translation.
 * @throws {InvalidArgumentError} when `model` has not FLAME's topology, or there is no step
 */
export function flameSequence(
  model: HeadModel,
  identity: ArrayLike<number>,
  steps: readonly FlameStep[],
  view: Omit<PhotoView, 'camera'>,
): Record<string, NpyArray> {
  const { V, F } = headSizes(model);
  const names = model.joints.map((joint) => joint.name);
  if (!isFlame(model))
    throw new InvalidArgumentError(
      `flameParams: the head ${model.name} is no FLAME head (${V} vertices and ${F} faces instead of ${FLAME.V} and ` +
        `${FLAME.F}, joints ${names.join(', ')}); other trackers could not read its parameters. Fit with a FLAME ` +
        'model, or use fit.npz',
    );
  if (steps.length === 0) throw new InvalidArgumentError('flameSequence: there must be a time step');
  const N = steps.length;
  const rows = (count: number, value: (step: FlameStep, i: number) => number | undefined) =>
    npyArray(
      Float32Array.from({ length: N * count }, (_, k) => value(steps[Math.floor(k / count)], k % count) ?? 0),
      [N, count],
    );
  const { camera } = steps[0];
  const { image } = view;
  const shape = new Float32Array(Math.max(SHAPE, identity.length));
  shape.set(identity);
  const scale = camera.kind === 'perspective' ? camera.focal : camera.scale;
  const [cx, cy] = camera.principal;
  return {
    shape: npyArray(shape),
    expr: rows(Math.max(EXPRESSION, steps[0].expression.length), (s, i) => s.expression[i]),
    rotation: rows(3, (s, i) => s.pose[i]),
    neck_pose: rows(3, (s, i) => s.pose[3 + i]),
    jaw_pose: rows(3, (s, i) => s.pose[6 + i]),
    eyes_pose: rows(6, (s, i) => s.pose[9 + i]),
    translation: rows(3, (s, i) => s.camera.translation[i] + (i === 2 ? CAMERA_Z : 0)),
    ...(camera.kind === 'perspective' && {
      focal_length: npyArray(Float32Array.of(scale / Math.max(image.width, image.height))),
    }),
    n_processed_frames: npyArray(Int32Array.of(N), []),
    camera_to_world: npyArray(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, CAMERA_Z, 0, 0, 0, 1), [4, 4]),
    camera_perspective: npyArray(Uint8Array.of(camera.kind === 'perspective' ? 1 : 0), []),
    intrinsics: npyArray(Float32Array.of(scale, 0, cx, 0, scale, cy, 0, 0, 1), [3, 3]),
    image_size: npyArray(Int32Array.of(image.width, image.height)),
    light: npyArray(Float32Array.from(view.light), [9, 3]),
  };
}
