/** Which heads have components for expressions, and how much colours count with them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { prepareModel } from '../../../src/fit/prepare.ts';
import { fitMemory } from '../../../src/fit/resident.ts';
import { FrameSolver } from '../../../src/fit/video/frame-solver.ts';
import { colourShares, hasFreeExpressions } from '../../../src/fit/video/free-expressions.ts';
import { personalModel } from '../../../src/fit/video/personal-model.ts';
import { createKernels } from '../../../src/kernels/runtime.ts';
import { readFlame } from '../../../src/model/flame/read-flame.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
import { filmTalkingHead, trueLandmarks } from '../../helpers/filmed-head.ts';
import * as tiny from '../../model/tiny-flame.ts';

it('colours count fully with blend shapes, less with components, as a head of FLAME is read to have', async () => {
  const shapes = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  expect(hasFreeExpressions(shapes)).toBe(false);
  expect(colourShares(shapes)).toEqual({ keyFrames: 1, frames: 1 });

  const files = { geometry: tiny.geometryFile(), landmarks: tiny.landmarkFile() };
  const components = await readFlame(files);
  expect(hasFreeExpressions(components)).toBe(true);
  expect(colourShares(components).keyFrames).toBeLessThan(1);
  expect(colourShares(components).frames).toBeLessThan(1);
  // Its expressions are weights where whoever reads it says so.
  expect(hasFreeExpressions(await readFlame(files, { expressionRange: [0, 1] }))).toBe(false);
});

it('a frame says as much less of its colours', async () => {
  const shapes = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
  const film = filmTalkingHead(await createKernels(), shapes, { frames: 1, fps: 25, size: 192, seed: 3 });
  const [{ params, camera, light }] = film.truths;
  // What colours alone tell, all but a little: how light each harmonic is.
  const told = async (expressionRange: Float32Array) => {
    const model = { ...shapes, expressionRange };
    const { identity, texture } = params;
    const person = { identity, texture, camera, light, keyFrames: [], modelName: '', modelHash: '' };
    const { kernels, resident } = await fitMemory(prepareModel(personalModel(model, person)));
    const solver = new FrameSolver(kernels, resident, person);
    for await (const frame of film.source.frames()) {
      const [face] = await trueLandmarks(model, film).detect(frame.image);
      const { hessian } = solver.solve(frame, face, true).evidence.equations;
      const { size, blocks } = solver.layout;
      const { offset, size: columns } = blocks.get('light')!;
      let trace = 0;
      for (let c = offset; c < offset + columns; c++) trace += hessian[c * size + c];
      return trace;
    }
    return Number.NaN;
  };
  const free = await told(shapes.expressionRange.map((_, i) => (i % 2 ? 1 : -1) / 0));
  // They come to rest in other places, and light has a prior.
  expect(free / (await told(shapes.expressionRange))).toBeCloseTo(0.25, 1);
}, 60_000);
