/**
 * The texture space file (`.space`): a safetensors file that holds a texture space apart from a head, as specified in
 * docs/space-file.md.
 *
 * A space belongs to a UV layout, not to a head: whichever head has the same triangles over the same texture
 * coordinates may wear it. The layout's SHA-256 stands in the file ({@link uvLayoutHash}), and a head with another one
 * is refused, since its colours would land anywhere on the face.
 *
 * A head with another space is another model: its `hash` becomes SHA-256 of the text `HEAD+SPACE`, the two files'
 * hashes in hexadecimal, so that a fit can be read back only with both.
 */
import { withDefaults } from '../core/defaults.ts';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import { dequantiseInt8, f16Tensor, f32Tensor, int8Tensor, toFloat32, u8Tensor } from '../io/dtypes.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../io/safetensors.ts';
import type { HeadModel, TextureSpace } from './head-model.ts';
import { readSpaceMetadata, type SpaceMetadata, spaceMetadataText } from './space-metadata.ts';

/** A texture space and what its file says about itself. */
export interface SpacePack extends SpaceMetadata {
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly texture: TextureSpace;
  /** (H,W) uint8, how well each texel is known: 255 from what was seen, 0 filled in. Null where nobody knows. */
  readonly coverage: Uint8Array | null;
}

/** What {@link writeSpacePack} stores: the texture space, and what is said about it. */
export interface SpaceInput extends Omit<SpaceMetadata, 'names'> {
  /** The basis as numbers, or ready as a tensor (T,H,W,3) F32 or F16, so that a large one exists once. */
  readonly texture: Omit<TextureSpace, 'basis'> & { readonly basis: Float32Array | Tensor };
  readonly coverage?: Uint8Array | null;
}

/** Options of {@link writeSpacePack}. */
export interface SpacePackOptions {
  /** Storage of a basis given as numbers; the mean is float32. */
  readonly precision?: 'float32' | 'float16' | 'int8';
}

/** Defaults of {@link SpacePackOptions}: float16 errs by at most 0.02/255 at 20/255 per standard deviation. */
export const SPACE_PACK_DEFAULTS = { precision: 'float16' } as const satisfies SpacePackOptions;

/** Options of {@link readSpacePack}. */
export interface ReadSpaceOptions {
  /** Components kept, the first ones; all by default. */
  readonly components?: number;
}

/** How a layout is hashed: this line, the counts of triangles and texture vertices, then the arrays. */
const LAYOUT = 'uv-layout/1';

/** SHA-256, hex, of what a texture map means on a model: its `faces`, `faceUvs` (uint32) and `uvs` (float32). */
export async function uvLayoutHash(model: Pick<HeadModel, 'faces' | 'faceUvs' | 'uvs'>): Promise<string> {
  const { faces, faceUvs, uvs } = model;
  const head = new TextEncoder().encode(`${LAYOUT} ${faces.length / 3} ${uvs.length / 2}\n`);
  const bytes = new Uint8Array(head.length + 4 * (faces.length + faceUvs.length + uvs.length));
  bytes.set(head);
  const view = new DataView(bytes.buffer);
  let at = head.length;
  for (const list of [faces, faceUvs])
    for (const i of list) {
      view.setUint32(at, i, true);
      at += 4;
    }
  for (const x of uvs) {
    view.setFloat32(at, x, true);
    at += 4;
  }
  return sha256Hex(bytes);
}

/**
 * Reads a texture space file.
 * @param source what to call it in messages, e.g. its path
 * @throws {FormatError} when it is no texture space, of another version, incomplete, or holds NaN
 * @throws {InvalidArgumentError} when more components are asked for than there are
 */
export async function readSpacePack(
  bytes: Uint8Array,
  source = 'texture space',
  options: ReadSpaceOptions = {},
): Promise<SpacePack> {
  const file = readSafetensors(bytes, source);
  const meta = readSpaceMetadata(file.metadata, source);
  const { H, W, T } = checkTensors(file.tensors, meta, source);
  const keep = options.components ?? T;
  if (!Number.isInteger(keep) || keep < 0 || keep > T)
    throw new InvalidArgumentError(
      `${source}: has ${T} components; asked for ${keep}, which must be a whole number from 0 to ${T}`,
    );
  const basisTensor = file.tensors.get('basis') as Tensor;
  const first = firstRows(basisTensor, keep);
  const scale = file.tensors.get('basis.scale');
  const texture: TextureSpace = {
    width: W,
    height: H,
    mean: toFloat32(file.tensors.get('mean') as Tensor),
    basis: scale ? dequantiseInt8(first, firstRows(scale, keep)) : toFloat32(first),
    names: meta.names.slice(0, keep),
  };
  for (const [name, values] of [
    ['mean', texture.mean],
    ['basis', texture.basis],
  ] as const) {
    const bad = values.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) throw new FormatError(`${source}: ${name} holds ${values[bad]} at item ${bad}`);
  }
  const coverage = file.tensors.get('coverage');
  return {
    ...meta,
    names: texture.names,
    explained: meta.explained.slice(0, keep),
    hash: await sha256Hex(bytes),
    texture,
    coverage: coverage ? new Uint8Array(coverage.bytes) : null,
  };
}

/**
 * Writes a texture space file; the same input gives the same bytes.
 * @throws {InvalidArgumentError} when sizes do not agree, or a number is not finite or beyond the precision asked for
 */
export function writeSpacePack(space: SpaceInput, options: SpacePackOptions = {}): Uint8Array {
  const { precision } = withDefaults(SPACE_PACK_DEFAULTS, options);
  const { width, height, mean, basis, names } = space.texture;
  const bad = (what: string) => new InvalidArgumentError(`writeSpacePack: ${what}`);
  const texels = width * height;
  if (!(texels > 0) || mean.length !== 3 * texels)
    throw bad(`mean has ${mean.length} numbers, a map of ${width} × ${height} takes ${3 * texels}`);
  const shape = [names.length, height, width, 3];
  const items = 3 * texels * names.length;
  const given = basis instanceof Float32Array ? basis.length : basis.shape.reduce((a, b) => a * b, 1);
  if (given !== items) throw bad(`basis has ${given} numbers, ${names.length} components take ${items}`);
  if (space.explained.length !== 0 && space.explained.length !== names.length)
    throw bad(`explained has ${space.explained.length} numbers for ${names.length} components`);
  for (const [name, values] of [
    ['mean', mean],
    ['basis', basis],
  ] as const)
    if (values instanceof Float32Array && !values.every(Number.isFinite))
      throw bad(`${name} holds NaN or infinity`);
  const out = new Map<string, Tensor>();
  out.set('mean', f32Tensor(mean, [height, width, 3]));
  if (!(basis instanceof Float32Array)) out.set('basis', { ...basis, shape });
  else if (precision === 'float32') out.set('basis', f32Tensor(basis, shape));
  else if (precision === 'float16') out.set('basis', f16Tensor(basis, shape));
  else {
    const q = int8Tensor(basis, shape);
    out.set('basis', q.values);
    out.set('basis.scale', q.scale);
  }
  if (space.coverage) out.set('coverage', u8Tensor(space.coverage, [height, width]));
  return writeSafetensors(out, { photofit: spaceMetadataText({ ...space, names }) });
}

/**
 * `model` wearing another texture space; its hash tells so, see the top of this file.
 * @param source what to call the space in messages, e.g. its path
 * @throws {InvalidArgumentError} when the space was made for another UV layout
 */
export async function withTextureSpace<M extends HeadModel>(
  model: M,
  space: SpacePack,
  source = space.name,
): Promise<M> {
  await checkLayout(model, space, source);
  const hash = await sha256Hex(new TextEncoder().encode(`${model.hash}+${space.hash}`));
  return { ...model, hash, texture: { ...space.texture, source: { name: space.name, hash: space.hash } } };
}

/**
 * Refuses a space, or maps, of another UV layout.
 * @param source what to call the file in messages
 * @throws {InvalidArgumentError}
 */
export async function checkLayout(
  model: HeadModel,
  made: Pick<SpaceMetadata, 'model' | 'layout'>,
  source: string,
): Promise<void> {
  if ((await uvLayoutHash(model)) === made.layout) return;
  throw new InvalidArgumentError(
    `${source}: was made for the head ${made.model.name}, whose texture layout is not that of ${model.name}; ` +
      `use it with ${made.model.name}, or make one for ${model.name}`,
  );
}

/** The first rows of a tensor, sharing its bytes. */
function firstRows(tensor: Tensor, rows: number): Tensor {
  const [all, ...rest] = tensor.shape;
  const row = all > 0 ? tensor.bytes.length / all : 0;
  return { ...tensor, shape: [rows, ...rest], bytes: tensor.bytes.subarray(0, rows * row) };
}

function checkTensors(tensors: Map<string, Tensor>, meta: SpaceMetadata, source: string) {
  const fail = (what: string): never => {
    throw new FormatError(`${source}: ${what} (docs/space-file.md lists what the file holds)`);
  };
  const [H, W] = tensors.get('mean')?.shape ?? [0, 0];
  const T = meta.names.length;
  const quantised = tensors.get('basis')?.dtype === 'I8';
  const table: [string, readonly number[], readonly string[]][] = [
    ['mean', [H, W, 3], ['F32', 'F16']],
    ['basis', [T, H, W, 3], ['F32', 'F16', 'I8']],
    ...(quantised ? [['basis.scale', [T], ['F32']] as [string, number[], string[]]] : []),
    ...(tensors.has('coverage') ? [['coverage', [H, W], ['U8']] as [string, number[], string[]]] : []),
  ];
  for (const [name, shape, dtypes] of table) {
    const tensor = tensors.get(name);
    if (!tensor) return fail(`the tensor '${name}' is missing`);
    if (`${tensor.shape}` !== `${shape}`)
      fail(`the tensor '${name}' has the shape [${tensor.shape}], must be [${shape}]`);
    if (!dtypes.includes(tensor.dtype))
      fail(`the tensor '${name}' is ${tensor.dtype}, must be ${dtypes.join(' or ')}`);
  }
  if (H * W === 0) fail('the maps are empty');
  const strange = [...tensors.keys()].filter((name) => !table.some(([known]) => known === name));
  if (strange.length > 0) fail(`unexpected tensors: ${strange.sort().join(', ')}`);
  return { H, W, T };
}
