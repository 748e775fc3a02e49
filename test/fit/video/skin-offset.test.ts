/** What the texture space leaves of a person's skin, found again in pictures of a head whose skin has it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image8, ImageF } from '../../../src/core/image.ts';
import { prepareModel } from '../../../src/fit/prepare.ts';
import { fitMemory } from '../../../src/fit/resident.ts';
import type { PhotoFit } from '../../../src/fit/types.ts';
import { personalModel } from '../../../src/fit/video/personal-model.ts';
import { type KeyFit, skinOffset } from '../../../src/fit/video/skin-offset.ts';
import type { Kernels } from '../../../src/kernels/runtime.ts';
import type { HeadModel } from '../../../src/model/head-model.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import { makeHeadFit } from '../../helpers/open-head-fit.ts';
import { renderState } from '../../helpers/render-state.ts';

const SIZE = 384;
let model: HeadModel;
let marked: ImageF;
let fits: KeyFit[];
let kernels: Kernels;
let found: ImageF;

/** A smooth pattern of another colour than skin varies in. */
function pattern(): ImageF {
  const { width, height } = model.texture!;
  const data = new Float32Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3) {
      const s = Math.sin((2 * Math.PI * 7 * x) / width) * Math.sin((2 * Math.PI * 7 * y) / height);
      data.set([0.06 * s, -0.03 * s, 0.02 * s], i);
    }
  return { width, height, channels: 3, data };
}

beforeAll(async () => {
  model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  const memory = await fitMemory(prepareModel(model));
  kernels = memory.kernels;
  marked = pattern();
  const mask = new Uint8Array(96 * 96).fill(255);
  fits = [-0.2, 0, 0.25].map((yaw, index) => {
    const fit: PhotoFit = makeHeadFit(model, {
      kind: 'perspective',
      focal: 2.4 * SIZE,
      principal: [SIZE / 2, SIZE / 2],
      translation: [0, -0.02, -0.9],
    });
    const pose = fit.params.pose.slice();
    pose.set([0.05, yaw, 0]);
    const params = { ...fit.params, pose };
    const person = personalModel(model, { ...params, skin: marked });
    const state = { ...fit, ...params, identity: [], texture: [] };
    const { rgb } = renderState(kernels, person, state, SIZE);
    const data = new Uint8ClampedArray(4 * SIZE * SIZE).fill(255);
    for (let p = 0; p < SIZE * SIZE; p++)
      for (let c = 0; c < 3; c++) data[4 * p + c] = 255 * rgb.data[3 * p + c];
    const image: Image8 = { width: SIZE, height: SIZE, data };
    const crop = { origin: [64, 50] as const, scale: 96 / 256, size: 96 };
    return { frame: { index, time: index, image }, fit: { ...fit, params, skin: { crop, mask } } };
  });
  found = skinOffset(kernels, memory.resident, fits)!;
});

describe('skinOffset', () => {
  it('finds the difference where skin was seen, drawn to zero by a frame that has none', () => {
    const { width, height, data } = found;
    const step = marked.width / width;
    const pairs: [got: number, wanted: number][] = [];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const got = data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3);
        if (got.every((v) => v === 0)) continue;
        const at = 3 * (Math.floor((y + 0.5) * step) * marked.width + Math.floor((x + 0.5) * step));
        for (let c = 0; c < 3; c++) pairs.push([got[c], marked.data[at + c]]);
      }
    expect(pairs.length).toBeGreaterThan(3 * 0.1 * width * height);
    const dot = (a: 0 | 1, b: 0 | 1) => pairs.reduce((sum, p) => sum + p[a] * p[b], 0);
    expect(dot(0, 1) / Math.sqrt(dot(0, 0) * dot(1, 1))).toBeGreaterThan(0.9);
    // Three frames against one: 0.75, less what bilinear splatting blurs and what one frame alone sees.
    const slope = dot(0, 1) / dot(1, 1);
    expect(slope).toBeGreaterThan(0.5);
    expect(slope).toBeLessThan(0.8);
  });

  it('is nothing where the texture space explains the pictures, and what no frame shows', async () => {
    const { resident } = await fitMemory(prepareModel(model));
    const plain = fits.map(({ frame, fit }) => {
      const { rgb } = renderState(kernels, model, { ...fit, ...fit.params }, SIZE);
      const data = frame.image.data.slice();
      for (let p = 0; p < SIZE * SIZE; p++)
        for (let c = 0; c < 3; c++) data[4 * p + c] = 255 * rgb.data[3 * p + c];
      return { frame: { ...frame, image: { ...frame.image, data } }, fit };
    });
    const nothing = skinOffset(kernels, resident, plain)!.data;
    const size = (a: Float32Array) => Math.sqrt(a.reduce((s, x) => s + x * x, 0));
    // What is left is the pictures' blur, at edges.
    expect(size(nothing)).toBeLessThan(0.35 * size(found.data));
    expect(skinOffset(kernels, resident, [])!.data.every((x) => x === 0)).toBe(true);
  });
});
