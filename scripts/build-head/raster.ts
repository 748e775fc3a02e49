/**
 * A small z-buffer renderer for check sheets and landmark calibration: perspective camera in front of the head,
 * one picture at a time, supersampled by the caller. Not the library's renderer, which it is used to cross-check.
 */

/** What to draw. */
export interface Scene {
  /** (V,3) posed vertices, metres. */
  readonly vertices: ArrayLike<number>;
  /** (F,3) */
  readonly faces: ArrayLike<number>;
  /** (U,2) v down, and (F,3) into it; needed for a texture. */
  readonly uvs?: ArrayLike<number>;
  readonly faceUvs?: ArrayLike<number>;
  /** (H,W,3) sRGB in [0,1]. */
  readonly texture?: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> };
}

/** Where from. */
export interface View {
  readonly size: number;
  /** Radians: the head turns to its left by yaw, looks up by −pitch, tilts by roll. */
  readonly yaw?: number;
  readonly pitch?: number;
  readonly roll?: number;
  /** Metres from the head's centre, and the half height seen there. */
  readonly distance?: number;
  readonly halfHeight?: number;
  readonly center?: readonly [number, number, number];
  /** Direction towards the light in camera space. */
  readonly light?: readonly [number, number, number];
  readonly ambient?: number;
  readonly background?: readonly [number, number, number];
}

/** A rendered picture and what lies under its pixels. */
export interface Picture {
  readonly size: number;
  /** (size,size,3) sRGB in [0,1]. */
  readonly rgb: Float32Array;
  /** (size,size) face, −1 for background. */
  readonly face: Int32Array;
  /** (size,size,2) barycentrics of corners 1 and 2 (perspective-correct). */
  readonly bary: Float32Array;
  /** (V,3) pixel x, y and camera depth. */
  readonly projected: Float64Array;
}

/** Renders `scene`. */
export function render(scene: Scene, view: View): Picture {
  const { size } = view;
  const V = scene.vertices.length / 3;
  const F = scene.faces.length / 3;
  const R = rotation(view.yaw ?? 0, view.pitch ?? 0, view.roll ?? 0);
  const D = view.distance ?? 1.2;
  const c = view.center ?? [0, 0.03, 0.02];
  const focal = (size / 2 / (view.halfHeight ?? 0.17)) * D;
  const cam = new Float64Array(3 * V);
  const projected = new Float64Array(3 * V);
  for (let v = 0; v < V; v++) {
    const x = scene.vertices[3 * v]! - c[0];
    const y = scene.vertices[3 * v + 1]! - c[1];
    const z = scene.vertices[3 * v + 2]! - c[2];
    for (let k = 0; k < 3; k++) cam[3 * v + k] = R[3 * k]! * x + R[3 * k + 1]! * y + R[3 * k + 2]! * z;
    const depth = D - cam[3 * v + 2]!;
    projected[3 * v] = size / 2 + (focal * cam[3 * v]!) / depth;
    projected[3 * v + 1] = size / 2 - (focal * cam[3 * v + 1]!) / depth;
    projected[3 * v + 2] = depth;
  }
  const normals = vertexNormals(cam, scene.faces);
  const face = new Int32Array(size * size).fill(-1);
  const bary = new Float32Array(2 * size * size);
  const depth = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY);
  for (let f = 0; f < F; f++) {
    const [a, b, d] = [scene.faces[3 * f]!, scene.faces[3 * f + 1]!, scene.faces[3 * f + 2]!];
    const [ax, ay, az] = [projected[3 * a]!, projected[3 * a + 1]!, projected[3 * a + 2]!];
    const [bx, by, bz] = [projected[3 * b]!, projected[3 * b + 1]!, projected[3 * b + 2]!];
    const [dx, dy, dz] = [projected[3 * d]!, projected[3 * d + 1]!, projected[3 * d + 2]!];
    const area = (bx - ax) * (dy - ay) - (dx - ax) * (by - ay);
    if (area >= 0) continue; // clockwise on screen (y down) is front-facing
    const x0 = Math.max(0, Math.floor(Math.min(ax, bx, dx) - 0.5));
    const x1 = Math.min(size - 1, Math.ceil(Math.max(ax, bx, dx) - 0.5));
    const y0 = Math.max(0, Math.floor(Math.min(ay, by, dy) - 0.5));
    const y1 = Math.min(size - 1, Math.ceil(Math.max(ay, by, dy) - 0.5));
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const px = x + 0.5;
        const py = y + 0.5;
        const w1 = ((px - ax) * (dy - ay) - (dx - ax) * (py - ay)) / area;
        const w2 = ((bx - ax) * (py - ay) - (px - ax) * (by - ay)) / area;
        const w0 = 1 - w1 - w2;
        if (w0 < 0 || w1 < 0 || w2 < 0) continue;
        const inv = w0 / az + w1 / bz + w2 / dz;
        const z = 1 / inv;
        const p = y * size + x;
        if (z >= depth[p]!) continue;
        depth[p] = z;
        face[p] = f;
        bary[2 * p] = (w1 / bz) * z;
        bary[2 * p + 1] = (w2 / dz) * z;
      }
    }
  }
  const rgb = new Float32Array(3 * size * size);
  const light = normalize(view.light ?? [0.25, 0.45, 0.85]);
  const ambient = view.ambient ?? 0.45;
  const background = view.background ?? [0.25, 0.25, 0.27];
  for (let p = 0; p < size * size; p++) {
    const f = face[p]!;
    if (f < 0) {
      for (let k = 0; k < 3; k++) rgb[3 * p + k] = background[k]!;
      continue;
    }
    const w = [1 - bary[2 * p]! - bary[2 * p + 1]!, bary[2 * p]!, bary[2 * p + 1]!];
    let [nx, ny, nz] = [0, 0, 0];
    for (let k = 0; k < 3; k++) {
      const v = scene.faces[3 * f + k]!;
      nx += w[k]! * normals[3 * v]!;
      ny += w[k]! * normals[3 * v + 1]!;
      nz += w[k]! * normals[3 * v + 2]!;
    }
    const n = Math.hypot(nx, ny, nz) || 1;
    const diffuse = Math.max(0, (nx * light[0] + ny * light[1] + nz * light[2]) / n);
    const shade = ambient + (1.12 - ambient) * diffuse;
    const albedo = [0.72, 0.62, 0.56];
    if (scene.texture && scene.uvs && scene.faceUvs) {
      let [u, t] = [0, 0];
      for (let k = 0; k < 3; k++) {
        const i = scene.faceUvs[3 * f + k]!;
        u += w[k]! * scene.uvs[2 * i]!;
        t += w[k]! * scene.uvs[2 * i + 1]!;
      }
      sample(scene.texture, u, t, albedo);
    }
    for (let k = 0; k < 3; k++) rgb[3 * p + k] = Math.min(1, Math.max(0, albedo[k]! * shade));
  }
  return { size, rgb, face, bary, projected };
}

function sample(t: NonNullable<Scene['texture']>, u: number, v: number, out: number[]): void {
  const x = Math.min(t.width - 1.001, Math.max(0, u * t.width - 0.5));
  const y = Math.min(t.height - 1.001, Math.max(0, v * t.height - 0.5));
  const [i, j] = [Math.floor(x), Math.floor(y)];
  const [a, b] = [x - i, y - j];
  for (let k = 0; k < 3; k++) {
    const at = (ii: number, jj: number) => t.data[3 * (jj * t.width + ii) + k]!;
    out[k] =
      (1 - b) * ((1 - a) * at(i, j) + a * at(i + 1, j)) + b * ((1 - a) * at(i, j + 1) + a * at(i + 1, j + 1));
  }
}

/** Row-major rotation: yaw about y, pitch about x, roll about z. */
export function rotation(yaw: number, pitch: number, roll: number): number[] {
  const [cy, sy, cx, sx, cz, sz] = [
    Math.cos(yaw),
    Math.sin(yaw),
    Math.cos(pitch),
    Math.sin(pitch),
    Math.cos(roll),
    Math.sin(roll),
  ];
  const Y = [cy, 0, sy, 0, 1, 0, -sy, 0, cy];
  const X = [1, 0, 0, 0, cx, -sx, 0, sx, cx];
  const Z = [cz, -sz, 0, sz, cz, 0, 0, 0, 1];
  return mul3(Z, mul3(X, Y));
}

function mul3(a: number[], b: number[]): number[] {
  const o = new Array<number>(9).fill(0);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) o[3 * i + j]! += a[3 * i + k]! * b[3 * k + j]!;
  return o;
}

/** Area-weighted vertex normals, unit length. */
export function vertexNormals(vertices: ArrayLike<number>, faces: ArrayLike<number>): Float64Array {
  const n = new Float64Array(vertices.length);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [3 * faces[f]!, 3 * faces[f + 1]!, 3 * faces[f + 2]!];
    const u = [0, 1, 2].map((k) => vertices[b + k]! - vertices[a + k]!);
    const v = [0, 1, 2].map((k) => vertices[c + k]! - vertices[a + k]!);
    const x = [u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!];
    for (const i of [a, b, c]) for (let k = 0; k < 3; k++) n[i + k]! += x[k]!;
  }
  for (let i = 0; i < n.length; i += 3) {
    const l = Math.hypot(n[i]!, n[i + 1]!, n[i + 2]!) || 1;
    for (let k = 0; k < 3; k++) n[i + k]! /= l;
  }
  return n;
}

function normalize(v: readonly number[]): [number, number, number] {
  const l = Math.hypot(v[0]!, v[1]!, v[2]!);
  return [v[0]! / l, v[1]! / l, v[2]! / l];
}
