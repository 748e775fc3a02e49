/**
 * The ten tones of the Monk Skin Tone scale (Monk 2022; sRGB values as published with the scale at skintone.google,
 * entered from memory) and albedo coefficients that reach each of them.
 *
 * The goal is the mean albedo times one factor a channel, over the skin of face and neck, so that all of the skin
 * takes the tone and no beard or shade stands in for it: regularised least squares, coefficients within ±3. What is
 * reported is the mean colour of cheeks and forehead.
 */
import type { HeadModel } from '../../src/model/head-model.ts';

/** sRGB in [0,1], lightest first. */
export const MONK: readonly (readonly number[])[] = [
  'f6ede4',
  'f3e7db',
  'f7ead0',
  'eadaba',
  'd7bd96',
  'a07e56',
  '825c43',
  '604134',
  '3a312a',
  '292420',
].map((h) => [0, 2, 4].map((i) => Number.parseInt(h.slice(i, i + 2), 16) / 255));

/** One tone as the space reaches it. */
export interface Tone {
  readonly coefficients: Float32Array;
  readonly reached: readonly number[];
  /** CIE76 difference to the tone aimed at. */
  readonly deltaE: number;
}

/** Fits all ten tones with coefficients within ±3. */
export function fitTones(model: HeadModel): Tone[] {
  const t = model.texture;
  if (!t) throw new Error(`${model.name} has no texture space`);
  const texels: number[] = [];
  const skin: number[] = [];
  for (let y = 0; y < t.height; y++) {
    for (let x = 0; x < t.width; x++) {
      const [u, v] = [Math.abs((x + 0.5) / t.width - 0.5), (y + 0.5) / t.height];
      const cheek = u > 0.07 && u < 0.13 && v > 0.48 && v < 0.56;
      const forehead = u < 0.1 && v > 0.27 && v < 0.33;
      if (cheek || forehead) texels.push(y * t.width + x);
      if (u < 0.24 && v > 0.24 && v < 0.78 && (x + y) % 3 === 0) skin.push(y * t.width + x);
    }
  }
  const mean = (data: ArrayLike<number>, at: number) =>
    [0, 1, 2].map((k) => texels.reduce((s, i) => s + data[at + 3 * i + k]!, 0) / texels.length);
  const T = t.names.length;
  const n = t.mean.length;
  const start = mean(t.mean, 0);
  const columns = Array.from({ length: T }, (_, c) => mean(t.basis, c * n));
  // Normal equations over the skin, the tone's own texels weighing as much as all the rest.
  const rows = [
    ...skin.map((i) => [i, 1 / skin.length] as const),
    ...texels.map((i) => [i, 3 / texels.length] as const),
  ];
  const B = (c: number, i: number, k: number) => t.basis[c * n + 3 * i + k]!;
  const N = Array.from({ length: T }, (_, a) =>
    Array.from({ length: T }, (_, b) =>
      rows.reduce(
        (s, [i, w]) => s + w * (B(a, i, 0) * B(b, i, 0) + B(a, i, 1) * B(b, i, 1) + B(a, i, 2) * B(b, i, 2)),
        a === b ? 1e-6 : 0,
      ),
    ),
  );
  return MONK.map((goal) => {
    const wanted = (i: number, k: number) => (t.mean[3 * i + k]! * (goal[k]! - start[k]!)) / start[k]!;
    const right = N.map((_, a) =>
      rows.reduce((s, [i, w]) => s + w * [0, 1, 2].reduce((q, k) => q + B(a, i, k) * wanted(i, k), 0), 0),
    );
    const coefficients = new Float32Array(T);
    // Gauss-Seidel with bounds: converges for a positive definite N.
    for (let round = 0; round < 4000; round++) {
      for (let a = 0; a < T; a++) {
        let r = right[a]!;
        for (let b = 0; b < T; b++) if (b !== a) r -= N[a]![b]! * coefficients[b]!;
        coefficients[a] = Math.min(3, Math.max(-3, r / N[a]![a]!));
      }
    }
    const reached = start.map((s, k) => columns.reduce((sum, col, c) => sum + coefficients[c]! * col[k]!, s));
    const [p, q] = [lab(reached), lab(goal)];
    return { coefficients, reached, deltaE: Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) };
  });
}

/** CIELAB (D65) of an sRGB colour. */
function lab(c: readonly number[]): [number, number, number] {
  const l = c.map((x) => {
    const y = Math.min(1, Math.max(0, x));
    return y <= 0.04045 ? y / 12.92 : ((y + 0.055) / 1.055) ** 2.4;
  });
  const f = (x: number) => (x > 0.008856 ? Math.cbrt(x) : 7.787 * x + 16 / 116);
  const X = f((0.4124 * l[0]! + 0.3576 * l[1]! + 0.1805 * l[2]!) / 0.9505);
  const Y = f(0.2126 * l[0]! + 0.7152 * l[1]! + 0.0722 * l[2]!);
  const Z = f((0.0193 * l[0]! + 0.1192 * l[1]! + 0.9505 * l[2]!) / 1.089);
  return [116 * Y - 16, 500 * (X - Y), 200 * (Y - Z)];
}
