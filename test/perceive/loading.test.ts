/** Loading the networks from bytes: missing and damaged files. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { loadMediapipePerception } from '../../src/perceive/mediapipe.ts';

const require = createRequire(import.meta.url);
const models = path.join(path.dirname(require.resolve('@vladmandic/human')), '..', 'models');
const wasm = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));
const fromPackages = (name: string): Promise<Uint8Array> =>
  readFile(path.join(name.endsWith('.wasm') ? wasm : models, name));

describe('loading', () => {
  it('passes on why a file could not be had, and works when it can later on', async () => {
    const failing = (name: string) =>
      name === 'iris.bin' ? Promise.reject(new Error('HTTP 404')) : fromPackages(name);
    await expect(loadMediapipePerception(failing)).rejects.toThrow('HTTP 404');
    const noWasm = (name: string) =>
      name.endsWith('.wasm') ? Promise.reject(new Error('no wasm')) : fromPackages(name);
    // The backend has been started by now: its binary is asked for once in a process.
    (await loadMediapipePerception(noWasm)).dispose();
  });

  it.each([
    ['facemesh.json', () => new TextEncoder().encode('<!doctype html>')],
    ['blazeface.json', () => new TextEncoder().encode('{}')],
    ['facemesh.bin', () => new Uint8Array(10)],
  ])('says which file is damaged: %s', async (damaged, content) => {
    const assets = (name: string) => (name === damaged ? Promise.resolve(content()) : fromPackages(name));
    const failure = loadMediapipePerception(assets);
    await expect(failure).rejects.toThrow(FormatError);
    await expect(failure).rejects.toThrow(damaged.split('.')[0]);
  });
});
