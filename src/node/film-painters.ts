/**
 * Who paints the pictures of an overlay's film: threads, or the one that asks. They come as the encoder takes them, planes
 * of 4:2:0 (`kernels/film.ts`) wherever sizes are even.
 */
import { availableParallelism } from 'node:os';
import type { Image8 } from '../core/image.ts';
import {
  OVERLAY_PANELS,
  type OverlayLayout,
  OverlayPainter,
  type PaintedFrame,
} from '../fit/video/overlay-painter.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { startThread, type Thread } from './threads.ts';

/** Most threads that are of use: decoder and encoder work beside them, and take a core of two for themselves. */
const MOST_THREADS = 4;

/** Who paints a film's pictures. */
export interface Painters {
  /** Pixels of a picture. */
  readonly width: number;
  /** Whether pictures come as planes (`kernels/film.ts`), or as RGBA. */
  readonly planes: boolean;
  /** Pictures asked for before the first one is waited for. */
  readonly ahead: number;
  paint(photo: Image8 | null, frame: PaintedFrame, scale: number): Promise<Uint8Array>;
  stop(): Promise<void>;
}

/**
 * Threads that paint; this one where the program runs from its sources, and for none of them.
 * @internal
 */
export async function startPainters(
  person: HeadModel,
  { width, height }: { readonly width: number; readonly height: number },
  layout: OverlayLayout,
  wanted: number = Math.min(Math.max(availableParallelism() - 1, 1), MOST_THREADS),
): Promise<Painters> {
  const panel = { width, height };
  const picture = { width: OVERLAY_PANELS[layout] * width, planes: planesFit(panel, layout) };
  const started = Array.from({ length: wanted }, () => startThread('overlay-worker'));
  const threads = started.filter((thread): thread is Thread => thread !== null);
  if (threads.length === 0) {
    const painter = await filmPainter(person, panel, layout);
    return {
      ...picture,
      ahead: 0,
      paint: async (photo, frame, scale) => painter(photo, frame, scale),
      stop: async () => {},
    };
  }
  const stop = async () => {
    await Promise.all(threads.map((thread) => thread.stop()));
  };
  try {
    await Promise.all(threads.map((thread) => thread.ask('start', { person, panel, layout })));
  } catch (error) {
    await stop();
    throw error;
  }
  let turn = 0;
  return {
    ...picture,
    ahead: 2 * threads.length,
    paint: (photo, { expression, pose, camera, light, status }, scale) => {
      const thread = threads[turn++ % threads.length];
      const frame = { expression, pose, camera, light, status };
      // The picture changes hands, nobody needs it here afterwards; part of a larger buffer is copied.
      const whole = photo && photo.data.byteLength === photo.data.buffer.byteLength;
      const asked = thread.ask(
        'paint',
        { photo, frame, scale },
        // Shared memory (`openThreadedVideo`) needs no moving, and can't be.
        whole && photo.data.buffer instanceof ArrayBuffer ? [photo.data.buffer] : [],
      );
      return asked as Promise<Uint8Array>;
    },
    stop,
  };
}

/** Whether pictures are of even sizes, as planes have to be. */
function planesFit({ width, height }: { width: number; height: number }, layout: OverlayLayout): boolean {
  return (OVERLAY_PANELS[layout] * width) % 2 === 0 && height % 2 === 0;
}

/** Paints a frame as the film takes it. */
export type PaintForFilm = (
  photo: Image8 | null,
  frame: PaintedFrame,
  scale: number,
) => Uint8Array<ArrayBuffer>;

/**
 * A painter on this thread.
 * @internal
 */
export async function filmPainter(
  person: HeadModel,
  panel: { readonly width: number; readonly height: number },
  layout: OverlayLayout,
): Promise<PaintForFilm> {
  const kernels = await createKernels();
  const painter = new OverlayPainter(kernels, person, panel, layout);
  const planes = planesFit(panel, layout);
  return (photo, frame, scale) =>
    planes ? painter.planes(photo, frame, scale) : painter.paint(photo, frame, scale);
}
