/**
 * iBUG-68 landmarks out of the 478-point mesh: a table of weighted mesh points for each.
 */

/** One landmark: mesh numbers and their weights (sum 1). */
export type WeightedPoints = readonly (readonly [index: number, weight: number])[];

const single = (...indices: number[]): WeightedPoints[] => indices.map((i) => [[i, 1]] as const);

/** (68) rows: 0…16 jaw from the subject's right, 17…26 brows, 27…35 nose, 36…47 eyes, 48…67 mouth. */
export const IBUG68_FROM_MESH: readonly WeightedPoints[] = [
  ...single(127, 234, 93, 132, 172, 136, 150, 176, 152, 400, 379, 365, 397, 361, 323, 454, 356),
  ...single(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
  ...single(168, 197, 5, 4, 98, 97, 2, 326, 327),
  ...single(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
  ...single(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
  ...single(78, 82, 13, 312, 308, 317, 14, 87),
];

/** (68,2) float32 pixels from at least 468 mesh points (·,3) in pixels. */
export function ibug68FromMesh(mesh: ArrayLike<number>): Float32Array {
  const out = new Float32Array(68 * 2);
  IBUG68_FROM_MESH.forEach((points, k) => {
    for (const [i, w] of points) {
      out[2 * k] += w * mesh[3 * i];
      out[2 * k + 1] += w * mesh[3 * i + 1];
    }
  });
  return out;
}
