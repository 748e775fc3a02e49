/**
 * `fit.json`: the shape of the file, and the way from a fit to the file and back. Documented in docs/fit-file.md; a
 * test holds the two together. Arrays that are better read as arrays are in `fit.npz`, see `arrays.ts`.
 *
 * Numbers are float32 in the library: they are written with the fewest digits that read back to the same float32.
 * NaN and infinity cannot be written as JSON; a fit that holds one is refused rather than stored as null.
 */
import { z } from 'zod';
import { FormatError, PhotofitError } from '../core/errors.ts';
import { firstIssue, parseJsonFormat } from '../io/json.ts';
import { GLOSS_COUNT } from '../light/gloss.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import { TINT_COUNT } from '../model/tint.ts';
import type { PhotoFit } from './types.ts';

/** Format that this version writes and reads. */
export const FIT_FORMAT = 'fit/1';

const numbers = z.array(z.number());
const pair = z.tuple([z.number(), z.number()]);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const milliseconds = z.number().nonnegative();
const pixels = z.number().int().positive();

/** Schema of a camera (`camera/camera.ts`): pixels, metres. */
export const CameraSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('perspective'),
    focal: z.number().positive(),
    principal: pair,
    translation: triple,
  }),
  z.strictObject({
    kind: z.literal('orthographic'),
    scale: z.number().positive(),
    principal: pair,
    translation: triple,
  }),
]);

/** Schema of what was said about camera and size (`KnownValues`): pixels, metres. */
export const KnownSchema = z.strictObject({
  focal: z.number().positive().optional(),
  distance: z.number().positive().optional(),
  ipd: z.number().positive().optional(),
});

/** Schema of `fit.json`; every key is described in docs/fit-file.md. */
export const FitFileSchema = z.strictObject({
  format: z.literal(FIT_FORMAT),
  photofit: z.string(),
  model: z.strictObject({
    name: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    space: z.strictObject({ name: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
  }),
  input: z.strictObject({
    path: z.string(),
    width: pixels,
    height: pixels,
    original_width: pixels,
    original_height: pixels,
    scale: z.number().positive(),
    focal_35mm: z.number().positive().nullable(),
    known: KnownSchema.optional(),
    face: z.strictObject({
      number: z.number().int().positive(),
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
      score: z.number(),
    }),
  }),
  params: z.strictObject({
    shape: numbers,
    expression: numbers,
    pose: z.record(z.string(), triple),
    texture: numbers,
    tint: numbers.length(TINT_COUNT).optional(),
    light: z.array(triple).length(9),
    gloss: numbers.length(GLOSS_COUNT).optional(),
    camera: CameraSchema,
  }),
  energy: z.strictObject({
    total: z.number(),
    terms: z.record(z.string(), z.number()),
    curve: z.array(z.strictObject({ stage: z.string(), iteration: z.number().int(), energy: z.number() })),
  }),
  metrics: z.strictObject({
    landmark_nme_inner51: z.number().nonnegative(),
    skin_l1: z.number().nonnegative(),
    skin_psnr_db: z.number(),
    skin_pixels: z.number().int().nonnegative(),
  }),
  texture_offset: z
    .strictObject({
      width: pixels,
      height: pixels,
      skin_l1_before: z.number().nonnegative(),
      skin_l1: z.number().nonnegative(),
      skin_psnr_db: z.number(),
      shading_share: z.number().min(0).max(1),
    })
    .optional(),
  timing_ms: z.strictObject({
    total: milliseconds,
    decode: milliseconds,
    perceive: milliseconds,
    solve: milliseconds,
    texture: milliseconds,
    write: milliseconds,
  }),
  landmarks: z.array(pair).length(68),
  crop: z.strictObject({ origin: pair, scale: z.number().positive(), size: pixels }),
  warnings: z.array(z.string()),
});

/** Content of `fit.json`. */
export type FitFile = z.infer<typeof FitFileSchema>;

/** What a fit does not know of itself but `fit.json` says. */
export interface FitFileExtra {
  /** Version of Photofit. */
  readonly version: string;
  /** Path of the photo as the user gave it. */
  readonly path: string;
  /** Number of the face in the photo, 1 for the largest. */
  readonly face: number;
  /** What decoding told; a `DecodedPhoto` will do. */
  readonly photo?: {
    readonly originalWidth: number;
    readonly originalHeight: number;
    readonly scale: number;
    readonly focal35mm: number | null;
    readonly warnings: readonly string[];
  };
  /** Wall time in milliseconds; what is left out is 0, or comes from the fit. */
  readonly timingMs?: Partial<FitFile['timing_ms']>;
  /** How well the head agrees with the photo with its texture offset, where one was solved for. */
  readonly textureOffset?: FitFile['texture_offset'];
}

/**
 * `fit` as the content of `fit.json`.
 * @throws {PhotofitError} naming the key, when a number is not finite or the fit does not suit the model
 */
export function toFitFile(fit: PhotoFit, model: HeadModel, extra: FitFileExtra): FitFile {
  const { params, observation, image, metrics } = fit;
  const photo = extra.photo;
  const { box } = observation;
  const timing = { perceive: fit.timingMs.perceive, solve: fit.timingMs.solve, ...extra.timingMs };
  const tenths = (ms: number | undefined) => Math.round(10 * (ms ?? 0)) / 10;
  const { camera } = fit;
  const file: FitFile = {
    format: FIT_FORMAT,
    photofit: extra.version,
    model: {
      name: fit.modelName,
      hash: fit.modelHash,
      ...(model.texture?.source && { space: { ...model.texture.source } }),
    },
    input: {
      path: extra.path,
      width: image.width,
      height: image.height,
      original_width: photo?.originalWidth ?? image.width,
      original_height: photo?.originalHeight ?? image.height,
      scale: photo?.scale ?? 1,
      focal_35mm: photo?.focal35mm ?? null,
      ...(fit.known && { known: { ...fit.known } }),
      face: {
        number: extra.face,
        x: short(box.x),
        y: short(box.y),
        width: short(box.width),
        height: short(box.height),
        score: short(observation.score),
      },
    },
    params: {
      shape: Array.from(params.identity, short),
      expression: Array.from(params.expression, short),
      pose: Object.fromEntries(model.joints.map(({ name }, j) => [name, tripleAt(params.pose, j)])),
      texture: Array.from(params.texture, short),
      ...(params.tint && { tint: Array.from(params.tint, short) }),
      light: Array.from({ length: 9 }, (_, k) => tripleAt(fit.light, k)),
      ...(fit.gloss && { gloss: Array.from(fit.gloss, short) }),
      camera: {
        ...(camera.kind === 'perspective'
          ? { kind: camera.kind, focal: short(camera.focal) }
          : { kind: camera.kind, scale: short(camera.scale) }),
        principal: [short(camera.principal[0]), short(camera.principal[1])],
        translation: tripleAt(camera.translation, 0),
      },
    },
    energy: {
      total: short(fit.energy.total),
      terms: Object.fromEntries(
        Object.entries(fit.energy.terms).map(([name, value]) => [name, short(value)]),
      ),
      curve: fit.energy.curve.map(({ stage, iteration, energy }) => ({
        stage,
        iteration,
        energy: short(energy),
      })),
    },
    metrics: {
      landmark_nme_inner51: short(metrics.landmarkNmeInner51),
      skin_l1: short(metrics.skinL1),
      // No difference at all is infinitely many decibels; 8-bit pictures have no more than 99 to tell.
      skin_psnr_db: metrics.skinPsnrDb === Infinity ? 99 : short(metrics.skinPsnrDb),
      skin_pixels: metrics.skinPixels,
    },
    ...(extra.textureOffset && {
      texture_offset: {
        ...extra.textureOffset,
        skin_l1_before: short(extra.textureOffset.skin_l1_before),
        skin_l1: short(extra.textureOffset.skin_l1),
        skin_psnr_db: short(extra.textureOffset.skin_psnr_db),
        shading_share: short(extra.textureOffset.shading_share),
      },
    }),
    timing_ms: {
      total: tenths(timing.total),
      decode: tenths(timing.decode),
      perceive: tenths(timing.perceive),
      solve: tenths(timing.solve),
      texture: tenths(timing.texture),
      write: tenths(timing.write),
    },
    landmarks: Array.from({ length: 68 }, (_, l) => [
      short(observation.landmarks68[2 * l]),
      short(observation.landmarks68[2 * l + 1]),
    ]),
    crop: {
      origin: [short(fit.skin.crop.origin[0]), short(fit.skin.crop.origin[1])],
      scale: short(fit.skin.crop.scale),
      size: fit.skin.crop.size,
    },
    warnings: [...(photo?.warnings ?? []), ...fit.warnings],
  };
  const result = FitFileSchema.safeParse(file);
  if (!result.success) {
    throw new PhotofitError(
      `toFitFile: ${firstIssue(result.error)}; the fit holds a value that cannot be stored`,
    );
  }
  return file;
}

/** Text of `fit.json`: indented, with rows of numbers on one line each. */
export function fitFileText(file: FitFile): string {
  const text = JSON.stringify(file, null, 1);
  // Innermost arrays (numbers only) on one line: 68 landmarks make 68 lines, not 272.
  return (
    text.replace(/\[[^[\]{}"]*\]/g, (row) =>
      row.replace(/\s+/g, ' ').replace(/^\[ | \]$/g, (s) => s.trim()),
    ) + '\n'
  );
}

/**
 * Reads the text of a `fit.json`.
 * @param source what to call it in messages, e.g. its path
 * @throws {FormatError} when it is no JSON, of another format, or a key is missing, unexpected or impossible
 */
export function parseFitFile(text: string, source = 'fit.json'): FitFile {
  return parseJsonFormat(FitFileSchema, FIT_FORMAT, text, source);
}

/** A fit as it comes back from `fit.json`; the skin mask and the face mesh are in `fit.npz` only. */
export type StoredFit = Omit<PhotoFit, 'skin'>;

/**
 * The fit that a `fit.json` tells of.
 * @param model the model it was made with
 * @throws {FormatError} when the file was made with another model
 */
export function fromFitFile(file: FitFile, model: HeadModel): StoredFit {
  const { space } = file.model;
  const worn = model.texture?.source;
  if (space?.hash !== worn?.hash) {
    const named = (s: { name: string; hash: string } | undefined) =>
      s ? `the texture space ${s.name} (${s.hash.slice(0, 12)}…)` : "the head's own texture space";
    throw new FormatError(`fit.json: was made with ${named(space)}, not with ${named(worn)}; load that one`);
  }
  if (file.model.hash !== model.hash) {
    throw new FormatError(
      `fit.json: was made with the model ${file.model.name} (${file.model.hash.slice(0, 12)}…), ` +
        `not with ${model.name} (${model.hash.slice(0, 12)}…); load that one`,
    );
  }
  const { S, E, T } = headSizes(model);
  const { params, input, metrics, energy } = file;
  const names = model.joints.map((j) => j.name);
  for (const [key, got, most] of [
    ['shape', params.shape.length, S],
    ['expression', params.expression.length, E],
    ['texture', params.texture.length, T],
  ] as const) {
    if (got > most) throw new FormatError(`fit.json: params.${key} has ${got} numbers, the model ${most}`);
  }
  const strange = Object.keys(params.pose).filter((name) => !names.includes(name));
  const missing = names.filter((name) => !Object.hasOwn(params.pose, name));
  if (strange.length > 0 || missing.length > 0) {
    throw new FormatError(
      `fit.json: params.pose must have the joints ${names.join(', ')}, got ${Object.keys(params.pose).join(', ')}`,
    );
  }
  const { x, y, width, height, score } = input.face;
  return {
    modelName: file.model.name,
    modelHash: file.model.hash,
    params: {
      identity: Float32Array.from(params.shape),
      expression: Float32Array.from(params.expression),
      pose: Float32Array.from(names.flatMap((name) => params.pose[name])),
      texture: Float32Array.from(params.texture),
      ...(params.tint && { tint: Float32Array.from(params.tint) }),
    },
    camera: params.camera,
    light: Float32Array.from(params.light.flat()),
    ...(params.gloss && { gloss: Float32Array.from(params.gloss) }),
    image: { width: input.width, height: input.height },
    ...(input.known && { known: input.known }),
    observation: {
      box: { x, y, width, height },
      score,
      landmarks68: Float32Array.from(file.landmarks.flat()),
      mesh: null,
    },
    energy,
    metrics: {
      landmarkNmeInner51: metrics.landmark_nme_inner51,
      skinL1: metrics.skin_l1,
      skinPsnrDb: metrics.skin_psnr_db,
      skinPixels: metrics.skin_pixels,
    },
    timingMs: { perceive: file.timing_ms.perceive, solve: file.timing_ms.solve },
    warnings: file.warnings,
  };
}

/** `x` rounded to float32, as the number with the fewest digits that reads back to that float32. */
export function short(x: number): number {
  const wanted = Math.fround(x);
  if (!Number.isFinite(wanted)) return x;
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(wanted.toPrecision(digits));
    if (Math.fround(candidate) === wanted) return candidate === 0 ? 0 : candidate;
  }
  return Number(wanted.toPrecision(9));
}

function tripleAt(values: ArrayLike<number>, row: number): [number, number, number] {
  return [short(values[3 * row]), short(values[3 * row + 1]), short(values[3 * row + 2])];
}
