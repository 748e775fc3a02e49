import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { type SequenceSystem, solveSequence } from '../../src/kernels/sequence.ts';
import { solvePositiveDefinite } from '../../src/linalg/cholesky.ts';
import { BUILDS } from './builds.ts';

/** A random positive definite system, and the same as a dense matrix. */
function system(T: number, n: number, seed: number): { system: SequenceSystem; dense: Float64Array } {
  const random = createRandom(seed);
  const N = T * n;
  const next = Float64Array.from({ length: N }, () => random.normal());
  const nextButOne = Float64Array.from({ length: N }, () => random.normal());
  const right = Float64Array.from({ length: N }, () => random.normal());
  const blocks = Array.from({ length: T }, () => {
    const root = Float64Array.from({ length: n * n }, () => random.normal());
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        for (let k = 0; k < n; k++) a[i * n + j] += root[i * n + k] * root[j * n + k];
        // Outweighs the four couplings of a row.
        if (i === j) a[i * n + j] += 12;
      }
    return a;
  });
  const dense = new Float64Array(N * N);
  const put = (r: number, c: number, value: number) => {
    dense[r * N + c] = value;
    dense[c * N + r] = value;
  };
  for (let t = 0; t < T; t++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) put(t * n + i, t * n + j, blocks[t][i * n + j]);
      if (t + 1 < T) put(t * n + i, (t + 1) * n + i, next[t * n + i]);
      if (t + 2 < T) put(t * n + i, (t + 2) * n + i, nextButOne[t * n + i]);
    }
  }
  const diagonal = (t: number, out: Float64Array) => {
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) out[i * n + j] = blocks[t][i * n + j];
  };
  return { system: { length: T, size: n, diagonal, next, nextButOne, right }, dense };
}

describe.each(BUILDS)('solveSequence (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [1, 3],
    [2, 4],
    [3, 1],
    [9, 5],
    [23, 7],
    [5, 8],
    [6, 33],
  ])('solves %i blocks of %i as a dense matrix does', (T, n) => {
    const { system: s, dense } = system(T, n, 10 * T + n);
    const wanted = solvePositiveDefinite(dense, T * n, s.right);
    const got = solveSequence(kernels, s)!;
    for (let i = 0; i < T * n; i++) expect(got[i]).toBeCloseTo(wanted[i], 10);
  });

  it('gives the same to the bit when it keeps few factors', () => {
    for (const T of [4, 16, 17, 30]) {
      const { system: s } = system(T, 4, T);
      expect(solveSequence(kernels, s, { budget: 0 })).toEqual(solveSequence(kernels, s));
    }
  });

  it('says that a matrix is not positive definite', () => {
    const { system: s } = system(5, 3, 1);
    const diagonal = (t: number, out: Float64Array) => {
      s.diagonal(t, out);
      if (t === 3) out[4] = -1;
    };
    expect(solveSequence(kernels, { ...s, diagonal })).toBeNull();
  });

  it('refuses lengths that do not match', () => {
    const { system: s } = system(4, 2, 2);
    expect(() => solveSequence(kernels, { ...s, right: new Float64Array(7) })).toThrow(/right must be/);
  });
});
