/**
 * Faces of another model, from pictures alone: ICT-FaceKit identities (as the FLAME stand-in of ../shared carries them, with
 * a texture) rendered under random light from three sides, fitted with open-head from one view and from all three. Mean
 * distance of the true face to the fitted surface after rigid alignment (landmarks, then closest points), mm; the mean head
 * beside it. Over all points of FLAME's face, and over those that are seen from outside (all but some 5 %, which line
 * nostrils, lids and lips). Once with the focal length known as EXIF tells it and the distance not, and once with the camera
 * known: focal length and distance from the face.
 *
 *   node scripts/run.mjs bench/ict-views.ts [--heads 20] [--out DIR]
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createRandom } from '../src/core/random.ts';
import { fitPerson } from '../src/fit/fit-person.ts';
import { fitPhoto } from '../src/fit/fit-photo.ts';
import { cameraDistance } from '../src/fit/known-size.ts';
import { createNearest } from '../src/geometry/nearest.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { alignPoints, applyAlignment } from '../src/linalg/align.ts';
import { type HeadModel, type HeadParams, neutralParams } from '../src/model/head-model.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { poseHead } from '../src/model/pose.ts';
import { loadFlame } from '../src/node/flame-files.ts';
import { loadPerception } from '../src/node/perception.ts';
import { seenFromOutside } from '../test/helpers/outside.ts';
import { expose, photograph, SIZE, sampleTruth, type Truth } from '../test/helpers/synthetic.ts';

const STAND_IN = '../shared/models/flame-standin';
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    heads: { type: 'string', default: '20' },
    out: { type: 'string' },
  },
});
if (!existsSync(STAND_IN)) {
  console.log(`skipped: ${STAND_IN} is absent`);
  process.exit(0);
}
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const ict = await loadFlame(STAND_IN, { identityComponents: 100, expressionComponents: 53 });
const perception = await loadPerception();
const kernels = await createKernels();
const face = ict.regions.get('face')!;
if (values.out) mkdirSync(values.out, { recursive: true });

type Errors = Record<'mean' | 'one' | 'three', number[]>;
const zeros = (): Errors => ({ mean: [0, 0, 0, 0], one: [0, 0, 0, 0], three: [0, 0, 0, 0] });
const KNOWLEDGE = ['distance unknown', 'camera known'] as const;
const sums = { 'distance unknown': zeros(), 'camera known': zeros() };
let count = 0;
console.log('mm, mean head / one view / three views');
console.log('head   rigid: all points, seen from outside               similarity: the same');
for (let h = 0; h < Number(values.heads); h++) {
  const random = createRandom(4000 + h);
  const base = sampleTruth(ict, random);
  const params: HeadParams = {
    ...base.params,
    expression: new Float32Array(base.params.expression.length),
    texture: base.params.texture.map((t) => 0.7 * t),
  };
  const views: Truth[] = [-0.5, 0, 0.5].map((yaw) => {
    const pose = new Float32Array(params.pose.length);
    pose[0] = 0.1 * random.normal();
    pose[1] = yaw + 0.08 * random.normal();
    return expose(kernels, ict, {
      ...base,
      params: { ...params, pose },
      light: sampleTruth(ict, random).light,
    });
  });
  const photos = [];
  for (const [i, view] of views.entries()) {
    const image = photograph(kernels, ict, view, random);
    if (values.out)
      await sharp(image.data, { raw: { width: SIZE, height: SIZE, channels: 4 } })
        .png()
        .toFile(path.join(values.out, `ict-${h}-${i}.png`));
    const observation = (await perception.detect(image))[0];
    const { focal } = view.camera;
    const distance = cameraDistance(ict, poseHead(ict, view.params).vertices, view.camera);
    if (observation)
      photos.push({
        'distance unknown': { image, observation, focal35mm: (43.27 * focal) / Math.hypot(SIZE, SIZE) },
        'camera known': { image, observation, focal, distance },
      });
  }
  if (photos.length < 3) {
    console.log(String(h).padStart(4), '  the face was not found in every view');
    continue;
  }
  const wanted = poseHead(ict, params).vertices;
  const outside = seenFromOutside(kernels, wanted, ict.faces);
  count++;
  for (const known of KNOWLEDGE) {
    const seen = photos.map((photo) => photo[known]);
    const one = await fitPhoto(seen[1].image, model, seen[1]);
    const three = (await fitPerson(seen, model)).fits[1]!;
    const heads = { mean: neutralParams(model), one: one.params, three: three.params };
    const e = Object.fromEntries(
      Object.entries(heads).map(([name, p]) => [
        name,
        [false, true].flatMap((scale) => surfaceError(p, wanted, outside, scale)),
      ]),
    ) as Errors;
    for (const k of Object.keys(e) as (keyof Errors)[])
      for (let i = 0; i < 4; i++) sums[known][k][i] += e[k][i];
    console.log(String(h).padStart(4), row(e, 1), ' ', known);
  }
}
const share = (a: number, b: number) => `${(100 * (1 - a / b)).toFixed(0)} %`;
for (const known of KNOWLEDGE) {
  const { mean, one, three } = sums[known];
  console.log(`\n${known}, ${count} heads\nmean`, row(sums[known], count));
  for (const [i, name] of [
    'rigid, all points',
    'rigid, seen from outside',
    'without size, all points',
    'without size, seen from outside',
  ].entries())
    console.log(
      `${name}: one view is ${share(one[i], mean[i])} nearer than the mean head, three views ` +
        `${share(three[i], one[i])} nearer than one`,
    );
}
perception.dispose();

function row(e: Errors, n: number): string {
  return [0, 1, 2, 3]
    .map((i) => [e.mean, e.one, e.three].map((x) => (x[i] / n).toFixed(2).padStart(7)).join(''))
    .join('   ');
}

/** Mean distance of the true face's vertices to the surface of the fitted head, mm: of all, and of those seen. */
function surfaceError(
  params: HeadParams,
  wanted: Float32Array,
  outside: Uint8Array,
  scale: boolean,
): [number, number] {
  const pose = params.pose.slice();
  pose.fill(0, 0, 3);
  const surface = poseHead(model, { ...params, pose }).vertices;
  const search = createNearest(surface, model.faces);
  let points: Float64Array = Float64Array.from(
    { length: 3 * face.length },
    (_, i) => wanted[3 * face[Math.floor(i / 3)] + (i % 3)],
  );
  const marks = landmarkPoints(ict, wanted);
  points = applyAlignment(alignPoints(marks, landmarkPoints(model, surface), { scale }), points);
  const target = new Float64Array(points.length);
  for (let round = 0; round < 15; round++) {
    for (let i = 0; i < points.length; i += 3)
      target.set(search.find(points[i], points[i + 1], points[i + 2]).point, i);
    points = applyAlignment(alignPoints(points, target, { scale }), points);
  }
  const distances = Array.from(
    face,
    (_, i) => 1000 * search.find(points[3 * i], points[3 * i + 1], points[3 * i + 2]).distance,
  );
  const seen = distances.filter((_, i) => outside[face[i]] === 1);
  const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
  return [mean(distances), mean(seen)];
}

/** The 51 inner landmarks on a surface, (51,3). */
function landmarkPoints(m: HeadModel, vertices: Float32Array): Float64Array {
  const { faces, barycentrics } = m.landmarks.inner51;
  const out = new Float64Array(3 * faces.length);
  for (let l = 0; l < faces.length; l++)
    for (let i = 0; i < 3; i++)
      for (let a = 0; a < 3; a++)
        out[3 * l + a] += barycentrics[3 * l + i] * vertices[3 * m.faces[3 * faces[l] + i] + a];
  return out;
}
