/**
 * iBUG-68 landmarks out of the 478-point mesh.
 *
 * The inner 51 are fixed weighted mesh points. The weights were chosen against the landmarks of a FAN detector on
 * five FFHQ faces and their mirror images (left and right share weights): of all pairs of neighbouring mesh points
 * along the same feature the one of least error, kept only where it also won with the tested face left out. Mean
 * distance over the outer-eye-corner distance on these: 0.031 with the customary single points on the unrefined
 * mesh, 0.027 with lids and brows of the eye network (iris.ts), 0.020 with this table; what remains is scatter, most
 * of it FAN's own at 256².
 *
 * The 17 contour points of iBUG lie on the visible silhouette, the mesh's face oval does not: on a turned head the
 * far half of the oval is hidden behind the cheek. So a point on the oval gives the direction from the middle of the
 * face, and the outermost crossing with the oval or a ring of mesh edges inside of it gives the distance, 2.5 % more
 * because FAN's contour lies outside the mesh's. Mean distance on the same faces: 0.076 with the customary oval
 * points, 0.055 with places along the oval fitted, 0.048 so. (Convex hulls bridge the eye socket of a profile.)
 */
import type { FaceObservation } from './types.ts';

/** One landmark: mesh number, weight, mesh number, weight, … (the weights sum to 1). */
export type WeightedPoints = readonly number[];

/** (51) rows for iBUG 17…67: brows, nose, eyes, mouth. Right and left are the subject's. */
export const INNER51_FROM_MESH: readonly WeightedPoints[] = [
  // Right brow from its outer end, left brow from its inner end.
  [70, 0.75, 139, 0.25],
  [63, 1],
  [105, 0.75, 66, 0.25],
  [66, 0.75, 107, 0.25],
  [107, 0.5, 55, 0.5],
  [336, 0.5, 285, 0.5],
  [296, 0.75, 336, 0.25],
  [334, 0.75, 296, 0.25],
  [293, 1],
  [300, 0.75, 368, 0.25],
  // Bridge of the nose downwards, then the nostrils from right to left.
  [168, 0.75, 6, 0.25],
  [197, 0.75, 6, 0.25],
  [5, 0.625, 195, 0.375],
  [4, 1],
  [240, 0.75, 75, 0.25],
  [97, 1],
  [2, 0.6, 164, 0.4],
  [326, 1],
  [460, 0.75, 305, 0.25],
  // Right eye: outer corner, upper lid, inner corner, lower lid.
  [33, 1],
  [160, 0.75, 159, 0.25],
  [158, 0.75, 157, 0.25],
  [133, 0.5, 155, 0.5],
  [154, 0.625, 144, 0.375],
  [144, 0.75, 163, 0.25],
  // Left eye: inner corner, upper lid, outer corner, lower lid.
  [362, 0.5, 382, 0.5],
  [385, 0.75, 384, 0.25],
  [387, 0.75, 386, 0.25],
  [263, 1],
  [373, 0.75, 390, 0.25],
  [381, 0.625, 373, 0.375],
  // Outer lips: right corner, upper edge, left corner, lower edge.
  [61, 1],
  [39, 0.5, 40, 0.25, 80, 0.25],
  [37, 0.75, 82, 0.25],
  [0, 0.75, 13, 0.25],
  [267, 0.75, 312, 0.25],
  [269, 0.5, 270, 0.25, 310, 0.25],
  [291, 1],
  [405, 0.6, 321, 0.4],
  [314, 1],
  [17, 1],
  [84, 1],
  [181, 0.6, 91, 0.4],
  // Inner lips, the same way round.
  [78, 1],
  [82, 1],
  [13, 1],
  [312, 1],
  [308, 1],
  [317, 1],
  [14, 1],
  [87, 1],
];

/** (17) rows for iBUG 0…16: where on the face oval a contour point lies on a frontal face. */
export const CONTOUR17_FROM_MESH: readonly WeightedPoints[] = [
  [127, 0.875, 162, 0.125],
  [234, 0.75, 93, 0.25],
  [93, 0.5, 132, 0.5],
  [58, 0.625, 132, 0.375],
  [172, 0.75, 58, 0.25],
  [136, 0.875, 150, 0.125],
  [149, 0.75, 150, 0.25],
  [148, 0.625, 176, 0.375],
  [152, 1],
  [377, 0.625, 400, 0.375],
  [378, 0.75, 379, 0.25],
  [365, 0.875, 379, 0.125],
  [397, 0.75, 288, 0.25],
  [288, 0.625, 361, 0.375],
  [323, 0.5, 361, 0.5],
  [454, 0.75, 323, 0.25],
  [356, 0.875, 389, 0.125],
];

/**
 * Closed lines around the face along mesh edges, from the face oval inwards over jaw, cheeks and temples to the
 * cheekbones: on a turned head the far side's silhouette runs over the inner ones.
 */
const RINGS: readonly (readonly number[])[] = [
  [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
    149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
  ],
  [
    151, 337, 299, 333, 298, 301, 368, 264, 447, 366, 401, 435, 367, 364, 394, 395, 369, 396, 175, 171, 140,
    170, 169, 135, 138, 215, 177, 137, 227, 34, 139, 71, 68, 104, 69, 108,
  ],
  [
    9, 336, 296, 334, 293, 300, 383, 372, 345, 352, 376, 433, 416, 434, 430, 431, 262, 428, 199, 208, 32, 211,
    210, 214, 192, 213, 147, 123, 116, 143, 156, 70, 63, 105, 66, 107,
  ],
  [
    8, 285, 295, 282, 283, 276, 353, 265, 340, 346, 280, 411, 427, 432, 422, 424, 418, 421, 200, 201, 194,
    204, 202, 212, 207, 187, 50, 117, 111, 35, 124, 46, 53, 52, 65, 55,
  ],
];

/** FAN's contour over the mesh's, from the middle of the face. */
const CONTOUR_GROWTH = 1.025;

/** (68,2) float32 pixels from at least 468 mesh points (·,3) in pixels. */
export function ibug68FromMesh(mesh: ArrayLike<number>): Float32Array {
  const out = new Float32Array(68 * 2);
  const write = (k: number, points: WeightedPoints) => {
    for (let p = 0; p < points.length; p += 2) {
      out[2 * k] += points[p + 1] * mesh[3 * points[p]];
      out[2 * k + 1] += points[p + 1] * mesh[3 * points[p] + 1];
    }
  };
  for (let k = 0; k < 17; k++) write(k, CONTOUR17_FROM_MESH[k]);
  for (let k = 0; k < 51; k++) write(17 + k, INNER51_FROM_MESH[k]);

  const oval = RINGS[0];
  let cx = 0;
  let cy = 0;
  for (const i of oval) {
    cx += mesh[3 * i] / oval.length;
    cy += mesh[3 * i + 1] / oval.length;
  }
  for (let k = 0; k < 17; k++) {
    const dx = out[2 * k] - cx;
    const dy = out[2 * k + 1] - cy;
    const s = CONTOUR_GROWTH * outermostCrossing(mesh, cx, cy, dx, dy);
    out[2 * k] = cx + s * dx;
    out[2 * k + 1] = cy + s * dy;
  }
  return out;
}

/** The largest s with c + s·d on one of the rings; 1 where the ray meets none (a degenerate mesh). */
function outermostCrossing(mesh: ArrayLike<number>, cx: number, cy: number, dx: number, dy: number): number {
  let best = 0;
  for (const ring of RINGS) {
    for (let i = 0; i < ring.length; i++) {
      const a = 3 * ring[i];
      const b = 3 * ring[(i + 1) % ring.length];
      const ex = mesh[b] - mesh[a];
      const ey = mesh[b + 1] - mesh[a + 1];
      const det = ex * dy - ey * dx;
      if (det === 0) continue;
      const s = (ex * (mesh[a + 1] - cy) - ey * (mesh[a] - cx)) / det;
      const t = (dx * (mesh[a + 1] - cy) - dy * (mesh[a] - cx)) / det;
      if (t >= -1e-9 && t <= 1 + 1e-9 && s > best) best = s;
    }
  }
  return best > 0 ? best : 1;
}

/** A face of which the landmarks alone are known ((68,2), pixels): their box, and no doubt. */
export function observationOfLandmarks(landmarks68: Float32Array): FaceObservation {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < landmarks68.length; i += 2) {
    left = Math.min(left, landmarks68[i]);
    right = Math.max(right, landmarks68[i]);
    top = Math.min(top, landmarks68[i + 1]);
    bottom = Math.max(bottom, landmarks68[i + 1]);
  }
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  return { box, score: 1, landmarks68, mesh: null };
}
