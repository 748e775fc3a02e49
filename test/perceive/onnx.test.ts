/** What a user's ONNX file may have wrong, each named clearly; and the same network in Chromium. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import type * as Photofit from '../../src/index.ts';
import { onnxRuntime } from '../../src/node/onnx.ts';
import { loadBisenet } from '../../src/perceive/bisenet.ts';
import { loadFan } from '../../src/perceive/fan.ts';
import type { OnnxRuntime } from '../../src/perceive/onnx.ts';
import { loadS3fd } from '../../src/perceive/s3fd.ts';
import type * as Web from '../../src/web/onnx.ts';
import { makeFan, makePlanted } from '../helpers/onnx-networks.ts';
import { DOUBLE, OnnxGraph } from '../helpers/onnx-writer.ts';
import { PORTRAIT, paint, read } from './pictures.ts';

const runtime = onnxRuntime();
const GREY = paint(256, 256, () => 120);
const BOX = { x: 60, y: 60, width: 130, height: 130, score: 1 };
const zeros = (...shape: number[]) => ({
  name: 'out',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (e: Error) => e,
  );
  expect(error, error.message).toBeInstanceOf(FormatError);
  return error.message;
}

describe('a file that is no such network', () => {
  const good = makePlanted([1, 3, 256, 256], [zeros(1, 68, 64, 64)]);

  it.each([
    ['empty', new Uint8Array(0), /fan\.onnx \(FAN\): the file is empty/],
    ['text', new TextEncoder().encode('<!doctype html><p>404'), /fan\.onnx \(FAN\): not an ONNX file/],
    ['cut short', good.subarray(0, good.length - 1000), /fan\.onnx \(FAN\): not an ONNX file/],
    [
      'another network',
      makePlanted([1, 3, 512, 512], [zeros(1, 19, 512, 512)]),
      /input image has the shape \(1, 3, 512, 512\), expected \(1, 3, 256, 256\)/,
    ],
    ['of other layout', makePlanted([1, 256, 256, 3], [zeros(1, 68, 64, 64)]), /expected \(1, 3, 256, 256\)/],
    ['of lower rank', makePlanted([3, 256, 256], [zeros(68, 64, 64)]), /expected \(1, 3, 256, 256\)/],
  ])('%s', async (_, bytes, message) => {
    expect(await failure(loadFan(bytes, runtime, { file: 'fan.onnx' }))).toMatch(message);
  });

  it('in double precision, or with two inputs', async () => {
    const double = new OnnxGraph();
    const x = double.input('image', [1, 3, 256, 256], DOUBLE);
    double.node('Identity', [x], {}, ['out']);
    double.output('out', [1, 3, 256, 256], DOUBLE);
    expect(await failure(loadFan(double.bytes(), runtime))).toMatch(
      /input image is float64, expected float32/,
    );

    const two = new OnnxGraph();
    two.node('Add', [two.input('a', [1, 3, 256, 256]), two.input('b', [1, 3, 256, 256])], {}, ['out']);
    two.output('out', [1, 3, 256, 256]);
    expect(await failure(loadFan(two.bytes(), runtime))).toMatch(
      /has 2 inputs \(a, b\), expected one picture/,
    );
  });

  it('with outputs of another network', async () => {
    const fan = await loadFan(makePlanted([1, 3, 256, 256], [zeros(1, 98, 64, 64)]), runtime, {
      file: 'wflw.onnx',
    });
    expect(await failure(fan.landmarks68(GREY, BOX))).toMatch(
      /wflw\.onnx \(FAN\): output out has the shape \(1, 98, 64, 64\), expected \(1, 68, 64, 64\)/,
    );
    fan.dispose();
    const parser = await loadBisenet(makePlanted([1, 3, 512, 512], [zeros(1, 11, 512, 512)]), runtime, {
      framing: 'photo',
    });
    const face = { box: BOX, score: 1, landmarks68: new Float32Array(136), mesh: null };
    expect(await failure(parser.skinMask(GREY, face))).toMatch(
      /\(1, 11, 512, 512\), expected \(1, 19, 512, 512\)/,
    );
    parser.dispose();
    const fewer = makePlanted([1, 3, 'h', 'w'], [zeros(1, 2, 8, 8)]);
    expect(await failure(loadS3fd(fewer, runtime))).toMatch(/has 1 outputs \(out\), expected 12: classes/);
  });

  it('with classes and boxes of S3FD that do not belong together', async () => {
    const mixed = Array.from({ length: 12 }, (_, k) => ({
      ...zeros(1, k % 2 ? 4 : 2, 8, k === 3 ? 7 : 8),
      name: `o${k}`,
    }));
    const detector = await loadS3fd(makePlanted([1, 3, 'h', 'w'], mixed), runtime);
    expect(await failure(detector.detectBoxes(GREY))).toMatch(
      /output o3 has the shape \(1, 4, 8, 7\), expected \(1, 4, 8, 8\)/,
    );
    detector.dispose();
  });

  it('with an input that is declared free but is not', async () => {
    const g = new OnnxGraph();
    const x = g.input('image', ['n', 3, 'h', 'w']);
    g.node('Reshape', [x, g.constant(BigInt64Array.from([1n, 68n, 64n, 64n]), [4])], {}, ['out']);
    g.output('out', [1, 68, 64, 64]);
    const fan = await loadFan(g.bytes(), runtime);
    expect(await failure(fan.landmarks68(GREY, BOX))).toMatch(/fails on an input of \(1, 3, 256, 256\)/);
    fan.dispose();
  });

  it.each([Number.NaN, Infinity])('that answers %d', async (value) => {
    const bad = zeros(1, 68, 64, 64);
    bad.data[12345] = value;
    const fan = await loadFan(makePlanted([1, 3, 256, 256], [bad]), runtime);
    expect(await failure(fan.landmarks68(GREY, BOX))).toMatch(
      new RegExp(`output out holds ${value} at 12345`),
    );
    fan.dispose();
  });
});

describe('the runtime', () => {
  it('is not asked for before a network is loaded, and its absence is said', async () => {
    const absent: OnnxRuntime = {
      module: () => Promise.reject(new InvalidArgumentError('not installed')),
      wasm: () => Promise.reject(new Error('unreachable')),
    };
    await expect(loadFan(new Uint8Array(9), absent)).rejects.toThrow('not installed');
  });

  it('is not imported with the library', async () => {
    const { metafile } = await build({
      entryPoints: ['src/web/index.ts'],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
      outdir: 'unused',
    });
    const files = Object.keys(metafile.inputs);
    expect(files.some((file) => file.endsWith('perceive/onnx.ts'))).toBe(true);
    expect(files.filter((file) => file.includes('onnxruntime'))).toEqual([]);
  });
});

const CHROMIUM = '/usr/bin/chromium';
const skipped =
  process.env['PHOTOFIT_NO_CHROMIUM'] ?? (existsSync(CHROMIUM) ? '' : `no Chromium at ${CHROMIUM}`);

describe.skipIf(skipped !== '')(`in Chromium${skipped && ` (skipped: ${skipped})`}`, () => {
  const network = makeFan({ width: 0.125, stacks: 1 }).bytes;
  let server: Server;
  let browser: Browser;
  let base: string;

  beforeAll(async () => {
    const entry = `export { loadFan } from './src/perceive/fan.ts'; export { onnxRuntime } from './src/web/onnx.ts';`;
    const result = await build({
      stdin: { contents: entry, resolveDir: '.', loader: 'ts' },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
    });
    const page =
      '<!doctype html><script type="module">import * as p from "/bundle.js"; globalThis.photofit = p;</script>';
    server = createServer(async (request, response) => {
      const name = path.basename(new URL(request.url ?? '/', 'http://localhost').pathname);
      const type = (value: string) => response.setHeader('content-type', value);
      try {
        if (name === '') type('text/html').end(page);
        else if (name === 'bundle.js') type('text/javascript').end(result.outputFiles[0].text);
        else if (name === 'fan.onnx') response.end(network);
        else {
          const file = await readFile(path.join('node_modules/onnxruntime-web/dist', name));
          type(name.endsWith('.mjs') ? 'text/javascript' : 'application/wasm').end(file);
        }
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

  it('gives what it gives in Node', async () => {
    const image = await read(PORTRAIT, (s) => s.resize(256, 256));
    const fan = await loadFan(network, runtime);
    const expected = await fan.detail(image, BOX);
    fan.dispose();
    const page = await browser.newPage();
    await page.goto(`${base}/`);
    const pixels = Buffer.from(image.data).toString('base64');
    const got = await page.evaluate(
      async ({ pixels, box }) => {
        const { loadFan, onnxRuntime } = (
          globalThis as unknown as { photofit: Pick<typeof Photofit, 'loadFan'> & typeof Web }
        ).photofit;
        const bytes = new Uint8Array(await (await fetch('/fan.onnx')).arrayBuffer());
        const fan = await loadFan(bytes, onnxRuntime('/onnx'));
        const data = Uint8ClampedArray.from(atob(pixels), (c) => c.charCodeAt(0));
        const { landmarks68, scores } = await fan.detail(new ImageData(data, 256, 256), box);
        fan.dispose();
        return { landmarks68: [...landmarks68], scores: [...scores] };
      },
      { pixels, box: BOX },
    );
    expect(got.landmarks68).toEqual([...expected.landmarks68]);
    got.scores.forEach((score, l) => {
      expect(score).toBeCloseTo(expected.scores[l], 4);
    });
  });

  it('says which file could not be fetched', async () => {
    const page = await browser.newPage();
    await page.goto(`${base}/`);
    const message = await page.evaluate(async () => {
      const { loadFan, onnxRuntime } = (
        globalThis as unknown as { photofit: Pick<typeof Photofit, 'loadFan'> & typeof Web }
      ).photofit;
      const runtime = { ...onnxRuntime('/onnx'), module: onnxRuntime(new URL('/', location.href)).module };
      const fetched = globalThis.fetch;
      globalThis.fetch = (input, init) =>
        String(input).endsWith('.wasm')
          ? Promise.resolve(new Response('', { status: 404 }))
          : fetched(input, init);
      return loadFan(new Uint8Array(9), runtime).then(
        () => 'loaded',
        (error: Error) => `${error.name}: ${error.message}`,
      );
    });
    expect(message).toMatch(/^FormatError: http.*\/onnx\/ort-wasm-simd-threaded\.wasm: .*404/);
  });
});
