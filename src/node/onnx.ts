/** onnxruntime-web in Node, from its installed package. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InvalidArgumentError } from '../core/errors.ts';
import type { OnnxRuntime } from '../perceive/onnx.ts';

/**
 * Where Node finds onnxruntime-web; nothing is read before a network is loaded. Loading then throws
 * InvalidArgumentError when the package, an optional dependency, is not installed.
 */
export function onnxRuntime(): OnnxRuntime {
  return {
    module: () => installed(() => import('onnxruntime-web/wasm')),
    wasm: () =>
      installed(() =>
        readFile(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')),
      ),
  };
}

async function installed<T>(get: () => Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause;
    throw new InvalidArgumentError(
      'ONNX networks need the package onnxruntime-web, an optional dependency that is not installed; run: npm install onnxruntime-web@1.30.0',
      { cause },
    );
  }
}
