/**
 * The picture one looks at to judge a fit: photo, landmarks, render over photo, shape, albedo, shading side by
 * side. Panels are put together as plain bytes; captions and landmarks are an SVG on top (text as outlines,
 * because the machine may have no fonts).
 */
import sharp from 'sharp';
import type { Image8, ImageF } from '../core/image.ts';
import type { FitPictures } from '../fit/render-fit.ts';
import type { CropTransform } from '../fit/types.ts';
import { blendPixels } from '../kernels/head-pixels.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import { svgText } from '../render/plot/text.ts';
import { resampleCrop } from '../render/resample.ts';

/** What {@link overlayPng} draws. */
export interface OverlayInput {
  readonly photo: Image8;
  /** Part of the photo the panels show, from {@link overlayCrop}. */
  readonly crop: CropTransform;
  /** From `renderFit` for the same crop; its landmarks become red crosses. */
  readonly head: FitPictures;
  /** (68,2) detected landmarks, photo pixels: green dots. */
  readonly detected: ArrayLike<number>;
  /** What the panels are made with; new ones where absent. */
  readonly kernels?: Kernels;
}

/** Width and height of a panel in pixels, unless asked otherwise. */
export const OVERLAY_PANEL_SIZE = 400;

const CAPTION = 30;
const GAP = 6;
// Shading of 1 is no light's maximum: highlights reach some 1.5. Halved on screen, so that 1 is middle grey.
const SHADING_GAIN = 0.5;

/** The part of the photo an overlay shows: that of `crop`, with `size` pixels a side. */
export function overlayCrop(crop: CropTransform, size = OVERLAY_PANEL_SIZE): CropTransform {
  return { origin: crop.origin, scale: (crop.scale * size) / crop.size, size };
}

/** The overlay as a PNG file. */
export async function overlayPng(input: OverlayInput): Promise<Uint8Array> {
  const { crop, head } = input;
  const { size } = crop;
  const kernels = input.kernels ?? (await createKernels());
  const { data: photo } = resampleCrop(input.photo, crop, kernels);
  const plain = blendPixels(kernels, { under: null, over: photo, mask: null });
  const onWhite = ({ data }: ImageF, gain = 1) =>
    blendPixels(kernels, { under: null, over: data, mask: head.mask, gain });
  const panels: readonly (readonly [caption: string, pixels: Uint8Array])[] = [
    ['photo', plain],
    ['landmarks', plain],
    ['render over photo', blendPixels(kernels, { under: photo, over: head.rgb.data, mask: head.mask })],
    ['shape', onWhite(head.shape)],
    ['albedo', onWhite(head.albedo)],
    ['shading', onWhite(head.shading, SHADING_GAIN)],
  ];
  const width = panels.length * size + (panels.length - 1) * GAP;
  const height = size + CAPTION;
  const canvas = Buffer.alloc(width * height * 3, 255);
  panels.forEach(([, pixels], i) => {
    const left = i * (size + GAP);
    for (let y = 0; y < size; y++) {
      canvas.set(pixels.subarray(3 * y * size, 3 * (y + 1) * size), 3 * (y * width + left));
    }
  });
  const captions = panels.map(([caption], i) =>
    svgText(caption, i * (size + GAP) + size / 2, 20, { size: 15, anchor: 'middle', fill: '#222' }),
  );
  const drawings = await Promise.all([
    drawing(width, CAPTION, captions.join('')),
    drawing(size, size, landmarks(input)),
  ]);
  paint(canvas, width, drawings[0], { left: 0, top: size, width, height: CAPTION });
  paint(canvas, width, drawings[1], { left: size + GAP, top: 0, width: size, height: size });
  return sharp(canvas, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();
}

/** An SVG of `content` as RGBA. */
function drawing(width: number, height: number, content: string): Promise<Uint8Array> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`;
  return sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer();
}

/**
 * Lays RGBA over a part of an RGB canvas `across` wide. By hand, because sharp's own composition converts all of the
 * canvas to premultiplied floats: 40 ms for these two small drawings.
 */
function paint(
  canvas: Uint8Array,
  across: number,
  rgba: Uint8Array,
  at: { left: number; top: number; width: number; height: number },
): void {
  for (let y = 0, i = 0; y < at.height; y++)
    for (let x = 0, o = 3 * ((at.top + y) * across + at.left); x < at.width; x++, i += 4, o += 3) {
      const alpha = rgba[i + 3];
      if (alpha === 0) continue;
      for (let c = 0; c < 3; c++) canvas[o + c] += Math.round(((rgba[i + c] - canvas[o + c]) * alpha) / 255);
    }
}

/** Green dots where landmarks were detected, red crosses where the fitted head has them. */
function landmarks({ detected, head, crop }: OverlayInput): string {
  let dots = '';
  for (let i = 0; i < detected.length / 2; i++) {
    const x = (detected[2 * i] - crop.origin[0]) * crop.scale;
    const y = (detected[2 * i + 1] - crop.origin[1]) * crop.scale;
    dots += `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.6" fill="#18e05a" stroke="#063" stroke-width="0.6"/>`;
  }
  let crosses = '';
  for (let i = 0; i < head.landmarks68.length / 2; i++) {
    const [x, y] = head.landmarks68.subarray(2 * i, 2 * i + 2);
    crosses += `M${x.toFixed(1)} ${y.toFixed(1)}m-3.5 -3.5l7 7m0 -7l-7 7`;
  }
  return `${dots}<path d="${crosses}" stroke="#ff2a2a" stroke-width="1.3" fill="none"/>`;
}
