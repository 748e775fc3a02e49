/** Loading the networks from bytes: missing and damaged files. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { loadMediapipePerception } from '../../src/perceive/mediapipe.ts';
import { PORTRAIT, read } from './pictures.ts';

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

  it('asks for the network that describes faces when a face is described, and again where that failed', async () => {
    const asked: string[] = [];
    let missing = true;
    const perception = await loadMediapipePerception((name) => {
      asked.push(name);
      return missing && name === 'faceres.bin' ? Promise.reject(new Error('HTTP 404')) : fromPackages(name);
    });
    const image = await read(PORTRAIT);
    const [face] = await perception.detect(image);
    expect(asked.filter((name) => name.startsWith('faceres'))).toEqual([]);
    await expect(perception.describe!(image, face)).rejects.toThrow('HTTP 404');
    missing = false;
    const described = await perception.describe!(image, face);
    await perception.describe!(image, face);
    expect(described.length).toBe(1024);
    expect(asked.filter((name) => name === 'faceres.bin').length).toBe(2);
    perception.dispose();
    await expect(perception.describe!(image, face)).rejects.toThrow(/disposed/);
  });
});
