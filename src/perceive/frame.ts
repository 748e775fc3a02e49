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

/**
 * A square placed by eyes and mouth, as CelebA-HQ's pictures are (Karras et al. 2018): level by the eyes' line and by the
 * way from the eyes to the mouth together; its side four eye distances or 3.6 times that way, whichever is more, times
 * `scale`; its centre `drop` of that way below the eyes (CelebA-HQ: 1 and 0.1).
 * @param landmarks68 (68,2) iBUG-68, photo pixels.
 */
export function alignedFrame(landmarks68: ArrayLike<number>, scale = 1, drop = 0.1): Frame {
  const mean = (first: number, last: number): [number, number] => {
    let [x, y] = [0, 0];
    for (let l = first; l < last; l++) {
      x += landmarks68[2 * l] / (last - first);
      y += landmarks68[2 * l + 1] / (last - first);
    }
    return [x, y];
  };
  // In the picture: the subject's right eye is the left one.
  const [left, right] = [mean(36, 42), mean(42, 48)];
  const corners = [48, 54].map((l) => mean(l, l + 1));
  const mouth = [(corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2];
  const eyes = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  const across = [right[0] - left[0], right[1] - left[1]];
  const along = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  return {
    cx: eyes[0] + drop * along[0],
    cy: eyes[1] + drop * along[1],
    side: scale * Math.max(4 * Math.hypot(across[0], across[1]), 3.6 * Math.hypot(along[0], along[1])),
    roll: Math.atan2(across[1] - along[0], across[0] + along[1]),
  };
}

/** An angle brought to (−π, π]. */
export function wrapAngle(radians: number): number {
  const turn = 2 * Math.PI;
  const r = radians - turn * Math.floor((radians + Math.PI) / turn);
  return r <= -Math.PI ? r + turn : r;
}
