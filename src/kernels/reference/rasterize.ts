/** Reference of `kernels/rasterize.ts`, float64: every pixel of every face's bounding box, edge functions. */

/** What {@link rasterizeReference} returns, shapes as in `RasterizeOutput`. */
export interface RasterizeReference {
  readonly faceIndex: Int32Array;
  readonly barycentrics: Float64Array;
  readonly depth: Float64Array;
  /**
   * (H,W): 1 where float32 may rightly decide otherwise: a pixel centre within `tolerance` pixels of an edge, or
   * two faces within `tolerance` of relative depth.
   */
  readonly close: Uint8Array;
}

/**
 * As `rasterize`.
 * @param positions (V,3)
 * @param faces (F,3)
 * @param tolerance of `close`, pixels and relative depth
 */
export function rasterizeReference(
  positions: ArrayLike<number>,
  faces: ArrayLike<number>,
  width: number,
  height: number,
  options: { cull: 'back' | 'none'; perspective: boolean; kinds?: ArrayLike<number> },
  tolerance = 1e-3,
): RasterizeReference {
  const faceIndex = new Int32Array(width * height).fill(-1);
  const barycentrics = new Float64Array(3 * width * height);
  const depth = new Float64Array(width * height).fill(-Infinity);
  const close = new Uint8Array(width * height);
  const kinds = options.kinds ?? [];
  const yields = (f: number) => kinds[f] >= 128;
  const order = Array.from({ length: faces.length / 3 }, (_, f) => f);
  for (const f of [...order.filter((f) => !yields(f)), ...order.filter(yields)]) {
    const [x0, y0, q0, x1, y1, q1, x2, y2, q2] = [0, 1, 2].flatMap((c) =>
      [0, 1, 2].map((d) => positions[3 * faces[3 * f + c] + d]),
    );
    const area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0);
    if (![x0, y0, q0, x1, y1, q1, x2, y2, q2].every(Number.isFinite) || area === 0) continue;
    if (options.cull === 'back' && area > 0) continue;
    if (options.perspective && !(q0 > 0 && q1 > 0 && q2 > 0)) continue;
    const s = Math.sign(area);
    const edges = [
      [x1, y1, x2, y2],
      [x2, y2, x0, y0],
      [x0, y0, x1, y1],
    ].map(([ax, ay, bx, by]) => ({
      ax,
      ay,
      dx: s * (bx - ax),
      dy: s * (by - ay),
      length: Math.hypot(bx - ax, by - ay),
    }));
    const left = Math.max(0, Math.ceil(Math.min(x0, x1, x2) - 0.5 - tolerance));
    const right = Math.min(width - 1, Math.floor(Math.max(x0, x1, x2) - 0.5 + tolerance));
    const top = Math.max(0, Math.ceil(Math.min(y0, y1, y2) - 0.5 - tolerance));
    const bottom = Math.min(height - 1, Math.floor(Math.max(y0, y1, y2) - 0.5 + tolerance));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const pixel = y * width + x;
        const e = edges.map((d) => d.dx * (y + 0.5 - d.ay) - d.dy * (x + 0.5 - d.ax));
        // Top edges are level with the inside below, left edges have the inside to their right.
        const inside = e.every((value, i) => {
          const { dx, dy } = edges[i];
          return value > 0 || (value === 0 && (dy < 0 || (dy === 0 && dx > 0)));
        });
        const nearEdge =
          e.every((value, i) => value > -tolerance * edges[i].length) &&
          e.some((value, i) => Math.abs(value) < tolerance * edges[i].length);
        if (nearEdge) close[pixel] = 1;
        if (!inside) continue;
        const b = e.map((value) => value / Math.abs(area));
        const q = b[0] * q0 + b[1] * q1 + b[2] * q2;
        if (Math.abs(q - depth[pixel]) < tolerance * Math.abs(q)) close[pixel] = 1;
        if (!(q > depth[pixel])) continue;
        if (yields(f) && kinds[faceIndex[pixel]] === kinds[f] - 128) continue;
        depth[pixel] = q;
        faceIndex[pixel] = f;
        const weights = options.perspective ? [(b[0] * q0) / q, (b[1] * q1) / q, (b[2] * q2) / q] : b;
        barycentrics.set(weights, 3 * pixel);
      }
    }
  }
  return { faceIndex, barycentrics, depth, close };
}
