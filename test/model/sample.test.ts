/** Random heads: the same seed the same, spreads as asked, expressions as faces have them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type HeadModel, headSizes } from '../../src/model/head-model.ts';
import { sampleHead } from '../../src/model/sample.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

let model: HeadModel;
beforeAll(async () => {
  model = await loadHeadModel();
});

describe('sampleHead', () => {
  it('is decided by seed and number, and by nothing else', () => {
    const head = sampleHead(model, 7, 3);
    expect(sampleHead(model, 7, 3)).toEqual(head);
    expect(sampleHead(model, 8, 3).identity).not.toEqual(head.identity);
    expect(sampleHead(model, 7, 4).identity).not.toEqual(head.identity);
    // Another spread of one thing leaves the others.
    const other = sampleHead(model, 7, 3, { pose: 0, texture: 2, expression: 0 });
    expect(other.identity).toEqual(head.identity);
    other.texture.forEach((x, i) => {
      expect(x).toBeCloseTo(2 * head.texture[i], 5);
    });
  });

  it('spreads of zero give the mean head', () => {
    const { identity, expression, pose, texture } = sampleHead(model, 1, 0, {
      shape: 0,
      expression: 0,
      pose: 0,
      texture: 0,
    });
    for (const array of [identity, expression, pose, texture]) expect(array.every((x) => x === 0)).toBe(true);
  });

  it('identity is normal with the spread asked for, within three deviations', () => {
    const { S } = headSizes(model);
    const all = Array.from({ length: 50 }, (_, i) => [
      ...sampleHead(model, 1, i, { shape: 0.5 }).identity,
    ]).flat();
    const mean = all.reduce((s, x) => s + x, 0) / all.length;
    const sd = Math.sqrt(all.reduce((s, x) => s + x * x, 0) / all.length);
    expect(all).toHaveLength(50 * S);
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(sd).toBeGreaterThan(0.46);
    expect(sd).toBeLessThan(0.52);
    expect(Math.max(...all.map(Math.abs))).toBeLessThanOrEqual(1.5);
  });

  it('blendshapes: a few, within their bounds, left as right', () => {
    for (let i = 0; i < 20; i++) {
      const { expression } = sampleHead(model, 2, i, { expression: 1 });
      const used = [...expression].flatMap((x, e) => (x !== 0 ? [model.expressionNames[e]] : []));
      expect(used.length).toBeGreaterThan(0);
      expect(used.length).toBeLessThanOrEqual(8);
      expression.forEach((x, e) => {
        expect(x).toBeGreaterThanOrEqual(model.expressionRange[2 * e]);
        expect(x).toBeLessThanOrEqual(model.expressionRange[2 * e + 1]);
      });
      for (const name of used)
        if (/.Left$/.test(name) && model.expressionNames.includes(name.replace('Left', 'Right')))
          expect(used).toContain(name.replace('Left', 'Right'));
    }
  });

  it('components without bounds are all drawn', () => {
    const tiny = makeTinyHead();
    const E = tiny.expressionNames.length;
    const free = {
      ...tiny,
      expressionRange: new Float32Array(2 * E).map((_, i) => (i % 2 ? Infinity : -Infinity)),
    };
    const { expression } = sampleHead(free, 1, 0);
    expect(expression.every((x) => x !== 0)).toBe(true);
  });

  it('refuses negative spreads', () => {
    expect(() => sampleHead(model, 1, 0, { shape: -1 })).toThrow(/shape must not be negative/);
  });
});
