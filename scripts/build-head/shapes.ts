/**
 * Heads from target weights. Besides the cut's own vertices every shape carries rows that are measured, not drawn:
 * the source's eye spheres and joint cubes.
 *
 * Row order: (cut vertices) (left eye helper) (right eye helper) (neck, head and jaw joint as one row each).
 */
import { type MouthAnchors, placeGrid } from './mouth.ts';
import { type Nostrils, placeNostrils } from './nostrils.ts';
import { lowerPalate, type Palate } from './palate.ts';
import { macroDisplacement, type Weights } from './people.ts';
import type { Source } from './source.ts';
import { eyeDirections, type Topology } from './topology.ts';

/** Rows of a shape beyond the cut's vertices. */
export interface ShapeLayout {
  /** Cut vertices: the skin. */
  readonly cut: number;
  readonly leftEye: readonly [number, number];
  readonly rightEye: readonly [number, number];
  readonly neck: number;
  readonly head: number;
  readonly jaw: number;
  readonly rows: number;
}

/** Radius of the eyeballs, metres: a little over an adult's 12 mm, as the source's lids fit a larger sphere. */
export const EYE_RADIUS = 0.0127;

/** Builds shapes (rows,3) float64 metres out of target weights. */
export class ShapeSpace {
  readonly layout: ShapeLayout;
  readonly base: Float64Array;
  private readonly cache = new Map<string, Float32Array>();
  private readonly rowVertices: number[][];

  constructor(
    private readonly source: Source,
    topology: Topology,
  ) {
    const { mesh } = source;
    const cut = topology.partStart[1]!;
    this.rowVertices = Array.from(topology.source.subarray(0, cut), (v) => [v]);
    const helper = (name: string) => {
      const g = mesh.groups.indexOf(name);
      const set = new Set<number>();
      for (let q = 0; q < mesh.quadGroup.length; q++) {
        if (mesh.quadGroup[q] === g) for (let k = 0; k < 4; k++) set.add(mesh.quads[4 * q + k]!);
      }
      const start = this.rowVertices.length;
      for (const v of [...set].sort((a, b) => a - b)) this.rowVertices.push([v]);
      return [start, this.rowVertices.length] as const;
    };
    const joint = (name: string) => this.rowVertices.push([...mesh.jointVertices[name]!]) - 1;
    const leftEye = helper('helper-l-eye');
    const rightEye = helper('helper-r-eye');
    const neck = joint('neck02____head');
    const head = joint('head____head');
    const jaw = joint('jaw____head');
    this.layout = { cut, leftEye, rightEye, neck, head, jaw, rows: this.rowVertices.length };
    this.base = this.gather((v, k) => mesh.positions[3 * v + k]!);
  }

  private gather(value: (v: number, k: number) => number): Float64Array {
    const out = new Float64Array(3 * this.rowVertices.length);
    this.rowVertices.forEach((vs, r) => {
      for (let k = 0; k < 3; k++) {
        let sum = 0;
        for (const v of vs) sum += value(v, k);
        out[3 * r + k] = sum / vs.length;
      }
    });
    return out;
  }

  /** Displacement (rows,3) of one target at weight 1. */
  displacement(name: string): Float32Array {
    let d = this.cache.get(name);
    if (!d) {
      const full = name.startsWith('macrodetails/') ? macroDisplacement(this.source, name) : null;
      const raw = full ? null : this.source.target(name);
      d = Float32Array.from(this.gather((v, k) => (full ? full[3 * v + k]! : raw![3 * v + k]! * 1e-4)));
      this.cache.set(name, d);
    }
    return d;
  }

  /** Base mesh plus weighted targets. */
  shape(...weights: readonly Weights[]): Float64Array {
    const out = this.base.slice();
    for (const ws of weights) {
      for (const [name, w] of ws) {
        const d = this.displacement(name);
        for (let i = 0; i < out.length; i++) out[i]! += w * d[i]!;
      }
    }
    return out;
  }
}

/** Least-squares sphere through rows [start, end): centre and radius. */
export function fitSphere(
  shape: ArrayLike<number>,
  [start, end]: readonly [number, number],
): { center: [number, number, number]; radius: number } {
  // The helper is a closed, evenly tessellated sphere: its mean is its centre to a few hundredths of a millimetre.
  const c: [number, number, number] = [0, 0, 0];
  for (let r = start; r < end; r++) for (let k = 0; k < 3; k++) c[k]! += shape[3 * r + k]! / (end - start);
  let radius = 0;
  for (let r = start; r < end; r++) {
    radius +=
      Math.hypot(shape[3 * r]! - c[0], shape[3 * r + 1]! - c[1], shape[3 * r + 2]! - c[2]) / (end - start);
  }
  return { center: c, radius };
}

/** Centre of our smaller eyeball: tangent from inside to the source's sphere at the front. */
export function eyeCenter(
  shape: ArrayLike<number>,
  range: readonly [number, number],
  inset = 0.0002,
): [number, number, number] {
  const { center, radius } = fitSphere(shape, range);
  return [center[0], center[1], center[2] + radius - EYE_RADIUS - inset];
}

/** What is added to the cut or drawn into shape in it. */
export interface Inside {
  readonly mouth: MouthAnchors;
  readonly palate: Palate;
  readonly nostrils: Nostrils;
}

/** Full head (V,3): the cut's vertices with nostrils, tongue, teeth and both eyeballs. */
export function withInside(
  shape: ArrayLike<number>,
  layout: ShapeLayout,
  topology: Topology,
  { mouth, palate, nostrils }: Inside,
): Float64Array {
  const V = topology.source.length;
  const out = new Float64Array(3 * V);
  for (let i = 0; i < 3 * layout.cut; i++) out[i] = shape[i]!;
  lowerPalate(out, palate);
  placeNostrils(out, nostrils);
  for (const part of [1, 2, 3]) out.set(placeGrid(shape, part, mouth), 3 * topology.partStart[part]!);
  const dirs = eyeDirections();
  [layout.leftEye, layout.rightEye].forEach((range, e) => {
    const c = eyeCenter(shape, range);
    const first = topology.partStart[4 + e]!;
    for (let i = 0; i < dirs.length; i++) out[3 * first + i] = c[i % 3]! + EYE_RADIUS * dirs[i]!;
  });
  return out;
}
