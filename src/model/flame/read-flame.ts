/**
 * Official FLAME files into a `HeadModel`. Li et al. 2017, "Learning a model of facial shape and expression from 4D
 * scans"; FLAME's own conventions (metres, x to the subject's left, y up, z forward) are ours, save for texture
 * coordinates (v up there) and the sign of the contour's yaw, see `landmarks.ts`.
 *
 * Expression components are principal components: no bounds, standard deviation 1. A model whose expressions are
 * something else (blendshape weights of 0…1) says so in the options; the file cannot.
 */
import { FormatError, InvalidArgumentError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/sha256.ts';
import { type ByteSource, memorySource, NpzStream } from '../../io/npz-stream.ts';
import { readPickle } from '../../io/pickle.ts';
import type { HeadModel, SurfacePoints } from '../head-model.ts';
import { checkHeadModel } from '../validate.ts';
import { FLAME_FILE_HELP, type FlameEdition, flameEdition } from './edition.ts';
import { type FlameGeometryOptions, flameGeometry } from './geometry.ts';
import { withIrises } from './irises.ts';
import { type FlameLandmarkFiles, flameLandmarks } from './landmarks.ts';
import { flameRegions, readFlameMasks } from './regions.ts';
import { type FlameTexture, type FlameTextureOptions, readFlameTexture } from './texture.ts';
import { cylinderUv, type UvLayout, uvFromTemplate, uvFromTexture } from './uv.ts';

/** The files a FLAME head is made of; `edition.ts` says where each comes from. */
export interface FlameFiles extends FlameLandmarkFiles {
  /** generic_model.pkl, flame2023.pkl, … */
  readonly geometry: Uint8Array;
  /** FLAME_texture.npz or one of the other texture spaces; a `ByteSource` is streamed, see `npz-stream.ts`. */
  readonly texture?: Uint8Array | ByteSource;
  /** FLAME_masks.pkl. */
  readonly masks?: Uint8Array;
  /** head_template_mesh.obj. */
  readonly template?: Uint8Array;
}

/** Options of {@link readFlame}. */
export interface FlameOptions extends FlameGeometryOptions, FlameTextureOptions {
  /** Name of the geometry file, with its folder: tells editions apart that the content does not. */
  readonly path?: string;
  /** Lower and upper bound of every expression coefficient. */
  readonly expressionRange?: readonly [number, number];
  /** Prior standard deviation of every expression coefficient. */
  readonly expressionSd?: number;
  /** Name of the head; `flame-2020` and the like unless given. */
  readonly name?: string;
}

/** Defaults of {@link FlameOptions}. */
export const FLAME_DEFAULTS = {
  expressionRange: [-Infinity, Infinity],
  expressionSd: 1,
} as const satisfies FlameOptions;

/** A FLAME head with what only FLAME has. */
export interface FlameHead extends HeadModel {
  readonly edition: FlameEdition;
  /** The fixed 68 landmarks (`landmarks3d` of the original); null where the files have none. */
  readonly full68: SurfacePoints | null;
  /** Where the texture coordinates come from; `cylinder` fits no FLAME texture space. */
  readonly uvSource: UvLayout['source'];
  /** What could be added: files not given, each with what it is for and where to get it. */
  readonly missing: readonly { readonly file: keyof typeof FLAME_FILE_HELP; readonly help: string }[];
}

/**
 * Reads a FLAME head.
 * @throws {FormatError} when a file is damaged, of another kind, or of another mesh; when no landmarks are given.
 * @throws {InvalidArgumentError} when an option is out of range.
 */
export async function readFlame(files: FlameFiles, options: FlameOptions = {}): Promise<FlameHead> {
  const name = options.path ?? 'FLAME geometry';
  const range = options.expressionRange ?? FLAME_DEFAULTS.expressionRange;
  const sd = options.expressionSd ?? FLAME_DEFAULTS.expressionSd;
  if (!(range[0] <= 0 && range[1] >= 0 && range[0] < range[1]))
    throw new InvalidArgumentError(`readFlame: options.expressionRange must contain 0, got [${range}]`);
  if (!(sd > 0))
    throw new InvalidArgumentError(`readFlame: options.expressionSd must be positive, got ${sd}`);
  const hash = await sha256Hex(files.geometry);
  const edition = flameEdition(hash, options.path);
  const geometry = flameGeometry(readPickle(files.geometry, name), name, options);
  const landmarks = flameLandmarks(files);
  if (!landmarks)
    throw new FormatError(
      `${name}: a head cannot be fitted without landmarks. Give ${FLAME_FILE_HELP.landmarks}`,
    );
  const F = geometry.faces.length / 3;
  const V = geometry.template.length / 3;
  const texture = files.texture ? await readTexture(files.texture, options) : null;
  const uv = readUv(files, texture, geometry.template, geometry.faces);
  const masks = files.masks ? readFlameMasks(files.masks, V) : null;
  const E = geometry.expressionBasis.length / (3 * V);
  const S = geometry.identityBasis.length / (3 * V);
  const { full68, ...given68 } = landmarks;
  const regions = flameRegions({ ...geometry, landmarks: given68 }, masks);
  const embedding = { ...given68, mesh: withIrises(given68.mesh, { ...geometry, regions }) };
  const help = Object.entries(FLAME_FILE_HELP) as [keyof typeof FLAME_FILE_HELP, string][];
  const given = new Set<string>(Object.entries(files).flatMap(([key, value]) => (value ? [key] : [])));
  if (given.has('staticEmbedding') && given.has('dynamicEmbedding')) given.add('landmarks');
  const head: FlameHead = {
    name: options.name ?? `flame-${edition.id}${edition.gender === 'generic' ? '' : `-${edition.gender}`}`,
    hash,
    license: edition.license,
    ...geometry,
    uvs: uv.uvs,
    faceUvs: uv.faceUvs,
    identityNames: componentNames('shape', S),
    expressionNames: componentNames('expression', E),
    expressionSd: new Float32Array(E).fill(sd),
    expressionRange: Float32Array.from({ length: 2 * E }, (_, i) => range[i % 2]),
    landmarks: embedding,
    texture: texture?.texture ?? null,
    regions,
    edition,
    full68,
    uvSource: uv.source,
    missing: help.filter(([file]) => !given.has(file)).map(([file, text]) => ({ file, help: text })),
  };
  checkHeadModel(head, name);
  if (full68?.faces.some((f) => f >= F))
    throw new FormatError(`${name}: a landmark lies on a face that does not exist`);
  return head;
}

function componentNames(what: string, n: number): string[] {
  return Array.from({ length: n }, (_, k) => `${what}_${String(k + 1).padStart(3, '0')}`);
}

async function readTexture(file: Uint8Array | ByteSource, options: FlameOptions): Promise<FlameTexture> {
  const source = file instanceof Uint8Array ? memorySource(file) : file;
  return readFlameTexture(await NpzStream.open(source, 'FLAME texture'), options);
}

function readUv(
  files: FlameFiles,
  texture: FlameTexture | null,
  vertices: Float32Array,
  faces: Uint32Array,
): UvLayout {
  if (files.template) return uvFromTemplate(files.template, faces);
  if (texture?.vt && texture.ft) return uvFromTexture(texture.vt, texture.ft, faces.length / 3);
  if (texture)
    throw new FormatError(
      `FLAME texture: it has no texture coordinates (vt, ft), so the UV layout is needed. Give ${FLAME_FILE_HELP.template}`,
    );
  return cylinderUv(vertices, faces);
}
