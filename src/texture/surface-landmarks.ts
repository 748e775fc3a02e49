/**
 * Landmarks on a coloured surface that nobody has marked: it is drawn from the front, a detector finds the face in the
 * picture, and what lies under its landmarks is looked up. Basel's file of 2009 names none, and lists of vertex numbers
 * that go round differ between its crops.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { MeshLandmarks } from '../fit/mesh-landmarks.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { FacePerception } from '../perceive/types.ts';
import { vertexNormals } from '../render/normals.ts';
import { rasterMesh } from '../render/raster.ts';
import type { ColouredSurface } from './coloured-surface.ts';

const SIZE = 512;
/** Part of the picture that the surface fills; detectors want some air around a face. */
const FILL = 0.7;
/** Landmarks of the contour depend on the view, these don't. */
const FIRST = 17;

/**
 * The 51 inner landmarks of `surface`, which must look along +z, y up.
 * @throws {InvalidArgumentError} when no face is found
 */
export async function findSurfaceLandmarks(
  kernels: Kernels,
  surface: Omit<ColouredSurface, 'landmarks'>,
  perception: FacePerception,
  signal?: AbortSignal,
): Promise<MeshLandmarks> {
  const { vertices, faces, mean } = surface;
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < vertices.length; i++) {
    low[i % 3] = Math.min(low[i % 3], vertices[i]);
    high[i % 3] = Math.max(high[i % 3], vertices[i]);
  }
  const span = Math.max(high[0] - low[0], high[1] - low[1]);
  const scale = (FILL * SIZE) / span;
  const raster = rasterMesh(
    kernels,
    vertices,
    faces,
    {
      kind: 'orthographic',
      scale,
      principal: [SIZE / 2, SIZE / 2],
      translation: [-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -high[2] - span],
    },
    SIZE,
    SIZE,
  );
  const picture = draw(surface, raster, mean);
  const [face] = await perception.detect(picture, { signal });
  if (!face)
    throw new InvalidArgumentError(
      `${surface.name}: no face was found on a drawing of its mean; say where it is with --landmarks`,
    );
  const numbers: number[] = [];
  const points: number[] = [];
  for (let l = FIRST; l < 68; l++) {
    const x = Math.floor(face.landmarks68[2 * l]);
    const y = Math.floor(face.landmarks68[2 * l + 1]);
    const p = y * SIZE + x;
    if (x < 0 || y < 0 || x >= SIZE || y >= SIZE || raster.faceIndex[p] < 0) continue;
    numbers.push(l);
    for (let a = 0; a < 3; a++) {
      let sum = 0;
      for (let c = 0; c < 3; c++)
        sum += raster.barycentrics[3 * p + c] * vertices[3 * faces[3 * raster.faceIndex[p] + c] + a];
      points.push(sum);
    }
  }
  return { numbers, points: Float64Array.from(points) };
}

/** The mean in soft light from the front, on grey. */
function draw(
  surface: Omit<ColouredSurface, 'landmarks'>,
  raster: ReturnType<typeof rasterMesh>,
  mean: Float32Array,
): Image8 {
  const { vertices, faces } = surface;
  const normals = vertexNormals(vertices, faces);
  const data = new Uint8ClampedArray(4 * SIZE * SIZE).fill(128);
  const items = new Uint32Array(4);
  const weights = new Float64Array(4);
  for (let p = 0; p < SIZE * SIZE; p++) {
    data[4 * p + 3] = 255;
    const f = raster.faceIndex[p];
    if (f < 0) continue;
    const b = raster.barycentrics.subarray(3 * p, 3 * p + 3);
    let z = 0;
    for (let c = 0; c < 3; c++) z += b[c] * normals[3 * faces[3 * f + c] + 2];
    surface.taps(f, b, items, weights);
    for (let c = 0; c < 3; c++) {
      let colour = 0;
      for (let k = 0; k < 4; k++) colour += weights[k] * mean[3 * items[k] + c];
      data[4 * p + c] = 255 * colour * (0.5 + 0.5 * Math.max(z, 0));
    }
  }
  return { width: SIZE, height: SIZE, data };
}
