/**
 * Where the face mesh's irises sit on a FLAME head, whose own embedding has none: without them nothing in a picture says
 * where the eyes look, and gaze goes wherever the pose correctives of the eyes' joints make the skin fit a little better
 * (30° apart and more).
 *
 * FLAME's eyes look along +z at rest. An iris is 11.8 mm wide on an eyeball of 25.4 mm; the network draws its middle 3.5°
 * lower than it is, measured on renders of open-head. The upper end of its vertical diameter is left out: it lies under the
 * lid, and the network draws it at the lid's edge.
 */
import type { HeadModel, LandmarkEmbedding } from '../head-model.ts';

/** The first number of each iris among face-mesh points: its middle, then towards the nose, up, away from it, down. */
const IRISES = { right_eye: 468, left_eye: 473 } as const;
const FIRST = 468;

const DEGREE = Math.PI / 180;
/** Half of an iris as seen from the eyeball's centre, and how much lower it is drawn. */
const HALF = 27.7 * DEGREE;
const LOWER = 3.5 * DEGREE;
/** Number after the iris' first, and angles towards the nose and up. */
const POINTS = [
  [0, 0, -LOWER],
  [1, HALF, -LOWER],
  [3, -HALF, -LOWER],
  [4, 0, -HALF - LOWER],
] as const;

/** `mesh` with the irises of a head's eyeballs, where it has none and the head has eyes. */
export function withIrises(
  mesh: LandmarkEmbedding['mesh'],
  head: Pick<HeadModel, 'template' | 'faces' | 'joints' | 'jointTemplate' | 'regions'>,
): LandmarkEmbedding['mesh'] {
  if (mesh.indices.some((i) => i >= FIRST)) return mesh;
  const indices = [...mesh.indices];
  const faces = [...mesh.points.faces];
  const barycentrics = [...mesh.points.barycentrics];
  for (const [j, { name }] of head.joints.entries()) {
    if (name !== 'left_eye' && name !== 'right_eye') continue;
    const ball = head.regions.get(`${name}ball`);
    if (!ball) continue;
    const own = new Set(ball);
    const centre = head.jointTemplate.subarray(3 * j, 3 * j + 3);
    const nose = name === 'left_eye' ? -1 : 1;
    for (const [number, inwards, up] of POINTS) {
      const way = [nose * Math.sin(inwards) * Math.cos(up), Math.sin(up), Math.cos(inwards) * Math.cos(up)];
      const found = leavesBy(head, own, centre, way);
      if (!found) continue;
      indices.push(IRISES[name] + number);
      faces.push(found.face);
      barycentrics.push(...found.shares);
    }
  }
  return {
    indices: Uint32Array.from(indices),
    points: { faces: Uint32Array.from(faces), barycentrics: Float32Array.from(barycentrics) },
  };
}

/** Where a ray from inside an eyeball leaves it. */
function leavesBy(
  { template, faces }: Pick<HeadModel, 'template' | 'faces'>,
  ball: ReadonlySet<number>,
  from: ArrayLike<number>,
  way: readonly number[],
): { face: number; shares: number[] } | null {
  for (let f = 0; f < faces.length / 3; f++) {
    const corners = [...faces.subarray(3 * f, 3 * f + 3)];
    if (!corners.every((v) => ball.has(v))) continue;
    const [p, q, r] = corners.map((v) => [0, 1, 2].map((a) => template[3 * v + a] - from[a]));
    // The ray meets the plane where shares are as the volumes that it spans with the opposite edges.
    const volumes = [volume(way, q, r), volume(way, r, p), volume(way, p, q)];
    const sum = volumes[0] + volumes[1] + volumes[2];
    if (volumes.every((v) => v >= 0) && sum > 0) return { face: f, shares: volumes.map((v) => v / sum) };
  }
  return null;
}

function volume(a: readonly number[], b: readonly number[], c: readonly number[]): number {
  return (
    a[0] * (b[1] * c[2] - b[2] * c[1]) +
    a[1] * (b[2] * c[0] - b[0] * c[2]) +
    a[2] * (b[0] * c[1] - b[1] * c[0])
  );
}
