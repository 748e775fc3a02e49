/**
 * What is hidden from the network so that it can be asked for it: random strokes (random place, direction, length and
 * width, bending as they go; after the free-form masks of GMCNN), and what some other photo would not have shown.
 * Strokes alone are small; a face seen from the side lacks half, and only whole missing halves teach to fill one.
 */
import type { Random } from '../../core/random.ts';

/** Tuning of {@link drawStrokes}; lengths are fractions of the map's width. */
export const STROKE_DEFAULTS = {
  /** Strokes per map, at most. */
  strokes: 6,
  /** Bends of a stroke, at most. */
  bends: 8,
  /** Length between bends, at most. */
  length: 0.25,
  /** Least and greatest width, evenly over its logarithm. */
  width: [0.03, 0.25],
} as const;

/** (size,size) uint8, 1 where a stroke passes. The same `random` gives the same strokes. */
export function drawStrokes(size: number, random: Random): Uint8Array {
  const o = STROKE_DEFAULTS;
  const out = new Uint8Array(size * size);
  const strokes = 1 + random.below(o.strokes);
  for (let s = 0; s < strokes; s++) {
    let x = size * random.uniform();
    let y = size * random.uniform();
    const radius = (size * o.width[0] * (o.width[1] / o.width[0]) ** random.uniform()) / 2;
    let angle = 2 * Math.PI * random.uniform();
    const bends = 1 + random.below(o.bends);
    for (let b = 0; b < bends; b++) {
      const length = size * o.length * random.uniform();
      const [x1, y1] = [x + length * Math.cos(angle), y + length * Math.sin(angle)];
      capsule(out, size, x, y, x1, y1, radius);
      x = Math.min(Math.max(x1, 0), size);
      y = Math.min(Math.max(y1, 0), size);
      angle += 1.2 * random.normal();
    }
  }
  return out;
}

/** Sets the texels within `radius` of the line from (x0, y0) to (x1, y1). */
function capsule(
  out: Uint8Array,
  size: number,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = Math.max(dx * dx + dy * dy, 1e-9);
  const from = (a: number, b: number) => Math.max(0, Math.floor(Math.min(a, b) - radius));
  const to = (a: number, b: number) => Math.min(size - 1, Math.ceil(Math.max(a, b) + radius));
  for (let y = from(y0, y1); y <= to(y0, y1); y++)
    for (let x = from(x0, x1); x <= to(x0, x1); x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) / square));
      if ((px - t * dx) ** 2 + (py - t * dy) ** 2 <= radius * radius) out[y * size + x] = 1;
    }
}
