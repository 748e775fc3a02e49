/**
 * The head pack: one safetensors file that holds a whole head model, as specified in docs/model.md.
 *
 * Reading goes in three steps: the JSON metadata, then names and shapes of all tensors against one table (missing and
 * unexpected ones are reported together), then the values through `checkHeadModel`, which every model passes.
 *
 * Bases are stored as float32, float16 or int8 with a scale per component. For a component that moves the skin by at
 * most 10 mm per standard deviation, float16 errs by at most 4 µm and int8 by 40 µm; int8 keeps exact zeros, so that
 * vertices a component does not touch stay untouched.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import {
  dequantiseInt8,
  f16Tensor,
  f32Tensor,
  indexTensor,
  int8Tensor,
  type Memory,
  toFloat32,
  toUint32,
  u8Tensor,
} from '../io/dtypes.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../io/safetensors.ts';
import type { HeadModel, SurfacePoints } from './head-model.ts';
import { type PackMetadata, packMetadataText, readPackMetadata } from './pack-metadata.ts';
import { checkHeadModel } from './validate.ts';

/** How the numbers of bases, skin weights and the mean texture are stored. */
export type PackPrecision = 'float32' | 'float16' | 'int8';

/** A head model with what its pack says about itself. */
export interface HeadPack extends HeadModel {
  /** Version of the model, e.g. `0.1.0`. */
  readonly version: string;
  /** Who made what it came from. */
  readonly credits: string;
  /** Sources, checksums, command; free form. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** Named weight maps over the texture, (H,W) uint8 0…255. */
  readonly texelRegions: ReadonlyMap<string, Uint8Array>;
}

/** What {@link writeHeadPack} needs beside the model. */
export interface HeadPackInfo {
  /** Version of the model, e.g. `0.1.0`. */
  readonly version: string;
  /** Who made what it came from. */
  readonly credits: string;
  /** Sources, checksums, command; anything JSON can hold. */
  readonly provenance?: Readonly<Record<string, unknown>>;
  /** Named weight maps over the texture, (H,W) uint8. */
  readonly texelRegions?: ReadonlyMap<string, Uint8Array>;
  /** Storage of the geometric bases, skin weights and the mean texture. */
  readonly precision?: PackPrecision;
  /** Storage of the texture basis; as `precision` unless given. */
  readonly texturePrecision?: PackPrecision;
}

/** Defaults of {@link HeadPackInfo}. */
export const HEAD_PACK_DEFAULTS = { precision: 'float16' } as const;

/** What a tensor of the pack is: the dtypes it may have. */
type Kind = 'float' | 'index' | 'basis' | 'fraction' | 'byte';
const KIND_DTYPES: Record<Kind, readonly string[]> = {
  float: ['F32'],
  index: ['U16', 'U32', 'I32'],
  basis: ['F32', 'F16', 'I8'],
  /** In [0, 1]; U8 is divided by 255. */
  fraction: ['F32', 'F16', 'U8'],
  byte: ['U8'],
};

/** Name, axes (letters of docs/model.md, or sizes) and kind; `?` marks optional ones. */
const TENSORS: readonly (readonly [string, string, Kind])[] = [
  ['template', 'V 3', 'float'],
  ['faces', 'F 3', 'index'],
  ['uvs', 'U 2', 'float'],
  ['face_uvs', 'F 3', 'index'],
  ['identity_basis', 'S V 3', 'basis'],
  ['expression_basis', 'E V 3', 'basis'],
  ['expression_sd', 'E', 'float'],
  ['expression_range', 'E 2', 'float'],
  ['joint_template', 'J 3', 'float'],
  ['joint_identity_basis', 'S J 3', 'float'],
  ['joint_expression_basis?', 'E J 3', 'float'],
  ['pose_basis?', 'P V 3', 'basis'],
  ['skin_weights', 'V J', 'fraction'],
  ['landmarks.inner51.faces', '51', 'index'],
  ['landmarks.inner51.barycentrics', '51 3', 'float'],
  ['landmarks.contour.yaws', 'R', 'float'],
  ['landmarks.contour.faces', 'R 17', 'index'],
  ['landmarks.contour.barycentrics', 'R 17 3', 'float'],
  ['landmarks.mesh.indices', 'L', 'index'],
  ['landmarks.mesh.faces', 'L', 'index'],
  ['landmarks.mesh.barycentrics', 'L 3', 'float'],
  ['texture.mean?', 'H W 3', 'fraction'],
  ['texture.basis?', 'T H W 3', 'basis'],
];
const REGION = 'regions.';
const TEXEL_REGION = 'texel_regions.';

/**
 * Reads a head pack. The model's `hash` is the SHA-256 of `bytes`.
 * @param source what to call the file in messages, e.g. its path
 * @param memory where bases lie, which are nearly all of it
 * @throws {FormatError} when it is no pack, of another format version, incomplete, or holds impossible values
 */
export async function readHeadPack(
  bytes: Uint8Array,
  source = 'head pack',
  memory?: Memory,
): Promise<HeadPack> {
  const file = readSafetensors(bytes, source);
  const meta = readPackMetadata(file.metadata, source);
  const sizes = checkTensors(file.tensors, meta, source);
  const hash = await sha256Hex(bytes);

  const get = (name: string) => file.tensors.get(name) as Tensor;
  const basis = (name: string) =>
    get(name).dtype === 'I8'
      ? dequantiseInt8(get(name), get(`${name}.scale`), name, memory)
      : toFloat32(get(name), name, memory);
  const points = (name: string): SurfacePoints => ({
    faces: toUint32(get(`${name}.faces`)),
    barycentrics: toFloat32(get(`${name}.barycentrics`)),
  });
  const { E, J } = sizes;

  const model: HeadPack = {
    name: meta.name,
    version: meta.version,
    license: meta.license,
    credits: meta.credits,
    provenance: meta.provenance,
    hash,
    template: toFloat32(get('template')),
    faces: toUint32(get('faces'), `${source}: faces`),
    uvs: toFloat32(get('uvs')),
    faceUvs: toUint32(get('face_uvs'), `${source}: face_uvs`),
    identityBasis: basis('identity_basis'),
    identityNames: meta.identityNames,
    expressionBasis: basis('expression_basis'),
    expressionNames: meta.expressionNames,
    expressionSd: toFloat32(get('expression_sd')),
    // 3.4e38, the largest round float32, stands for "no bound" where a writer had no infinity.
    expressionRange: toFloat32(get('expression_range')).map((x) =>
      Math.abs(x) >= 3.39e38 ? Math.sign(x) * Infinity : x,
    ),
    joints: meta.joints,
    jointTemplate: toFloat32(get('joint_template')),
    jointIdentityBasis: toFloat32(get('joint_identity_basis')),
    jointExpressionBasis: file.tensors.has('joint_expression_basis')
      ? toFloat32(get('joint_expression_basis'))
      : new Float32Array(E * J * 3),
    poseBasis: file.tensors.has('pose_basis') ? basis('pose_basis') : null,
    skinWeights: readSkinWeights(get('skin_weights'), J),
    landmarks: {
      inner51: points('landmarks.inner51'),
      contour: { yaws: toFloat32(get('landmarks.contour.yaws')), points: points('landmarks.contour') },
      mesh: { indices: toUint32(get('landmarks.mesh.indices')), points: points('landmarks.mesh') },
    },
    texture: file.tensors.has('texture.mean')
      ? {
          width: sizes.W,
          height: sizes.H,
          mean: fractions(get('texture.mean')),
          basis: basis('texture.basis'),
          names: meta.textureNames,
        }
      : null,
    regions: namedGroup(file.tensors, REGION, toUint32),
    texelRegions: namedGroup(file.tensors, TEXEL_REGION, (t) => new Uint8Array(t.bytes)),
  };
  checkHeadModel(model, source);
  return model;
}

/**
 * Writes a head pack; the same model and info give the same bytes.
 * @throws {FormatError} when the model is not one that {@link readHeadPack} would accept
 * @throws {InvalidArgumentError} when an option is unknown or a number does not fit the precision asked for
 */
export function writeHeadPack(model: HeadModel, info: HeadPackInfo): Uint8Array {
  checkHeadModel(model, `writeHeadPack: ${model.name}`);
  const precision = info.precision ?? HEAD_PACK_DEFAULTS.precision;
  const texturePrecision = info.texturePrecision ?? precision;
  for (const p of [precision, texturePrecision]) {
    if (p !== 'float32' && p !== 'float16' && p !== 'int8') {
      throw new InvalidArgumentError(`writeHeadPack: precision must be float32, float16 or int8, got ${p}`);
    }
  }
  const V = model.template.length / 3;
  const F = model.faces.length / 3;
  const J = model.joints.length;
  const S = model.identityNames.length;
  const E = model.expressionNames.length;
  const out = new Map<string, Tensor>();
  const f32 = (name: string, values: Float32Array, shape: number[]) =>
    out.set(name, f32Tensor(values, shape));
  const index = (name: string, values: Uint32Array, shape: number[]) =>
    out.set(name, indexTensor(values, shape));
  const basis = (name: string, values: Float32Array, shape: number[], how: PackPrecision) => {
    if (how === 'float32') f32(name, values, shape);
    else if (how === 'float16') out.set(name, f16Tensor(values, shape));
    else {
      const q = int8Tensor(values, shape);
      out.set(name, q.values);
      out.set(`${name}.scale`, q.scale);
    }
  };
  const fraction = (name: string, values: Float32Array, shape: number[]) => {
    if (precision === 'float32') f32(name, values, shape);
    else if (precision === 'float16') out.set(name, f16Tensor(values, shape));
    else out.set(name, u8Tensor(Uint8Array.from(new Uint8ClampedArray(values.map((x) => 255 * x))), shape));
  };

  f32('template', model.template, [V, 3]);
  index('faces', model.faces, [F, 3]);
  f32('uvs', model.uvs, [model.uvs.length / 2, 2]);
  index('face_uvs', model.faceUvs, [F, 3]);
  basis('identity_basis', model.identityBasis, [S, V, 3], precision);
  basis('expression_basis', model.expressionBasis, [E, V, 3], precision);
  f32('expression_sd', model.expressionSd, [E]);
  f32('expression_range', model.expressionRange, [E, 2]);
  f32('joint_template', model.jointTemplate, [J, 3]);
  f32('joint_identity_basis', model.jointIdentityBasis, [S, J, 3]);
  if (model.jointExpressionBasis.some((x) => x !== 0)) {
    f32('joint_expression_basis', model.jointExpressionBasis, [E, J, 3]);
  }
  if (model.poseBasis) basis('pose_basis', model.poseBasis, [9 * (J - 1), V, 3], precision);
  fraction('skin_weights', model.skinWeights, [V, J]);
  const { inner51, contour, mesh } = model.landmarks;
  const R = contour.yaws.length;
  const L = mesh.indices.length;
  index('landmarks.inner51.faces', inner51.faces, [51]);
  f32('landmarks.inner51.barycentrics', inner51.barycentrics, [51, 3]);
  f32('landmarks.contour.yaws', contour.yaws, [R]);
  index('landmarks.contour.faces', contour.points.faces, [R, 17]);
  f32('landmarks.contour.barycentrics', contour.points.barycentrics, [R, 17, 3]);
  index('landmarks.mesh.indices', mesh.indices, [L]);
  index('landmarks.mesh.faces', mesh.points.faces, [L]);
  f32('landmarks.mesh.barycentrics', mesh.points.barycentrics, [L, 3]);
  if (model.texture) {
    const { width, height, mean, basis: components, names } = model.texture;
    fraction('texture.mean', mean, [height, width, 3]);
    basis('texture.basis', components, [names.length, height, width, 3], texturePrecision);
  }
  for (const [name, vertices] of model.regions) index(REGION + name, vertices, [vertices.length]);
  for (const [name, map] of info.texelRegions ?? []) {
    const { width, height } = model.texture ?? { width: 0, height: 0 };
    if (map.length !== width * height || map.length === 0) {
      throw new InvalidArgumentError(
        `writeHeadPack: texel region '${name}' has ${map.length} items, the texture ${height} × ${width} texels`,
      );
    }
    out.set(TEXEL_REGION + name, u8Tensor(map, [height, width]));
  }
  return writeSafetensors(out, { photofit: packMetadataText(model, info) });
}

/** Holds names, dtypes and shapes against the table; returns the sizes by letter. */
function checkTensors(
  tensors: Map<string, Tensor>,
  meta: PackMetadata,
  source: string,
): Record<string, number> {
  const fail = (what: string): never => {
    throw new FormatError(`${source}: ${what}`);
  };
  const table = [...TENSORS];
  for (const name of tensors.keys()) {
    if (name.startsWith(REGION)) table.push([name, '*', 'index']);
    if (name.startsWith(TEXEL_REGION)) table.push([name, 'H W', 'byte']);
  }
  const expected = new Set<string>();
  const missing: string[] = [];
  for (const [entry, , kind] of table) {
    const name = entry.replace('?', '');
    expected.add(name);
    // A texture comes whole or not at all.
    const wanted = !entry.endsWith('?') || (name === 'texture.basis' && tensors.has('texture.mean'));
    if (wanted && !tensors.has(name)) missing.push(name);
    if (kind === 'basis' && tensors.get(name)?.dtype === 'I8') {
      expected.add(`${name}.scale`);
      if (!tensors.has(`${name}.scale`)) missing.push(`${name}.scale`);
    }
  }
  if (tensors.has('texture.basis') && !tensors.has('texture.mean')) missing.push('texture.mean');
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name));
  if (missing.length > 0 || unexpected.length > 0) {
    const parts = [
      missing.length > 0 ? `missing tensors: ${missing.join(', ')}` : '',
      unexpected.length > 0 ? `unexpected tensors: ${unexpected.sort().join(', ')}` : '',
    ];
    fail(`${parts.filter(Boolean).join('; ')} (docs/model.md lists what a pack holds)`);
  }

  const J = meta.joints.length;
  const sizes = new Map<string, [number, string]>([
    ['S', [meta.identityNames.length, 'the number of identityNames']],
    ['E', [meta.expressionNames.length, 'the number of expressionNames']],
    ['T', [meta.textureNames.length, 'the number of textureNames']],
    ['J', [J, 'the number of joints']],
    ['P', [9 * (J - 1), '9 for each joint but the root']],
  ]);
  for (const [entry, axes, kind] of table) {
    const name = entry.replace('?', '');
    const tensor = tensors.get(name);
    if (!tensor) continue;
    if (!KIND_DTYPES[kind].includes(tensor.dtype)) {
      fail(`tensor '${name}' is ${tensor.dtype}, must be ${KIND_DTYPES[kind].join(' or ')}`);
    }
    const letters = axes.split(' ');
    if (letters.length !== tensor.shape.length) {
      fail(`tensor '${name}' has the shape [${tensor.shape}], must be (${letters.join(', ')})`);
    }
    letters.forEach((letter, axis) => {
      const size = tensor.shape[axis];
      if (letter === '*') return;
      const known = /\d/.test(letter) ? ([Number(letter), ''] as const) : sizes.get(letter);
      if (!known) sizes.set(letter, [size, `from '${name}'`]);
      else if (known[0] !== size) {
        const why = known[1] && ` with ${letter} = ${known[0]}, ${known[1]}`;
        fail(`tensor '${name}' has the shape [${tensor.shape}], must be (${letters.join(', ')})${why}`);
      }
    });
  }
  return Object.fromEntries([...sizes].map(([letter, [size]]) => [letter, size]));
}

function fractions(tensor: Tensor): Float32Array {
  const values = toFloat32(tensor);
  return tensor.dtype === 'U8' ? values.map((x) => x / 255) : values;
}

/** (V,J) weights; what was rounded in storage is brought back to rows that sum to 1. */
function readSkinWeights(tensor: Tensor, J: number): Float32Array {
  const weights = fractions(tensor);
  if (tensor.dtype === 'F32') return weights;
  for (let row = 0; row < weights.length; row += J) {
    let sum = 0;
    for (let j = 0; j < J; j++) sum += weights[row + j];
    // A sum that rounding cannot explain is left for the check of the whole model to refuse.
    if (Math.abs(sum - 1) > 0.05) continue;
    for (let j = 0; j < J; j++) weights[row + j] /= sum;
  }
  return weights;
}

function namedGroup<T>(
  tensors: Map<string, Tensor>,
  prefix: string,
  read: (tensor: Tensor, name: string) => T,
): Map<string, T> {
  const names = [...tensors.keys()].filter((name) => name.startsWith(prefix)).sort();
  return new Map(names.map((name) => [name.slice(prefix.length), read(tensors.get(name) as Tensor, name)]));
}
