/** `fit.json` of a head fitted to a mesh: its schema and the way there. Documented in docs/sampling.md. */

import { z } from 'zod';
import { checkJson, parseJson } from '../io/json.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { MeshFit } from './fit-mesh.ts';
import { short } from './schema.ts';

/** Format that this version writes and reads. */
export const MESH_FIT_FORMAT = 'mesh-fit/1';

const numbers = z.array(z.number());
const triple = z.tuple([z.number(), z.number(), z.number()]);
const millimetres = z.number().nonnegative();

/** Schema of the file; every key is described in docs/sampling.md. */
export const MeshFitFileSchema = z.strictObject({
  format: z.literal(MESH_FIT_FORMAT),
  photofit: z.string(),
  model: z.strictObject({ name: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  input: z.strictObject({
    path: z.string(),
    vertices: z.number().int().positive(),
    faces: z.number().int().nonnegative(),
    landmarks: z.number().int().positive(),
    unit: z.number().positive(),
    unit_known: z.boolean(),
  }),
  params: z.strictObject({ shape: numbers, expression: numbers, pose: z.record(z.string(), triple) }),
  place: z.strictObject({ scale: z.number().positive(), translation: triple }),
  residuals_mm: z.strictObject({
    mean: millimetres,
    median: millimetres,
    p95: millimetres,
    max: millimetres,
    matched: z.number().min(0).max(1),
    landmarks: millimetres,
  }),
  curve: z.array(z.strictObject({ stage: z.string(), iteration: z.number().int(), energy: z.number() })),
  warnings: z.array(z.string()),
});

/** Content of the file. */
export type MeshFitFile = z.infer<typeof MeshFitFileSchema>;

/** What a fit does not know of itself but the file says. */
export interface MeshFitFileExtra {
  /** Version of Photofit. */
  readonly version: string;
  /** Path of the mesh as the user gave it. */
  readonly path: string;
  readonly vertices: number;
  readonly faces: number;
  /** How many landmarks were given. */
  readonly landmarks: number;
}

/** `fit` as the content of the file. */
export function toMeshFitFile(fit: MeshFit, model: HeadModel, extra: MeshFitFileExtra): MeshFitFile {
  const { residuals, params } = fit;
  const row = (values: ArrayLike<number>, at: number): [number, number, number] => [
    short(values[at]),
    short(values[at + 1]),
    short(values[at + 2]),
  ];
  return {
    format: MESH_FIT_FORMAT,
    photofit: extra.version,
    model: { name: fit.modelName, hash: fit.modelHash },
    input: {
      path: extra.path,
      vertices: extra.vertices,
      faces: extra.faces,
      landmarks: extra.landmarks,
      unit: short(fit.unit),
      unit_known: fit.unitKnown,
    },
    params: {
      shape: Array.from(params.identity, short),
      expression: Array.from(params.expression, short),
      pose: Object.fromEntries(model.joints.map(({ name }, j) => [name, row(params.pose, 3 * j)])),
    },
    // In full: a scan may lie kilometres from its origin.
    place: { scale: fit.place.scale, translation: [...fit.place.translation] },
    residuals_mm: {
      mean: short(residuals.mean),
      median: short(residuals.median),
      p95: short(residuals.p95),
      max: short(residuals.max),
      matched: short(residuals.matched),
      landmarks: short(fit.landmarkMm),
    },
    curve: fit.curve.map((point) => ({ ...point, energy: short(point.energy) })),
    warnings: [...fit.warnings],
  };
}

/**
 * Reads the text of the file.
 * @param source what to call it in messages.
 * @throws {FormatError} when it is none.
 */
export function parseMeshFitFile(text: string, source = 'fit.json'): MeshFitFile {
  return checkJson(MeshFitFileSchema, parseJson(text, source), source);
}
