/** Soft masks that say where brows, lips, beard and the rest are painted, from the base mesh and the source's cards. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { vertexNormals } from '../../src/render/normals.ts';
import { type Atlas, GRID_CHARTS } from './atlas.ts';
import { COLUMNS_A_TOOTH, TOOTH_COLUMNS, TOOTH_ROW_V } from './mouth-grid.ts';
import { nostrilShade } from './nostrils.ts';
import { hairLine, lidLoop, lipRing } from './regions.ts';
import { type Inside, type ShapeSpace, withInside } from './shapes.ts';
import { interpolate, type TexelMap } from './texels.ts';
import type { Topology } from './topology.ts';

/** Alpha of an eyebrow card seen from the front: value at base (x,y), metres. */
export type BrowCard = (x: number, y: number) => number;

const CARDS = ['eyebrow001', 'eyebrow004', 'eyebrow005', 'eyebrow008', 'eyebrow010', 'eyebrow012'];

/** The brow cards that look natural, as frontal pictures of the base head. */
export async function readBrowCards(folder: string): Promise<BrowCard[]> {
  const root = path.join(folder, 'public/data/proxies/eyebrows');
  const known = new Set(readdirSync(root));
  const out: BrowCard[] = [];
  for (const name of CARDS) {
    if (!known.has(name)) throw new Error(`eyebrow card ${name} is missing under ${root}`);
    const m = JSON.parse(readFileSync(path.join(root, name, `${name}.json`), 'utf8'));
    const { data, info } = await sharp(path.join(root, name, 'textures', `${name}.png`))
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const W = 400;
    const H = 200;
    const box = [-0.065, 0.735, 0.065, 0.8];
    const image = new Float32Array(W * H);
    const P = m.vertices as number[];
    const T = m.uvs[0] as number[];
    const F = m.faces as number[];
    for (let i = 0; i < F.length; i += 10) {
      const v = F.slice(i + 1, i + 5);
      const t = F.slice(i + 6, i + 10);
      for (const [a, b, c] of [
        [0, 1, 2],
        [0, 2, 3],
      ] as const) {
        const p = [a, b, c].map((k) => [
          ((P[3 * v[k]!]! * 0.1 - box[0]!) / (box[2]! - box[0]!)) * W,
          ((P[3 * v[k]! + 1]! * 0.1 - box[1]!) / (box[3]! - box[1]!)) * H,
        ]);
        const q = [a, b, c].map((k) => [T[2 * t[k]!]!, T[2 * t[k]! + 1]!]);
        const area =
          (p[1]![0]! - p[0]![0]!) * (p[2]![1]! - p[0]![1]!) -
          (p[2]![0]! - p[0]![0]!) * (p[1]![1]! - p[0]![1]!);
        if (Math.abs(area) < 1e-9) continue;
        const xs = p.map((r) => r[0]!);
        const ys = p.map((r) => r[1]!);
        for (
          let y = Math.max(0, Math.floor(Math.min(...ys)));
          y <= Math.min(H - 1, Math.ceil(Math.max(...ys)));
          y++
        ) {
          for (
            let x = Math.max(0, Math.floor(Math.min(...xs)));
            x <= Math.min(W - 1, Math.ceil(Math.max(...xs)));
            x++
          ) {
            const w1 =
              ((x + 0.5 - p[0]![0]!) * (p[2]![1]! - p[0]![1]!) -
                (p[2]![0]! - p[0]![0]!) * (y + 0.5 - p[0]![1]!)) /
              area;
            const w2 =
              ((p[1]![0]! - p[0]![0]!) * (y + 0.5 - p[0]![1]!) -
                (x + 0.5 - p[0]![0]!) * (p[1]![1]! - p[0]![1]!)) /
              area;
            const w0 = 1 - w1 - w2;
            if (w0 < 0 || w1 < 0 || w2 < 0) continue;
            const u = w0 * q[0]![0]! + w1 * q[1]![0]! + w2 * q[2]![0]!;
            const s = w0 * q[0]![1]! + w1 * q[1]![1]! + w2 * q[2]![1]!;
            const px = Math.min(info.width - 1, Math.max(0, Math.floor(u * info.width)));
            const py = Math.min(info.height - 1, Math.max(0, Math.floor((1 - s) * info.height)));
            image[y * W + x] = Math.max(image[y * W + x]!, data[4 * (py * info.width + px) + 3]! / 255);
          }
        }
      }
    }
    const soft = blur(blur(image, W, H, 3), W, H, 2).map((x) => Math.min(1, 1.5 * x));
    out.push((x, y) => {
      const [u, v] = [
        ((x - box[0]!) / (box[2]! - box[0]!)) * W - 0.5,
        ((y - box[1]!) / (box[3]! - box[1]!)) * H - 0.5,
      ];
      const [i, j] = [Math.round(u), Math.round(v)];
      return i < 0 || j < 0 || i >= W || j >= H ? 0 : soft[j * W + i]!;
    });
  }
  return out;
}

function blur(image: Float32Array, W: number, H: number, r: number): Float32Array {
  const pass = (src: Float32Array, dx: number, dy: number) => {
    const out = new Float32Array(src.length);
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        let s = 0;
        for (let d = -r; d <= r; d++) {
          const [u, v] = [Math.min(W - 1, Math.max(0, x + d * dx)), Math.min(H - 1, Math.max(0, y + d * dy))];
          s += src[v * W + u]!;
        }
        out[y * W + x] = s / (2 * r + 1);
      }
    }
    return out;
  };
  return pass(pass(image, 1, 0), 0, 1);
}

/** Soft masks over texels, 0…1, by what is painted there. */
export interface PaintMasks {
  /** (n,3) place on the base mesh, metres. */
  readonly position: Float32Array;
  /** (n,3) unit normal there. */
  readonly normal: Float32Array;
  /** 1 on the front of the head. */
  readonly front: Float32Array;
  readonly lips: Float32Array;
  readonly beard: Float32Array;
  readonly underEye: Float32Array;
  readonly cheek: Float32Array;
  readonly nose: Float32Array;
  /** How dark it is inside the nostrils. */
  readonly nostril: Float32Array;
  readonly lidLine: Float32Array;
  readonly scalp: Float32Array;
  /** Scalp, and the sides of the head along the hair line, where the source's skins have stubble of their own. */
  readonly temple: Float32Array;
  /** Below the neck line: two charts meet there, so what depends on the place in the atlas ends before it. */
  readonly neck: Float32Array;
  readonly interior: Float32Array;
  readonly socket: Float32Array;
  readonly tongue: Float32Array;
  readonly teeth: Float32Array;
  readonly gums: Float32Array;
  /** 1 in the light, less inside the mouth. */
  readonly depth: Float32Array;
  readonly eye: Float32Array;
}

/** Masks on an atlas. */
export function paintMasks(
  space: ShapeSpace,
  topology: Topology,
  atlas: Atlas,
  inside: Inside,
): (map: TexelMap) => PaintMasks {
  const V = topology.source.length;
  return (map) => {
    const base = new Float64Array(3 * V);
    base.set(withInside(space.base, space.layout, topology, inside));
    const position = interpolate(map, topology.faces, base, 3);
    const normals = vertexNormals(Float32Array.from(base), Uint32Array.from(topology.faces));
    const chartOf = (i: number) => atlas.faceChart[map.face[map.fill[i]!]!]!;
    const n = map.size * map.size;
    const mask = (f: (i: number, x: number, y: number, z: number) => number) => {
      const out = new Float32Array(n);
      for (let i = 0; i < n; i++)
        out[i] = Math.min(1, Math.max(0, f(i, position[3 * i]!, position[3 * i + 1]!, position[3 * i + 2]!)));
      return out;
    };
    const bump = (x: number, y: number, cx: number, cy: number, rx: number, ry: number) =>
      Math.exp(-(((Math.abs(x) - cx) / rx) ** 2) - ((y - cy) / ry) ** 2);
    const front = (i: number, z: number) => (chartOf(i) === 0 && z > 0.09 ? 1 : 0);
    const lipValues = interpolate(map, topology.faces, lipRing(topology, atlas, space.base), 1);
    const lips = mask((i) => (chartOf(i) === 0 ? smooth((1.5 - lipValues[i]!) / 0.3) : 0));
    const rim = lidLoop(topology, atlas).map((v) => [base[3 * v]!, base[3 * v + 1]!, base[3 * v + 2]!]);
    const lidLine = mask((i, x, y, z) => {
      if (chartOf(i) !== 0 || z < 0.115 || Math.abs(y - 0.7285) > 0.02) return 0;
      let least = 1;
      for (const p of rim) least = Math.min(least, (p[0]! - x) ** 2 + (p[1]! - y) ** 2 + (p[2]! - z) ** 2);
      return Math.exp(-least / 0.0017 ** 2) * (y > 0.7275 ? 1 : 0.45);
    });
    const beardArea = (x: number, y: number, z: number) => {
      const jaw = smooth((0.682 - y) / 0.03) * smooth((z - 0.05) / 0.03) * smooth((y - 0.595) / 0.02);
      const cheek = bump(x, y, 0.045, 0.69, 0.018, 0.024);
      return Math.max(jaw * (1 - cheek), bump(x, y, 0, 0.677, 0.03, 0.007));
    };
    return {
      position,
      normal: interpolate(map, topology.faces, Float64Array.from(normals), 3),
      front: mask((i, _x, _y, z) => (chartOf(i) === 0 && z > 0.1 ? 1 : 0)),
      lips,
      beard: mask((i, x, y, z) => (chartOf(i) === 0 ? beardArea(x, y, z) * (1 - lips[i]!) : 0)),
      underEye: mask((i, x, y, z) => front(i, z) * bump(x, y, 0.03, 0.711, 0.016, 0.008)),
      cheek: mask((i, x, y, z) => front(i, z) * bump(x, y, 0.042, 0.69, 0.02, 0.018)),
      nose: mask((i, x, y, z) => front(i, z) * bump(x, y, 0, 0.69, 0.016, 0.014) * smooth((z - 0.13) / 0.02)),
      nostril: interpolate(map, topology.faces, nostrilShade(topology, inside.nostrils), 1),
      lidLine,
      scalp: mask((i, x, y, z) => {
        if (chartOf(i) !== 0) return 0;
        const ear =
          smooth((Math.abs(x) - 0.072) / 0.004) * smooth((0.752 - y) / 0.006) * smooth((z + 0.005) / 0.01);
        // At the temples the hair begins further back: seen from the front it would be a dark thread along the outline.
        const angle = (Math.atan2(Math.abs(x), z - 0.05) * 180) / Math.PI;
        const temple = 0.03 * Math.exp(-(((angle - 72) / 24) ** 2));
        return smooth((y - hairLine(x, z) - temple) / 0.026 + 0.3) * (1 - ear);
      }),
      temple: mask((i, x, y, z) => {
        if (chartOf(i) !== 0) return 0;
        const angle = (Math.atan2(Math.abs(x), z - 0.05) * 180) / Math.PI;
        const above = y - hairLine(x, z);
        return Math.max(smooth((angle - 38) / 14) * smooth((above + 0.045) / 0.02), smooth(above / 0.03));
      }),
      neck: mask((i, _x, y, z) => {
        if (chartOf(i) === 2) return 1;
        return chartOf(i) === 0 ? smooth((0.63 + (0.148 - z) * 0.28 - y) / 0.03) : 0;
      }),
      interior: mask((i) => (chartOf(i) === 1 ? 1 : 0)),
      socket: mask((i) => (chartOf(i) === 3 || chartOf(i) === 4 ? 1 : 0)),
      tongue: mask((i) => (chartOf(i) === 5 ? 1 : 0)),
      teeth: mask((i) => toothAt(map, chartOf(i), i).enamel),
      gums: mask((i) => toothAt(map, chartOf(i), i).gum),
      // No light model reaches into the mouth: what light is lost there is painted.
      depth: mask((i, x, _y, z) => {
        const chart = chartOf(i);
        if (chart === 1) return 1 - 0.66 * smooth((0.151 - z) / 0.02);
        if (chart === 5) return 0.9 - 0.5 * smooth((0.135 - z) / 0.04);
        return chart === 6 || chart === 7 ? 1 - 0.55 * smooth((Math.abs(x) - 0.012) / 0.016) : 1;
      }),
      eye: mask((i) => (chartOf(i) >= 8 ? 1 : 0)),
    };
  };
}

/** Enamel and gum (0…1) of a texel in the rows of teeth; enamel is darker in the gaps and towards the gums. */
function toothAt(map: TexelMap, chart: number, i: number): { enamel: number; gum: number } {
  if (chart !== 6 && chart !== 7) return { enamel: 0, gum: 0 };
  const [u0, v0, u1, v1] = GRID_CHARTS[chart === 6 ? 2 : 3];
  const j = map.fill[i]!;
  const across = ((j % map.size) + 0.5) / map.size;
  const down = ((Math.floor(j / map.size) + 0.5) / map.size - v0) / (v1 - v0);
  const column = Math.abs((across - u0) / (u1 - u0) - 0.5) * (TOOTH_COLUMNS - 1);
  const fromGap = Math.abs(column - COLUMNS_A_TOOTH * Math.round(column / COLUMNS_A_TOOTH));
  const gum = Math.max(
    smooth((TOOTH_ROW_V[1] + 0.04 - down) / 0.08),
    smooth((down - TOOTH_ROW_V[5] + 0.06) / 0.06),
  );
  const enamel =
    (1 - gum) * (1 - 0.16 * Math.exp(-((fromGap / 0.5) ** 2))) * (1 - 0.1 * smooth((0.6 - down) / 0.4));
  return { enamel: Math.max(enamel, 1e-3), gum };
}

function smooth(t: number): number {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
}
