import { describe, expect, it } from 'vitest';
import { lowerMedian, median, quantile } from '../../src/core/quantile.ts';

describe('middles of lists', () => {
  it('are the middle one of an odd number', () => {
    expect(median([30, -2, 7])).toBe(7);
    expect(lowerMedian([30, -2, 7])).toBe(7);
  });

  it('are the greater or the lesser of the two in the middle of an even number', () => {
    expect(median([100, 9, 30, 8])).toBe(30);
    expect(lowerMedian([100, 9, 30, 8])).toBe(9);
  });

  it('are in the order of numbers, and leave lists as they are', () => {
    const values = [10, 9, 1, 2];
    expect([0, 0.34, 0.67, 1].map((share) => quantile(values, share))).toEqual([1, 2, 9, 10]);
    expect(values).toEqual([10, 9, 1, 2]);
  });

  it('are 0 of none', () => {
    expect([median([]), lowerMedian([]), quantile([], 0.9)]).toEqual([0, 0, 0]);
  });
});
