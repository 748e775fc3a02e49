/**
 * Known truth: heads sampled from the model itself are rendered under random light, pose and expression with sensor
 * noise, and fitted back from the picture alone. Prints the mean vertex error of the face after rigid alignment, for
 * the whole energy and for landmarks alone (same detections), in millimetres.
 *
 *   node scripts/run.mjs bench/truth.ts [--model FILE.head] [--heads 20] [--seed 1] [--landmarks detected|exact] [--out DIR]
 *
 * Overall size cannot be seen in one picture (a small head near by looks like a large one far away), so the error is
 * printed without it as well.
 *
 * `exact` takes the model's own landmarks with 1 % noise in place of the detector's: what the solver can do when the
 * detector has no bias on rendered heads.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createRandom } from '../src/core/random.ts';
import { fitPhoto } from '../src/fit/fit-photo.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import type { HeadParams } from '../src/model/head-model.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { poseHead } from '../src/model/pose.ts';
import { loadPerception } from '../src/node/perception.ts';
import { expose, faceError, observeTruth, photograph, SIZE, sampleTruth } from '../test/helpers/synthetic.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    heads: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    landmarks: { type: 'string', default: 'detected' },
    out: { type: 'string' },
    focal: { type: 'string', default: 'unknown' },
    weights: { type: 'string', default: '{}' },
  },
});

/** For trying other weights: JSON of FitWeights. */
const weights = JSON.parse(values.weights);
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const perception = await loadPerception();
const kernels = await createKernels();
if (values.out) mkdirSync(values.out, { recursive: true });

const sums = { mean: 0, landmarks: 0, full: 0, landmarksShape: 0, fullShape: 0 };
let fitted = 0;
console.log('mm after   rigid alignment                      similarity (no size)');
console.log('head   mean head   landmarks   full energy   landmarks   full energy   nme51 %  skin L1');
for (let h = 0; h < Number(values.heads); h++) {
  const random = createRandom(1000 * Number(values.seed) + h);
  const truth = expose(kernels, model, sampleTruth(model, random));
  const image = photograph(kernels, model, truth, random);
  const observation =
    values.landmarks === 'exact' ? observeTruth(model, truth, random) : (await perception.detect(image))[0];
  if (values.out)
    await sharp(image.data, { raw: { width: SIZE, height: SIZE, channels: 4 } })
      .png()
      .toFile(path.join(values.out, `truth-${h}.png`));
  if (!observation) {
    console.log(String(h).padStart(4), '  no face found in the rendered picture');
    continue;
  }
  const focal35mm = values.focal === 'known' ? (43.27 * truth.camera.focal) / Math.hypot(SIZE, SIZE) : null;
  const full = await fitPhoto(image, model, { observation, weights, focal35mm });
  const landmarks = await fitPhoto(image, model, { observation, weights, focal35mm, landmarksOnly: true });
  const wanted = poseHead(model, truth.params).vertices;
  const neutral: HeadParams = { ...truth.params, identity: truth.params.identity.map(() => 0) };
  const e = {
    full: faceError(model, poseHead(model, full.params).vertices, wanted),
    landmarks: faceError(model, poseHead(model, landmarks.params).vertices, wanted),
    mean: faceError(model, poseHead(model, neutral).vertices, wanted),
    fullShape: faceError(model, poseHead(model, full.params).vertices, wanted, true),
    landmarksShape: faceError(model, poseHead(model, landmarks.params).vertices, wanted, true),
  };
  fitted++;
  for (const k of Object.keys(sums) as (keyof typeof sums)[]) sums[k] += e[k];
  console.log(
    String(h).padStart(4),
    e.mean.toFixed(2).padStart(10),
    e.landmarks.toFixed(2).padStart(11),
    e.full.toFixed(2).padStart(13),
    e.landmarksShape.toFixed(2).padStart(11),
    e.fullShape.toFixed(2).padStart(13),
    (100 * full.metrics.landmarkNmeInner51).toFixed(2).padStart(9),
    full.metrics.skinL1.toFixed(4).padStart(8),
  );
}
const mean = (x: number) => (x / fitted).toFixed(2);
console.log(
  `mean ${mean(sums.mean).padStart(10)} ${mean(sums.landmarks).padStart(11)} ${mean(sums.full).padStart(13)} ` +
    `${mean(sums.landmarksShape).padStart(11)} ${mean(sums.fullShape).padStart(13)}`,
);
console.log(
  `photometry lowers the error by ${(100 * (1 - sums.full / sums.landmarks)).toFixed(0)} % ` +
    `(${(100 * (1 - sums.fullShape / sums.landmarksShape)).toFixed(0)} % without size); ${fitted} of ${values.heads} heads`,
);
