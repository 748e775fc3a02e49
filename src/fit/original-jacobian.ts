/**
 * Derivatives of posed vertices, of their projections and of their normals, for all vertices of a head: plain
 * TypeScript, some 60 ms for FLAME with 160 columns, which is little beside the pixels of the original's energy. The
 * photo fit has its own on the kernels (`model/jacobian.ts`), tied to its skin region.
 *
 * With x = Σ_j w_j (R_j b + t_j):
 *   component k:                     ∂x = M·B_k + Σ_j w_j ∂t_j/∂k,  M = Σ_j w_j R_j
 *   joint a, R_a ← exp(δ)·R_a:       ∂x = (R_parent δ) × Σ_{j below a} w_j (x_j − p_a), and M times the pose
 *                                    correctives' change
 * Inner loops run over columns, which are consecutive.
 */
import type { OrthographicCamera } from '../camera/camera.ts';
import type { HeadModel } from '../model/head-model.ts';
import { blendTransform, type PosedHead } from '../model/pose.ts';
import type { ParameterLayout } from './parameters.ts';

/** Identity and expression bases with the components of one coordinate together. */
export interface VertexMajorBases {
  /** (3V,S) float32. */
  readonly identity: Float32Array;
  /** (3V,E) float32. */
  readonly expression: Float32Array;
}

/** Turns the bases of `model` vertex-major. */
export function vertexMajorBases(model: HeadModel): VertexMajorBases {
  const rows = model.template.length;
  const turn = (basis: Float32Array): Float32Array => {
    const K = basis.length / rows;
    const out = new Float32Array(basis.length);
    for (let k = 0; k < K; k++) for (let i = 0; i < rows; i++) out[i * K + k] = basis[k * rows + i];
    return out;
  };
  return { identity: turn(model.identityBasis), expression: turn(model.expressionBasis) };
}

/** ∂vertices: (3V,g) float32, g = layout.geometrySize; columns of the camera are zero. */
export function vertexRows(
  model: HeadModel,
  bases: VertexMajorBases,
  posed: PosedHead,
  layout: ParameterLayout,
): Float32Array {
  const g = layout.geometrySize;
  const out = new Float32Array(model.template.length * g);
  for (const name of ['identity', 'expression'] as const) {
    const block = layout.blocks.get(name);
    const joints = name === 'identity' ? model.jointIdentityBasis : model.jointExpressionBasis;
    if (block) componentRows(model, bases[name], joints, posed, block, g, out);
  }
  for (const { joint, offset } of layout.joints) jointRows(model, posed, joint, offset, g, out);
  return out;
}

function componentRows(
  model: HeadModel,
  basis: Float32Array,
  jointBasis: Float32Array,
  posed: PosedHead,
  block: { readonly offset: number; readonly size: number },
  g: number,
  out: Float32Array,
): void {
  const J = model.joints.length;
  const V = model.template.length / 3;
  const K = basis.length / (3 * V);
  const n = block.size;
  const dt = new Float64Array(3 * J * n);
  for (let k = 0; k < n; k++) {
    const t = translationsOf(
      model,
      posed.skeleton.rotations,
      jointBasis.subarray(3 * J * k, 3 * J * (k + 1)),
    );
    for (let i = 0; i < 3 * J; i++) dt[i * n + k] = t[i];
  }
  const m = new Float64Array(12);
  for (let v = 0; v < V; v++) {
    blendTransform(model, posed.skeleton, v, J, m);
    const b = 3 * v * K;
    for (let a = 0; a < 3; a++) {
      const [p, q, r] = [m[3 * a], m[3 * a + 1], m[3 * a + 2]];
      const o = (3 * v + a) * g + block.offset;
      for (let k = 0; k < n; k++)
        out[o + k] = p * basis[b + k] + q * basis[b + K + k] + r * basis[b + 2 * K + k];
      for (let j = 0; j < J; j++) {
        const w = model.skinWeights[v * J + j];
        const d = (3 * j + a) * n;
        if (w !== 0) for (let k = 0; k < n; k++) out[o + k] += w * dt[d + k];
      }
    }
  }
}

/** Translations of the joints' transforms for rest positions (J,3); linear in them. */
function translationsOf(model: HeadModel, rotations: Float64Array, rest: ArrayLike<number>): Float64Array {
  const J = model.joints.length;
  const position = new Float64Array(3 * J);
  const out = new Float64Array(3 * J);
  for (let j = 0; j < J; j++) {
    const p = model.joints[j].parent;
    for (let a = 0; a < 3; a++) {
      let s = p < 0 ? rest[3 * j + a] : position[3 * p + a];
      for (let b = 0; p >= 0 && b < 3; b++)
        s += rotations[9 * p + 3 * a + b] * (rest[3 * j + b] - rest[3 * p + b]);
      position[3 * j + a] = s;
      for (let b = 0; b < 3; b++) s -= rotations[9 * j + 3 * a + b] * rest[3 * j + b];
      out[3 * j + a] = s;
    }
  }
  return out;
}

function jointRows(
  model: HeadModel,
  { bind, skeleton }: PosedHead,
  joint: number,
  offset: number,
  g: number,
  out: Float32Array,
): void {
  const J = model.joints.length;
  const V = model.template.length / 3;
  const { rotations, translations, posed: position, local } = skeleton;
  const below = [joint];
  for (let j = joint + 1; j < J; j++) if (below.includes(model.joints[j].parent)) below.push(j);
  const parent = model.joints[joint].parent;
  const axis = (i: number, a: number) => (parent < 0 ? (a === i ? 1 : 0) : rotations[9 * parent + 3 * a + i]);
  const m = new Float64Array(12);
  for (let v = 0; v < V; v++) {
    const arm = [0, 0, 0];
    for (const j of below) {
      const w = model.skinWeights[v * J + j];
      for (let a = 0; w !== 0 && a < 3; a++) {
        let s = translations[3 * j + a] - position[3 * joint + a];
        for (let b = 0; b < 3; b++) s += rotations[9 * j + 3 * a + b] * bind[3 * v + b];
        arm[a] += w * s;
      }
    }
    const row = 3 * v * g + offset;
    for (let i = 0; i < 3; i++) {
      const [x, y, z] = [axis(i, 0), axis(i, 1), axis(i, 2)];
      out[row + i] = y * arm[2] - z * arm[1];
      out[row + g + i] = z * arm[0] - x * arm[2];
      out[row + 2 * g + i] = x * arm[1] - y * arm[0];
    }
    if (!model.poseBasis || joint === 0) continue;
    blendTransform(model, skeleton, v, J, m);
    for (let i = 0; i < 3; i++) {
      // d(exp(δ)R)/dδ_i = [e_i]× R: row i+1 becomes −(row i+2), row i+2 becomes row i+1.
      const [p, q] = [(i + 1) % 3, (i + 2) % 3];
      const d = [0, 0, 0];
      for (let c = 0; c < 3; c++)
        for (let a = 0; a < 3; a++) {
          const at = (r: number) => (9 * (joint - 1) + 3 * r + c) * 3 * V + 3 * v + a;
          d[a] += local[9 * joint + 3 * p + c] * model.poseBasis[at(q)];
          d[a] -= local[9 * joint + 3 * q + c] * model.poseBasis[at(p)];
        }
      for (let a = 0; a < 3; a++)
        out[row + a * g + i] += m[3 * a] * d[0] + m[3 * a + 1] * d[1] + m[3 * a + 2] * d[2];
    }
  }
}

/**
 * Adds the projection of derivative rows: out (2 rows from `at`, g) += β·(∂u, ∂v) of vertex `v`, camera included.
 * @param rows of {@link vertexRows}.
 */
export function addProjectionRows(
  rows: Float32Array,
  vertices: Float32Array,
  v: number,
  beta: number,
  camera: OrthographicCamera,
  layout: ParameterLayout,
  out: Float32Array,
  at: number,
): void {
  const g = layout.geometrySize;
  const { scale, translation } = camera;
  const k = beta * scale;
  const source = 3 * v * g;
  for (let i = 0; i < g; i++) {
    out[at + i] += k * rows[source + i];
    out[at + g + i] -= k * rows[source + g + i];
  }
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined) {
    out[at + t] += k;
    out[at + g + t + 1] -= k;
  }
  const f = layout.blocks.get('focal')?.offset;
  if (f !== undefined) {
    out[at + f] += k * (vertices[3 * v] + translation[0]);
    out[at + g + f] -= k * (vertices[3 * v + 1] + translation[1]);
  }
}

/**
 * ∂(u, v, n_x, n_y, n_z) of chosen vertices, (5A,g), written to `out`. The normal N = Σ_faces (b − a) × (c − a) changes
 * by Σ (opposite edge) × ∂corner, the unit normal by (I − n̂n̂ᵀ)/|N| of that.
 */
export function attributeRows(
  model: HeadModel,
  rows: Float32Array,
  vertices: Float32Array,
  chosen: Uint32Array,
  camera: OrthographicCamera,
  layout: ParameterLayout,
  out: Float32Array,
): void {
  const g = layout.geometrySize;
  const { faces } = model;
  const around = facesAround(faces, chosen, vertices.length / 3);
  const dN = new Float64Array(3 * g);
  out.fill(0, 0, 5 * chosen.length * g);
  for (let i = 0; i < chosen.length; i++) {
    addProjectionRows(rows, vertices, chosen[i], 1, camera, layout, out, 5 * i * g);
    const normal = [0, 0, 0];
    const edges = new Map<number, [number, number, number]>();
    for (const f of around[i])
      for (let c = 0; c < 3; c++) {
        const v = faces[3 * f + c];
        const [next, last] = [3 * faces[3 * f + ((c + 1) % 3)], 3 * faces[3 * f + ((c + 2) % 3)]];
        const e = edges.get(v) ?? [0, 0, 0];
        for (let a = 0; a < 3; a++) e[a] += vertices[last + a] - vertices[next + a];
        edges.set(v, e);
        // N = Σ over corners of ½ x × … ; the sum of x_c × x_{c+1} is the same vector.
        const [x, y] = [3 * v, next];
        normal[0] += vertices[x + 1] * vertices[y + 2] - vertices[x + 2] * vertices[y + 1];
        normal[1] += vertices[x + 2] * vertices[y] - vertices[x] * vertices[y + 2];
        normal[2] += vertices[x] * vertices[y + 1] - vertices[x + 1] * vertices[y];
      }
    dN.fill(0);
    for (const [v, [ex, ey, ez]] of edges) {
      const o = 3 * v * g;
      for (let k = 0; k < g; k++) {
        const [x, y, z] = [rows[o + k], rows[o + g + k], rows[o + 2 * g + k]];
        dN[k] += ey * z - ez * y;
        dN[g + k] += ez * x - ex * z;
        dN[2 * g + k] += ex * y - ey * x;
      }
    }
    const s = 1 / Math.max(Math.hypot(...normal), 1e-20);
    const [nx, ny, nz] = normal.map((c) => c * s);
    const o = (5 * i + 2) * g;
    for (let k = 0; k < g; k++) {
      const along = nx * dN[k] + ny * dN[g + k] + nz * dN[2 * g + k];
      out[o + k] = s * (dN[k] - nx * along);
      out[o + g + k] = s * (dN[g + k] - ny * along);
      out[o + 2 * g + k] = s * (dN[2 * g + k] - nz * along);
    }
  }
}

function facesAround(faces: Uint32Array, chosen: Uint32Array, V: number): number[][] {
  const position = new Int32Array(V).fill(-1);
  for (let i = 0; i < chosen.length; i++) position[chosen[i]] = i;
  const out: number[][] = Array.from(chosen, () => []);
  for (let i = 0; i < faces.length; i++)
    if (position[faces[i]] >= 0) out[position[faces[i]]].push(Math.floor(i / 3));
  return out;
}
