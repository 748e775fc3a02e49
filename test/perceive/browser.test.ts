/** The same perception in Chromium, from a bundle of src/web/perception.ts, gives the landmarks and the descriptor that Node gives. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPerception } from '../../src/node/perception.ts';
import type * as WebPerception from '../../src/web/perception.ts';
import { PORTRAIT, read } from './pictures.ts';

const CHROMIUM = '/usr/bin/chromium';
const skipped =
  process.env['PHOTOFIT_NO_CHROMIUM'] ?? (existsSync(CHROMIUM) ? '' : `no Chromium at ${CHROMIUM}`);

const require = createRequire(import.meta.url);
const models = path.join(path.dirname(require.resolve('@vladmandic/human')), '..', 'models');
const wasm = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));

/** Puts the bundle's exports on the window: vitest rewrites an `import()` inside of `evaluate`. */
const PAGE =
  '<!doctype html><script type="module">import * as p from "/bundle.js"; globalThis.perception = p;</script>';

describe('the bundle', () => {
  it('contains no node: import', async () => {
    const bundle = await bundled();
    expect(bundle.length).toBeGreaterThan(100_000);
    expect(bundle).not.toMatch(/(from|import\(|require\()\s*["']node:/);
  });
});

describe.skipIf(skipped !== '')(`in Chromium${skipped && ` (skipped: ${skipped})`}`, () => {
  let server: Server;
  let browser: Browser;
  let base: string;

  beforeAll(async () => {
    const bundle = await bundled();
    server = createServer(async (request, response) => {
      const name = path.basename(new URL(request.url ?? '/', 'http://localhost').pathname);
      try {
        if (name === 'bundle.js') response.setHeader('content-type', 'text/javascript').end(bundle);
        else if (name === '') response.setHeader('content-type', 'text/html').end(PAGE);
        else response.end(await readFile(path.join(name.endsWith('.wasm') ? wasm : models, name)));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('finds the portrait where Node finds it', async () => {
    const image = await read(PORTRAIT);
    const perception = await loadPerception();
    const [expected] = await perception.detect(image);
    const descriptor = await perception.describe!(image, expected);
    perception.dispose();

    const page = await browser.newPage();
    await page.goto(`${base}/`);
    // The pixels that Node decoded: browsers' JPEG decoders differ by a level here and there.
    const pixels = Buffer.from(image.data).toString('base64');
    const faces = await page.evaluate(
      async ({ pixels, width, height }) => {
        const { loadPerception } = (globalThis as unknown as { perception: typeof WebPerception }).perception;
        const perception = await loadPerception('/assets');
        const data = Uint8ClampedArray.from(atob(pixels), (c) => c.charCodeAt(0));
        const image = new ImageData(data, width, height);
        const faces = await perception.detect(image);
        return Promise.all(
          faces.map(async (f) => ({
            score: f.score,
            landmarks68: [...f.landmarks68],
            mesh: [...f.mesh!],
            descriptor: [...(await perception.describe!(image, f))],
          })),
        );
      },
      { pixels, width: image.width, height: image.height },
    );
    expect(faces.length).toBe(1);
    // The same WebAssembly and the same arithmetic; transcendental functions may differ in the last bit.
    expect(faces[0].score).toBeCloseTo(expected.score, 5);
    for (let i = 0; i < 136; i++)
      expect(Math.abs(faces[0].landmarks68[i] - expected.landmarks68[i])).toBeLessThan(0.01);
    for (let i = 0; i < 478 * 3; i++)
      expect(Math.abs(faces[0].mesh[i] - expected.mesh![i])).toBeLessThan(0.01);
    const alike = faces[0].descriptor.reduce((sum, x, i) => sum + x * descriptor[i], 0);
    expect(alike).toBeGreaterThan(0.9999);
  });

  it('says which file could not be fetched', async () => {
    const page = await browser.newPage();
    await page.goto(`${base}/`);
    const message = await page.evaluate(async () => {
      const { loadPerception } = (globalThis as unknown as { perception: typeof WebPerception }).perception;
      const fetched = globalThis.fetch;
      globalThis.fetch = (input, init) =>
        String(input).endsWith('/iris.bin')
          ? Promise.resolve(new Response('', { status: 404 }))
          : fetched(input, init);
      return loadPerception(new URL('/assets/', location.href)).then(
        () => 'loaded',
        (error: Error) => `${error.name}: ${error.message}`,
      );
    });
    expect(message).toMatch(/^FormatError: http.*\/assets\/iris\.bin: .*404/);
  });
});

async function bundled(): Promise<string> {
  const result = await build({
    entryPoints: ['src/web/perception.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  });
  return result.outputFiles[0].text;
}
