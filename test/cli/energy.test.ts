import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { uncropCamera } from '../../src/camera/project.ts';
import { originalEnergy, originalObservation, originalState } from '../../src/fit/original-energy.ts';
import { writeOriginalFit } from '../../src/fit/original-files.ts';
import { originalView } from '../../src/fit/original-view.ts';
import { npyArray, writeNpy } from '../../src/io/npy.ts';
import { encodePng } from '../../src/io/png.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { flamePackInfo } from '../../src/model/flame/pack-info.ts';
import { readFlame } from '../../src/model/flame/read-flame.ts';
import { writeHeadPack } from '../../src/model/pack.ts';
import * as tiny from '../model/tiny-flame.ts';
import { cli, temporaryFolder } from './helpers.ts';

const SIZE = 256;
const head = await readFlame({
  geometry: tiny.geometryFile(),
  landmarks: tiny.landmarkFile(),
  template: tiny.templateFile(),
  texture: tiny.textureFile(16, 3),
});
const params = {
  shape: [0.5, -1],
  exp: [0.25],
  pose: [0.1, 0.2, 0.03, 0.1, 0, 0],
  cam: [6, 0.01, -0.02],
  tex: [1, 0, -1],
  lit: Array.from({ length: 27 }, (_, i) => (i < 3 ? 2.5 : 0.1 * Math.sin(i))),
};
const rgba = Uint8ClampedArray.from({ length: 4 * SIZE * SIZE }, (_, i) =>
  i % 4 === 3 ? 255 : (i * 7) % 251,
);
const mask = Float32Array.from({ length: SIZE * SIZE }, (_, i) =>
  i % SIZE < 150 && i > 40 * SIZE ? 0.4 : 0,
);
const landmarks = Float32Array.from({ length: 136 }, (_, i) => 60 + ((37 * i) % 140));

describe('photofit energy', () => {
  it('tells the terms of a file of the original, with the files beside its photo', async () => {
    const folder = temporaryFolder();
    const file = (name: string, bytes: Uint8Array) => {
      writeFileSync(path.join(folder, name), bytes);
      return path.join(folder, name);
    };
    const state = originalState(head, params);
    const fit = file('fit.npy', writeOriginalFit(head, state));
    const model = file(
      'flame.head',
      writeHeadPack(head, { ...flamePackInfo(head), precision: 'float32', texturePrecision: 'float32' }),
    );
    const photo = file('7.png', encodePng({ width: SIZE, height: SIZE, data: rgba }));
    file('7_seg.npy', writeNpy(npyArray(mask, [SIZE, SIZE])));
    file('7.npy', writeNpy(npyArray(landmarks, [68, 2])));
    const args = ['energy', fit, '--energy', 'original', '--model', model, '--photo', photo];
    const result = await cli([...args, '--json']);
    expect(result.stderr).toBe('');
    const { terms } = JSON.parse(result.stdout);
    const observation = originalObservation({ width: SIZE, height: SIZE, data: rgba }, mask, landmarks);
    const direct = originalEnergy(await createKernels(), head, state, observation);
    for (const [name, value] of Object.entries(direct))
      expect([name, terms[name]]).toEqual([name, expect.closeTo(value, 5)]);
    expect((await cli(args)).stdout).toMatch(/^landmark +0\.\d+\nphotometric +\d\.\d+\nshape/);
    const unnamed = await cli(['energy', fit, '--energy', 'original']);
    expect([unnamed.code, unnamed.stderr]).toEqual([1, expect.stringMatching(/give --photo and --model/)]);
    expect((await cli(['energy', fit])).stderr).toMatch(/add --energy original/);
    expect((await cli(['energy', path.join(folder, 'none')])).stderr).toMatch(/no such file/);
  });

  it('sees a fit of ours as the original would: the crop at 224², whatever its scale and place', async () => {
    const kernels = await createKernels();
    const state = originalState(head, params);
    const observation = originalObservation({ width: SIZE, height: SIZE, data: rgba }, mask, landmarks);
    const wanted = originalEnergy(kernels, head, state, observation);
    // The same picture inside a larger photo, fitted in a crop of 512 pixels.
    const [left, top, width] = [30, 12, 400];
    const data = new Uint8ClampedArray(4 * width * width);
    for (let y = 0; y < SIZE; y++)
      data.set(rgba.subarray(4 * SIZE * y, 4 * SIZE * (y + 1)), 4 * ((y + top) * width + left));
    const crop = { origin: [left, top] as const, scale: 2, size: 512 };
    const cropped = Float32Array.from(
      { length: 512 * 512 },
      (_, i) => mask[Math.floor(i / 1024) * SIZE + ((i % 512) >> 1)],
    );
    const fit = {
      params: state.params,
      light: Float32Array.from(state.light),
      camera: uncropCamera(state.camera, [left, top], (crop.scale * 224) / crop.size),
      observation: { landmarks68: landmarks.map((v, i) => v + [left, top][i % 2]) } as never,
    };
    const view = originalView(fit, crop, cropped, { width, height: width, data });
    const seen = originalEnergy(kernels, head, view.state, view.observation);
    for (const [name, value] of Object.entries(wanted))
      expect([name, seen[name as 'total']]).toEqual([name, expect.closeTo(value, 5)]);
  });
});
