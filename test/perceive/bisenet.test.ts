/**
 * BiSeNet: framings, normalisation and the way of the mask back to the photo, with planted scores whose mask is known,
 * and the true network (random weights, a quarter of its channels).
 */
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { onnxRuntime } from '../../src/node/onnx.ts';
import {
  argmaxClasses,
  BISENET_DEFAULTS,
  loadBisenet,
  maskFromLabels,
  PARSING_CLASSES,
  type ParsingFrame,
  parsingFrame,
  parsingInput,
} from '../../src/perceive/bisenet.ts';
import type { FaceObservation } from '../../src/perceive/types.ts';
import { makeBisenet, makePlanted, TEST_WIDTH } from '../helpers/onnx-networks.ts';
import { PORTRAIT, paint, read } from './pictures.ts';

const N = 512 * 512;

/** A face whose eye centres and mouth corners are as given, in a box. */
function face(points: { eyes: [number, number][]; mouth: [number, number][] }): FaceObservation {
  const landmarks68 = new Float32Array(136);
  points.eyes.forEach(([x, y], eye) => {
    for (let l = 0; l < 6; l++) {
      // Six points around the centre.
      landmarks68[2 * (36 + 6 * eye + l)] = x + 5 * Math.cos((l * Math.PI) / 3);
      landmarks68[2 * (36 + 6 * eye + l) + 1] = y + 2 * Math.sin((l * Math.PI) / 3);
    }
  });
  for (const [k, point] of points.mouth.entries()) landmarks68.set(point, 2 * (48 + 6 * k));
  return { box: { x: 60, y: 50, width: 80, height: 100 }, score: 1, landmarks68, mesh: null };
}

const UPRIGHT = face({
  eyes: [
    [80, 90],
    [120, 90],
  ],
  mouth: [
    [85, 130],
    [115, 130],
  ],
});
const GREY = paint(200, 180, () => 100);

/** Scores (19,512,512) with the class that `label` gives highest. */
function scores(label: (x: number, y: number) => number): Float32Array {
  const out = new Float32Array(19 * N).fill(-1);
  for (let p = 0; p < N; p++) out[label(p % 512, Math.floor(p / 512)) * N + p] = 2;
  return out;
}

describe('framing', () => {
  it('cuts as CelebA-HQ does: four eye distances, a tenth of the way from the eyes to the mouth', () => {
    const frame = parsingFrame(GREY, UPRIGHT, 'aligned');
    expect(frame.cx).toBeCloseTo(100, 4);
    expect(frame.cy).toBeCloseTo(94, 4);
    // 4 · 40 against 3.6 · 40.
    expect(frame.right[0]).toBeCloseTo(160, 3);
    expect(frame.right[1]).toBeCloseTo(0, 3);
    expect(frame.down[0]).toBeCloseTo(0, 3);
    expect(frame.down[1]).toBeCloseTo(160, 3);
  });

  it('turns with the face, and takes the longer measure', () => {
    // Lying on the side: down is to the left; the mouth 60 from the eyes.
    const lying = face({
      eyes: [
        [100, 80],
        [100, 120],
      ],
      mouth: [
        [40, 90],
        [40, 110],
      ],
    });
    const frame = parsingFrame(GREY, lying, 'aligned');
    expect(frame.right[0]).toBeCloseTo(0, 3);
    expect(frame.right[1]).toBeCloseTo(3.6 * 60, 3);
    expect(frame.down[0]).toBeCloseTo(-3.6 * 60, 3);
    expect(frame.cx).toBeCloseTo(94, 4);
  });

  it("takes 1.2 times the box in the original's way, or all of the photo", () => {
    expect(parsingFrame(GREY, UPRIGHT, 'box')).toEqual({ cx: 100, cy: 100, right: [120, 0], down: [0, 120] });
    expect(parsingFrame(GREY, UPRIGHT, 'photo')).toEqual({
      cx: 100,
      cy: 90,
      right: [200, 0],
      down: [0, 180],
    });
  });

  it('refuses landmarks in one place', () => {
    const nowhere = { ...UPRIGHT, landmarks68: new Float32Array(136) };
    expect(() => parsingFrame(GREY, nowhere, 'aligned')).toThrow(InvalidArgumentError);
  });
});

describe('input', () => {
  it("is normalised as ImageNet's, in planes of RGB", () => {
    const image = paint(512, 512, (x, y, c) => (3 * x + 5 * y + 70 * c) % 256);
    const input = parsingInput(image, parsingFrame(image, UPRIGHT, 'photo'));
    const [x, y] = [300, 200];
    const at = (c: number) => image.data[4 * (y * 512 + x) + c] / 255;
    const expected = [(at(0) - 0.485) / 0.229, (at(1) - 0.456) / 0.224, (at(2) - 0.406) / 0.225];
    expected.forEach((value, c) => {
      expect(input[c * N + y * 512 + x]).toBeCloseTo(value, 5);
    });
  });

  it('is linear between pixels of a smaller photo, and black outside of it', () => {
    const ramp = paint(100, 100, (x) => 2 * x);
    const whole = parsingInput(ramp, { cx: 50, cy: 50, right: [100, 0], down: [0, 100] });
    // Column 255 of 512 lies at (255.5 · 100 / 512 − 0.5) of the photo's pixels.
    expect(whole[256 * 512 + 255] * 0.229 + 0.485).toBeCloseTo((2 * ((255.5 * 100) / 512 - 0.5)) / 255, 5);
    const beside = parsingInput(ramp, { cx: 0, cy: 50, right: [100, 0], down: [0, 100] });
    expect(beside[100 * 512 + 10] * 0.229 + 0.485).toBeCloseTo(0, 6);
  });

  it('averages pixels of a larger photo', () => {
    const stripes = paint(4096, 256, (x) => (x % 2 ? 200 : 100));
    const input = parsingInput(stripes, { cx: 2048, cy: 128, right: [4096, 0], down: [0, 256] });
    for (const x of [3, 200, 401]) {
      expect((input[256 * 512 + x] * 0.229 + 0.485) * 255).toBeCloseTo(150, 0);
    }
  });
});

describe('mask', () => {
  it('takes the highest of 19 scores, the first of equals', () => {
    const planted = scores((x, y) => (x + y) % 19);
    planted[3 * N] = 2;
    const labels = argmaxClasses(planted);
    expect(labels[0]).toBe(0);
    expect([labels[1], labels[18], labels[512 * 5 + 7]]).toEqual([1, 18, 12]);
  });

  it('lies where the frame lies, at any roll', () => {
    // The lower right quarter of the frame is nose; the frame is turned by a quarter clockwise.
    const labels = new Uint8Array(N).map((_, p) => (p % 512 >= 256 && p >= N / 2 ? 10 : 17));
    const frame: ParsingFrame = { cx: 100, cy: 90, right: [0, 100], down: [-100, 0] };
    const { data } = maskFromLabels(labels, frame, 200, 180, BISENET_DEFAULTS.classes);
    const at = (x: number, y: number) => data[y * 200 + x];
    // Right in the frame is down in the photo, down in the frame is left.
    expect([at(75, 115), at(125, 115), at(75, 65), at(125, 65), at(30, 115)]).toEqual([1, 0, 0, 0, 0]);
    expect(data.reduce((a, b) => a + b, 0)).toBeCloseTo(2500, -1);
  });

  it('is between 0 and 1 along the edge only', () => {
    const labels = new Uint8Array(N).map((_, p) => (p % 512 >= 200 ? 1 : 0));
    const frame: ParsingFrame = { cx: 512, cy: 512, right: [1024, 0], down: [0, 1024] };
    const { data } = maskFromLabels(labels, frame, 1024, 1024, [1]);
    const row = [...data.subarray(500 * 1024 + 396, 500 * 1024 + 404)];
    // Two photo pixels to one of the network's: the step between its pixels 199 and 200 lies at 400.
    expect(row).toEqual([0, 0, 0, 0.25, 0.75, 1, 1, 1]);
  });
});

describe('network', () => {
  const quadrants = (x: number, y: number) => (x < 256 ? (y < 256 ? 1 : 6) : y < 256 ? 10 : 17);
  const planted = makePlanted(
    [1, 3, 512, 512],
    [{ name: 'out', shape: [1, 19, 512, 512], data: scores(quadrants) }],
  );
  const share = async (image: Image8, options: { classes?: number[] }) => {
    const parser = await loadBisenet(planted, onnxRuntime(), { framing: 'photo', ...options });
    const mask = await parser.skinMask(image, UPRIGHT);
    parser.dispose();
    expect([mask.width, mask.height, mask.channels]).toEqual([200, 180, 1]);
    return [
      [20, 20],
      [20, 160],
      [180, 20],
      [180, 160],
    ].map(([x, y]) => mask.data[y * 200 + x]);
  };

  it('counts skin and nose, not glasses and hair', async () => {
    expect(await share(GREY, {})).toEqual([1, 0, 1, 0]);
    expect(BISENET_DEFAULTS.classes.map((k) => PARSING_CLASSES[k])).not.toContain('eye_g');
  });

  it('counts what it is told to', async () => {
    expect(await share(GREY, { classes: [6, 17] })).toEqual([0, 1, 0, 1]);
  });

  it.each([[[19]], [[-1]], [[1.5]], [[]]])('refuses classes %j', async (classes) => {
    await expect(loadBisenet(planted, onnxRuntime(), { classes })).rejects.toThrow(/classes/);
  });

  it('runs the true network on what it is said to be shown', async () => {
    // As PyTorch counts those of BiSeNet(19).
    expect(makeBisenet({ countOnly: true }).parameters).toBe(13_300_416);
    const { bytes } = makeBisenet({ width: TEST_WIDTH });
    const image = await read(PORTRAIT, (s) => s.resize(512, 512));
    const parser = await loadBisenet(bytes, onnxRuntime(), { framing: 'photo' });
    const labels = await parser.labels(image, parsingFrame(image, UPRIGHT, 'photo'));
    parser.dispose();

    // The same by hand: the runtime itself, its input and its first output.
    const { InferenceSession, Tensor } = await import('onnxruntime-web/wasm');
    const session = await InferenceSession.create(bytes);
    const input = new Float32Array(3 * N);
    for (let p = 0; p < N; p++) {
      input[p] = (image.data[4 * p] / 255 - 0.485) / 0.229;
      input[N + p] = (image.data[4 * p + 1] / 255 - 0.456) / 0.224;
      input[2 * N + p] = (image.data[4 * p + 2] / 255 - 0.406) / 0.225;
    }
    const { out } = await session.run({ image: new Tensor('float32', input, [1, 3, 512, 512]) });
    const values = out.data as Float32Array;
    const seen = new Set<number>();
    let differ = 0;
    for (let p = 0; p < N; p++) {
      let best = 0;
      for (let k = 1; k < 19; k++) if (values[k * N + p] > values[best * N + p]) best = k;
      if (best !== labels[p]) differ++;
      seen.add(best);
    }
    await session.release();
    expect(seen.size).toBeGreaterThan(1);
    // Inputs differ in the last bit, which may turn a near tie.
    expect(differ).toBeLessThan(N * 1e-4);
  });
});
