/** A photometric problem of a few triangles, for kernels and their references. */
import { createRandom } from '../../src/core/random.ts';
import {
  appearanceStride,
  type PhotometricInput,
  paddedComponents,
  Q_STRIDE,
  type SampleArrays,
  takePhoto,
} from '../../src/kernels/photometric.ts';
import { type ActiveMesh, Q, type SurfaceSamples } from '../../src/kernels/reference/photometric.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { SH_CONSTANTS } from '../../src/light/sh.ts';

const SIDE = 20;

/** A triangle fan with random samples, some of which have no weight, some beyond the photo's border. */
export function scene(N: number, T: number, seed: number) {
  const random = createRandom(seed);
  const floats = (length: number, scale = 1, shift = 0) =>
    Float32Array.from({ length }, () => shift + scale * random.normal());
  const ring = 7;
  const edges: number[] = [];
  for (let i = 0; i < ring; i++) edges.push(0, 1 + i);
  for (let i = 0; i < ring; i++) edges.push(1 + i, 1 + ((i + 1) % ring));
  const triangles = Array.from({ length: ring }, (_, i) => i);
  const mesh: ActiveMesh = {
    vertices: Uint32Array.from({ length: ring + 1 }, (_, i) => i),
    corners: Uint32Array.from(triangles.flatMap((i) => [0, 1 + i, 1 + ((i + 1) % ring)])),
    triangleEdges: Uint32Array.from(triangles.flatMap((i) => [i, ring + i, (i + 1) % ring])),
    edges: Uint32Array.from(edges),
  };
  const barycentrics = new Float32Array(3 * N);
  for (let p = 0; p < N; p++) {
    const [a, b] = [random.uniform(), random.uniform()];
    barycentrics.set([a * b, a * (1 - b), 1 - a], 3 * p);
  }
  const samples: SurfaceSamples = {
    count: N,
    triangles: Uint32Array.from({ length: N }, () => random.below(ring)),
    barycentrics,
    mask: Float32Array.from({ length: N }, () => Math.max(0, random.uniform() - 0.2)),
    albedo: floats(3 * N, 0.1, 0.6),
    albedoBasis: floats(3 * N * T, 0.05),
  };
  const q = new Float32Array(Q * (ring + 1));
  for (let i = 0; i <= ring; i++)
    q.set(
      [
        SIDE * (1.2 * random.uniform() - 0.1),
        SIDE * (1.2 * random.uniform() - 0.1),
        0.4 * random.normal(),
        0.4 * random.normal(),
        1,
      ],
      Q * i,
    );
  const state = {
    q,
    light: Float64Array.from({ length: 27 }, (_, i) => (i < 3 ? 2.8 : 0.1 * random.normal())),
    basis: SH_CONSTANTS,
    texture: Float64Array.from({ length: T }, () => random.normal()),
    photo: { width: SIDE, height: SIDE, channels: 3, data: floats(3 * SIDE * SIDE, 0.2, 0.5) },
  };
  return { mesh, samples, state };
}

/** The scene in kernel memory. */
export function load(kernels: Kernels, { mesh, samples, state }: ReturnType<typeof scene>) {
  const { count: N } = samples;
  const T = state.texture.length;
  const stride = appearanceStride(T);
  const appearance = kernels.f32(N * stride);
  const corners = kernels.u32(3 * N);
  const edges = kernels.u32(3 * N);
  for (let p = 0; p < N; p++) {
    const tri = 3 * samples.triangles[p];
    corners.view.set(mesh.corners.subarray(tri, tri + 3), 3 * p);
    edges.view.set(mesh.triangleEdges.subarray(tri, tri + 3), 3 * p);
    appearance.view.set(samples.albedo.subarray(3 * p, 3 * p + 3), p * stride);
    for (let c = 0; c < 3; c++)
      appearance.view.set(
        samples.albedoBasis.subarray((3 * p + c) * T, (3 * p + c + 1) * T),
        p * stride + 4 + c * paddedComponents(T),
      );
  }
  const q = kernels.f32(Q_STRIDE * mesh.vertices.length);
  for (let i = 0; i < mesh.vertices.length; i++) q.view.set(state.q.subarray(Q * i, Q * i + Q), Q_STRIDE * i);
  const arrays: SampleArrays = {
    count: N,
    corners,
    edges,
    barycentrics: kernels.f32(samples.barycentrics),
    mask: kernels.f32(samples.mask),
    appearance,
  };
  const input: PhotometricInput = { ...state, q, photo: takePhoto(kernels, state.photo), loss: LOSS };
  return { arrays, input };
}

/** The loss of the scene. */
export const LOSS = { sigma: 0.1, k: 4, weight: 3 };
