/** Heads fitted to meshes: a head of the model itself comes back, another model's is reached, nonsense is refused. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { fitMesh, placeOnMesh } from '../../src/fit/fit-mesh.ts';
import type { MeshLandmarks } from '../../src/fit/mesh-landmarks.ts';
import { statistics } from '../../src/fit/mesh-residuals.ts';
import { applyAlignment } from '../../src/linalg/align.ts';
import { type HeadModel, type HeadParams, neutralParams } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { poseHead } from '../../src/model/pose.ts';
import { rotationFromAxisAngle } from '../../src/model/rotation.ts';
import { hasIct, ictLandmarks, ictPerson, readIct } from '../helpers/ict.ts';

const ALL68 = Array.from({ length: 68 }, (_, l) => l);
let model: HeadModel;

beforeAll(async () => {
  model = await readHeadPack(readFileSync(new URL('../../models/open-head.head', import.meta.url)));
});

/** A person of the model, smiling, mouth a little open. */
function person(): HeadParams {
  const random = createRandom(5);
  const params = neutralParams(model);
  params.identity.forEach((_, i) => {
    params.identity[i] = random.normal();
  });
  for (const name of ['mouthSmileLeft', 'mouthSmileRight', 'browUpLeft'])
    params.expression[model.expressionNames.indexOf(name)] = 0.5;
  params.pose[3 * model.joints.findIndex((j) => j.name === 'jaw')] = 0.08;
  return params;
}

/** Landmarks 17…67 of a posed head, (51,3). */
function inner51(vertices: ArrayLike<number>): Float64Array {
  const { faces, barycentrics } = model.landmarks.inner51;
  return Float64Array.from({ length: 153 }, (_, i) => {
    const [l, a] = [Math.floor(i / 3), i % 3];
    return [0, 1, 2].reduce(
      (s, c) => s + barycentrics[3 * l + c] * vertices[3 * model.faces[3 * faces[l] + c] + a],
      0,
    );
  });
}

const innerNumbers = ALL68.slice(17);
const landmarksOf = (vertices: ArrayLike<number>): MeshLandmarks => ({
  numbers: innerNumbers,
  points: inner51(vertices),
});

/** Distances of the face's vertices, units of the mesh. */
function faceDistances(got: ArrayLike<number>, wanted: ArrayLike<number>): number[] {
  return [...(model.regions.get('face') ?? [])].map((v) =>
    Math.hypot(...[0, 1, 2].map((a) => got[3 * v + a] - wanted[3 * v + a])),
  );
}

describe('fitMesh', () => {
  it('finds a head of its own again, wherever it lies and whatever its unit', async () => {
    const posed = poseHead(model, person()).vertices;
    // Millimetres, lying on its back, two metres away.
    const rotation = rotationFromAxisAngle(-1.5, 0.4, 0.2);
    const vertices = applyAlignment(
      { rotation, translation: Float64Array.of(2000, -300, 50), scale: 1000 },
      posed,
    );
    const fit = await fitMesh({ vertices, faces: model.faces }, model, { landmarks: landmarksOf(vertices) });
    expect(fit.unit).toBe(0.001);
    expect(fit.unitKnown).toBe(true);
    const { mean } = statistics(
      faceDistances(placeOnMesh(fit, poseHead(model, fit.params).vertices), vertices),
    );
    expect(mean).toBeLessThan(0.3);
    expect(fit.residuals.mean).toBeLessThan(0.1);
    expect(fit.residuals.median).toBeLessThanOrEqual(fit.residuals.p95);
    expect(fit.residuals.matched).toBeGreaterThan(0.9);
    expect(fit.warnings).toEqual([]);
    expect(Math.max(...fit.params.identity.map(Math.abs))).toBeLessThanOrEqual(3);
  });

  it('half a face, as points without faces, of no known unit', async () => {
    const posed = poseHead(model, person()).vertices;
    const kept: number[] = [];
    for (let v = 0; v < posed.length; v += 3)
      if (posed[v] > -0.02) kept.push(0.37 * posed[v], 0.37 * posed[v + 1], 0.37 * posed[v + 2]);
    const fit = await fitMesh({ vertices: kept, faces: null }, model, {
      landmarks: { numbers: innerNumbers, points: inner51(posed).map((x) => 0.37 * x) },
    });
    expect(fit.unitKnown).toBe(false);
    expect(fit.unit).toBeCloseTo(1 / 0.37, 0);
    const got = placeOnMesh(fit, poseHead(model, fit.params).vertices).map((x) => x / 0.37);
    const seen = faceDistances(got, posed).filter(
      (_, i) => posed[3 * (model.regions.get('face')?.[i] ?? 0)] > 0,
    );
    // With the unit unknown, size comes from the prior: 1.7 mm of a face some 150 mm large.
    expect(1000 * statistics(seen).mean).toBeLessThan(2.5);
    // To points some 4 mm apart, not to a surface: half of that, and a little for what half a face leaves open.
    expect(fit.residuals.mean).toBeLessThan(2.2);
  });

  it.skipIf(!hasIct)('reaches a neutral face of ICT-FaceKit (skipped without ../shared)', async () => {
    const ict = readIct();
    const vertices = ictPerson(ict, null);
    const fit = await fitMesh({ vertices, faces: ict.faces }, model, {
      landmarks: { numbers: ALL68, points: ictLandmarks(ict, vertices) },
    });
    expect(fit.unit).toBe(0.01);
    expect(fit.residuals.mean).toBeLessThan(0.8);
    expect(fit.residuals.median).toBeLessThan(0.6);
  });

  it('refuses what is no face, with a word on what to do', async () => {
    const posed = poseHead(model, person()).vertices;
    const mesh = { vertices: posed, faces: model.faces };
    const attempt = (landmarks: MeshLandmarks, more = {}) => fitMesh(mesh, model, { landmarks, ...more });
    const good = landmarksOf(posed);
    const shuffled = { numbers: [...innerNumbers].reverse(), points: good.points };
    await expect(attempt(shuffled)).rejects.toThrow(/not those of a face/);
    const far = { ...good, points: good.points.map((x) => x + 1) };
    await expect(attempt(far)).rejects.toThrow(/landmarks belong to this mesh/);
    await expect(attempt({ numbers: [30], points: Float64Array.of(0, 0, 0) })).rejects.toThrow(/at least 4/);
    await expect(attempt(good, { unit: 0.001 })).rejects.toThrow(/0\.00\d* times as large/);
    await expect(attempt(good, { limit: -1 })).rejects.toThrow(/limit must be positive/);
    await expect(attempt(good, { region: 'beard' })).rejects.toThrow(/no region beard/);
    await expect(attempt(good, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    const broken = fitMesh({ vertices: posed, faces: [0, 1, posed.length] }, model, { landmarks: good });
    await expect(broken).rejects.toThrow(InvalidArgumentError);
  });
});
