import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { agreement, type PersonEvidence } from '../../src/fit/agreement.ts';
import { fitPerson, type PersonPhoto } from '../../src/fit/fit-person.ts';
import { FIT_PHOTO_DEFAULTS, fitPhoto } from '../../src/fit/fit-photo.ts';
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

  it('has the faces described where there is somebody to compare, and heeds it', async () => {
    const { photos } = pictures(41, 2);
    const asked: PersonPhoto['image'][] = [];
    let answer = () => {};
    // Nothing is answered before all is asked: a thread has something to do while photos are fitted.
    const allAsked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    /** A describer for whom the second photo's face has this cosine to the first one's. */
    const describer = (cosine: number) => ({
      describe: async (image: PersonPhoto['image']) => {
        asked.push(image);
        if (asked.length === 2) answer();
        await allAsked;
        return image === photos[0].image
          ? Float32Array.of(1, 0)
          : Float32Array.of(cosine, Math.sqrt(1 - cosine ** 2));
      },
    });
    await fitPerson([photos[0]], model, { perception: describer(1) });
    expect(asked).toEqual([]);
    const person = await fitPerson(photos, model, { perception: describer(0.9) });
    expect(asked).toEqual(photos.map(({ image }) => image));
    expect(person.strangers).toEqual([]);
    const other = await fitPerson(photos, model, { perception: describer(-0.5), strangers: 'leave-out' });
    expect(other.strangers).toEqual([1]);
    expect(person.similarities[0][1] - other.similarities[0][1]).toBeCloseTo(0.6 * 1.4, 5);
  });

  // Photos are fitted together by the fits' guess meanwhile, as far as that may be.
  it.each([
    ['agree', 0.9, []],
    ['do not', -0.5, [1]],
  ] as const)('finds the same however late descriptors come that %s', async (_, cosine, strangers) => {
    const { photos } = pictures(41, 2);
    let [stages, wait] = [0, 0];
    let answer = () => {};
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage.startsWith('together') && ++stages >= wait) answer();
    };
    const perception = {
      describe: (image: PersonPhoto['image']) =>
        new Promise<Float32Array>((resolve) => {
          const mine = image === photos[0].image ? [1, 0] : [cosine, Math.sqrt(1 - cosine ** 2)];
          const before = answer;
          answer = () => {
            before();
            resolve(Float32Array.from(mine));
          };
          if (wait === 0) answer();
        }),
    };
    const person = () => fitPerson(photos, model, { perception, strangers: 'leave-out', onProgress });
    const known = await person();
    expect(known.strangers).toEqual(strangers);
    [stages, wait] = [0, 2];
    const late = await person();
    expect(stages).toBeGreaterThan(2);
    for (const [i, found] of late.fits.entries()) expect(found?.params).toEqual(known.fits[i]?.params);
    expect(late.similarities).toEqual(known.similarities);
  });

  it('can be aborted while photos are fitted together, before and after descriptors are there', async () => {
    const { photos } = pictures(41, 2);
    for (const describe of [async () => Float32Array.of(1), () => new Promise<never>(() => {})]) {
      const aborting = new AbortController();
      const fit = fitPerson(photos, model, {
        perception: { describe },
        signal: aborting.signal,
        onProgress: ({ stage }) => stage.startsWith('together') && aborting.abort(),
      });
      await expect(fit).rejects.toBeInstanceOf(AbortedError);
    }
  });

  it('goes by the fit alone for a photo whose face could not be described, with a warning', async () => {
    const { photos } = pictures(41, 2);
    const failing = {
      describe: async (image: PersonPhoto['image']) => {
        if (image === photos[1].image) throw new Error('no descriptor today');
        return Float32Array.of(1, 0);
      },
    };
    const without = await fitPerson(photos, model);
    const person = await fitPerson(photos, model, { perception: failing });
    expect(person.similarities).toEqual(without.similarities);
    expect(person.fits[0]!.warnings).toEqual(without.fits[0]!.warnings);
    expect(person.fits[1]!.warnings.join()).toMatch(/photo 2: .*not be described \(no descriptor today\)/);
    const aborted = new AbortController();
    const describe = async () => {
      aborted.abort();
      throw new Error('ended');
    };
    await expect(
      fitPerson(photos, model, { perception: { describe }, signal: aborted.signal }),
    ).rejects.toBeInstanceOf(AbortedError);
  });

  it('does not compare the skin of a stranger that is kept', async () => {
    const { photos } = pictures(41, 1);
    const stranger = pictures(42, 1).photos[0];
    // Two photos of two people: there is nothing to compare, whatever weight that has.
    const [some, much] = await Promise.all(
      [0, 50].map((common) => fitPerson([photos[0], stranger], model, { weights: { common } })),
    );
    expect(some.strangers).toEqual([1]);
    expect(much.fits[0]!.params).toEqual(some.fits[0]!.params);
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
  const fitted = (identity: number[]): PersonEvidence => ({
    state: { identity: Float64Array.from(identity), texture: new Float64Array(0) },
  });
  /** A photo whose fit and descriptor lie at these cosines from those of `seen(1, 1)`. */
  const seen = (cosine: number, alike: number): PersonEvidence => ({
    ...fitted([cosine, Math.sqrt(1 - cosine ** 2)]),
    descriptor: Float32Array.of(alike, Math.sqrt(1 - alike ** 2)),
  });

  it('joins photos that are alike, keeps the largest group and the first of equal ones', () => {
    const [a, b, c] = [fitted([1, 0, 0]), fitted([0, 1, 0]), fitted([0.9, 0.2, 0])];
    const { same, similarities } = agreement([b, a, c]);
    expect(same).toEqual([1, 2]);
    for (const [i, row] of similarities.entries()) expect(row[i]).toBeCloseTo(1, 12);
    expect(similarities[0][1]).toBe(0);
    expect(similarities[1][2]).toBeCloseTo(0.9 / Math.hypot(0.9, 0.2), 12);
    // Two mean heads are the same one.
    expect(agreement([fitted([0, 0]), fitted([0, 0])]).similarities[0][1]).toBe(1);
    expect(agreement([c, b, a]).same).toEqual([0, 2]);
    expect(agreement([b, a]).same).toEqual([0]);
    expect(agreement([a]).same).toEqual([0]);
  });

  it('without descriptors measures three photos against their best pair, two by themselves', () => {
    /** A photo at this angle from the first one. */
    const at = (cosine: number) => fitted([cosine, Math.sqrt(1 - cosine ** 2), 0]);
    const first = at(1);
    const off = fitted([0.55, 0, Math.sqrt(1 - 0.55 ** 2)]);
    expect(agreement([first, off]).same).toEqual([0]);
    // 0.55 is near enough to a pair that is no more than 0.75 alike, not to one that is 0.95.
    expect(agreement([at(0.8), at(0.8), off]).same).toEqual([0, 1]);
    expect(agreement([first, at(0.75), fitted([0.7, 0.2, 0.68])]).same).toEqual([0, 1, 2]);
    expect(agreement([first, at(0.95), off]).same).toEqual([0, 1]);
    // Nobody is alike: the first photo alone.
    expect(agreement([first, at(0.4), fitted([0.3, 0, Math.sqrt(1 - 0.09)])]).same).toEqual([0]);
  });

  it('weighs descriptors with the fits: either may be doubtful where the other is not', () => {
    const first = seen(1, 1);
    // Two real strangers whom the model makes alike, and two rendered ones whom the network finds alike.
    expect(agreement([first, seen(0.7, 0.3)]).same).toEqual([0]);
    expect(agreement([first, seen(0.05, 0.75)]).same).toEqual([0]);
    // One person in bad light, and one from afar.
    expect(agreement([first, seen(0.45, 0.75)]).same).toEqual([0, 1]);
    expect(agreement([first, seen(0.8, 0.55)]).same).toEqual([0, 1]);
    expect(agreement([first, seen(0.5, 0.75)]).similarities[1][0]).toBeCloseTo(0.4 * 0.5 + 0.6 * 0.75, 6);
    // Without one photo's descriptor the fits alone count.
    const { state } = seen(0.7, 0.3);
    expect(agreement([first, { state }]).same).toEqual([0, 1]);
    expect(agreement([first, { state }]).similarities[1][0]).toBeCloseTo(0.7, 6);
  });

  it('does not take a photo in by one likeness against another', () => {
    const first = seen(1, 1);
    const second = seen(0.9, 0.9);
    // Near the second, far from the first.
    const turned = (angle: number): PersonEvidence => ({
      ...fitted([Math.cos(angle), Math.sin(angle)]),
      descriptor: Float32Array.of(Math.cos(angle), Math.sin(angle)),
    });
    expect(agreement([second, turned(1.3)]).same).toEqual([0, 1]);
    expect(agreement([first, second, turned(1.3)]).same).toEqual([0, 1]);
  });
});
