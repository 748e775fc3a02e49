/**
 * An exported head in three.js in headless Chromium: its own loader, the camera of the file, the states by animation.
 * What is seen must be what our renderer sees. Skipped, saying why, where Chromium or its software WebGL is missing.
 * With PHOTOFIT_KEEP=FOLDER the screenshots stay there, to be looked at.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { projectPoints } from '../../src/camera/project.ts';
import { atRest, riggedHeadMesh } from '../../src/fit/head-mesh.ts';
import { renderView } from '../../src/fit/render-view.ts';
import { animatedHeadMesh } from '../../src/fit/video/animated-head.ts';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import type { VideoTrack } from '../../src/fit/video/types.ts';
import { splitAtSeams, writeGlb } from '../../src/io/glb.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel, HeadParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { encodePicture } from '../../src/node/picture-files.ts';
import { albedoPng } from '../../src/node/texture-file.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { makeHeadFit, PHOTO } from '../helpers/open-head-fit.ts';
import { makeTinyTrack } from '../helpers/tiny-track.ts';
import { type StaticServer, serve } from './server.ts';

const CHROMIUM = '/usr/bin/chromium';
const NO_WEBGL = 'Chromium has no WebGL here';
const missing = existsSync(CHROMIUM) ? null : (process.env.PHOTOFIT_NO_CHROMIUM ?? `no ${CHROMIUM}`);

/** What the page gives back. */
interface Seen {
  readonly camera: string;
  readonly animations: string[];
  readonly morphs: string[];
  readonly bones: string[];
  /** RGBA, from the bottom row up. */
  readonly pixels: Uint8Array;
  /** x, y of every vertex of the file, pixels. */
  readonly points: Float32Array;
}

/** As it crosses over: arrays in base64. */
type SeenAsText = Omit<Seen, 'pixels' | 'points'> & { readonly pixels: string; readonly points: string };

const IMAGE = PHOTO;
const CAMERAS: Record<string, Camera> = {
  perspective: { kind: 'perspective', focal: 900, principal: [240, 280], translation: [0.02, -0.03, -0.62] },
  orthographic: { kind: 'orthographic', scale: 1450, principal: [240, 280], translation: [0.02, -0.03, 0] },
};

describe.skipIf(missing)(`a head's GLB in three.js${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let model: HeadModel;
  let params: HeadParams;
  let server: StaticServer;
  let browser: Browser;
  let page: Page;
  let webgl = false;
  let motion: VideoTrack;
  const files: Record<string, Uint8Array> = {};
  const light = new Float32Array(27).fill(3, 0, 3);

  beforeAll(async () => {
    model = await loadHeadModel('open-head');
    params = makeHeadFit(model).params;
    const texturePng = await albedoPng(albedoMap(model.texture!, params.texture));
    for (const [name, camera] of Object.entries(CAMERAS)) {
      const view = { camera, image: IMAGE, light };
      files[`/${name}.glb`] = writeGlb(riggedHeadMesh(model, params, { texturePng, view }));
    }
    motion = makeTinyTrack(model, 7);
    motion = {
      ...{ ...motion, ...IMAGE },
      frames: motion.frames.map((f) => ({
        ...f,
        camera: { ...CAMERAS['perspective'], translation: f.camera.translation },
      })),
    };
    const person = personalModel(model, motion.identity);
    files['/motion.glb'] = writeGlb(animatedHeadMesh(person, motion, { texturePng }));
    const bundled = await build({
      entryPoints: ['test/web/viewer/viewer.js'],
      bundle: true,
      format: 'esm',
      write: false,
      logLevel: 'warning',
    });
    files['/viewer.js'] = bundled.outputFiles[0].contents;
    server = await serve(['test/web/viewer'], files);
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless=new', '--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    });
    page = await browser.newPage({ viewport: IMAGE });
    await page.goto(server.url);
    await page.waitForFunction(() => document.title === 'ready', null, { timeout: 60_000 });
    webgl = await page.evaluate(() => document.createElement('canvas').getContext('webgl2') !== null);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const look = async (name: string, state: string | null, lit = false, time = 0.5): Promise<Seen> => {
    const options = { ...IMAGE, state, time, lit };
    const seen = await page.evaluate(
      ([url, how]) =>
        (window as unknown as { view(url: string, how: unknown): Promise<SeenAsText> }).view(
          url as string,
          how,
        ),
      [`/${name}.glb`, options] as const,
    );
    await keep(`three-${name}-${state ?? 'opened'}${lit ? '-lit' : ''}.png`, await page.screenshot());
    const pixels = Uint8Array.from(Buffer.from(seen.pixels, 'base64'));
    const points = new Float32Array(Uint8Array.from(Buffer.from(seen.points, 'base64')).buffer);
    return { ...seen, pixels, points };
  };

  it.for([
    ['perspective', null],
    ['perspective', 'photo'],
    ['perspective', 'neutral'],
    ['orthographic', 'photo'],
  ] as const)('shows what our renderer shows: %s camera, state %s', async ([name, state], { skip }) => {
    skip(!webgl, NO_WEBGL);
    const seen = await look(name, state);
    const camera = CAMERAS[name];
    const shown = state === 'neutral' ? atRest(params) : params;
    expect(seen.camera).toBe(name === 'perspective' ? 'PerspectiveCamera' : 'OrthographicCamera');

    // Every vertex of the file where the fit has it.
    const truth = projectPoints(camera, poseHead(model, shown).vertices);
    const { vertices } = splitAtSeams(model);
    expect(seen.points).toHaveLength(2 * vertices.length);
    let farthest = 0;
    vertices.forEach((v, i) => {
      const d = [0, 1].map((a) => seen.points[2 * i + a] - truth[3 * v + a]);
      farthest = Math.max(farthest, Math.hypot(...d));
    });
    // A twentieth of a pixel: float32 matrices, dropped displacements under a micrometre.
    expect(farthest).toBeLessThan(0.05);

    const head = { params: shown, camera, light, image: IMAGE };
    const options = { frame: 'photo', size: 560, show: 'albedo', background: null } as const;
    const ours = renderView(await createKernels(), model, head, options);
    await keep(`ours-${name}-${state ?? 'opened'}.png`, await encodePicture(ours, '.png'));
    const { iou, colour } = compare(seen.pixels, ours.data, IMAGE.width, IMAGE.height);
    expect(iou).toBeGreaterThan(0.99);
    // Mean difference of colours in [0, 255]: three.js samples with mipmaps, ours without.
    expect(colour).toBeLessThan(2.5);
  });

  it('plays a motion: at every key each vertex is where the track has it', async ({ skip }) => {
    skip(!webgl, NO_WEBGL);
    const { vertices } = splitAtSeams(model);
    // Not the last key: a clip that repeats is back at its beginning there.
    for (const i of [0, 2, 5]) {
      const frame = motion.frames[i];
      const seen = await look('motion', 'video', false, frame.time - motion.frames[0].time);
      expect(seen.animations).toEqual(['video']);
      const posed = poseHead(model, { identity: motion.identity.identity, ...frame });
      const truth = projectPoints(frame.camera, posed.vertices);
      let farthest = 0;
      vertices.forEach((v, n) => {
        const d = [0, 1].map((a) => seen.points[2 * n + a] - truth[3 * v + a]);
        farthest = Math.max(farthest, Math.hypot(...d));
      });
      expect(farthest).toBeLessThan(0.05);
    }
  });

  it('has states, names and bones; lit, it is a picture to look at', async ({ skip }) => {
    skip(!webgl, NO_WEBGL);
    const seen = await look('perspective', null, true);
    expect(seen.animations).toEqual(['photo', 'neutral']);
    expect(seen.bones).toEqual(['root', 'neck', 'jaw', 'left_eye', 'right_eye']);
    expect(seen.morphs).toEqual(
      expect.arrayContaining(['mouthSmileLeft', 'jawOpen', 'browInnerUp', 'eyeLookUpLeft']),
    );
  });
});

/** Overlap of the outlines, and the mean colour difference where both show the head wholly. */
function compare(three: Uint8Array, ours: Uint8ClampedArray, width: number, height: number) {
  let [both, either, difference] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = 4 * ((height - 1 - y) * width + x);
      const b = 4 * (y * width + x);
      const inside = [three[a + 3] >= 128, ours[b + 3] >= 128];
      if (inside[0] || inside[1]) either++;
      if (!(inside[0] && inside[1])) continue;
      both++;
      for (let c = 0; c < 3; c++) difference += Math.abs(three[a + c] - ours[b + c]) / 3;
    }
  }
  return { iou: both / either, colour: difference / both };
}

async function keep(name: string, png: Uint8Array): Promise<void> {
  const folder = process.env['PHOTOFIT_KEEP'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, name), png);
}
