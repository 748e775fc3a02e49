import { describe, expect, it } from 'vitest';
import { withDefaults } from '../../src/core/defaults.ts';
import { conjugateGradients } from '../../src/linalg/conjugate-gradients.ts';
import { sampleHead } from '../../src/model/sample.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

describe('withDefaults', () => {
  const defaults = { size: 4, name: 'a', end: null as number | null } as const;

  it('takes what is said, null too, and the default for what is not or is undefined', () => {
    expect(withDefaults(defaults, undefined)).toEqual(defaults);
    expect(withDefaults(defaults, { size: undefined, name: undefined })).toEqual(defaults);
    expect(withDefaults({ size: 4, end: 1 as number | null }, { size: 0, end: null })).toEqual({
      size: 0,
      end: null,
    });
    const more: { size?: number; more?: string } = { more: 'b' };
    const all = withDefaults(defaults, more);
    const size: number = all.size;
    expect([size, all.more]).toEqual([4, 'b']);
  });
});

// An option that was passed on without being set once made a transfer look for frame NaN.
describe('an option that is undefined', () => {
  it('is one that is not set', () => {
    const head = makeTinyHead();
    const unset = { expression: undefined, pose: undefined, texture: undefined };
    expect(sampleHead(head, 3, 0, unset)).toEqual(sampleHead(head, 3, 0));
    const apply = (x: Float64Array, out: Float64Array) => out.set(x.map((v) => 2 * v));
    const b = Float64Array.of(2, 4);
    const solved = conjugateGradients(apply, b, { tolerance: undefined, maxIterations: undefined });
    expect(Array.from(solved.x)).toEqual([1, 2]);
  });
});
