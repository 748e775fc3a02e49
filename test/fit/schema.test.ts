import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { FormatError, PhotofitError } from '../../src/core/errors.ts';
import { fitArrays } from '../../src/fit/arrays.ts';
import {
  FitFileSchema,
  fitFileText,
  fromFitFile,
  parseFitFile,
  short,
  toFitFile,
} from '../../src/fit/schema.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import { readNpz, writeNpz } from '../../src/io/npz.ts';
import { poseHead } from '../../src/model/pose.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const fit = { ...makeTinyFit(model), gloss: Float32Array.from({ length: 25 }, (_, k) => 0.01 * Math.sin(k)) };
const EXTRA = {
  version: '0.1.0',
  path: 'photos/me.jpg',
  face: 2,
  photo: { originalWidth: 4096, originalHeight: 3072, scale: 0.25, focal35mm: 50, warnings: ['it is a PNG'] },
  timingMs: { total: 2000.04, decode: 30, texture: 40, write: 50 },
};
const file = toFitFile(fit, model, EXTRA);

describe('fit.json', () => {
  it('holds the keys that were promised', () => {
    expect(file.photofit).toBe('0.1.0');
    expect(file.model).toEqual({ name: 'tiny-head', hash: '0'.repeat(64) });
    expect(file.input).toMatchObject({
      path: 'photos/me.jpg',
      width: 1024,
      original_width: 4096,
      focal_35mm: 50,
    });
    expect(file.input.face).toMatchObject({ number: 2, x: 300.5, score: 0.97 });
    expect(Object.keys(file.params.pose)).toEqual(['root', 'neck', 'jaw', 'left_eye', 'right_eye']);
    expect(Object.keys(file.timing_ms)).toEqual(['total', 'decode', 'perceive', 'solve', 'texture', 'write']);
    expect(file.timing_ms).toMatchObject({ total: 2000, perceive: 123.5, solve: 987.7, texture: 40 });
    expect(file.metrics).toEqual({
      landmark_nme_inner51: 0.021,
      skin_l1: 0.035,
      skin_psnr_db: 27.5,
      skin_pixels: 11873,
    });
    expect(file.warnings).toEqual(['it is a PNG', 'the mouth is covered']);
  });

  it('comes back through text as the same fit', () => {
    const text = fitFileText(file);
    expect(parseFitFile(text)).toEqual(file);
    const back = fromFitFile(parseFitFile(text), model);
    expect(back.params).toEqual(fit.params);
    expect(back.light).toEqual(fit.light);
    expect(back.gloss).toEqual(fit.gloss);
    const { gloss: _, ...rest } = fit;
    const { tint: __, ...params } = fit.params;
    const matte = { ...rest, params };
    const plain = toFitFile(matte, model, EXTRA);
    expect(plain.params).not.toHaveProperty('gloss');
    expect(plain.params).not.toHaveProperty('tint');
    const untinted = fromFitFile(parseFitFile(fitFileText(plain)), model);
    expect(untinted).not.toHaveProperty('gloss');
    expect(untinted.params).not.toHaveProperty('tint');
    expect(back.camera).toEqual(fit.camera);
    expect(back.observation).toEqual({ ...fit.observation, mesh: null });
    expect(back.energy).toEqual(fit.energy);
    expect(back.metrics).toEqual(fit.metrics);
    expect(back.image).toEqual(fit.image);
    expect(toFitFile({ ...fit, ...back }, model, EXTRA)).toMatchObject({
      params: file.params,
      landmarks: file.landmarks,
    });
    const known = { focal: 2900, distance: 0.8, ipd: 0.063 };
    const measured = toFitFile({ ...fit, known }, model, EXTRA);
    expect(measured.input.known).toEqual(known);
    expect(fromFitFile(parseFitFile(fitFileText(measured)), model).known).toEqual(known);
    expect(back.known).toBeUndefined();
    // Rows of numbers stay on one line.
    expect(text.split('\n').length).toBeLessThan(200);
  });

  it('knows the orthographic camera', () => {
    const camera = {
      kind: 'orthographic',
      scale: 900.5,
      principal: [100, 90],
      translation: [0.1, 0.2, -1],
    } as const;
    const stored = toFitFile({ ...fit, camera }, model, EXTRA);
    expect(fromFitFile(parseFitFile(fitFileText(stored)), model).camera).toEqual(camera);
  });

  it('an exact render has 99 dB', () => {
    const exact = { ...fit, metrics: { ...fit.metrics, skinPsnrDb: Number.POSITIVE_INFINITY } };
    expect(toFitFile(exact, model, EXTRA).metrics.skin_psnr_db).toBe(99);
  });

  it.each<[string, Partial<PhotoFit>, RegExp]>([
    [
      'a coefficient',
      { params: { ...fit.params, identity: Float32Array.of(1, Number.NaN) } },
      /params\.shape\.1/,
    ],
    ['light', { light: new Float32Array(27).fill(Number.POSITIVE_INFINITY) }, /params\.light\.0\.0/],
    ['an energy', { energy: { ...fit.energy, total: Number.NaN } }, /energy\.total/],
    ['a metric', { metrics: { ...fit.metrics, skinL1: Number.NaN } }, /metrics\.skin_l1/],
  ])('refuses to store %s that is not finite', (_, part, message) => {
    expect(() => toFitFile({ ...fit, ...part }, model, EXTRA)).toThrow(PhotofitError);
    expect(() => toFitFile({ ...fit, ...part }, model, EXTRA)).toThrow(message);
  });

  it.each<[string, (f: Record<string, never>) => unknown, RegExp]>([
    ['a missing key', ({ metrics, ...f }) => f, /me\.json: metrics/],
    ['an unexpected key', (f) => ({ ...f, colour: 1 }), /"colour"/],
    ['another format', (f) => ({ ...f, format: 'fit/2' }), /format is "fit\/2".*reads "fit\/1"/],
    [
      'a number that is text',
      (f) => ({ ...f, energy: { ...(f['energy'] as object), total: '3' } }),
      /energy\.total/,
    ],
    ['67 landmarks', (f) => ({ ...f, landmarks: (f['landmarks'] as unknown[]).slice(1) }), /landmarks/],
    [
      'an unknown camera',
      (f) => ({ ...f, params: { ...(f['params'] as object), camera: { kind: 'fish-eye' } } }),
      /params\.camera/,
    ],
    ['a list', () => [], /format is undefined/],
  ])('refuses to read %s', (_, change, message) => {
    const text = JSON.stringify(change(JSON.parse(fitFileText(file))));
    expect(() => parseFitFile(text, 'me.json')).toThrow(FormatError);
    expect(() => parseFitFile(text, 'me.json')).toThrow(message);
  });

  it('refuses what is no JSON, and another model', () => {
    expect(() => parseFitFile('{')).toThrow(/is no JSON/);
    expect(() => fromFitFile(file, { ...model, hash: '1'.repeat(64) })).toThrow(
      /was made with the model tiny-head \(0000/,
    );
    const joints = {
      ...file,
      params: { ...file.params, pose: { root: [0, 0, 0] as [number, number, number] } },
    };
    expect(() => fromFitFile(joints, model)).toThrow(/must have the joints root, neck, jaw/);
    const longer = { ...file, params: { ...file.params, shape: new Array(7).fill(0) } };
    expect(() => fromFitFile(longer, model)).toThrow(/params\.shape has 7 numbers, the model 6/);
  });

  it('short numbers read back to the same float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(Math.fround(short(x))).toBe(Math.fround(x) === 0 ? 0 : Math.fround(x));
        const digits = short(x)
          .toExponential()
          .replace(/e.*|\D/g, '');
        expect(digits.length).toBeLessThanOrEqual(9);
      }),
      { numRuns: 1000 },
    );
    expect(String(short(Math.fround(0.1)))).toBe('0.1');
  });
});

/** Paths of all keys of a schema, arrays and unions looked through. */
function keyPaths(schema: z.core.$ZodType, prefix = ''): string[] {
  const def = (schema as z.ZodType).def as unknown as Record<string, unknown> & { type: string };
  if (def.type === 'object') {
    return Object.entries(def['shape'] as Record<string, z.ZodType>).flatMap(([key, value]) => {
      const path = prefix ? `${prefix}.${key}` : key;
      const below = keyPaths(value, path);
      return below.length > 0 ? below : [path];
    });
  }
  if (def.type === 'optional') return keyPaths(def['innerType'] as z.ZodType, prefix);
  if (def.type === 'array') return keyPaths(def['element'] as z.ZodType, prefix);
  if (def.type === 'union')
    return (def['options'] as z.ZodType[]).flatMap((option) => keyPaths(option, prefix));
  return [];
}

describe('docs/fit-file.md', () => {
  const text = readFileSync(new URL('../../docs/fit-file.md', import.meta.url), 'utf8');
  const [jsonPart, npzPart] = text.split('## `fit.npz`');
  const documented = (part: string) =>
    [...part.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, key]) => key),
    );

  it('describes every key of the schema and no other', () => {
    const keys = new Set(keyPaths(FitFileSchema));
    expect(keys.size).toBeGreaterThan(40);
    expect(documented(jsonPart).sort()).toEqual([...keys].sort());
  });

  it('describes every array and no other', () => {
    expect(documented(npzPart).sort()).toEqual(Object.keys(fitArrays(fit, model)).sort());
  });
});

describe('fit.npz', () => {
  it('holds the fit with its posed vertices', () => {
    const arrays = fitArrays(fit, model);
    const back = readNpz(writeNpz(arrays));
    for (const [name, array] of Object.entries(arrays)) {
      const { data, shape, dtype } = back.get(name)!;
      expect(
        shape.reduce((a, b) => a * b, 1),
        name,
      ).toBe(array.data.length);
      expect({ name, dtype, shape, data: [...data] }).toEqual({
        name,
        dtype: array.dtype,
        shape: array.shape,
        data: [...array.data],
      });
    }
    expect(back.get('vertices')!.data).toEqual(poseHead(model, fit.params).vertices);
    expect(back.get('camera')!.data).toEqual(Float64Array.of(1234.5, 512.25, 384.5, 0.01, -0.02, -0.7));
    expect(
      Object.keys(fitArrays({ ...fit, observation: { ...fit.observation, mesh: null } }, model)),
    ).not.toContain('face_mesh');
  });
});
