/**
 * Linear combination of basis vectors on top of a base: out = base + Σ_k coefficients[k]·basis[k].
 *
 * The basis is component-major, so that components with zero coefficients cost nothing and the rest is read in
 * order; memory bandwidth is the bound. Four components are added per pass over an 8 KB block of `out`.
 */
import { type F32, type Kernels, requireLength, resolveRange, type WorkRange } from './runtime.ts';
import { cutRange } from './tasks.ts';

/** Elements worth a task. */
const GRAIN = 2048;

/**
 * out[i] = base[i] + Σ_k coefficients[k]·basis[k,i], float32.
 *
 * @param base (N) float32
 * @param basis (K,N) float32
 * @param coefficients (K) float32; zeros are skipped (NaN and infinities in their components too)
 * @param out (N) float32, may be `base`
 * @param range elements of `out` to compute, all by default
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function blendshapes(
  kernels: Kernels,
  base: F32,
  basis: F32,
  coefficients: F32,
  out: F32,
  range?: WorkRange,
): void {
  const n = base.length;
  const count = coefficients.length;
  requireLength('blendshapes', 'basis', basis, count * n, '(K,N)');
  requireLength('blendshapes', 'out', out, n, '(N)');
  const [begin, end] = resolveRange('blendshapes', range, n);
  kernels.scope(() => {
    kernels.run(
      'blendshapes',
      cutRange(begin, end, 2 * kernels.threads, GRAIN, 4).map(([from, to]) => [
        base.ptr,
        basis.ptr,
        coefficients.ptr,
        out.ptr,
        n,
        count,
        from,
        to,
        kernels.u32(2 * count).ptr,
      ]),
    );
  });
}
