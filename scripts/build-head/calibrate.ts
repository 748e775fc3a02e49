/**
 * Where the landmarks sit on the head: the fitter compares the head with what a detector says, so the detector is
 * asked. Random textured people of the pack are rendered at many yaws, perceived, and each detected point is carried
 * back onto the surface under its pixel, expressed on the mean head, averaged over people and made symmetric.
 * Face-mesh points whose place wanders (they slide with the view or with the person) are left out.
 *
 *   node scripts/run.mjs scripts/build-head/calibrate.ts [--head FILE] [--people N]
 *
 * writes scripts/build-head/landmarks.json; build again afterwards. Run once per change of the surface or its looks.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/core/random.ts';
import { type HeadModel, headSizes } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { loadPerception } from '../../src/node/perception.ts';
import type { Anchor, LandmarkTable } from './landmarks.ts';
import type { Picture } from './raster.ts';
import { tile } from './sheet.ts';

const { values } = parseArgs({
  options: {
    head: { type: 'string', default: 'models/open-head.head' },
    out: { type: 'string', default: 'scripts/build-head/landmarks.json' },
    people: { type: 'string', default: '12' },
    spread: { type: 'string', default: '0.0035' },
  },
});

const CONTOUR_YAWS = [0, 10, 20, 30, 40, 50, 60, 70, 80];
const model: HeadModel = await readHeadPack(readFileSync(values.head));
const { S, T } = headSizes(model);
const perception = await loadPerception();
const random = createRandom(21);

/** Place on the mean head; `low` where the surface follows the jaw (tells the lips apart, which touch there). */
type Point = [number, number, number];
interface Hit {
  readonly at: Point;
  readonly low: boolean;
}

/** Inner lips, where only an open mouth tells upper from lower: face-mesh numbers, and iBUG-68 less 17. */
const INNER_LIPS_MESH = new Set([
  78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 95, 88, 178, 87, 14, 317, 402, 318, 324,
]);
const INNER_LIPS_51 = new Set([43, 44, 45, 46, 47, 48, 49, 50]);

/**
 * Margins of the lids, face-mesh numbers and iBUG-68 less 17. The detector's points lie a millimetre or two beside
 * the margin; there the skin hardly follows a blink, so these are put on the margin itself.
 */
const LIDS_MESH = new Set([
  33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7, 263, 466, 388, 387, 386, 385,
  384, 398, 362, 382, 381, 380, 374, 373, 390, 249,
]);
const LIDS_51 = new Set([19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
const meshHits: Hit[][] = Array.from({ length: 478 }, () => []);
const innerHits: Hit[][] = Array.from({ length: 51 }, () => []);
const contourHits: Point[][][] = CONTOUR_YAWS.map(() => Array.from({ length: 17 }, () => []));

const V = model.template.length / 3;
const eyeball = new Uint8Array(V);
for (const v of model.regions.get('left_eyeball')!) eyeball[v] = 1;
for (const v of model.regions.get('right_eyeball')!) eyeball[v] = 2;
const inside = new Uint8Array(V);
for (const r of ['mouth_interior', 'eye_sockets', 'teeth', 'tongue'])
  for (const v of model.regions.get(r)!) inside[v] = 1;

const people = Number(values.people);
const mirrored = (p: Point): Point => [-p[0], p[1], p[2]];
// Rings of vertices outwards from the border of the sockets; the visible edge of the lids is rings 2 and 3.
const socket = new Uint8Array(V);
for (const v of model.regions.get('eye_sockets')!) socket[v] = 1;
const lidRing = new Uint8Array(V).fill(99);
for (let ring = 0; ring < 4; ring++) {
  const reached: number[] = [];
  for (let f = 0; f < model.faces.length; f += 3) {
    const corners = [model.faces[f]!, model.faces[f + 1]!, model.faces[f + 2]!];
    if (!corners.some((v) => (ring === 0 ? socket[v] : lidRing[v] === ring - 1))) continue;
    for (const v of corners) if (!socket[v] && lidRing[v] === 99) reached.push(v);
  }
  for (const v of reached) lidRing[v] = ring;
}
const onMargin = (v: number) => lidRing[v] === 2 || lidRing[v] === 3;
let seen = 0;
for (let p = 0; p < people; p++) {
  // Half of the usual spread: every point must lie on a plausible, undistorted face.
  const scale = p === 0 ? 0 : 0.6;
  const identity = Float32Array.from({ length: S }, () => scale * random.normal());
  const texture = Float32Array.from({ length: T }, () => scale * random.normal());
  // Every second person with an open mouth.
  const open = p % 2 === 1;
  const pose = new Float32Array(3 * model.joints.length);
  if (open) pose[6] = 0.12 + 0.12 * random.uniform();
  for (let yi = 0; yi < CONTOUR_YAWS.length; yi++) {
    for (const sign of yi === 0 ? [1] : [1, -1]) {
      const yaw = (sign * CONTOUR_YAWS[yi]! * Math.PI) / 180;
      const t = tile(
        model,
        { identity, texture, pose },
        {
          size: 512,
          yaw,
          pitch: 0.06 * random.normal(),
          halfHeight: 0.21,
          ambient: 0.6,
          distance: 1.4,
          light: [0.4 * random.normal(), 0.5, 0.9],
        },
      );
      const data = new Uint8ClampedArray(4 * 512 * 512);
      for (let i = 0; i < 512 * 512; i++) {
        for (let k = 0; k < 3; k++) data[4 * i + k] = 255 * t.rgb[3 * i + k]!;
        data[4 * i + 3] = 255;
      }
      const found = (await perception.detect({ width: 512, height: 512, data }))[0];
      if (!found) {
        if (p === 0) console.error(`yaw ${sign * CONTOUR_YAWS[yi]!}: no face`);
        continue;
      }
      seen++;
      const turned = CONTOUR_YAWS[yi]!;
      if (turned <= 30 && found.mesh) {
        for (let i = 0; i < 478; i++) {
          const hit = surfaceAt(
            t,
            found.mesh[3 * i]!,
            found.mesh[3 * i + 1]!,
            i >= 468 ? 'eye' : 'skin',
            yaw,
          );
          // Only points that look at the camera: at a grazing angle a pixel is centimetres.
          if (hit && (open || !INNER_LIPS_MESH.has(i))) meshHits[i]!.push(hit);
        }
        for (let i = 0; i < 51; i++) {
          const hit = surfaceAt(
            t,
            found.landmarks68[2 * (17 + i)]!,
            found.landmarks68[2 * (17 + i) + 1]!,
            'skin',
            yaw,
          );
          if (hit && (open || !INNER_LIPS_51.has(i))) innerHits[i]!.push(hit);
        }
      }
      for (let i = 0; i < 17; i++) {
        const j = sign > 0 ? i : 16 - i;
        const hit = surfaceAt(t, found.landmarks68[2 * i]!, found.landmarks68[2 * i + 1]!, 'contour');
        if (hit) contourHits[yi]![j]!.push(sign > 0 ? hit.at : mirrored(hit.at));
      }
    }
  }
}
perception.dispose();
console.error(`${seen} pictures perceived`);

/** Place on the mean head under a pixel, or under the nearest pixel of the kind wanted. */
function surfaceAt(t: Picture, x: number, y: number, kind: 'skin' | 'eye' | 'contour', yaw = 0): Hit | null {
  const reach = kind === 'contour' ? 60 : 6;
  const wanted = (f: number) => {
    const v = model.faces[3 * f]!;
    if (kind === 'eye') return eyeball[v]! > 0;
    if (kind === 'contour') return eyeball[v] === 0 && inside[v] === 0;
    return eyeball[v] === 0 && inside[v] === 0;
  };
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  const [cx, cy] = [Math.floor(x), Math.floor(y)];
  for (let r = 0; r <= reach && best < 0; r++) {
    for (let dy = -r; dy <= r; dy++) {
      for (let dx = -r; dx <= r; dx++) {
        if (Math.max(Math.abs(dx), Math.abs(dy)) !== r) continue;
        const [u, v] = [cx + dx, cy + dy];
        if (u < 0 || v < 0 || u >= t.size || v >= t.size) continue;
        const p = v * t.size + u;
        if (t.face[p]! < 0 || !wanted(t.face[p]!)) continue;
        const d = (u + 0.5 - x) ** 2 + (v + 0.5 - y) ** 2;
        if (d < least) {
          least = d;
          best = p;
        }
      }
    }
  }
  if (best < 0) return null;
  const f = t.face[best]!;
  // At a grazing angle a pixel is centimetres of skin.
  if (kind !== 'contour' && facing(f, yaw) < 0.5) return null;
  const w = [1 - t.bary[2 * best]! - t.bary[2 * best + 1]!, t.bary[2 * best]!, t.bary[2 * best + 1]!];
  const out: Point = [0, 0, 0];
  for (let k = 0; k < 3; k++)
    for (let c = 0; c < 3; c++) out[c]! += w[k]! * model.template[3 * model.faces[3 * f + k]! + c]!;
  let jaw = 0;
  for (let k = 0; k < 3; k++)
    jaw += w[k]! * model.skinWeights[model.joints.length * model.faces[3 * f + k]! + 2]!;
  return { at: out, low: jaw > 0.5 };
}

/** Cosine between the mean head's face normal and the view at `yaw`. */
function facing(f: number, yaw: number): number {
  const [a, b, c] = [0, 1, 2].map((k) => 3 * model.faces[3 * f + k]!) as [number, number, number];
  const u = [0, 1, 2].map((k) => model.template[b + k]! - model.template[a + k]!);
  const v = [0, 1, 2].map((k) => model.template[c + k]! - model.template[a + k]!);
  const n = [u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!];
  return (Math.cos(yaw) * n[2]! - Math.sin(yaw) * n[0]!) / (Math.hypot(n[0]!, n[1]!, n[2]!) || 1);
}

/** Component-wise median and the mean distance to it. */
function middle(points: Point[]): { at: Point; spread: number } {
  const at = [0, 1, 2].map((c) => {
    const s = points.map((p) => p[c]!).sort((a, b) => a - b);
    return (s[Math.floor((s.length - 1) / 2)]! + s[Math.ceil((s.length - 1) / 2)]!) / 2;
  }) as Point;
  const spread =
    points.reduce((s, p) => s + Math.hypot(p[0] - at[0], p[1] - at[1], p[2] - at[2]), 0) / points.length;
  return { at, spread };
}

/** Nearest point on the faces of a kind. */
function anchor(p: Point, kind: 'skin' | 'eye' | 'lid', low?: boolean): Anchor {
  let best: Anchor = [0, 0, 0, 1, 0, 0];
  let least = Number.POSITIVE_INFINITY;
  const tpl = model.template;
  for (let f = 0; f < model.faces.length / 3; f++) {
    const [a, b, c] = [model.faces[3 * f]!, model.faces[3 * f + 1]!, model.faces[3 * f + 2]!];
    if (kind === 'eye' ? eyeball[a] === 0 : eyeball[a] !== 0 || (inside[a] && inside[b] && inside[c]))
      continue;
    if (kind === 'lid' && !(onMargin(a) && onMargin(b) && onMargin(c))) continue;
    if (low !== undefined && follows(a) + follows(b) + follows(c) > 1.5 !== low) continue;
    if (Math.abs(tpl[3 * a]! - p[0]) > 0.03 || Math.abs(tpl[3 * a + 1]! - p[1]) > 0.03) continue;
    const w = closest(p, a, b, c);
    let d = 0;
    for (let k = 0; k < 3; k++)
      d += (w[0]! * tpl[3 * a + k]! + w[1]! * tpl[3 * b + k]! + w[2]! * tpl[3 * c + k]! - p[k]!) ** 2;
    if (d < least) {
      least = d;
      best = [a, b, c, round(w[0]!), round(w[1]!), round(1 - round(w[0]!) - round(w[1]!))];
    }
  }
  return best;
}

/** How far a vertex follows the jaw. */
function follows(v: number): number {
  return model.skinWeights[model.joints.length * v + 2]!;
}

function round(x: number): number {
  return Math.round(x * 1e4) / 1e4;
}

/** Barycentrics of the closest point of a triangle: clamped by sampling its edges where the foot lies outside. */
function closest(p: Point, a: number, b: number, c: number): number[] {
  const at = (v: number) => [0, 1, 2].map((k) => model.template[3 * v + k]!);
  const [A, B, C] = [at(a), at(b), at(c)];
  const sub = (x: number[], y: number[]) => x.map((v, i) => v - y[i]!);
  const dot = (x: number[], y: number[]) => x[0]! * y[0]! + x[1]! * y[1]! + x[2]! * y[2]!;
  const [e0, e1, e2] = [sub(B, A), sub(C, A), sub([...p], A)];
  const [d00, d01, d11, d20, d21] = [dot(e0, e0), dot(e0, e1), dot(e1, e1), dot(e2, e0), dot(e2, e1)];
  const det = d00 * d11 - d01 * d01;
  if (det > 1e-20) {
    const v = (d11 * d20 - d01 * d21) / det;
    const w = (d00 * d21 - d01 * d20) / det;
    if (v >= 0 && w >= 0 && v + w <= 1) return [1 - v - w, v, w];
  }
  const along = (x: number[], y: number[]) => {
    const e = sub(y, x);
    return Math.min(1, Math.max(0, dot(sub([...p], x), e) / (dot(e, e) || 1)));
  };
  const [s, t, u] = [along(A, B), along(A, C), along(B, C)];
  const options = [
    [1 - s, s, 0],
    [1 - t, 0, t],
    [0, 1 - u, u],
  ];
  const dist = (w: number[]) =>
    [0, 1, 2].reduce((sum, k) => sum + (w[0]! * A[k]! + w[1]! * B[k]! + w[2]! * C[k]! - p[k]!) ** 2, 0);
  return options.sort((x, y) => dist(x) - dist(y))[0]!;
}

const majorityLow = (hits: readonly Hit[]) => hits.filter((h) => h.low).length > hits.length / 2;
const between = (p: Point, q: Point): Point => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2];

// Face mesh: medians, partners on the other side, symmetric places, spreads.
const mids = meshHits.map((h) => (h.length > 0.2 * seen * (7 / 17) ? middle(h.map((x) => x.at)) : null));
const IRIS_PARTNER: Record<number, number> = { 468: 473, 469: 474, 470: 475, 471: 476, 472: 477 };
const partner = mids.map((m, i) => {
  if (!m) return -1;
  for (const [r, l] of Object.entries(IRIS_PARTNER)) {
    if (i === Number(r)) return l;
    if (i === l) return Number(r);
  }
  let best = -1;
  let least = 0.01;
  mids.forEach((n, j) => {
    if (!n || j >= 468 || INNER_LIPS_MESH.has(i) !== INNER_LIPS_MESH.has(j)) return;
    if (INNER_LIPS_MESH.has(i) && majorityLow(meshHits[i]!) !== majorityLow(meshHits[j]!)) return;
    const q = mirrored(n.at);
    const d = Math.hypot(m.at[0] - q[0], m.at[1] - q[1], m.at[2] - q[2]);
    if (d < least) {
      least = d;
      best = j;
    }
  });
  return best;
});
const meshIndices: number[] = [];
const mesh: Anchor[] = [];
const spreads: number[] = [];
mids.forEach((m, i) => {
  if (!m) return;
  const j = partner[i]!;
  if (j < 0 || !mids[j] || partner[j] !== i) return;
  const limit = i >= 468 ? 0.004 : Number(values.spread);
  if (Math.max(m.spread, mids[j]!.spread) > limit) return;
  meshIndices.push(i);
  const lip = INNER_LIPS_MESH.has(i) ? majorityLow([...meshHits[i]!, ...meshHits[j]!]) : undefined;
  mesh.push(
    anchor(between(m.at, mirrored(mids[j]!.at)), i >= 468 ? 'eye' : LIDS_MESH.has(i) ? 'lid' : 'skin', lip),
  );
  spreads.push(m.spread);
});
console.error(
  `${meshIndices.length} mesh points, mean spread ${((1000 * spreads.reduce((a, b) => a + b, 0)) / spreads.length).toFixed(2)} mm, irises ${meshIndices.filter((i) => i >= 468).length}`,
);

// Inner 51 with iBUG's own mirror pairs.
const PAIRS51 = [
  9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10, 11, 12, 13, 18, 17, 16, 15, 14, 28, 27, 26, 25, 30, 29, 22, 21, 20, 19,
  24, 23, 37, 36, 35, 34, 33, 32, 31, 42, 41, 40, 39, 38, 47, 46, 45, 44, 43, 50, 49, 48,
];
const inner = innerHits.map((h) => middle(h.map((x) => x.at)));
const inner51 = inner.map((m, i) => {
  const j = PAIRS51[i]!;
  const lip = INNER_LIPS_51.has(i) ? majorityLow([...innerHits[i]!, ...innerHits[j]!]) : undefined;
  return anchor(between(m.at, mirrored(inner[j]!.at)), LIDS_51.has(i) ? 'lid' : 'skin', lip);
});
console.error(`inner51 spread ${((1000 * inner.reduce((s, m) => s + m.spread, 0)) / 51).toFixed(2)} mm`);

// Contour: rows at the measured yaws, mirrored, interpolated to every 5 degrees, held beyond the last.
const rows = contourHits.map((row) => row.map((h) => (h.length > 0 ? middle(h).at : null)));
const known = CONTOUR_YAWS.map((y, i) => ({ y, row: rows[i]! })).filter((r) =>
  r.row.every((p) => p !== null),
) as { y: number; row: Point[] }[];
console.error(`contour rows at ${known.map((k) => k.y)}`);
const zero = known[0]!.row.map((p, i, all) => between(p, mirrored(all[16 - i]!)));
known[0] = { y: 0, row: zero };
const rowAt = (y: number): Point[] => {
  const a = Math.abs(y);
  let k = 0;
  while (k + 1 < known.length && known[k + 1]!.y <= a) k++;
  const lo = known[k]!;
  const hi = known[Math.min(known.length - 1, k + 1)]!;
  const s = hi.y > lo.y ? Math.min(1, (a - lo.y) / (hi.y - lo.y)) : 0;
  const row = lo.row.map((p, i) => [0, 1, 2].map((c) => p[c]! * (1 - s) + hi.row[i]![c]! * s) as Point);
  return y >= 0 ? row : row.map((_, i) => mirrored(row[16 - i]!));
};
const contourYaws = Array.from({ length: 37 }, (_, i) => -90 + 5 * i);
const contour = contourYaws.map((y) => rowAt(y).map((p) => anchor(p, 'skin')));

const table: LandmarkTable = { inner51, contourYaws, contour, meshIndices, mesh };
const lines = (list: readonly unknown[]) =>
  `[\n${list.map((a) => `    ${JSON.stringify(a)}`).join(',\n')}\n  ]`;
writeFileSync(
  values.out,
  `{\n  "inner51": ${lines(table.inner51)},\n  "contourYaws": ${JSON.stringify(contourYaws)},\n  "contour": ${lines(contour)},\n  "meshIndices": ${JSON.stringify(meshIndices)},\n  "mesh": ${lines(mesh)}\n}\n`,
);
