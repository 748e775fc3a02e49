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

/**
 * Arrays for `writeNpz`; docs/exports.md says what each is.
 * @throws {InvalidArgumentError} when `model` has not FLAME's topology, or `params` are not its
 */
export function flameParams(model: HeadModel, params: HeadParams, view: PhotoView): Record<string, NpyArray> {
  const { V, F } = headSizes(model);
  const names = model.joints.map((joint) => joint.name);
  if (V !== FLAME.V || F !== FLAME.F || names.join() !== FLAME.joints.join())
    throw new InvalidArgumentError(
      `flameParams: the head ${model.name} is no FLAME head (${V} vertices and ${F} faces instead of ${FLAME.V} and ` +
        `${FLAME.F}, joints ${names.join(', ')}); other trackers could not read its parameters. Fit with a FLAME ` +
        'model, or use fit.npz',
    );
  const { camera, image } = view;
  const row = (values: ArrayLike<number>, from: number, count: number) =>
    npyArray(
      Float32Array.from({ length: count }, (_, i) => values[from + i] ?? 0),
      [1, count],
    );
  const [x, y, z] = camera.translation;
  const shape = new Float32Array(Math.max(SHAPE, params.identity.length));
  shape.set(params.identity);
  const scale = camera.kind === 'perspective' ? camera.focal : camera.scale;
  const [cx, cy] = camera.principal;
  return {
    shape: npyArray(shape),
    expr: row(params.expression, 0, Math.max(EXPRESSION, params.expression.length)),
    rotation: row(params.pose, 0, 3),
    neck_pose: row(params.pose, 3, 3),
    jaw_pose: row(params.pose, 6, 3),
    eyes_pose: row(params.pose, 9, 6),
    translation: row([x, y, z + CAMERA_Z], 0, 3),
    ...(camera.kind === 'perspective' && {
      focal_length: npyArray(Float32Array.of(scale / Math.max(image.width, image.height))),
    }),
    n_processed_frames: npyArray(Int32Array.of(1), []),
    camera_to_world: npyArray(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, CAMERA_Z, 0, 0, 0, 1), [4, 4]),
    camera_perspective: npyArray(Uint8Array.of(camera.kind === 'perspective' ? 1 : 0), []),
    intrinsics: npyArray(Float32Array.of(scale, 0, cx, 0, scale, cy, 0, 0, 1), [3, 3]),
    image_size: npyArray(Int32Array.of(image.width, image.height)),
    light: npyArray(Float32Array.from(view.light), [9, 3]),
  };
}
