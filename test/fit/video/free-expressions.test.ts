/** Which heads have components for expressions, and how much colours count with them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { colourShares, hasFreeExpressions } from '../../../src/fit/video/free-expressions.ts';
import { readFlame } from '../../../src/model/flame/read-flame.ts';
import { readHeadPack } from '../../../src/model/pack.ts';
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
