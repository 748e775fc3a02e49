/**
 * A miniature of FLAME's files from formulas: a bulging grid as head, two tetrahedra as eyeballs, 5 joints, 6 identity
 * and 2 expression components behind a block of zeros, so that they lie where FLAME's do. Written with our own pickle
 * writer; the official encodings (Python 2, chumpy, scipy, torch) are tested on the stand-in.
 */
import { type NpyArray, npyArray } from '../../src/io/npy.ts';
import { writeNpz } from '../../src/io/npz.ts';
import { type PickleInput, writeObjectNpy, writePickle } from '../../src/io/pickle-write.ts';

/** Side of the grid. */
const N = 9;
export const J = 5;
export const S = 6;
export const E = 2;
/** Components before the first expression. */
const SPLIT = 300;
const K = SPLIT + 4;

/** Any repeatable number in −1…1. */
export const noise = (...indices: number[]): number =>
  Math.sin(indices.reduce((h, i) => h * 31.7 + i + 1, 0.5) * 12.9898) * 0.9;

function build() {
  const vertices: number[] = [];
  const faces: number[] = [];
  for (let r = 0; r < N; r++)
    for (let c = 0; c < N; c++) {
      const [x, y] = [(c / (N - 1) - 0.5) * 0.16, (0.5 - r / (N - 1)) * 0.24];
      vertices.push(x, y, 0.08 - 5 * x * x - 3 * y * y);
    }
  for (let r = 0; r + 1 < N; r++)
    for (let c = 0; c + 1 < N; c++) {
      const a = r * N + c;
      faces.push(a, a + N, a + 1, a + 1, a + N, a + N + 1);
    }
  for (const side of [1, -1]) {
    const first = vertices.length / 3;
    for (const [x, y, z] of [
      [0, 0, 1],
      [1, -0.5, -0.5],
      [-1, -0.5, -0.5],
      [0, 1, -0.5],
    ])
      vertices.push(side * 0.03 + 0.01 * x, 0.03 + 0.01 * y, 0.06 + 0.01 * z);
    for (const [a, b, c] of [
      [0, 1, 3],
      [0, 3, 2],
      [0, 2, 1],
      [1, 2, 3],
    ])
      faces.push(first + a, first + b, first + c);
  }
  return { vertices, faces };
}

export const mesh = build();
export const V = mesh.vertices.length / 3;
export const F = mesh.faces.length / 3;

/** Component k (identity from 0, expressions from 300) at coordinate i of (V,3). */
export const component = (i: number, k: number): number => {
  if (k < S) return 0.01 * noise(i, k);
  return k >= SPLIT && k < SPLIT + E ? 0.005 * noise(i, k) : 0;
};

/** The dictionary of generic_model.pkl. */
export function geometryDict(): Record<string, PickleInput> {
  const shapedirs = new Float64Array(V * 3 * K);
  for (let i = 0; i < V * 3; i++) for (let k = 0; k < K; k++) shapedirs[i * K + k] = component(i, k);
  const P = 9 * (J - 1);
  const weights = new Float64Array(V * J);
  const regressor = new Float64Array(J * V);
  for (let v = 0; v < V; v++) {
    const eye = v < N * N ? -1 : v < N * N + 4 ? 3 : 4;
    if (eye >= 0) weights[v * J + eye] = 1;
    else for (let j = 0; j < 3; j++) weights[v * J + j] = [0.2, 0.5, 0.3][j];
  }
  for (let j = 0; j < J; j++) for (const v of [j, j + 7]) regressor[j * V + v] = 0.5;
  return {
    v_template: npyArray(Float64Array.from(mesh.vertices), [V, 3]),
    f: npyArray(Uint32Array.from(mesh.faces), [F, 3]),
    shapedirs: npyArray(shapedirs, [V, 3, K]),
    posedirs: npyArray(
      Float64Array.from({ length: V * 3 * P }, (_, i) => 0.001 * noise(i)),
      [V, 3, P],
    ),
    J_regressor: npyArray(regressor, [J, V]),
    kintree_table: npyArray(BigInt64Array.of(4294967295n, 0n, 1n, 1n, 1n, 0n, 1n, 2n, 3n, 4n), [2, J]),
    weights: npyArray(weights, [V, J]),
    bs_style: 'lbs',
    bs_type: 'lrotmin',
  };
}

/** generic_model.pkl, or another dictionary in its place. */
export const geometryFile = (dict: Record<string, PickleInput> = geometryDict()): Uint8Array =>
  writePickle(dict);

/** The face of point l of row r, spread over the grid. */
export const faceOf = (r: number, l: number): number => (7 * l + 3 * r) % (2 * (N - 1) * (N - 1));

const ints = (values: number[], shape: number[]): NpyArray =>
  npyArray(BigInt64Array.from(values, BigInt), shape);
const thirds = (n: number, shape: number[]): NpyArray => npyArray(new Float64Array(3 * n).fill(1 / 3), shape);
const list = (n: number, of: (i: number) => number) => Array.from({ length: n }, (_, i) => of(i));

/** landmark_embedding.npy with `inner` static and `full` full points. */
export function landmarkFile(inner = 51, full = 68): Uint8Array {
  const dynamic = list(79 * 17, (i) => faceOf(Math.floor(i / 17), i % 17));
  return writeObjectNpy({
    static_lmk_faces_idx: ints(
      list(inner, (l) => faceOf(100, l)),
      [inner],
    ),
    static_lmk_bary_coords: thirds(inner, [inner, 3]),
    dynamic_lmk_faces_idx: ints(dynamic, [79, 17]),
    dynamic_lmk_bary_coords: thirds(79 * 17, [79, 17, 3]),
    full_lmk_faces_idx: ints(
      list(full, (l) => faceOf(200, l)),
      [1, full],
    ),
    full_lmk_bary_coords: thirds(full, [1, full, 3]),
  });
}

/** flame_static_embedding.pkl and flame_dynamic_embedding.npy. */
export function landmarkPair(): { staticEmbedding: Uint8Array; dynamicEmbedding: Uint8Array } {
  return {
    staticEmbedding: writePickle({
      lmk_face_idx: ints(
        list(51, (l) => faceOf(100, l)),
        [51],
      ),
      lmk_b_coords: thirds(51, [51, 3]),
    }),
    dynamicEmbedding: writeObjectNpy({
      lmk_face_idx: list(79, (r) => r).map((r) =>
        ints(
          list(17, (l) => faceOf(r, l)),
          [17],
        ),
      ),
      lmk_b_coords: list(79, (r) => r).map(() => thirds(17, [17, 3])),
    }),
  };
}

/** A texture coordinate of vertex v, v up. */
export const uvOf = (v: number): [number, number] => [0.1 + (0.8 * v) / V, 0.2 + (0.7 * ((v * 13) % V)) / V];

/** head_template_mesh.obj. */
export function templateFile(): Uint8Array {
  let text = '';
  for (let v = 0; v < V; v++) text += `v ${mesh.vertices.slice(3 * v, 3 * v + 3).join(' ')}\n`;
  for (let v = 0; v < V; v++) text += `vt ${uvOf(v).join(' ')}\n`;
  for (let f = 0; f < F; f++)
    text += `f ${[0, 1, 2]
      .map((c) => mesh.faces[3 * f + c] + 1)
      .map((i) => `${i}/${i}`)
      .join(' ')}\n`;
  return new TextEncoder().encode(text);
}

/** mediapipe_landmark_embedding.npz. */
export const mediapipeFile = (): Uint8Array =>
  writeNpz({
    lmk_face_idx: npyArray(Uint32Array.of(3, 5)),
    lmk_b_coords: npyArray(Float64Array.of(0.5, 0.25, 0.25, 0, 0, 1), [2, 3]),
    landmark_indices: npyArray(BigInt64Array.of(276n, 4n)),
  });

/** FLAME_masks.pkl. */
export const masksFile = (): Uint8Array =>
  writePickle({
    face: ints([12, 10, 11, 13], [4]),
    nose: ints([20], [1]),
    left_eyeball: ints([81, 82, 83, 84], [4]),
    right_eyeball: ints([85, 86, 87, 88], [4]),
    left_ear: ints([1], [1]),
    right_ear: ints([0], [1]),
  });

/** Texel (y, x, channel) of component k (−1: the mean) of the texture files, 0…255, BGR. */
export const texel = (y: number, x: number, c: number, k: number): number =>
  k < 0 ? 128 + 100 * noise(y, x, c) : 20 * noise(y, x, c, k);

/** FLAME_texture.npz of side² texels and T components. */
export function textureFile(
  side: number,
  T: number,
  options: { compress?: boolean; double?: boolean } = {},
): Uint8Array {
  const mean: number[] = [];
  const dirs: number[] = [];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++) {
        mean.push(texel(y, x, c, -1));
        for (let k = 0; k < T; k++) dirs.push(texel(y, x, c, k));
      }
  const pack = (values: number[], shape: number[]) =>
    npyArray(options.double ? Float64Array.from(values) : Float32Array.from(values), shape);
  const entries = { mean: pack(mean, [side, side, 3]), tex_dir: pack(dirs, [side, side, 3, T]) };
  return writeNpz(entries, { compress: options.compress ?? false });
}
