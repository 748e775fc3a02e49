/**
 * Refusal of meshes that are no faces. The mesh network bends its mesh over anything it is shown; its presence
 * output is the main judge, and the geometry catches what slips through.
 */

/** Least presence (0…1) of a face in the second mesh pass. */
export const MIN_PRESENCE = 0.5;

/** Whether (468,3) points in pixels of a width × height photo have the order and proportions of a face. */
export function looksLikeFace(points: Float64Array, width: number, height: number): boolean {
  for (let i = 0; i < 468 * 3; i++) if (!Number.isFinite(points[i])) return false;
  const at = (i: number): [number, number, number] => [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
  const mid = (a: number, b: number) => at(a).map((v, k) => (v + at(b)[k]) / 2);
  const distance = (p: number[], q: number[]) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  const right = mid(33, 133);
  const left = mid(263, 362);
  const eyes = mid(33, 263);
  const mouth = mid(61, 291);
  const chin = at(152);
  const forehead = at(10);
  // Down the face, in the picture: forehead, eyes, nose base, mouth, chin.
  const downX = chin[0] - forehead[0];
  const downY = chin[1] - forehead[1];
  const height2d = Math.hypot(downX, downY);
  if (!(height2d >= 12)) return false;
  const along = (p: number[]) =>
    ((p[0] - forehead[0]) * downX + (p[1] - forehead[1]) * downY) / height2d ** 2;
  const order = [0, along(eyes), along(at(2)), along(mouth), 1];
  for (let k = 1; k < order.length; k++) if (!(order[k] - order[k - 1] > 0.03)) return false;
  // Proportions in 3D hold at any yaw: the eyes' distance against the eyes' distance from the mouth.
  const ratio = distance(right, left) / distance(eyes, mouth);
  if (!(ratio > 0.45 && ratio < 2)) return false;
  // Most of the face lies in the photo.
  let inside = 0;
  for (let i = 0; i < 468; i++) {
    const x = points[3 * i];
    const y = points[3 * i + 1];
    if (x >= 0 && y >= 0 && x < width && y < height) inside++;
  }
  return inside >= 0.6 * 468;
}
