import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { agreement, similarity } from '../../src/fit/agreement.ts';
import { fitPerson, type PersonPhoto } from '../../src/fit/fit-person.ts';
import { FIT_PHOTO_DEFAULTS, fitPhoto } from '../../src/fit/fit-photo.ts';
import type { FitState } from '../../src/fit/parameters.ts';
import { createKernels, type Kernels } from '../../src/kernels/runtime.ts';
import type { HeadModel, HeadParams } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { poseHead } from '../../src/model/pose.ts';
import { expose, faceError, observeTruth, photograph, sampleTruth } from '../helpers/synthetic.ts';

let model: HeadModel;
let kernels: Kernels;
beforeAll(async () => {
  model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  kernels = await createKernels();
});

/** Pictures of one person under different poses, lights and expressions. */
function pictures(seed: number, count: number): { photos: PersonPhoto[]; identity: Float32Array } {
  const person = sampleTruth(model, createRandom(seed)).params;
  const photos: PersonPhoto[] = [];
  for (let i = 0; i < count; i++) {
    const random = createRandom(1000 * seed + i);
    const sampled = sampleTruth(model, random);
    const params = { ...sampled.params, identity: person.identity, texture: person.texture };
    const truth = expose(kernels, model, { ...sampled, params });
    photos.push({
      image: photograph(kernels, model, truth, random),
      observation: observeTruth(model, truth, random),
    });
  }
  return { photos, identity: person.identity };
}

/** Face error of the neutral head, mm, without overall size. */
function neutralError(identity: Float32Array, wanted: Float32Array): number {
  const neutral = (x: Float32Array) => {
    const J = model.joints.length;
    const params: HeadParams = {
      identity: x,
      expression: new Float32Array(model.expressionNames.length),
      pose: new Float32Array(3 * J),
      texture: new Float32Array(0),
    };
    return poseHead(model, params).vertices;
  };
  return faceError(model, neutral(identity), neutral(wanted), true);
}

describe('fitPerson', () => {
  it('has one identity and texture, nearer to the truth than the photos one by one', async () => {
    let [together, alone] = [0, 0];
    for (const seed of [31, 32]) {
      const { photos, identity } = pictures(seed, 3);
      const person = await fitPerson(photos, model);
      expect(person.strangers).toEqual([]);
      const [first, ...others] = person.fits.map((f) => f!);
      for (const fit of others) {
        expect(fit.params.identity).toEqual(first.params.identity);
        expect(fit.params.texture).toEqual(first.params.texture);
        expect(fit.params.expression).not.toEqual(first.params.expression);
      }
      together += neutralError(first.params.identity, identity);
      for (const photo of photos) {
        const single = await fitPhoto(photo.image, model, photo);
        alone += neutralError(single.params.identity, identity) / photos.length;
      }
    }
    expect(together).toBeLessThan(0.75 * alone);
  });

  it('warns of a stranger, or leaves it out', async () => {
    const { photos } = pictures(41, 2);
    const stranger = pictures(42, 1).photos[0];
    const mixed = [photos[0], stranger, photos[1]];
    const warned = await fitPerson(mixed, model);
    expect(warned.strangers).toEqual([1]);
    expect(warned.fits[1]!.warnings.join()).toMatch(/photo 2 does not agree/);
    const left = await fitPerson(mixed, model, { strangers: 'leave-out' });
    expect(left.fits[1]).toBeNull();
    expect(left.fits[0]!.params.identity).toEqual(left.fits[2]!.params.identity);
  });

  it('with one photo, or the same one twice, finds what fitting it alone finds', async () => {
    const { photos, identity } = pictures(51, 1);
    const one = await fitPerson(photos, model);
    const twice = await fitPerson([photos[0], photos[0]], model);
    const error = neutralError(one.fits[0]!.params.identity, identity);
    expect(twice.strangers).toEqual([]);
    expect(neutralError(twice.fits[0]!.params.identity, identity)).toBeLessThan(1.3 * error + 0.1);
    await expect(fitPerson([], model)).rejects.toThrow(InvalidArgumentError);
  });

  it('three views of skin that no texture space has give the shape better when compared with each other', async () => {
    // Blotches in albedo, as every real skin has them, that no texture coefficients can express.
    const texture = model.texture!;
    const random = createRandom(5);
    const waves = Array.from({ length: 60 }, () => [
      60 * random.normal(),
      60 * random.normal(),
      6 * random.uniform(),
      0.02 * random.normal(),
    ]);
    const mean = texture.mean.map((a, i) => {
      const t = Math.floor(i / 3);
      const [u, v] = [(t % texture.width) / texture.width, Math.floor(t / texture.width) / texture.height];
      return a + waves.reduce((s, [x, y, phase, size]) => s + size * Math.sin(x * u + y * v + phase), 0);
    });
    const blotched: HeadModel = { ...model, texture: { ...texture, mean } };
    const person = sampleTruth(model, createRandom(61)).params;
    const photos = [-0.5, 0, 0.5].map((yaw, i): PersonPhoto => {
      const sampled = sampleTruth(model, createRandom(6100 + i));
      const pose = sampled.params.pose.slice();
      pose[1] = yaw;
      const params = { ...sampled.params, pose, identity: person.identity, texture: person.texture };
      const truth = expose(kernels, blotched, { ...sampled, params });
      return {
        image: photograph(kernels, blotched, truth, random),
        observation: observeTruth(model, truth, random),
      };
    });
    const error = async (common: number) => {
      const { fits } = await fitPerson(photos, model, { weights: { common } });
      return neutralError(fits[1]!.params.identity, person.identity);
    };
    const without = await error(0);
    expect(await error(FIT_PHOTO_DEFAULTS.weights.common)).toBeLessThan(0.85 * without);
  });
});

describe('agreement', () => {
  const state = (identity: number[]): FitState => ({
    identity: Float64Array.from(identity),
    texture: new Float64Array(0),
    expression: new Float64Array(0),
    pose: new Float64Array(0),
    light: new Float64Array(27),
    camera: { kind: 'orthographic', scale: 1, principal: [0, 0], translation: [0, 0, 0] },
  });
  it('links photos that are alike, keeps the largest group and the first of equal ones', () => {
    const [a, b, c] = [state([1, 0, 0]), state([0, 1, 0]), state([0.9, 0.2, 0])];
    expect(similarity(a, a)).toBeCloseTo(1, 12);
    expect(similarity(state([0, 0, 0]), state([0, 0, 0]))).toBe(1);
    expect(agreement([b, a, c]).same).toEqual([1, 2]);
    expect(agreement([b, a]).same).toEqual([0]);
    expect(agreement([a]).same).toEqual([0]);
  });
  it('measures three photos against their best pair, two by themselves', () => {
    /** A photo at this angle from the first one. */
    const at = (cosine: number) => state([cosine, Math.sqrt(1 - cosine ** 2), 0]);
    const first = at(1);
    const off = state([0.55, 0, Math.sqrt(1 - 0.55 ** 2)]);
    expect(agreement([first, off]).same).toEqual([0]);
    // 0.55 is near enough to photos that are no more than 0.75 alike, not to those that are 0.95.
    expect(agreement([first, at(0.75), off]).same).toEqual([0, 1, 2]);
    expect(agreement([first, at(0.95), off]).same).toEqual([0, 1]);
    // Nobody is alike: the first photo alone.
    expect(agreement([first, at(0.4), state([0.3, 0, Math.sqrt(1 - 0.09)])]).same).toEqual([0]);
  });
});
