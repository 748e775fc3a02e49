/** The thread that paints overlays; see `overlay-film.ts`. */
import type { Image8 } from '../core/image.ts';
import { type OverlayLayout, OverlayPainter, type PaintedFrame } from '../fit/video/overlay-painter.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { serve } from './threads.ts';

let painter: OverlayPainter | null = null;

serve({
  start: async ({
    person,
    panel,
    layout,
  }: {
    person: HeadModel;
    panel: { width: number; height: number };
    layout: OverlayLayout;
  }) => {
    painter = new OverlayPainter(await createKernels(), person, panel, layout);
    return { value: null };
  },
  paint: ({ photo, frame, scale }: { photo: Image8 | null; frame: PaintedFrame; scale: number }) => {
    const value = painter!.paint(photo, frame, scale);
    return { value, transfer: [value.buffer] };
  },
});
