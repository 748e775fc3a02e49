import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { createRandom } from '../../src/core/random.ts';
import type { FitState } from '../../src/fit/parameters.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import { renderSkin } from '../../src/fit/render-skin.ts';
import { takeModel } from '../../src/fit/resident.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { type HeadModel, headSizes } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const SIZE = 80;
const CAMERAS: Camera[] = [
  { kind: 'perspective', focal: 660, principal: [80, 84], translation: [0.004, -0.006, -0.8] },
  { kind: 'orthographic', scale: 840, principal: [80, 80], translation: [0.003, 0.002, 0] },
];

function someState(model: HeadModel, camera: Camera): FitState {
  const random = createRandom(3);
  const { S, E, J, T } = headSizes(model);
  const normal = (n: number, sd: number) => Float64Array.from({ length: n }, () => sd * random.normal());
  const pose = normal(3 * J, 0.06);
  pose[1] += 0.4;
  const light = normal(27, 0.15);
  for (let c = 0; c < 3; c++) light[c] += 3.2;
  return {
    identity: normal(S, 0.7),
    expression: Float64Array.from({ length: E }, () => 0.5 * random.uniform()),
    pose,
    texture: normal(T, 0.5),
    light,
    camera,
  };
}

const full = makeTinyHead();
const models: [name: string, model: HeadModel][] = [
  ['texture space', full],
  ['no texture space', { ...full, texture: null }],
];

describe('renderSkin', () => {
  const kernels = createKernelsSync();

  describe.each(models)('%s', (_name, model) => {
    it.each(CAMERAS)('gives the colours of renderHead on the skin: $kind', (camera) => {
      const state = { ...someState(model, camera), texture: new Float64Array(headSizes(model).T).fill(0.4) };
      const prepared = prepareModel(model);
      const half = { ...camera, principal: [camera.principal[0] / 2, camera.principal[1] / 2] as const };
      const expected = renderHead(kernels, {
        vertices: poseHead(model, state).vertices,
        faces: model.faces,
        uvs: model.uvs,
        faceUvs: model.faceUvs,
        albedo: model.texture ? albedoMap(model.texture, state.texture) : null,
        light: state.light,
        camera:
          half.kind === 'perspective'
            ? { ...half, focal: half.focal / 2 }
            : { ...half, scale: half.scale / 2 },
        width: SIZE,
        height: SIZE,
      });
      kernels.scope(() => {
        const resident = takeModel(kernels, prepared);
        const got = renderSkin(kernels, resident, state, SIZE, 0.5, { normals: true });
        expect(renderSkin(kernels, resident, state, SIZE, 0.5).normals).toBeNull();
        let seen = 0;
        let different = 0;
        for (let p = 0; p < SIZE * SIZE; p++) {
          const f = expected.raster.faceIndex[p];
          const skin = f >= 0 && prepared.skinFaces[f] === 1;
          // Vertices differ in the last bit of float32: a pixel centre on an edge may change sides.
          if (skin !== (got.region[p] === 1)) {
            different++;
            continue;
          }
          for (let c = 0; c < 3; c++) {
            const want = skin ? expected.rgb.data[3 * p + c] : 0;
            expect(Math.abs(got.rgb.data[3 * p + c] - want)).toBeLessThan(2e-4);
            const facing = skin ? expected.normals.data[3 * p + c] : 0;
            expect(Math.abs(got.normals!.data[3 * p + c] - facing)).toBeLessThan(2e-4);
          }
          if (skin) seen++;
        }
        expect(seen).toBeGreaterThan(300);
        expect(different).toBeLessThan(4);
      });
    });
  });
});
