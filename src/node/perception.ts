/** Face perception in Node: the networks are read from the installed npm package. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadMediapipePerception } from '../perceive/mediapipe.ts';
import type { FacePerception } from '../perceive/types.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';

/**
 * Loads MediaPipe's face networks from `@vladmandic/human`.
 * @throws {FormatError} when a file is damaged; Node's own errors when the package is missing.
 */
export function loadPerception(): Promise<FacePerception> {
  const require = createRequire(import.meta.url);
  // Its main entry is <human>/dist/human.node.js.
  const models = join(dirname(require.resolve('@vladmandic/human')), '..', 'models');
  enableRelaxedSimd();
  return loadMediapipePerception((name) => readFile(join(models, name)));
}
