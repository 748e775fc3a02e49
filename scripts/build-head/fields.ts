/**
 * Smooth proportions of the head: wide, low displacement fields (of the jaw's width, the height of the lower face,
 * the distance of the eyes …) that move the sampled people towards the published measurements. Matching with the
 * source's own sliders alone was tried: it meets the same tables, but pulls single sliders far out (hollow cheeks,
 * standing ears, drooping noses).
 *
 * All are defined on the base mesh (metres, source coordinates: eyes at y 0.728, chin at 0.62, ears at z 0.05) and
 * mirror-symmetric.
 */
import type { ShapeSpace } from './shapes.ts';

/** One field: its name, how far people vary (amplitude's standard deviation), displacement (rows,3) at amplitude 1. */
export interface Field {
  readonly name: string;
  readonly sd: number;
  readonly displacement: Float32Array;
}

type Point = readonly [x: number, y: number, z: number];
type Rule = readonly [name: string, sd: number, f: (p: Point, eye: boolean) => Point];

const g = (t: number, s: number) => Math.exp(-0.5 * (t / s) ** 2);
const ramp = (t: number) => {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
};
const around = (p: Point, c: Point, r: number) =>
  Math.exp(-0.5 * (((Math.abs(p[0]) - c[0]) ** 2 + (p[1] - c[1]) ** 2 + (p[2] - c[2]) ** 2) / (r * r)));

/** Amplitudes are fractions for widths and metres for lengths. */
const RULES: readonly Rule[] = [
  ['skull width', 0.05, ([x, y]) => [x * ramp((y - 0.7) / 0.06), 0, 0]],
  ['cheekbone width', 0.05, ([x, y, z]) => [x * g(y - 0.705, 0.028) * ramp((z - 0.0) / 0.06), 0, 0]],
  ['jaw width', 0.06, ([x, y, z]) => [x * g(y - 0.645, 0.028) * ramp((z - 0.0) / 0.06), 0, 0]],
  ['back of the head', 0.008, ([, y, z]) => [0, 0, -ramp((0.07 - z) / 0.1) * ramp((y - 0.63) / 0.08)]],
  ['skull height', 0.008, ([, y]) => [0, ramp((y - 0.75) / 0.09), 0]],
  ['nose length', 0.005, ([, y, z]) => [0, -ramp((0.732 - y) / 0.05) * ramp((z - 0.02) / 0.09), 0]],
  [
    'upper lip height',
    0.003,
    ([x, y, z]) => [0, -ramp((0.684 - y) / 0.022) * ramp((z - 0.05) / 0.07) * g(x, 0.06), 0],
  ],
  [
    'chin height',
    0.005,
    ([x, y, z]) => [0, -ramp((0.655 - y) / 0.04) * ramp((z - 0.03) / 0.09) * g(x, 0.07), 0],
  ],
  [
    'nose protrusion',
    0.003,
    ([x, y, z]) => {
      const dorsum = Math.min(1, Math.max(0, (0.737 - y) / 0.045));
      return [0, 0, dorsum * ramp((y - 0.676) / 0.014) * ramp((z - 0.135) / 0.025) * g(x, 0.014)];
    },
  ],
  [
    'eye depth',
    0.003,
    (p) => {
      const [x, y, z] = p;
      const front = ramp((z - 0.05) / 0.05) * ramp((y - 0.65) / 0.045) * ramp((0.79 - y) / 0.05);
      const nose = around(p, [0.006, 0.695, 0.155], 0.014);
      return [0, 0, -ramp((Math.abs(x) - 0.006) / 0.014) * front * (1 - nose)];
    },
  ],
  ['nose bridge', 0.002, (p) => [0, 0, around(p, [0, 0.716, 0.155], 0.012)]],
  ['nose breadth', 0.12, (p) => [p[0] * around(p, [0.008, 0.687, 0.152], 0.013), 0, 0]],
  [
    'mouth width',
    0.1,
    (p) => [p[0] * around([p[0], p[1], Math.max(p[2], 0.13)], [0.018, 0.661, 0.148], 0.014), 0, 0],
  ],
  ['eye distance', 0.003, (p) => [Math.sign(p[0]) * around(p, [0.031, 0.728, 0.135], 0.02), 0, 0]],
  [
    'inner canthi',
    0.003,
    (p, eye) => [eye ? 0 : Math.sign(p[0]) * around(p, [0.0195, 0.7275, 0.137], 0.0055), 0, 0],
  ],
  [
    'outer canthi',
    0.003,
    (p, eye) => [eye ? 0 : Math.sign(p[0]) * around(p, [0.044, 0.729, 0.133], 0.0065), 0, 0],
  ],
  [
    'ear length',
    0.1,
    (p) => [
      0,
      (p[1] - 0.71) * ramp((Math.abs(p[0]) - 0.068) / 0.006) * g(p[1] - 0.71, 0.03) * g(p[2] - 0.045, 0.025),
      0,
    ],
  ],
];

/** Evaluates the fields on all rows. Teeth and tongue follow like the lips around them. */
export function proportionFields(space: ShapeSpace): Field[] {
  const { base, layout } = space;
  const eyeRow = (r: number) => r >= layout.leftEye[0] && r < layout.rightEye[1];
  // A sphere must stay one: its rows move as its centre does.
  const centre = (range: readonly [number, number]): Point => {
    const c = [0, 0, 0];
    for (let r = range[0]; r < range[1]; r++)
      for (let k = 0; k < 3; k++) c[k]! += base[3 * r + k]! / (range[1] - range[0]);
    return c as unknown as Point;
  };
  const centres = [centre(layout.leftEye), centre(layout.rightEye)];
  return RULES.map(([name, sd, f]) => {
    const displacement = new Float32Array(base.length);
    for (let r = 0; r < layout.rows; r++) {
      const eye = eyeRow(r);
      const p: Point = eye
        ? centres[r < layout.leftEye[1] ? 0 : 1]!
        : [base[3 * r]!, base[3 * r + 1]!, base[3 * r + 2]!];
      displacement.set(f(p, eye), 3 * r);
    }
    return { name, sd, displacement };
  }).concat(
    // The lids' opening is the source's own slider.
    [1, 2, 3].map((n) => {
      const displacement = new Float64Array(base.length);
      for (const side of ['l', 'r']) {
        const up = space.displacement(`eyes/${side}-eye-height${n}-max`);
        const down = space.displacement(`eyes/${side}-eye-height${n}-min`);
        for (let i = 0; i < displacement.length; i++) displacement[i]! += (up[i]! - down[i]!) / 2;
      }
      for (let i = 3 * layout.leftEye[0]; i < 3 * layout.rightEye[1]; i++) displacement[i] = 0;
      return { name: `eye height ${n}`, sd: 0.3, displacement: Float32Array.from(displacement) };
    }),
  );
}
