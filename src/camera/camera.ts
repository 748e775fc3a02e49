/**
 * Cameras: from model space to pixels. The only home of axis conventions.
 *
 * Camera space has x to the right of the picture, y up and the viewer looking along −z (as in OpenGL and glTF):
 * a head that faces the camera with zero pose has camera space = model space + translation, with z < 0.
 * Pixels: u to the right, v down, (0, 0) the top left corner of the top left pixel.
 *
 *   perspective:   u = cx + f·x/(−z),   v = cy − f·y/(−z)    with (x,y,z) = vertex + translation
 *   orthographic:  u = cx + s·x,        v = cy − s·y          with (x,y) = vertex.xy + translation.xy
 */

/** Pinhole camera. */
export interface PerspectiveCamera {
  readonly kind: 'perspective';
  /** Pixels. */
  readonly focal: number;
  /** Pixels (cx, cy). */
  readonly principal: readonly [number, number];
  /** Metres, added to posed vertices; z is negative. */
  readonly translation: readonly [number, number, number];
}

/** Scaled orthographic camera. */
export interface OrthographicCamera {
  readonly kind: 'orthographic';
  /** Pixels per metre. */
  readonly scale: number;
  /** Pixels (cx, cy). */
  readonly principal: readonly [number, number];
  /** Metres; z only orders depth. */
  readonly translation: readonly [number, number, number];
}

/** Either camera. Coordinates are those of the full photo it was fitted to. */
export type Camera = PerspectiveCamera | OrthographicCamera;
