/**
 * Square crops of a photo under any roll, and the similarity transform that carries points back.
 *
 * All three networks look at a square: the detector at tiles of the photo, the mesh at an upright face, the iris
 * network at an eye (mirrored for one side). A {@link Frame} is that square in photo pixels. Crop coordinates are
 * continuous in [0, 1]², (0, 0) the top left corner of the top left pixel, as everywhere in the library.
 */

/** A square of the photo: its own x axis is the photo's turned by `roll` (y down: positive is clockwise on screen). */
export interface Frame {
  /** Centre in photo pixels. */
  readonly cx: number;
  readonly cy: number;
  /** Side length in photo pixels. */
  readonly side: number;
  /** Radians. */
  readonly roll: number;
  /** The crop's x axis is reversed: what is left in the photo is right in the crop. */
  readonly mirrored?: boolean;
}

/** Coefficients of photo = crop·A + b, crop in [0, 1]²: x = ax·u + bx·v + tx, y = ay·u + by·v + ty. */
export interface FrameTransform {
  readonly ax: number;
  readonly ay: number;
  readonly bx: number;
  readonly by: number;
  readonly tx: number;
  readonly ty: number;
}

/** The map from crop coordinates in [0, 1]² to photo pixels. */
export function frameTransform(frame: Frame): FrameTransform {
  const c = Math.cos(frame.roll) * frame.side;
  const s = Math.sin(frame.roll) * frame.side;
  const m = frame.mirrored ? -1 : 1;
  return {
    ax: m * c,
    ay: m * s,
    bx: -s,
    by: c,
    tx: frame.cx - 0.5 * m * c + 0.5 * s,
    ty: frame.cy - 0.5 * m * s - 0.5 * c,
  };
}

/** An angle brought to (−π, π]. */
export function wrapAngle(radians: number): number {
  const turn = 2 * Math.PI;
  const r = radians - turn * Math.floor((radians + Math.PI) / turn);
  return r <= -Math.PI ? r + turn : r;
}
