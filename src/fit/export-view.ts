/**
 * The photo's camera and light as what goes into a mesh file, so that another program sees the head where the photo
 * shows it: a glTF camera, and the numbers that glTF has no place for as extras (read by examples/blender_overlay.py).
 */
import type { Camera } from '../camera/camera.ts';
import type { ExportCamera } from '../io/mesh-export.ts';

/** How a photo was taken, as a fit knows it. */
export interface PhotoView {
  readonly camera: Camera;
  /** Pixels. */
  readonly image: { readonly width: number; readonly height: number };
  /** (9,3) spherical-harmonics light. */
  readonly light: ArrayLike<number>;
}

/** Depth kept free before and behind the head, metres. */
const MARGIN = 0.05;

/**
 * The camera in model space: the head stays where the model has it, the camera stands at minus the translation. Its
 * picture is the photo's where the principal point is the photo's middle; else the smallest one around the principal
 * point that holds the photo, since glTF's cameras cannot be shifted, and `extras` say where the photo lies in it.
 * @param depths least and largest z of the head as posed, metres.
 */
export function exportCamera(view: PhotoView, depths: readonly [number, number]): ExportCamera {
  const { camera, image } = view;
  const [cx, cy] = camera.principal;
  const halfWidth = Math.max(cx, image.width - cx);
  const halfHeight = Math.max(cy, image.height - cy);
  const [x, y, z] = camera.translation;
  // Of an orthographic camera only the direction counts: it stands where the whole head is before it.
  const height = camera.kind === 'perspective' ? -z : depths[1] + 1;
  const extras = {
    width: image.width,
    height: image.height,
    principal: [cx, cy],
    ...(camera.kind === 'perspective' ? { focal: camera.focal } : { scale: camera.scale }),
  };
  return {
    name: 'photo',
    position: [-x || 0, -y || 0, height],
    projection:
      camera.kind === 'perspective'
        ? { yfov: 2 * Math.atan(halfHeight / camera.focal) }
        : { ymag: halfHeight / camera.scale },
    aspect: halfWidth / halfHeight,
    near: Math.max(0.01, height - depths[1] - MARGIN),
    far: Math.max(0.02, height - depths[0] + MARGIN),
    extras: { photofit: extras },
  };
}

/** Extras of a scene: the light, (9,3) rows of RGB. */
export function exportLight(view: PhotoView): Record<string, unknown> {
  const rows = Array.from({ length: 9 }, (_, k) => [0, 1, 2].map((c) => view.light[3 * k + c]));
  return { photofit: { light: rows } };
}
