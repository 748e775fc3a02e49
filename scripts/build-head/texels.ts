/** Where each texel of the atlas lies: face, barycentrics, base position; and gutters beyond the charts' borders. */
import type { Atlas } from './atlas.ts';

/** Texels of an atlas of size×size. */
export interface TexelMap {
  readonly size: number;
  /** (size²) face, −1 outside every chart (after gutters: nowhere near one). */
  readonly face: Int32Array;
  /** (size²,3) */
  readonly bary: Float32Array;
  /** (size²) the texel each outside texel copies, or itself. */
  readonly fill: Int32Array;
}

/** Rasterises the atlas at texel centres. */
export function texelMap(atlas: Atlas, size: number): TexelMap {
  const n = size * size;
  const face = new Int32Array(n).fill(-1);
  const bary = new Float32Array(3 * n);
  for (let f = 0; f < atlas.faceChart.length; f++) {
    const p = [0, 1, 2].map((k) => {
      const i = atlas.faceUvs[3 * f + k]!;
      return [atlas.uvs[2 * i]! * size, atlas.uvs[2 * i + 1]! * size] as const;
    });
    const [a, b, c] = [p[0]!, p[1]!, p[2]!];
    const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    if (Math.abs(area) < 1e-12) continue;
    const [x0, x1] = [
      Math.floor(Math.min(a[0], b[0], c[0]) - 0.5),
      Math.ceil(Math.max(a[0], b[0], c[0]) - 0.5),
    ];
    const [y0, y1] = [
      Math.floor(Math.min(a[1], b[1], c[1]) - 0.5),
      Math.ceil(Math.max(a[1], b[1], c[1]) - 0.5),
    ];
    for (let y = Math.max(0, y0); y <= Math.min(size - 1, y1); y++) {
      for (let x = Math.max(0, x0); x <= Math.min(size - 1, x1); x++) {
        const [px, py] = [x + 0.5, y + 0.5];
        const w1 = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area;
        const w2 = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area;
        const w0 = 1 - w1 - w2;
        if (w0 < -1e-7 || w1 < -1e-7 || w2 < -1e-7) continue;
        const i = y * size + x;
        if (face[i]! >= 0) continue;
        face[i] = f;
        bary.set([w0, w1, w2], 3 * i);
      }
    }
  }
  // Nearest covered texel for all others (breadth first, so that gutters are as wide as there is room).
  const fill = Int32Array.from({ length: n }, (_, i) => (face[i]! >= 0 ? i : -1));
  let front = [...fill].filter((i) => i >= 0);
  while (front.length > 0) {
    const next: number[] = [];
    for (const i of front) {
      const [x, y] = [i % size, Math.floor(i / size)];
      for (const [dx, dy] of [
        [-1, 0],
        [1, 0],
        [0, -1],
        [0, 1],
      ] as const) {
        const [u, v] = [x + dx, y + dy];
        if (u < 0 || v < 0 || u >= size || v >= size) continue;
        const j = v * size + u;
        if (fill[j]! >= 0) continue;
        fill[j] = fill[i]!;
        next.push(j);
      }
    }
    front = next;
  }
  return { size, face, bary, fill };
}

/** Interpolates a per-vertex quantity (V,C) at texels: (size²,C), zero outside. */
export function interpolate(
  map: TexelMap,
  faces: ArrayLike<number>,
  values: ArrayLike<number>,
  C: number,
): Float32Array {
  const out = new Float32Array(map.face.length * C);
  for (let i = 0; i < map.face.length; i++) {
    const f = map.face[map.fill[i]!]!;
    const j = map.fill[i]!;
    for (let k = 0; k < 3; k++) {
      const v = faces[3 * f + k]!;
      const w = map.bary[3 * j + k]!;
      for (let c = 0; c < C; c++) out[C * i + c]! += w * values[C * v + c]!;
    }
  }
  return out;
}
