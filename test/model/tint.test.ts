import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { TINT_COLOURS, TINT_COUNT, TINT_MODES, tintChange, tintMaps } from '../../src/model/tint.ts';
import { albedoMap, sampleMap, skinAlbedo, takeSkinAlbedo } from '../../src/render/albedo.ts';

const model = await readHeadPack(readFileSync('models/open-head.head'));
const maps = tintMaps(model)!;
/** Some coefficients, about as large as fits have them. */
const TINT = Float32Array.from({ length: TINT_COUNT }, (_, k) => 0.06 * Math.sin(3 * k + 1));

/** Values of `map` at the first corner that shows each vertex; NaN at vertices of no face. */
function atVertices(map: ImageF): Float32Array {
  const { channels } = map;
  const out = new Float32Array((channels * model.template.length) / 3).fill(Number.NaN);
  model.faces.forEach((v, i) => {
    const at = 2 * model.faceUvs[i];
    if (Number.isNaN(out[channels * v])) sampleMap(map, model.uvs[at], model.uvs[at + 1], out, channels * v);
  });
  return out;
}
const values = atVertices(maps);
const dot = (v: number, w: number) => {
  let sum = 0;
  for (let k = 0; k < TINT_MODES; k++) sum += values[TINT_MODES * v + k] * values[TINT_MODES * w + k];
  return sum;
};
const place = (v: number) => model.template.subarray(3 * v, 3 * v + 3);
const face = Array.from(model.regions.get('face')!);

describe('the functions of a tint', () => {
  it('make a field whose values on one side of the face correlate by their distance', () => {
    // What functions so few cannot hold of it is missing everywhere.
    const variances = face.map((v) => dot(v, v));
    expect(Math.max(...variances)).toBeLessThan(1.02);
    expect(variances.reduce((a, b) => a + b) / face.length).toBeGreaterThan(0.78);
    let [error, count] = [0, 0];
    for (let i = 0; i < face.length; i += 7)
      for (let j = 3; j < face.length; j += 11) {
        const [a, b] = [place(face[i]), place(face[j])];
        // Far from the middle, where a mirrored field is like itself.
        if (Math.min(a[0], b[0]) < 0.03) continue;
        const wanted = Math.exp(-(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) ** 2) / (2 * 0.02 ** 2));
        error += (dot(face[i], face[j]) - wanted) ** 2;
        count++;
      }
    expect(count).toBeGreaterThan(1000);
    expect(Math.sqrt(error / count)).toBeLessThan(0.11);
  });

  it('are the same on both sides', () => {
    let most = 0;
    for (let y = 0; y < maps.height; y++)
      for (let x = 0; x < maps.width / 2; x++)
        for (let k = 0; k < TINT_MODES; k++) {
          const [left, right] = [x, maps.width - 1 - x].map(
            (u) => maps.data[TINT_MODES * (y * maps.width + u) + k],
          );
          most = Math.max(most, Math.abs(left - right));
        }
    // The template is its own mirror image to some 0.1 mm.
    expect(most).toBeLessThan(0.03);
  });

  it('leave eyeballs, teeth and the back of the head alone', () => {
    for (const region of ['left_eyeball', 'right_eyeball', 'teeth', 'tongue']) {
      const variances = model.regions.get(region)!.map((v) => dot(v, v));
      // But where their charts lie beside others', which is where nobody looks.
      expect(variances.reduce((a, b) => a + b, 0) / variances.length).toBeLessThan(0.03);
      expect(variances.filter((x) => x > 1e-3).length).toBeLessThan(0.2 * variances.length);
    }
    const depth = Array.from({ length: model.template.length / 3 }, (_, v) => place(v)[2]);
    const back = Math.min(...depth) + 0.06;
    const behind = depth.flatMap((z, v) => (z < back && !Number.isNaN(values[TINT_MODES * v]) ? [v] : []));
    expect(behind.length).toBeGreaterThan(50);
    for (const v of behind) expect(dot(v, v)).toBeLessThan(1e-3);
  });

  it('are made once, and not for heads without texture or face', () => {
    expect(tintMaps(model)).toBe(maps);
    expect(tintMaps({ ...model, texture: null })).toBeNull();
    expect(tintMaps({ ...model, regions: new Map() })).toBeNull();
  });
});

describe('a tint', () => {
  it('changes the colours as its two kinds do', () => {
    const change = tintChange(maps, TINT);
    const t = maps.data.findIndex((x) => Math.abs(x) > 0.3);
    const at = t - (t % TINT_MODES);
    const f = [0, TINT_MODES].map((first) => {
      let sum = 0;
      for (let k = 0; k < TINT_MODES; k++) sum += TINT[first + k] * maps.data[at + k];
      return sum;
    });
    for (let c = 0; c < 3; c++)
      expect(change.data[(3 * at) / TINT_MODES + c]).toBeCloseTo(
        f[0] * TINT_COLOURS[c] + f[1] * TINT_COLOURS[3 + c],
        6,
      );
  });

  it('is worn by the albedo, in kernel memory too', () => {
    const params = { ...neutralParams(model), tint: TINT };
    params.texture[1] = 0.7;
    const plain = albedoMap(model.texture!, params.texture);
    expect(skinAlbedo(model, { texture: params.texture })).toEqual(plain);
    const worn = skinAlbedo(model, params)!;
    const change = tintChange(maps, TINT);
    const wanted = new Float32Array(3);
    let most = 0;
    for (let t = 5; t < plain.width * plain.height; t += 97) {
      const [u, v] = [
        ((t % plain.width) + 0.5) / plain.width,
        (Math.floor(t / plain.width) + 0.5) / plain.height,
      ];
      sampleMap(change, u, v, wanted, 0);
      for (let c = 0; c < 3; c++) {
        const x = plain.data[3 * t + c];
        expect(worn.data[3 * t + c]).toBeCloseTo(x * (1 + wanted[c]), 5);
        most = Math.max(most, Math.abs(worn.data[3 * t + c] - x));
      }
    }
    expect(most).toBeGreaterThan(0.015);
    const kernels = createKernelsSync();
    kernels.scope(() => {
      const taken = takeSkinAlbedo(kernels, model, params)!;
      taken.view.forEach((x, i) => {
        if (Math.abs(x - worn.data[i]) > 1e-5) expect(x).toBeCloseTo(worn.data[i], 5);
      });
    });
    expect(kernels.bytesUsed).toBe(0);
    expect(skinAlbedo({ ...model, texture: null }, params)).toBeNull();
  });
});
