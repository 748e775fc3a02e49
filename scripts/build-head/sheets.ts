/**
 * Check sheets of a pack: node scripts/run.mjs scripts/build-head/sheets.ts [--head FILE] [--out FOLDER] [--format png] [names…]
 * Names: mean people identity expressions albedo mouth landmarks pose (all when none is given).
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/core/random.ts';
import type { HeadModel, SurfacePoints } from '../../src/model/head-model.ts';
import { headSizes } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import type { Picture } from './raster.ts';
import { tile, writeSheet } from './sheet.ts';

const { values, positionals } = parseArgs({
  options: {
    head: { type: 'string', default: 'models/open-head.head' },
    out: { type: 'string', default: 'out/open-head' },
    format: { type: 'string', default: 'jpg' },
  },
  allowPositionals: true,
});
const model: HeadModel = await readHeadPack(readFileSync(values.head));
const { S, E, T } = headSizes(model);
mkdirSync(values.out, { recursive: true });
const one = (n: number, i: number, x: number) => {
  const out = new Float32Array(n);
  out[i] = x;
  return out;
};
const random = createRandom(5);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const big = { size: 600 };
const close = { size: 600, halfHeight: 0.115, center: [0, 0.0, 0.03] as const };

const sheets: Record<string, () => Promise<void>> = {
  mean: async () => {
    const tiles = [0, 0.7, Math.PI / 2, Math.PI].map((yaw) =>
      tile(model, { texture: null }, { ...big, yaw }),
    );
    tiles.push(...[0, 0.7, Math.PI / 2].map((yaw) => tile(model, {}, { ...big, yaw })));
    tiles.push(tile(model, {}, { ...close, halfHeight: 0.05, center: [0, 0.03, 0.08] }));
    await save('mean', tiles, 4, 400);
  },
  people: async () => {
    const tiles: Picture[] = [];
    for (let i = 0; i < 12; i++) {
      const p = { identity: normals(S), texture: normals(T) };
      tiles.push(tile(model, p, { ...big, yaw: 0 }), tile(model, p, { ...big, yaw: i % 2 ? 0.7 : -0.7 }));
    }
    await save('people', tiles, 6, 300);
  },
  identity: async () => {
    const tiles: Picture[] = [];
    for (const x of [-2, 2])
      for (let i = 0; i < 5; i++)
        tiles.push(tile(model, { identity: one(S, i, x), texture: null }, { ...big, yaw: 0.4 }));
    await save('identity', tiles, 5, 300);
  },
  expressions: async () => {
    const tiles: Picture[] = [];
    for (let e = 0; e < E; e++)
      tiles.push(tile(model, { expression: one(E, e, 1), texture: null }, { ...close, yaw: 0.2 }));
    await save('expressions', tiles, 10, 200);
  },
  pose: async () => {
    const pose = (joint: number, axis: number, degrees: number) =>
      one(15, 3 * joint + axis, (degrees * Math.PI) / 180);
    const tiles = [
      tile(model, { pose: pose(2, 0, 8) }, close),
      tile(model, { pose: pose(2, 0, 16) }, close),
      tile(model, { pose: pose(2, 0, 16) }, { ...close, yaw: 0.7 }),
      tile(model, { pose: pose(2, 0, 22), texture: null }, { ...close, yaw: 1.2 }),
      tile(model, { pose: pose(1, 0, 20) }, { ...big, yaw: 1.2 }),
      tile(model, { pose: pose(1, 1, 30) }, big),
      tile(model, { pose: Float32Array.from([...new Array(9).fill(0), 0, 0.4, 0, 0, 0.4, 0]) }, close),
      tile(model, { pose: Float32Array.from([...new Array(9).fill(0), 0.3, 0, 0, 0.3, 0, 0]) }, close),
    ];
    await save('pose', tiles, 4, 380);
  },
  albedo: async () => {
    const tiles: Picture[] = [];
    for (const x of [-2, 2])
      for (let t = 0; t < 5; t++)
        tiles.push(tile(model, { texture: one(T, t, x) }, { ...close, ambient: 0.8 }));
    await save('albedo', tiles, 5, 300);
  },
  mouth: async () => {
    const view = { size: 640, halfHeight: 0.04, center: [0, -0.045, 0.09] as const };
    const make = (names: string[], jaw: number, yaw: number) => {
      const expression = Float32Array.from(model.expressionNames, (n) =>
        names.includes(n.replace(/(Left|Right)$/, '')) ? 1 : 0,
      );
      return tile(model, { expression, pose: one(15, 6, (jaw * Math.PI) / 180) }, { ...view, yaw });
    };
    const tiles: Picture[] = [];
    for (const yaw of [0, 0.6])
      for (const [names, jaw] of [
        [[], 0],
        [['mouthLaugh'], 0],
        [['mouthPartWide'], 0],
        [['mouthLaugh'], 8],
        [[], 20],
      ] as [string[], number][])
        tiles.push(make(names, jaw, yaw));
    await save('mouth', tiles, 5, 300);
  },
  landmarks: async () => {
    const tiles: Picture[] = [];
    for (const yaw of [0, 0.5, 1.0, -0.6]) {
      const view = { ...close, size: 900, yaw, halfHeight: 0.13 };
      const t = tile(model, {}, view);
      const rows = model.landmarks.contour.yaws;
      let row = 0;
      rows.forEach((y, r) => {
        if (Math.abs(y - yaw) < Math.abs(rows[row]! - yaw)) row = r;
      });
      dots(t, model.landmarks.mesh.points, [0.2, 0.5, 1], 0, model.landmarks.mesh.indices.length);
      dots(t, model.landmarks.inner51, [0, 1, 0], 0, 51);
      dots(t, model.landmarks.contour.points, [1, 0.2, 0], 17 * row, 17 * row + 17);
      tiles.push(t);
    }
    await save('landmarks', tiles, 2, 900);
  },
};

function dots(t: Picture, points: SurfacePoints, colour: number[], from: number, to: number): void {
  for (let i = from; i < to; i++) {
    let [x, y] = [0, 0];
    for (let k = 0; k < 3; k++) {
      const v = model.faces[3 * points.faces[i]! + k]!;
      x += points.barycentrics[3 * i + k]! * t.projected[3 * v]!;
      y += points.barycentrics[3 * i + k]! * t.projected[3 * v + 1]!;
    }
    for (let dy = -2; dy <= 2; dy++)
      for (let dx = -2; dx <= 2; dx++) {
        const [u, v] = [Math.round(x + dx - 0.5), Math.round(y + dy - 0.5)];
        if (u < 0 || v < 0 || u >= t.size || v >= t.size || dx * dx + dy * dy > 5) continue;
        for (let k = 0; k < 3; k++) t.rgb[3 * (v * t.size + u) + k] = colour[k]!;
      }
  }
}

async function save(name: string, tiles: Picture[], columns: number, cell: number): Promise<void> {
  const file = path.join(values.out, `open-head-${name}.${values.format}`);
  await writeSheet(file, tiles, columns, cell);
  console.log(file);
}

for (const name of positionals.length > 0 ? positionals : Object.keys(sheets)) await sheets[name]!();
