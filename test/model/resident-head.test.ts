import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { type BlockName, createLayout } from '../../src/fit/parameters.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { type HeadModel, headSizes, neutralParams } from '../../src/model/head-model.ts';
import { gatherVertices, vertexJacobian } from '../../src/model/jacobian.ts';
import { poseHead } from '../../src/model/pose.ts';
import { poseResident, takeHead } from '../../src/model/resident-head.ts';
import { residentJacobian } from '../../src/model/resident-jacobian.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const full = makeTinyHead();
const BLOCKS: BlockName[] = [
  'joint:root',
  'translation',
  'joint:neck',
  'focal',
  'joint:jaw',
  'joint:left_eye',
  'identity',
  'expression',
];

/** The tiny head with random pose correctives, and without any. */
function variants(): [name: string, model: HeadModel][] {
  const random = createRandom(6);
  const { V, J } = headSizes(full);
  const poseBasis = Float32Array.from({ length: 9 * (J - 1) * 3 * V }, () => 0.002 * random.normal());
  return [
    ['pose correctives', { ...full, poseBasis }],
    ['no pose correctives', { ...full, poseBasis: null }],
    ['joints that stay', { ...full, jointIdentityBasis: full.jointIdentityBasis.map(() => 0) }],
  ];
}

describe.each(variants())('head in kernel memory: %s', (_name, model) => {
  const kernels = createKernelsSync();
  const random = createRandom(1);
  const { S, E, J, V } = headSizes(model);
  const normal = (n: number, sd: number) => Float64Array.from({ length: n }, () => sd * random.normal());
  const params = { identity: normal(S, 1), expression: normal(E, 0.5), pose: normal(3 * J, 0.2) };
  const ids = Uint32Array.from({ length: Math.ceil(V / 2) }, (_, i) => 2 * i);

  it('is posed as poseHead does', () => {
    kernels.scope(() => {
      const head = takeHead(kernels, model, ids);
      // Twice: nothing may remain of the first pose.
      poseResident(kernels, head, { ...params, identity: normal(S, 3) });
      poseResident(kernels, head, params);
      const expected = poseHead(model, params);
      // A micrometre at most: sums of float32 numbers below a metre.
      for (let i = 0; i < 3 * V; i++) {
        expect(Math.abs(head.bind.view[i] - expected.bind[i])).toBeLessThan(1e-6);
        expect(Math.abs(head.vertices.view[i] - expected.vertices[i])).toBeLessThan(1e-6);
      }
    });
  });

  it('has the derivative rows of vertexJacobian, for the rows asked for', () => {
    const layout = createLayout(model, BLOCKS);
    const n = layout.geometrySize;
    const stride = n + 5;
    const expected = new Float32Array(3 * ids.length * n);
    vertexJacobian(model, gatherVertices(model, ids), poseHead(model, params), layout, expected);
    const wanted = ids.map((_, r) => r).filter((r) => r % 4 !== 2);
    kernels.scope(() => {
      const head = takeHead(kernels, model, ids);
      const skeleton = poseResident(kernels, head, params);
      const out = kernels.f32(3 * ids.length * stride);
      residentJacobian(kernels, head, skeleton, layout, kernels.u32(wanted), out, stride);
      const rows = out.view;
      let largest = 0;
      for (let r = 0; r < ids.length; r++)
        for (let a = 0; a < 3; a++)
          for (let k = 0; k < stride; k++) {
            const asked = r % 4 !== 2 && k < n;
            const want = asked ? expected[(3 * r + a) * n + k] : 0;
            largest = Math.max(largest, Math.abs(want));
            expect(Math.abs(rows[(3 * r + a) * stride + k] - want)).toBeLessThan(1e-6);
          }
      expect(largest).toBeGreaterThan(0.01);
    });
  });
});

it('turns eyes by what they carry alone: pose correctives elsewhere are no evidence of gaze', () => {
  const [, model] = variants()[0];
  const { V } = headSizes(model);
  const ids = Uint32Array.from({ length: V }, (_, v) => v);
  const layout = createLayout(model, ['joint:jaw', 'joint:left_eye']);
  const n = layout.geometrySize;
  const rows = new Float32Array(3 * V * n);
  vertexJacobian(model, gatherVertices(model, ids), poseHead(model, neutralParams(model)), layout, rows);
  const eye = new Set(model.regions.get('left_eyeball'));
  const largest = (column: number, of: (v: number) => boolean) => {
    let most = 0;
    for (let r = 0; r < 3 * V; r++)
      if (of(Math.floor(r / 3)))
        for (let a = 0; a < 3; a++) most = Math.max(most, Math.abs(rows[r * n + column + a]));
    return most;
  };
  const { offset } = layout.blocks.get('joint:left_eye')!;
  expect(largest(offset, (v) => !eye.has(v))).toBe(0);
  expect(largest(offset, (v) => eye.has(v))).toBeGreaterThan(0.01);
  expect(largest(layout.blocks.get('joint:jaw')!.offset, (v) => eye.has(v))).toBeGreaterThan(1e-4);
});
