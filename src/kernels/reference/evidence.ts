/** References of `kernels/pixel-surface.ts`, `evidence.ts` and `albedo-residuals.ts`, float64. */

/** Surface of one pixel. */
export interface SurfacePoint {
  readonly normal: readonly number[];
  readonly depth: number;
  readonly uv: readonly number[];
  /** Cosine between normal and view. */
  readonly facing: number;
}

/** 0 below `low`, 1 above `high`, smooth between. */
function smooth(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** What a face shows at barycentrics `b`; arguments as of `SurfaceMesh` and `SurfaceCamera`. */
export function surfacePointReference(
  mesh: Readonly<Record<'faces' | 'faceUvs' | 'vertices' | 'normals' | 'uvs', ArrayLike<number>>>,
  face: number,
  b: readonly number[],
  translation: readonly number[],
  orthographic: boolean,
): SurfacePoint {
  const mix = (values: ArrayLike<number>, width: number, corners: ArrayLike<number>) =>
    Array.from({ length: width }, (_, c) =>
      b.reduce((s, w, a) => s + w * values[width * corners[3 * face + a] + c], 0),
    );
  const position = mix(mesh.vertices, 3, mesh.faces).map((x, a) => x + translation[a]);
  const sum = mix(mesh.normals, 3, mesh.faces);
  const length = Math.max(Math.hypot(...sum), 1e-12);
  const normal = sum.map((x) => x / length);
  const towards = normal.reduce((s, x, a) => s - x * position[a], 0) / Math.hypot(...position);
  return {
    normal,
    depth: position[2],
    uv: mix(mesh.uvs, 2, mesh.faceUvs),
    facing: orthographic ? normal[2] : towards,
  };
}

/** (3) shading at a unit normal under light (9,3) with the basis' factors (9). */
export function shadingReference(
  light: ArrayLike<number>,
  basis: ArrayLike<number>,
  [x, y, z]: readonly number[],
): number[] {
  const polynomials = [1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1];
  return [0, 1, 2].map((c) => polynomials.reduce((s, p, k) => s + p * basis[k] * light[3 * k + c], 0));
}

/** What a pixel is trusted by: skin's share, and ranges as of `EvidenceInput`. */
export function trustReference(
  bySkin: number,
  outline: number,
  facing: number,
  shading: readonly number[],
  ranges: Readonly<Record<'edge' | 'angle' | 'lit', readonly [number, number]>>,
): number {
  const mean = (shading[0] + shading[1] + shading[2]) / 3;
  const trust =
    bySkin * smooth(...ranges.edge, outline) * smooth(...ranges.angle, facing) * smooth(...ranges.lit, mean);
  return trust < 0.01 ? 0 : trust;
}

/** The four texels around (u, v) and their weights. */
export function bilinearReference(
  u: number,
  v: number,
  width: number,
  height: number,
): { texels: number[]; weights: number[] } {
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const [ix, iy] = [Math.min(Math.floor(x), width - 2), Math.min(Math.floor(y), height - 2)];
  const [fx, fy] = [x - ix, y - iy];
  const t = iy * width + ix;
  return {
    texels: [t, t + 1, t + width, t + width + 1],
    weights: [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy],
  };
}

/** Residual of a pixel in albedo, see `albedoResiduals`; `colour` without the gloss. */
export function albedoResidualReference(
  shading: readonly number[],
  colour: readonly number[],
  gloss: number,
  albedo: readonly number[],
  saturated: number,
): number[] {
  const sum = shading[0] + shading[1] + shading[2];
  const rendered = shading.reduce((s, x, c) => s + x * albedo[c], 0);
  const brighter = (colour[0] + colour[1] + colour[2]) / Math.max(rendered, 1e-3) - 1;
  return shading.map((s, c) => {
    let r = colour[c] / s - albedo[c];
    if (colour[c] + gloss > saturated && r < 0) r = 0;
    const sure = Math.min(1, (6 * s) / sum) ** 2;
    return sure * r + (1 - sure) * brighter * albedo[c];
  });
}

/** Robust factor of a skin pixel and how surely it shows something else, from its difference to the surroundings. */
export function robustReference(
  difference: readonly number[],
  inner: boolean,
  scales: { readonly free: number; readonly width: number; readonly outside: number },
): { factor: number; foreign: number } {
  const e = Math.max(0, Math.min(...difference) - scales.free) / scales.width;
  const h = inner ? 0 : Math.max(...difference.map(Math.abs)) / scales.outside;
  return { factor: 1 / (1 + e * e + h * h) ** 2, foreign: 1 - 1 / (1 + h * h) ** 2 };
}

/** (size,size) 1 for outline pixels, see `outlineDistances`; `depth` (size²), flags as `PIXEL` with 8 for apertures. */
export function outlineReference(
  size: number,
  faceIndex: ArrayLike<number>,
  depth: (p: number) => number,
  flags: ArrayLike<number>,
  columns: readonly [number, number],
  rows: readonly [number, number],
  jump: number,
): Uint8Array {
  const out = new Uint8Array(size * size);
  const differ = (p: number, q: number) => {
    if (faceIndex[p] < 0 || faceIndex[q] < 0) return faceIndex[p] < 0 !== faceIndex[q] < 0;
    return !(flags[p] & flags[q] & 8) && Math.abs(depth(p) - depth(q)) > jump;
  };
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      const neighbours = [
        ...(x > 0 ? [p - 1] : []),
        ...(x < size - 1 ? [p + 1] : []),
        ...(y > 0 ? [p - size] : []),
        ...(y < size - 1 ? [p + size] : []),
      ];
      const covered = x >= columns[0] && x <= columns[1] && y >= rows[0] && y <= rows[1];
      if (neighbours.length < 4 || !covered || neighbours.some((q) => differ(p, q))) out[p] = 1;
    }
  return out;
}

/** Bilinear value of channel `c` of a (side,side,4) picture at (x, y) in its pixels. */
export function planeReference(
  planes: ArrayLike<number>,
  side: number,
  c: number,
  x: number,
  y: number,
): number {
  const most = side - 1.001;
  const [px, py] = [x, y].map((v) => Math.min(Math.max(v - 0.5, 0), most));
  const [ix, iy] = [Math.floor(px), Math.floor(py)];
  const [fx, fy] = [px - ix, py - iy];
  const at = (i: number, j: number) => planes[4 * (j * side + i) + c];
  return (
    (1 - fy) * ((1 - fx) * at(ix, iy) + fx * at(ix + 1, iy)) +
    fy * ((1 - fx) * at(ix, iy + 1) + fx * at(ix + 1, iy + 1))
  );
}
