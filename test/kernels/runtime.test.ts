import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, OutOfMemoryError } from '../../src/core/errors.ts';
import { createKernels, createKernelsSync, relaxedSimdSupported } from '../../src/kernels/runtime.ts';
import { BUILDS } from './builds.ts';

describe('kernel memory', () => {
  it('gives aligned, zeroed arrays that do not overlap', () => {
    const kernels = createKernelsSync();
    const arrays = [kernels.f32(3), kernels.u8(1), kernels.f64(5), kernels.i32(0), kernels.u32(7)];
    for (const [i, array] of arrays.entries()) {
      expect(array.ptr % 16).toBe(0);
      expect(Array.from(array.view)).toEqual(new Array(array.length).fill(0));
      array.view.fill(i + 1);
    }
    for (const [i, array] of arrays.entries())
      expect(new Set(array.view)).toEqual(new Set(array.length ? [i + 1] : []));
  });

  it('copies data in', () => {
    const kernels = createKernelsSync();
    expect(Array.from(kernels.f32([1, 2.5, -3]).view)).toEqual([1, 2.5, -3]);
    expect(Array.from(kernels.u32(new Uint32Array([4e9, 1])).view)).toEqual([4e9, 1]);
  });

  it('keeps values and renews views when it grows', () => {
    const kernels = createKernelsSync();
    const small = kernels.f32([1, 2, 3]);
    const before = small.view;
    const large = kernels.f32(5_000_000);
    large.view[4_999_999] = 7;
    expect(before.length).toBe(0); // detached: what the handle is for
    expect(Array.from(small.view)).toEqual([1, 2, 3]);
    expect(large.view[4_999_999]).toBe(7);
  });

  it('releases in stack order and refuses released arrays', () => {
    const kernels = createKernelsSync();
    const kept = kernels.f32([5]);
    const outer = kernels.mark();
    const used = kernels.bytesUsed;
    kernels.f32(100);
    const inner = kernels.mark();
    const lost = kernels.f32(10);
    kernels.release(outer);
    expect(kernels.bytesUsed).toBe(used);
    expect(kept.view[0]).toBe(5);
    expect(() => lost.view).toThrow(/Float32Array of length 10 was released/);
    expect(() => kernels.release(inner)).toThrow(InvalidArgumentError);
    const reused = kernels.f32(4);
    expect(Array.from(reused.view)).toEqual([0, 0, 0, 0]);
  });

  it('releases a scope when its body throws', () => {
    const kernels = createKernelsSync();
    const used = kernels.bytesUsed;
    expect(() =>
      kernels.scope(() => {
        kernels.f64(10);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(kernels.bytesUsed).toBe(used);
  });

  it('gives a scope its arguments', () => {
    const kernels = createKernelsSync();
    const used = kernels.bytesUsed;
    const last = (numbers: readonly number[], factor: number) =>
      factor * kernels.f64(numbers).view[numbers.length - 1];
    expect(kernels.scope(last, [1, 2, 5], 3)).toBe(15);
    expect(kernels.bytesUsed).toBe(used);
  });

  it('says clearly what is wrong', () => {
    const kernels = createKernelsSync();
    expect(() => kernels.f32(-1)).toThrow(/non-negative integer, got -1/);
    expect(() => kernels.f32(1.5)).toThrow(InvalidArgumentError);
    const used = kernels.bytesUsed;
    expect(() => kernels.f64(2 ** 30)).toThrow(OutOfMemoryError);
    expect(() => kernels.f64(2 ** 30)).toThrow(/cannot take 8192.0 MiB/);
    expect(kernels.bytesUsed).toBe(used);
  });

  it('is the relaxed build where there is one, the plain one on request', async () => {
    expect((await createKernels()).relaxed).toBe(true);
    expect((await createKernels({ relaxed: false })).relaxed).toBe(false);
    expect(relaxedSimdSupported()).toBe(true); // enabled by ./builds.ts
    expect(BUILDS.map(([, create]) => create().relaxed)).toEqual([false, true]);
  });
});
