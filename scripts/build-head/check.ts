/**
 * Tables of what `anatomy.ts` measures on a pack, as Markdown for docs/open-head.md:
 *
 *   node scripts/run.mjs scripts/build-head/check.ts [--head FILE] [anatomy] [uv] [tones]
 *
 * `tones` also writes the picture of the Monk scale (--out FOLDER, --format jpg|png).
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/core/random.ts';
import { headSizes } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { crossings, facesOf, type Posing, posed, sharpestBend, uvStretch } from './anatomy.ts';
import { render } from './raster.ts';
import { tile, writeSheet } from './sheet.ts';
import { fitTones, MONK } from './tones.ts';

const { values, positionals } = parseArgs({
  options: {
    head: { type: 'string', default: 'models/open-head.head' },
    out: { type: 'string', default: 'out/open-head' },
    format: { type: 'string', default: 'jpg' },
  },
  allowPositionals: true,
});
const model = await readHeadPack(readFileSync(values.head));
const { V, S } = headSizes(model);
const mm = (x: number) => (1000 * x).toFixed(2);

/** Faces of the skin before the ears, in the region's sense: lips, mouth bag, socket or other skin. */
const kind = new Array<string>(V).fill('skin');
for (const [region, name] of [
  ['lips', 'lips'],
  ['mouth_interior', 'mouth'],
  ['eye_sockets', 'socket'],
  ['eyelids', 'lids'],
] as const)
  for (const v of model.regions.get(region)!) kind[v] = name;
const firstInside = Math.min(model.regions.get('tongue')![0]!, model.regions.get('teeth')![0]!);
const skin: number[] = [];
for (let f = 0; f < model.faces.length / 3; f++) if (model.faces[3 * f]! < firstInside) skin.push(f);
const front = skin.filter((f) => model.template[3 * model.faces[3 * f]! + 2]! > 0.02);
const teeth = facesOf(model, ['teeth']);
const tongue = facesOf(model, ['tongue']);
const eyes = facesOf(model, ['left_eyeball', 'right_eyeball']);

const checks: Record<string, () => Promise<void> | void> = {
  anatomy() {
    const deepest = (list: { depth: number }[]) => list.reduce((m, c) => Math.max(m, c.depth), 0);
    const row = (label: string, posing: Posing) => {
      const P = posed(model, posing);
      const own = new Map<string, number>();
      for (const c of crossings(P, model.faces, front, front)) {
        const pair = [c.a, c.b].map((f) => kind[model.faces[3 * f]!]!).sort();
        const key = pair[0] === pair[1] ? pair[0]! : pair.join('/');
        own.set(key, Math.max(own.get(key) ?? 0, c.depth));
      }
      const t = crossings(P, model.faces, teeth, skin);
      const g = crossings(P, model.faces, tongue, [...skin, ...teeth]);
      const cells = [...own].map(([k, d]) => `${k} ${mm(d)}`).join(', ');
      console.log(`| ${label} | ${mm(deepest(t))} | ${mm(deepest(g))} | ${cells || '0'} |`);
    };
    console.log(
      '| posing | teeth through skin, mm | tongue, mm | skin through itself, mm |\n| --- | --- | --- | --- |',
    );
    row('rest', {});
    for (const a of [10, 20]) row(`jaw ${a}°`, { pose: { jaw: [a, 0, 0] } });
    const names = new Set(
      model.expressionNames.map((n) => (/^mouth(Left|Right)$/.test(n) ? n : n.replace(/(Left|Right)$/, ''))),
    );
    for (const n of names) row(n, { expression: { [n]: 1 } });
    const random = createRandom(3);
    let worst = 0;
    for (let i = 0; i < 20; i++) {
      const identity = Float32Array.from({ length: S }, () => random.normal());
      for (const jaw of [0, 15])
        worst = Math.max(
          worst,
          ...crossings(posed(model, { identity, pose: { jaw: [jaw, 0, 0] } }), model.faces, teeth, skin)
            .filter((c) => kind[model.faces[3 * c.b]!] !== 'mouth')
            .map((c) => c.depth),
        );
    }
    console.log(`\nTeeth through lips or face over 20 random people, jaw 0° and 15°: ${mm(worst)} mm`);
    const lips = facesOf(model, ['lips', 'skin']).filter((f) => {
      const v = model.faces[3 * f]!;
      return (
        Math.hypot(model.template[3 * v]!, model.template[3 * v + 1]! + 0.045) < 0.03 &&
        model.template[3 * v + 1]! < -0.041
      );
    });
    for (const jaw of [0, 20])
      console.log(
        `Sharpest bend below the line of the lips at ${jaw}° of jaw: ${sharpestBend(posed(model, { pose: { jaw: [jaw, 0, 0] } }), model.faces, lips).degrees.toFixed(1)}°`,
      );
    const seen = (posing: Posing, part: readonly number[], yaw: number, center: [number, number, number]) => {
      const picture = render(
        { vertices: posed(model, posing), faces: model.faces },
        { size: 500, yaw, halfHeight: 0.04, center },
      );
      const list = new Set(part);
      return picture.face.reduce((n, f) => n + (list.has(f) ? 1 : 0), 0);
    };
    const eye: [number, number, number] = [0, 0.034, 0.09];
    const mouth: [number, number, number] = [0, -0.042, 0.095];
    for (const yaw of [-0.6, 0, 0.6]) {
      const label = `yaw ${((yaw * 180) / Math.PI).toFixed(0)}°`;
      console.log(
        `${label}: eyeball pixels open ${seen({}, eyes, yaw, eye)}, closed ${seen({ expression: { eyeBlink: 1 } }, eyes, yaw, eye)}; teeth pixels at rest ${seen({}, teeth, yaw, mouth)}, smiling ${seen({ expression: { mouthLaugh: 1 } }, teeth, yaw, mouth)}`,
      );
    }
    // The eyeballs are spheres about their joints: gaze moves no silhouette of theirs.
    for (const [x, y] of [
      [25, 0],
      [-25, 0],
      [0, 25],
      [0, -25],
    ] as const) {
      const gaze = seen({ pose: { left_eye: [x, y, 0], right_eye: [x, y, 0] } }, eyes, 0, eye);
      console.log(
        `gaze ${x}°, ${y}°: ${gaze - seen({}, eyes, 0, eye)} eyeball pixels more than straight ahead`,
      );
    }
  },
  uv() {
    const face = facesOf(model, ['face', 'lips', 'nose', 'eyelids', 'brows']);
    const { large, small, area } = uvStretch(model, face);
    const quantiles = (label: string, x: Float64Array) => {
      const order = Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
      const total = area.reduce((s, a) => s + a, 0);
      const at = (q: number) => {
        let sum = 0;
        for (const i of order) {
          sum += area[i]!;
          if (sum >= q * total) return x[i]!;
        }
        return x[order.at(-1)!]!;
      };
      console.log(
        `| ${label} | ${[0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99].map((q) => at(q).toFixed(2)).join(' | ')} |`,
      );
    };
    const size = model.texture!.width;
    console.log(`Face: ${face.length} faces, weighted by area. Percentiles:\n`);
    console.log('| | 1 | 5 | 25 | 50 | 75 | 95 | 99 |\n| --- | --- | --- | --- | --- | --- | --- | --- |');
    quantiles(
      `texel size, geometric mean, mm at ${size}²`,
      large.map((l, i) => (1000 / size) * Math.sqrt(l * small[i]!)),
    );
    const middle = large.map((l, i) => l * small[i]!).sort()[face.length >> 1]!;
    quantiles(
      'area scale over the median',
      large.map((l, i) => (l * small[i]!) / middle),
    );
    quantiles(
      'anisotropy (longer over shorter)',
      large.map((l, i) => l / small[i]!),
    );
  },
  async tones() {
    mkdirSync(values.out, { recursive: true });
    const tones = fitTones(model);
    console.log(
      '| Monk tone | sRGB aimed at | reached | largest coefficient | ΔE (CIE76) |\n| --- | --- | --- | --- | --- |',
    );
    const hex = (c: readonly number[]) =>
      `#${c
        .map((x) =>
          Math.round(255 * Math.min(1, Math.max(0, x)))
            .toString(16)
            .padStart(2, '0'),
        )
        .join('')}`;
    tones.forEach((t, i) => {
      const most = t.coefficients.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      console.log(
        `| ${i + 1} | ${hex(MONK[i]!)} | ${hex(t.reached)} | ${most.toFixed(2)} | ${t.deltaE.toFixed(1)} |`,
      );
    });
    const file = path.join(values.out, `open-head-tones.${values.format}`);
    const view = { size: 600, halfHeight: 0.125, center: [0, 0.005, 0.03] as const, ambient: 0.7 };
    await writeSheet(
      file,
      tones.map((t) => tile(model, { texture: t.coefficients }, view)),
      5,
      300,
    );
    console.log(file);
  },
};
for (const name of positionals.length > 0 ? positionals : Object.keys(checks)) await checks[name]!();
