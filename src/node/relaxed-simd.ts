/** Switches on relaxed SIMD in Node 20, where it works but is behind a flag. */
import { setFlagsFromString } from 'node:v8';

/** Call before `createKernels({ relaxed: true })`; does nothing where relaxed SIMD is on already. */
export function enableRelaxedSimd(): void {
  if (Number(process.versions.node.split('.')[0]) < 22)
    setFlagsFromString('--experimental-wasm-relaxed-simd');
}
