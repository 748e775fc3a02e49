/** Relaxed SIMD is asked for by every thread of a process that has one flag for all of them. */
import { setFlagsFromString } from 'node:v8';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createKernels } from '../../src/kernels/runtime.ts';
import { enableRelaxedSimd } from '../../src/node/relaxed-simd.ts';

describe('relaxed SIMD', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each([{ versions: {} }, {}, undefined])(
    'is left alone where `process` does not say what V8 runs: %j',
    (stub) => {
      vi.stubGlobal('process', stub);
      expect(enableRelaxedSimd).not.toThrow();
    },
  );

  it('is there for a thread that asked for it while another one had the flag set', async () => {
    // A fit on two threads once in a while ended with "simd opcode not available": the flag was found on, and was off again
    // when the kernels were compiled.
    setFlagsFromString('--experimental-wasm-relaxed-simd');
    try {
      enableRelaxedSimd();
    } finally {
      setFlagsFromString('--no-experimental-wasm-relaxed-simd');
    }
    expect((await createKernels({ relaxed: true })).relaxed).toBe(true);
  });
});
