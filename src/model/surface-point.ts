/** Places on a head's surface. */
import type { HeadModel, SurfacePoints } from './head-model.ts';

/**
 * Where the surface point `l` lies, (3) in the units of `vertices`.
 * @param vertices (V,3) that begin at `from`: a head's, or displacements
 */
export function surfacePoint(
  { faces }: Pick<HeadModel, 'faces'>,
  points: SurfacePoints,
  l: number,
  vertices: Float32Array,
  from = 0,
): [x: number, y: number, z: number] {
  const p: [number, number, number] = [0, 0, 0];
  const corner = 3 * points.faces[l];
  for (let i = 0; i < 3; i++)
    for (let a = 0; a < 3; a++)
      p[a] += points.barycentrics[3 * l + i] * vertices[from + 3 * faces[corner + i] + a];
  return p;
}
