/**
 * Vertices to pixels and depth, as `camera/project.ts` has it: float64 in between, the same to the bit.
 *
 * @param vertices (count,3) f32; @param out (count,3) f32 u, v, q
 * @param scale focal length, or pixels per metre
 * @param perspective 1: q = 1/distance, by which u and v are scaled; 0: q = z
 */
export function projectVertices(
  vertices: usize, count: i32, cx: f64, cy: f64, tx: f64, ty: f64, tz: f64, scale: f64, perspective: i32, out: usize,
): void {
  for (let i: i32 = 0; i < count; i++) {
    const x = <f64>load<f32>(vertices) + tx;
    const y = <f64>load<f32>(vertices, 4) + ty;
    const z = <f64>load<f32>(vertices, 8) + tz;
    const q: f64 = perspective ? -1 / z : 1;
    store<f32>(out, <f32>(cx + scale * x * q));
    store<f32>(out, <f32>(cy - scale * y * q), 4);
    store<f32>(out, <f32>(perspective ? q : z), 8);
    vertices += 12;
    out += 12;
  }
}
