/** The gate and the measures it judges by: perceptual hash, sharpness, thresholds, duplicates. */
import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { GATE_DEFAULTS, type GateCandidate, judgeFits } from '../../src/dataset/gate.ts';
import { hashDistance, hashWords, perceptualHash } from '../../src/dataset/perceptual-hash.ts';
import type { PhotoMeasures } from '../../src/dataset/photo-files.ts';
import { faceSharpness } from '../../src/fit/face-sharpness.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { expose, observeTruth, photograph, sampleTruth } from '../helpers/synthetic.ts';

const distance = (a: string, b: string) => hashDistance(hashWords(a), hashWords(b));

/** A picture of overlapping discs, other ones for every seed. */
function discs(seed: number, width = 160, height = 120): Image8 {
  const random = createRandom(seed);
  const spots = Array.from({ length: 24 }, () => [0, 0, 0, 0].map(() => random.uniform()));
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let v = 0.4;
      for (const [cx, cy, a, r] of spots)
        if (Math.hypot(x / width - cx, y / height - cy) < 0.05 + 0.3 * r * r) v = 0.1 + 0.8 * a;
      for (let c = 0; c < 3; c++) data[4 * (y * width + x) + c] = 255 * (v + 0.05 * c);
    }
  return { width, height, data };
}

function change(image: Image8, value: (v: number, i: number) => number): Image8 {
  return { ...image, data: image.data.map((v, i) => (i % 4 === 3 ? 255 : value(v, i))) };
}

describe('the perceptual hash', () => {
  const image = discs(1);
  const hash = perceptualHash(image);

  it('hardly changes with size, noise, brightness and contrast', () => {
    const random = createRandom(9);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(distance(hash, perceptualHash(discs(1, 320, 240)))).toBeLessThanOrEqual(GATE_DEFAULTS.duplicates);
    const noisy = change(image, (v) => v + 6 * random.normal());
    expect(distance(hash, perceptualHash(noisy))).toBeLessThanOrEqual(GATE_DEFAULTS.duplicates);
    const brighter = change(image, (v) => 0.8 * v + 20);
    expect(distance(hash, perceptualHash(brighter))).toBeLessThanOrEqual(GATE_DEFAULTS.duplicates);
  });

  it('of other pictures differs by far more than the threshold', () => {
    for (let seed = 2; seed < 12; seed++)
      expect(distance(hash, perceptualHash(discs(seed)))).toBeGreaterThan(3 * GATE_DEFAULTS.duplicates);
  });

  it('counts bits', () => {
    const bits = (a: string, b: string) => distance(a.padEnd(64, '0'), b.padEnd(64, '0'));
    expect(bits('0', 'f')).toBe(4);
    expect(bits('80000001', '00000000')).toBe(2);
    expect(distance('0'.repeat(64), 'f'.repeat(64))).toBe(256);
  });
});

describe('sharpness', () => {
  it('tells a blurred face from a sharp one, whatever the noise', async () => {
    const kernels = await createKernels();
    const model = await loadHeadModel();
    const random = createRandom(3);
    const truth = expose(kernels, model, sampleTruth(model, random, 256));
    const { landmarks68 } = observeTruth(model, truth, random);
    const crop = { origin: [0, 0], scale: 1, size: 256 } as const;
    const photo = photograph(kernels, model, truth, random);
    const soft = blurred(photo, 4);
    const noisy = change(soft, (v) => v + 5 * random.normal());
    const of = (image: Image8) => faceSharpness(image, crop, landmarks68);
    expect(of(photo)).toBeGreaterThan(GATE_DEFAULTS.sharpness);
    expect(of(soft)).toBeLessThan(GATE_DEFAULTS.sharpness);
    expect(of(noisy)).toBeLessThan(GATE_DEFAULTS.sharpness);
  });
});

/** Two box blurs of radius r, one after the other. */
function blurred(image: Image8, r: number): Image8 {
  const { width, height } = image;
  let data = image.data;
  for (let pass = 0; pass < 4; pass++) {
    const next = new Uint8ClampedArray(data.length).fill(255);
    const [dx, dy] = pass % 2 === 0 ? [1, 0] : [0, 1];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++) {
          let [sum, n] = [0, 0];
          for (let k = -r; k <= r; k++) {
            const [i, j] = [x + k * dx, y + k * dy];
            if (i < 0 || j < 0 || i >= width || j >= height) continue;
            sum += data[4 * (j * width + i) + c];
            n++;
          }
          next[4 * (y * width + x) + c] = sum / n;
        }
    data = next;
  }
  return { width, height, data };
}

describe('the gate', () => {
  const random = createRandom(4);
  const hex = () => Array.from({ length: 64 }, () => random.below(16).toString(16)).join('');
  const candidate = (changes: Partial<PhotoMeasures> = {}): GateCandidate => ({
    hash: hex(),
    measures: {
      format: 'space-measures/1',
      file: 'a.jpg',
      landmarks: 0.02,
      residual: 0.04,
      residual_offset: 0.01,
      coverage: 0.6,
      sharpness: 0.2,
      eye_distance: 80,
      yaw: 5,
      faces: 1,
      perceptual_hash: hex(),
      ...changes,
    },
  });

  it('gives each bad fit its reason, the first that applies', () => {
    const bad = [
      ['landmarks', candidate({ landmarks: 0.2, sharpness: 0 })],
      ['residual', candidate({ residual: 0.3 })],
      ['offset', candidate({ residual_offset: 0.1 })],
      ['coverage', candidate({ coverage: 0.1 })],
      ['sharpness', candidate({ sharpness: 0.03 })],
      ['size', candidate({ eye_distance: 10 })],
    ] as const;
    const good = candidate();
    const gate = judgeFits([good, ...bad.map(([, f]) => f)]);
    expect(gate.kept).toEqual([good.hash]);
    for (const [reason, { hash }] of bad)
      expect(gate.rejected.find((r) => r.hash === hash)).toMatchObject({ reason, why: expect.any(String) });
  });

  it('keeps the largest of photos that look alike', () => {
    const first = candidate({ eye_distance: 60 });
    const { perceptual_hash } = first.measures;
    const flipped = `${(Number.parseInt(perceptual_hash[0], 16) ^ 8).toString(16)}${perceptual_hash.slice(1)}`;
    const larger = candidate({ eye_distance: 90, perceptual_hash: flipped });
    const other = candidate();
    const gate = judgeFits([first, larger, other]);
    expect(gate.kept).toEqual([larger.hash, other.hash].sort());
    expect(gate.rejected).toMatchObject([{ hash: first.hash, reason: 'duplicates' }]);
    expect(gate.rejected[0].why).toContain(larger.hash.slice(0, 12));
  });

  it('does not depend on the order of fits, and follows its thresholds', () => {
    const fits = Array.from({ length: 40 }, (_, i) =>
      candidate({ landmarks: 0.002 * i, perceptual_hash: candidate().measures.perceptual_hash }),
    );
    const gate = judgeFits(fits);
    expect(judgeFits(fits.slice().reverse())).toEqual(gate);
    expect(gate.kept).toHaveLength(31);
    expect(judgeFits(fits, { landmarks: 0.01 }).kept).toHaveLength(6);
    expect(judgeFits(fits, { landmarks: 0.01 }).thresholds).toMatchObject({ landmarks: 0.01, coverage: 0.3 });
  });
});
