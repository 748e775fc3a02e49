import { beforeAll, describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { createRandom } from '../../src/core/random.ts';
import { type BlockName, createLayout, type FitState } from '../../src/fit/parameters.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import type { PriorOptions } from '../../src/fit/priors.ts';
import { createProblem, type FitProblem, type ProblemInput } from '../../src/fit/problem.ts';
import { createKernels, type Kernels } from '../../src/kernels/runtime.ts';
import { type HeadModel, headSizes } from '../../src/model/head-model.ts';
import type { FaceObservation } from '../../src/perceive/types.ts';
import { renderState } from '../helpers/render-state.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const SIZE = 96;
const model: HeadModel = makeTinyHead();
const prepared = prepareModel(model);
const PRIORS: PriorOptions = {
  identityWeight: 1,
  skullWeight: 4,
  expressionWeight: 1,
  textureWeight: 1,
  joints: { jaw: [0.2, 0.05, 0.05], left_eye: [0.2, 0.2, 0.02] },
  light: { weight: 2, level: 0.3, bands: 0.5, colour: 0.1 },
  focal: { log: Math.log(400), sd: 0.2 },
  distance: { metres: 0.7, sd: 0.3 },
};
const NO_PRIORS: PriorOptions = {
  ...PRIORS,
  identityWeight: 0,
  skullWeight: 0,
  expressionWeight: 0,
  textureWeight: 0,
  joints: {},
  light: { ...PRIORS.light, weight: 0 },
  focal: null,
  distance: null,
};
const perspective: Camera = {
  kind: 'perspective',
  focal: 330,
  principal: [50, 46],
  translation: [0.004, -0.006, -0.8],
};
const orthographic: Camera = {
  kind: 'orthographic',
  scale: 420,
  principal: [48, 48],
  translation: [0.003, 0.002, 0],
};

let kernels: Kernels;
beforeAll(async () => {
  kernels = await createKernels();
});

/** A state with everything away from zero. */
function someState(seed: number, camera: Camera): FitState {
  const random = createRandom(seed);
  const { S, E, J, T } = headSizes(model);
  const normal = (n: number, sd: number) => Float64Array.from({ length: n }, () => sd * random.normal());
  const pose = normal(3 * J, 0.06);
  pose[1] += 0.25;
  const light = normal(27, 0.15);
  for (let c = 0; c < 3; c++) light[c] += 3.2;
  return {
    identity: normal(S, 0.7),
    expression: Float64Array.from({ length: E }, () => 0.15 + 0.5 * random.uniform()),
    pose,
    texture: normal(T, 0.5),
    light,
    camera,
  };
}

/** What a camera sees of `state`, as photo and observation. */
function photograph(
  state: FitState,
  blurred = true,
): { photo: ProblemInput['photometric']; observation: FaceObservation } {
  const rendered = renderState(kernels, model, state, SIZE);
  // Nothing but smooth variation outside, so that the photo has a gradient everywhere.
  const data = rendered.rgb.data;
  for (let p = 0; p < SIZE * SIZE; p++)
    if (rendered.raster.faceIndex[p] < 0)
      for (let c = 0; c < 3; c++) data[3 * p + c] = 0.3 + 0.2 * Math.sin(0.1 * (p % SIZE) + c);
  if (blurred) blur(data, 2);
  const random = createRandom(9);
  const mesh = new Float32Array(478 * 3).map(() => 20 + 60 * random.uniform());
  const landmarks68 = new Float32Array(136).map(() => 20 + 60 * random.uniform());
  return {
    photo: { photo: rendered.rgb, scale: 1, mask: null, loss: { sigma: 0.1, k: 2, weight: 500 } },
    observation: { box: { x: 0, y: 0, width: SIZE, height: SIZE }, score: 1, landmarks68, mesh },
  };
}

/** Repeated 3×3 averages: silhouettes get a curvature that finite differences can follow. */
function blur(data: Float32Array, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const from = data.slice();
    for (let y = 1; y < SIZE - 1; y++)
      for (let x = 1; x < SIZE - 1; x++)
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let dy = -1; dy <= 1; dy++)
            for (let dx = -1; dx <= 1; dx++) sum += from[3 * ((y + dy) * SIZE + x + dx) + c];
          data[3 * (y * SIZE + x) + c] = sum / 9;
        }
  }
}

const GEOMETRY: BlockName[] = [
  'joint:root',
  'joint:neck',
  'joint:jaw',
  'joint:left_eye',
  'translation',
  'focal',
  'identity',
  'expression',
];
const APPEARANCE: BlockName[] = ['texture', 'light'];

interface Row {
  readonly name: string;
  readonly camera: Camera;
  readonly blocks: BlockName[];
  readonly light?: 'rgb' | 'mono';
  readonly terms: {
    landmarks?: boolean;
    photometric?: boolean;
    common?: boolean;
    priors?: boolean;
    known?: boolean;
  };
  /** Relative to the gradient's norm; vertices are float32, so central differences carry noise of about 1e-3. */
  readonly tolerance: number;
}

/** Moves surface points by some hundredths of a pixel: the photo is a piecewise cubic with kinks in its curvature. */
const STEP = 5e-5;
const all = [...GEOMETRY, ...APPEARANCE];
const rows: Row[] = [
  {
    name: 'landmarks, perspective',
    camera: perspective,
    blocks: GEOMETRY,
    terms: { landmarks: true },
    tolerance: 3e-3,
  },
  {
    name: 'landmarks, orthographic',
    camera: orthographic,
    blocks: GEOMETRY,
    terms: { landmarks: true },
    tolerance: 3e-3,
  },
  {
    name: 'photometric geometry, perspective',
    camera: perspective,
    blocks: GEOMETRY,
    terms: { photometric: true },
    tolerance: 5e-3,
  },
  {
    name: 'photometric geometry, orthographic',
    camera: orthographic,
    blocks: GEOMETRY,
    terms: { photometric: true },
    tolerance: 5e-3,
  },
  {
    name: 'photometric light and texture',
    camera: perspective,
    blocks: APPEARANCE,
    terms: { photometric: true },
    tolerance: 2e-3,
  },
  {
    name: 'photometric, one light for all channels',
    camera: perspective,
    blocks: APPEARANCE,
    light: 'mono',
    terms: { photometric: true },
    tolerance: 2e-3,
  },
  {
    name: 'photometric with points that other photos show too',
    camera: perspective,
    blocks: all,
    terms: { photometric: true, common: true },
    tolerance: 5e-3,
  },
  { name: 'priors, perspective', camera: perspective, blocks: all, terms: { priors: true }, tolerance: 1e-4 },
  {
    name: 'priors, one light for all channels',
    camera: perspective,
    blocks: all,
    light: 'mono',
    terms: { priors: true },
    tolerance: 1e-4,
  },
  {
    name: 'known distance from the camera and between the eyes',
    camera: perspective,
    blocks: all,
    terms: { known: true },
    tolerance: 1e-3,
  },
  {
    name: 'known distance between the eyes, orthographic',
    camera: orthographic,
    blocks: all,
    terms: { known: true },
    tolerance: 1e-4,
  },
  {
    name: 'everything together',
    camera: perspective,
    blocks: all,
    terms: { landmarks: true, photometric: true, priors: true, known: true },
    tolerance: 5e-3,
  },
];

/** Points on every other face of the skin, with an albedo that no texture coefficients change. */
function somePoints(): NonNullable<NonNullable<ProblemInput['photometric']>['common']> {
  const random = createRandom(3);
  const faces = Uint32Array.from(prepared.skinFaces.keys()).filter(
    (f) => prepared.skinFaces[f] && f % 2 === 0,
  );
  const points = {
    faces,
    weights: Float32Array.from(faces, () => 0.2 + 0.8 * random.uniform()),
    albedo: Float32Array.from({ length: 3 * faces.length }, () => 0.3 + 0.4 * random.uniform()),
  };
  return { points: () => points, weight: 900, noise: () => 0.08 };
}

function problemFor(row: Row): { problem: FitProblem; state: FitState; size: number } {
  const layout = createLayout(model, row.blocks, { light: row.light });
  const seen = photograph(someState(1, row.camera));
  const problem = createProblem(kernels, {
    prepared,
    layout,
    observation: seen.observation,
    landmarks: row.terms.landmarks
      ? {
          weights: {
            ...{ inner: 1, contour: 0.3, mesh: 0.5, iris: 0.7, gap: 0.8 },
            lips: { drawn: [1, 0.4, 0], contact: 2 },
          },
          loss: { sigma: 8, k: 2, weight: 100 },
        }
      : null,
    photometric: row.terms.photometric
      ? { ...seen.photo!, common: row.terms.common ? somePoints() : undefined }
      : null,
    priors: row.terms.priors ? PRIORS : NO_PRIORS,
    known: row.terms.known
      ? { distance: { metres: 0.7, sd: 0.02 }, ipd: { metres: 0.058, sd: 0.002, weight: 0.5 } }
      : undefined,
  });
  return { problem, state: someState(2, row.camera), size: layout.size };
}

/** Of the energy on the samples of the last linearisation. */
function centralDifferences(problem: FitProblem, state: FitState, size: number): Float64Array {
  const numeric = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const h = STEP;
    const at = (d: number) => {
      const step = new Float64Array(size);
      step[i] = d;
      return problem.cost(problem.retract(state, step));
    };
    // Fourth order, so that the step can be long enough to drown float32 rounding of the vertices.
    numeric[i] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  }
  return numeric;
}

describe('gradients against central differences', () => {
  it.each(rows)('$name', (row) => {
    const { problem, state, size } = problemFor(row);
    const { cost, gradient } = problem.linearize(state);
    expect(cost).toBeGreaterThan(0);
    expect(problem.cost(state) / cost).toBeCloseTo(1, 5);
    const numeric = centralDifferences(problem, state, size);
    const scale = Math.max(...numeric.map(Math.abs));
    expect(scale).toBeGreaterThan(0);
    for (let i = 0; i < size; i++)
      expect(
        Math.abs(gradient[i] - numeric[i]) / scale,
        `column ${i}: ${gradient[i]} vs ${numeric[i]}`,
      ).toBeLessThan(row.tolerance);
  });
});

describe('Gauss-Newton matrix', () => {
  it.each(rows.filter((r) => r.terms.photometric && !r.terms.landmarks && !r.terms.common))(
    '$name: equals the second difference of the energy where residuals are small',
    (row) => {
      // At the true state all residuals vanish (up to resampling), so the Hessian of the energy is JᵀWJ.
      const layout = createLayout(model, row.blocks, { light: row.light });
      const truth = someState(1, row.camera);
      const problem = createProblem(kernels, {
        prepared,
        layout,
        observation: photograph(truth, false).observation,
        landmarks: null,
        photometric: photograph(truth, false).photo,
        priors: NO_PRIORS,
      });
      const { hessian } = problem.linearize(truth);
      const n = layout.size;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) expect(hessian[i * n + j]).toBeCloseTo(hessian[j * n + i], 6);
      const random = createRandom(5);
      for (let trial = 0; trial < 4; trial++) {
        const d = Float64Array.from({ length: n }, () => 4 * STEP * random.normal());
        const neg = d.map((x) => -x);
        const second =
          problem.cost(problem.retract(truth, d)) +
          problem.cost(problem.retract(truth, neg)) -
          2 * problem.cost(truth);
        let quadratic = 0;
        for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) quadratic += d[i] * hessian[i * n + j] * d[j];
        // Residuals do not vanish exactly (the photo is resampled): a tenth is what second-order terms may add.
        expect(Math.abs(second - quadratic) / quadratic).toBeLessThan(0.1);
      }
    },
  );
});

describe('equations by the derivatives of a linearisation nearby', () => {
  /** Largest difference over the largest of `want`. */
  const apart = (got: Float64Array, want: Float64Array) =>
    Math.max(...got.map((x, i) => Math.abs(x - want[i]))) / Math.max(...want.map(Math.abs));
  const row = rows[rows.length - 1];

  it('are those of the linearisation at its own state', () => {
    const { problem, state } = problemFor(row);
    const want = problem.linearize(state);
    const got = problem.relinearize(state);
    expect(Math.abs(got.cost / want.cost - 1)).toBeLessThan(1e-6);
    // Summed in another order, float32 within chunks.
    expect(apart(got.gradient, want.gradient)).toBeLessThan(1e-5);
    expect(apart(got.hessian, want.hessian)).toBeLessThan(1e-12);
  });

  it('have the energy of the state asked for, and its gradient but for how the surface turned meanwhile', () => {
    const { problem, state, size } = problemFor(row);
    const before = problem.linearize(state);
    const random = createRandom(3);
    const step = Float64Array.from({ length: size }, () => 2e-3 * random.normal());
    const near = problem.retract(state, step);
    const got = problem.relinearize(near);
    expect(Math.abs(got.cost / problem.cost(near) - 1)).toBeLessThan(1e-6);
    const there = centralDifferences(problem, near, size);
    // Joints turn by some 2e-3 radians.
    expect(apart(got.gradient, there)).toBeLessThan(0.01);
    expect(apart(before.gradient, there)).toBeGreaterThan(0.03);
  });

  it('take a loss of another width, with the Hessian that it has where residuals are small', () => {
    const { problem, state, size } = problemFor({ ...row, terms: { photometric: true } });
    const narrow = problem.linearize(state);
    problem.widen(2);
    const got = problem.relinearize(state);
    expect(apart(got.gradient, centralDifferences(problem, state, size))).toBeLessThan(row.tolerance);
    expect(
      apart(
        got.hessian.map((h) => 4 * h),
        narrow.hessian,
      ),
    ).toBeLessThan(1e-12);
  });
});
