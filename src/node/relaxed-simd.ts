/** Switches on relaxed SIMD in Node 20, where it works but is behind a flag. */
import { setFlagsFromString } from 'node:v8';
import { compileRelaxedSimd } from '../kernels/runtime.ts';

const FLAG = 'experimental-wasm-relaxed-simd';
/** Another thread may take the flag back at the wrong moment, but not that often. */
const TRIES = 100;
/** V8 that has relaxed SIMD without a flag: 11.4. */
const SHIPPED = [11, 4] as const;

/**
 * Call before `createKernels({ relaxed: true })`, on every thread that does; does nothing where relaxed SIMD is on already.
 *
 * The flag is set while kernels are compiled only: V8 refuses all cached code, that of Node's own modules too, under
 * other flags than it was compiled with. A thread then starts in 60 ms of processor time instead of 30.
 *
 * Whether it is on is asked of V8's version: the flag is the whole process's, so that a thread that tries may find it on
 * because another one is compiling, and off when its own kernels are.
 */
export function enableRelaxedSimd(): void {
  const version: string | undefined = globalThis.process?.versions?.v8;
  // Another engine, or a `process` that is a stand-in: whether its kernels compile shows when they are.
  if (version === undefined) return;
  const [major, minor] = version.split('.').map(Number);
  if (major > SHIPPED[0] || (major === SHIPPED[0] && minor >= SHIPPED[1])) return;
  compileRelaxedSimd((use) => {
    for (let left = TRIES; ; left--) {
      setFlagsFromString(`--${FLAG}`);
      try {
        return use();
      } catch (error) {
        if (!(error instanceof WebAssembly.CompileError) || left === 1) throw error;
      } finally {
        setFlagsFromString(`--no-${FLAG}`);
      }
    }
  });
}
