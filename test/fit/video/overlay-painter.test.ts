/** The fast overlay against the renderer that defines what a head looks like. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Image8 } from '../../../src/core/image.ts';
import { OverlayPainter, type PaintedFrame } from '../../../src/fit/video/overlay-painter.ts';
import { personalModel } from '../../../src/fit/video/personal-model.ts';
import { yuvPlanes } from '../../../src/kernels/film.ts';
import { createKernels } from '../../../src/kernels/runtime.ts';
import type { HeadModel, HeadParams } from '../../../src/model/head-model.ts';
import { neckFaces } from '../../../src/model/neck-faces.ts';
import { loadHeadModel } from '../../../src/node/models.ts';
import { makeHeadFit } from '../../helpers/open-head-fit.ts';
import { renderState } from '../../helpers/render-state.ts';

const [W, H] = [120, 140];

describe('OverlayPainter', () => {
  let model: HeadModel;
  let params: HeadParams;
  let painter: OverlayPainter;
  let frame: PaintedFrame;
  const photo: Image8 = {
    width: W,
    height: H,
    data: Uint8ClampedArray.from({ length: 4 * W * H }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256)),
  };

  beforeAll(async () => {
    model = await loadHeadModel('open-head');
    params = makeHeadFit(model).params;
    painter = new OverlayPainter(await createKernels(), personalModel(model, params), {
      width: W,
      height: H,
    });
    const light = Float32Array.from({ length: 27 }, (_, i) => (i < 3 ? 2.6 + 0.2 * i : 0.3 * Math.sin(i)));
    const camera = {
      kind: 'perspective',
      focal: 460,
      principal: [120, 130],
      translation: [0.01, -0.03, -0.6],
    } as const;
    frame = { expression: params.expression, pose: params.pose, camera, light, status: 'tracked' };
  });

  it('shows the frame, the head over it, and its shape, as renderHead draws them', async () => {
    // The camera is in pixels of a frame twice as large as the panel.
    const out = painter.paint(photo, frame, 0.5);
    expect(out).toHaveLength(4 * 3 * W * H);
    expect(painter.planes(photo, frame, 0.5)).toEqual(yuvPlanes(await createKernels(), out, 3 * W, H));
    const camera = {
      kind: 'perspective',
      focal: 230,
      principal: [60, 65],
      translation: [0.01, -0.03, -0.6],
    } as const;
    const truth = renderState(await createKernels(), model, { ...params, light: frame.light, camera }, W, H);
    const neck = neckFaces(model);
    let [inside, colour, shape, differing, hidden] = [0, 0, 0, 0, 0];
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++) {
        const p = y * W + x;
        const at = (panel: number) => 4 * (y * 3 * W + panel * W + x);
        const photoHere = [0, 1, 2].map((c) => photo.data[4 * p + c]);
        expect([...out.subarray(at(0), at(0) + 3)]).toEqual(photoHere);
        const head = truth.raster.faceIndex[p] >= 0;
        const [over, clay] = [1, 2].map((panel) => [...out.subarray(at(panel), at(panel) + 3)]);
        if (!head) {
          // float32 against float64 vertices: a pixel of the outline may belong to the other side.
          if (over.join() !== photoHere.join() || clay.join() !== '255,255,255') differing++;
          continue;
        }
        // Necks are not tracked, and not drawn over the frame.
        if (neck[truth.raster.faceIndex[p]]) {
          hidden++;
          if (over.join() !== photoHere.join()) differing++;
          continue;
        }
        inside++;
        for (let c = 0; c < 3; c++) {
          const clamp = (v: number) => Math.min(255, Math.max(0, 255 * v));
          colour += Math.abs(over[c] - clamp(truth.rgb.data[3 * p + c])) / 3;
          shape += Math.abs(clay[c] - clamp(truth.shape.data[3 * p + c])) / 3;
        }
      }
    expect(inside).toBeGreaterThan(3000);
    expect(hidden).toBeGreaterThan(200);
    expect(differing).toBeLessThan(8);
    // Light at vertices instead of pixels, and bytes cut instead of rounded: half a grey level is the latter's.
    expect(colour / inside).toBeLessThan(1.5);
    expect(shape / inside).toBeLessThan(2);
  });

  it('does not remember the frame before', () => {
    const one = painter.paint(photo, frame, 0.5);
    const other = {
      ...frame,
      expression: frame.expression.map((x) => 0.5 * x),
      light: frame.light.map((x) => 2 * x),
    };
    expect(painter.paint(photo, other, 0.5)).not.toEqual(one);
    expect(painter.paint(photo, frame, 0.5)).toEqual(one);
  });

  it('marks a frame without a face', () => {
    const out = painter.paint(photo, { ...frame, status: 'lost' }, 0.5);
    const pixel = (x: number, y: number) => [...out.subarray(4 * (y * 3 * W + x), 4 * (y * 3 * W + x) + 3)];
    expect(pixel(W + 5, 0)).toEqual([220, 30, 30]);
    expect(pixel(W + 5, 50)).toEqual(pixel(5, 50));
    expect(pixel(2 * W + 60, 60)).toEqual([255, 255, 255]);
  });

  it('refuses frames of another size', () => {
    expect(() => painter.paint({ ...photo, width: W - 1 }, frame, 1)).toThrow(
      /the frame is 119 × 140, a panel 120 × 140/,
    );
  });
});
