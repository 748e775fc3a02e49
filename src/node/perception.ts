/** Face perception in Node: the networks are read from the installed npm packages. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadMediapipePerception } from '../perceive/mediapipe.ts';
import type { FacePerception } from '../perceive/types.ts';

/**
 * Loads MediaPipe's face networks from `@vladmandic/human` and tfjs' WebAssembly backend from its package.
 * @throws {FormatError} when a file is damaged; Node's own errors when a package is missing.
 */
export function loadPerception(): Promise<FacePerception> {
  const require = createRequire(import.meta.url);
  // Main entries: <human>/dist/human.node.js and <tfjs-backend-wasm>/dist/tf-backend-wasm.node.js.
  const models = join(dirname(require.resolve('@vladmandic/human')), '..', 'models');
  const wasm = dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));
  return loadMediapipePerception((name) => readFile(join(name.endsWith('.wasm') ? wasm : models, name)));
}
