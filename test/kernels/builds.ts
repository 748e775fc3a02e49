// The kernel builds that every kernel test runs on.
import { createKernelsSync, type Kernels } from '../../src/kernels/runtime.ts';
import { enableRelaxedSimd } from '../../src/node/relaxed-simd.ts';

enableRelaxedSimd();
export const BUILDS: ReadonlyArray<readonly [name: string, create: () => Kernels]> = [
  ['plain', () => createKernelsSync({ relaxed: false })],
  ['relaxed', () => createKernelsSync({ relaxed: true })],
];
