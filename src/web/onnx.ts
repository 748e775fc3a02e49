/**
 * onnxruntime-web in a page, fetched from a folder of the page's server when the first network is loaded: it is not
 * part of the bundle, since few pages need its 14 MB.
 */
import { FormatError } from '../core/errors.ts';
import type { OnnxRuntime } from '../perceive/onnx.ts';

/**
 * onnxruntime-web from `baseUrl`, a folder that holds `ort.wasm.bundle.min.mjs` and `ort-wasm-simd-threaded.wasm` of its
 * package's `dist`. Loading a network throws FormatError when one of them cannot be fetched.
 */
export function onnxRuntime(baseUrl: string | URL): OnnxRuntime {
  const base = new URL(baseUrl, globalThis.location?.href);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return {
    async module() {
      const url = new URL('ort.wasm.bundle.min.mjs', base).href;
      try {
        return await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
      } catch (cause) {
        throw new FormatError(
          `${url}: fetching onnxruntime-web failed; serve the file there or pass another base URL`,
          { cause },
        );
      }
    },
    async wasm() {
      const url = new URL('ort-wasm-simd-threaded.wasm', base);
      const response = await fetch(url);
      if (!response.ok) {
        throw new FormatError(
          `${url}: fetching onnxruntime-web failed with HTTP ${response.status}; serve the file there or pass another base URL`,
        );
      }
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
