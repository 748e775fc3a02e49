/**
 * Refusal of meshes that are no faces. The mesh network bends its mesh over anything it is shown; its presence
 * output is the main judge, stability under a further pass and the geometry catch what slips through.
 *
 * Measured: of some 150 faces (portraits, profiles, sunglasses, a crowd, rolls of 0 to 180°) all but three reached a
 * presence of 0.985 in the second pass, and nine in ten then moved by less than 0.012 of the face in the third. Of 130
 * detector candidates on pictures without faces (a cat, coins, machines, textures, text, a galaxy field) the best
 * stood at 0.93 and fell to 0.25 when the crop was made anew from its mesh. The detector's score alone does not
 * tell them apart: it reached 0.84 on a clock. Agreement of the mesh with the detector's key points was tried as a
 * further check and refused true faces first.
 */

/** Thresholds; presence is in [0, 1], moves are mean distances over the mesh's side. */
export const PLAUSIBILITY = {
  /** Least presence in the first pass, whose crop may be bad. */
  firstPresence: 0.02,
  /** Least presence in the last pass. */
  presence: 0.9,
  /** A pass that moved the mesh by less is the last one. */
  settled: 0.02,
  /** Passes at most, and the most the last of them may have moved the mesh. */
  passes: 4,
  lastMove: 0.06,
  /** A detector score from which a face found is believed to be right way up without looking further. */
  sureScore: 0.7,
  /** Least length from the forehead's top to the chin, pixels. */
  length: 12,
  /** Of two faces that share more than this part of the smaller one's square, one goes. */
  containment: 0.5,
  /** Least part of the mesh inside the photo. */
  inside: 0.6,
} as const;

/** Whether (468,3) points in pixels of a width × height photo have the order and proportions of a face. */
export function looksLikeFace(points: Float64Array, width: number, height: number): boolean {
  for (let i = 0; i < 468 * 3; i++) if (!Number.isFinite(points[i])) return false;
  const at = (i: number): [number, number, number] => [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
  const mid = (a: number, b: number) => at(a).map((v, k) => (v + at(b)[k]) / 2);
  const distance = (p: number[], q: number[]) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  const forehead = at(10);
  const chin = at(152);
  const eyes = mid(33, 263);
  const mouth = mid(61, 291);
  // Down the face, in the picture: forehead, eyes, base of the nose, mouth, chin.
  const downX = chin[0] - forehead[0];
  const downY = chin[1] - forehead[1];
  const length = Math.hypot(downX, downY);
  if (!(length >= PLAUSIBILITY.length)) return false;
  const along = (p: number[]) => ((p[0] - forehead[0]) * downX + (p[1] - forehead[1]) * downY) / length ** 2;
  const order = [0, along(eyes), along(at(2)), along(mouth), 1];
  for (let k = 1; k < order.length; k++) if (!(order[k] - order[k - 1] > 0.03)) return false;
  // In space, so at any yaw: the eyes' distance from each other against that from the mouth.
  const ratio = distance(mid(33, 133), mid(263, 362)) / distance(eyes, mouth);
  if (!(ratio > 0.45 && ratio < 2)) return false;
  let inside = 0;
  for (let i = 0; i < 468; i++) {
    const x = points[3 * i];
    const y = points[3 * i + 1];
    if (x >= 0 && y >= 0 && x < width && y < height) inside++;
  }
  return inside >= PLAUSIBILITY.inside * 468;
}
