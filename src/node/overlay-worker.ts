/** The thread that paints overlays; see `film-painters.ts`. */
import type { Image8 } from '../core/image.ts';
import type { OverlayLayout, PaintedFrame } from '../fit/video/overlay-painter.ts';
import type { HeadModel } from '../model/head-model.ts';
import { filmPainter, type PaintForFilm } from './film-painters.ts';
import { serve } from './threads.ts';

let paint: PaintForFilm | null = null;

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
    paint = await filmPainter(person, panel, layout);
    return { value: null };
  },
  paint: ({ photo, frame, scale }: { photo: Image8 | null; frame: PaintedFrame; scale: number }) => {
    const value = paint!(photo, frame, scale);
    return { value, transfer: [value.buffer] };
  },
});
