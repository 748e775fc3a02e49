/** Face perception in the browser: the networks are fetched from a folder of the page's server. */
import { FormatError } from '../core/errors.ts';
import { loadMediapipePerception } from '../perceive/mediapipe.ts';
import type { FacePerception } from '../perceive/types.ts';

/**
 * Loads MediaPipe's face networks and tfjs' WebAssembly backend from `baseUrl`, a folder that holds
 * `blazeface.json/.bin`, `facemesh.json/.bin`, `iris.json/.bin`, `faceres.json/.bin` (from `@vladmandic/human/models`) and
 * `tfjs-backend-wasm-simd.wasm`, `tfjs-backend-wasm.wasm` (from `@tensorflow/tfjs-backend-wasm/dist`). FaceRes is only
 * fetched when a face is described, so that photos of one person can be told from a stranger's.
 * @throws {FormatError} when a file cannot be fetched or is damaged.
 */
export function loadPerception(baseUrl: string | URL): Promise<FacePerception> {
  const base = new URL(baseUrl, globalThis.location?.href);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return loadMediapipePerception(async (name) => {
    const url = new URL(name, base);
    const response = await fetch(url);
    if (!response.ok) {
      throw new FormatError(
        `${url}: fetching a face network failed with HTTP ${response.status}; serve the file there or pass another base URL`,
      );
    }
    return new Uint8Array(await response.arrayBuffer());
  });
}
