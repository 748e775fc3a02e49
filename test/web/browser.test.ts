/**
 * The built bundle in headless Chromium: the same photo gives the same fit as in Node. Run through `npm test`,
 * which builds dist/ first; skipped, saying why, where Chromium is missing.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fitPhoto } from '../../src/fit/fit-photo.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import { flamePackInfo } from '../../src/model/flame/pack-info.ts';
import { readHeadPack, writeHeadPack } from '../../src/model/pack.ts';
import { loadFlame } from '../../src/node/flame-files.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhotoBytes } from '../../src/node/photo.ts';
import { serve } from './server.ts';

const CHROMIUM = '/usr/bin/chromium';
const STAND_IN = '../shared/models/flame-standin';
const BUNDLE = 'dist/web/photofit.web.js';
const missing = !existsSync(CHROMIUM)
  ? (process.env.PHOTOFIT_NO_CHROMIUM ?? `no ${CHROMIUM}`)
  : !existsSync(BUNDLE)
    ? `no ${BUNDLE}: npm run build makes it`
    : null;

/** What test/web/page/index.html gives back. */
interface PageFit {
  readonly pixels: string;
  readonly params: Readonly<Record<keyof PhotoFit['params'], number[]>>;
  readonly camera: PhotoFit['camera'];
  readonly light: number[];
  readonly landmarks68: number[];
  readonly metrics: PhotoFit['metrics'];
  readonly stages: string[];
}

/** How a page fits, `fit` of test/web/page/index.html. */
interface PageOptions {
  readonly head?: string;
  readonly threads?: number;
}

/** Fits `png` in a page with the embedded head, or with the pack `head`. */
async function fitInPage(png: Uint8Array, head?: Uint8Array): Promise<PageFit> {
  const files = { '/photo.png': png, ...(head && { '/other.head': head }) };
  const server = await serve(['test/web/page', 'dist/web'], files);
  onTestFinished(() => server.close());
  const { fitPage } = await openPage(server.url);
  return fitPage(head ? { head: '/other.head' } : {});
}

/** The page in Chromium, ready to fit; what it complains of fails the fit. */
async function openPage(url: string) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(url);
  await page
    .getByText('ready')
    .waitFor({ timeout: 60_000 })
    .catch(() => {
      throw new Error(`the page did not start: ${problems.join('; ')}`);
    });
  const fitPage = async (options: PageOptions): Promise<PageFit> => {
    const result = await page.evaluate(
      (given) =>
        (window as unknown as { fit(url: string, options: PageOptions): Promise<PageFit> }).fit(
          '/photo.png',
          given,
        ),
      options,
    );
    expect(problems).toEqual([]);
    return result;
  };
  return { page, fitPage };
}

/** As test/kernels/failing-threads.test.ts: the second thread's scratch memory lies where there is none. */
const TRAP_IN_A_WORKER = `(async () => {
  const { createKernels, startKernelWorker } = await import('/photofit.web.js');
  const kernels = await createKernels({ threads: 2, startWorker: startKernelWorker, mayWait: false });
  const zeros = kernels.f32(64);
  const rows = kernels.u32([0, 1]);
  const row = [rows.ptr, zeros.ptr, zeros.ptr, zeros.ptr, 8, kernels.f32(64).ptr, 0, 1, kernels.f32(64).ptr, 0x7ffffff0];
  const tasks = Array.from({ length: 64 }, () => row);
  for (let run = 0; run < 1000; run++) {
    try {
      kernels.run('multiplyBlockRows', tasks);
    } catch (error) {
      return String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return 'nothing thrown';
})()`;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

function expectSame(page: PageFit, node: PhotoFit, pixels: Uint8ClampedArray): void {
  expect(page.pixels).toBe(createHash('sha256').update(pixels).digest('hex'));
  expect(page.stages.length).toBeGreaterThan(3);
  expect(page.metrics.skinPixels).toBeGreaterThan(1000);
  // The issue's tolerance; parameters are in standard deviations, radians and light units.
  for (const [name, values] of Object.entries(page.params)) {
    const difference = largestDifference(values, node.params[name as keyof PhotoFit['params']] ?? []);
    expect(difference, name).toBeLessThan(1e-3);
  }
  expect(largestDifference(page.light, node.light)).toBeLessThan(1e-3);
  expect(page.camera.kind).toBe(node.camera.kind);
  expect(largestDifference(page.camera.translation, node.camera.translation)).toBeLessThan(1e-3);
}

describe.skipIf(missing)(`in a browser${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('the same photo gives the same fit as in Node', async () => {
    // PNG, so that two JPEG decoders cannot differ.
    const png = await sharp(path.join('examples', 'portrait.jpg')).png().toBuffer();
    const photo = await decodePhotoBytes(png, 'photo.png');
    const perception = await loadPerception();
    onTestFinished(() => perception.dispose());
    const node = await fitPhoto(photo.image, await loadHeadModel(), { perception });
    const page = await fitInPage(png);

    expectSame(page, node, photo.image.data);
  });

  it.skipIf(!existsSync(STAND_IN))(
    `a FLAME pack gives the same fit as in Node${existsSync(STAND_IN) ? '' : ` (skipped: no ${STAND_IN})`}`,
    async () => {
      const flame = await loadFlame(STAND_IN, { identityComponents: 60, expressionComponents: 53 });
      const pack = writeHeadPack(flame, flamePackInfo(flame));
      const png = await sharp(path.join('examples', 'portrait.jpg')).png().toBuffer();
      const photo = await decodePhotoBytes(png, 'photo.png');
      const perception = await loadPerception();
      onTestFinished(() => perception.dispose());
      const node = await fitPhoto(photo.image, await readHeadPack(pack), { perception });
      expectSame(await fitInPage(png, pack), node, photo.image.data);
    },
  );

  it('gives the same bits on two threads, in a page that may share memory', async () => {
    const png = await sharp(path.join('examples', 'portrait.jpg')).png().toBuffer();
    const server = await serve(['test/web/page', 'dist/web'], { '/photo.png': png }, { isolated: true });
    onTestFinished(() => server.close());
    const { page, fitPage } = await openPage(server.url);
    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
    const alone = await fitPage({});
    const before = page.workers().length;
    const shared = await fitPage({ threads: 2 });
    expect(page.workers().length).toBe(before + 1);
    expect(shared).toEqual(alone);
  });

  it('hears of a kernel that traps in a worker of a page', async () => {
    const server = await serve(['test/web/page', 'dist/web'], {}, { isolated: true });
    onTestFinished(() => server.close());
    const { page } = await openPage(server.url);
    expect(await page.evaluate(TRAP_IN_A_WORKER)).toMatch(
      /kernel multiplyBlockRows failed \(thread 1: RuntimeError: memory access out of bounds\)/,
    );
  });

  it('the bundle imports nothing of Node', () => {
    expect(
      readFileSync(BUNDLE, 'utf8').match(/(from\s*|import\s*\(?\s*|require\(\s*)["']node:[a-z/]+["']/g),
    ).toBeNull();
  });
});
