/** Which points of a head are seen from outside at all. */
import type { Kernels } from '../../src/kernels/runtime.ts';
import { applyAlignment } from '../../src/linalg/align.ts';
import { rotationFromAxisAngle } from '../../src/model/rotation.ts';
import { rasterMesh } from '../../src/render/raster.ts';

/** (pitch, yaw) of a head that is looked at from the front, the sides, below and above. */
const TURNS = [
  [0, 0],
  [0, 0.7],
  [0, -0.7],
  [0, 1.4],
  [0, -1.4],
  [-0.6, 0],
  [0.5, 0],
] as const;
/** Pixels across, and the metres that they show. */
const SIZE = 700;
const WIDTH = 0.4;

/**
 * (V) 1 for vertices of faces seen from the front, the sides, below or above: not what lines nostrils, mouth and eye sockets.
 * @param vertices (V,3) metres.
 */
export function seenFromOutside(
  kernels: Kernels,
  vertices: ArrayLike<number>,
  faces: Uint32Array,
): Uint8Array {
  const seen = new Uint8Array(vertices.length / 3);
  for (const [pitch, yaw] of TURNS) {
    const rotation = rotationFromAxisAngle(pitch, yaw, 0);
    const turned = applyAlignment({ rotation, translation: new Float64Array(3), scale: 1 }, vertices);
    const camera = {
      kind: 'orthographic',
      scale: SIZE / WIDTH,
      principal: [SIZE / 2, SIZE / 2],
      translation: [0, 0, 0],
    } as const;
    const { faceIndex } = rasterMesh(kernels, Float32Array.from(turned), faces, camera, SIZE, SIZE);
    for (const f of faceIndex) for (let c = 0; f >= 0 && c < 3; c++) seen[faces[3 * f + c]] = 1;
  }
  return seen;
}
