/**
 * Pictures of a motion, frame by frame, side by side: photo | head over the photo | shape, to judge a track by; for a head
 * that another one drives: photo | head | shape, or head | shape where there is no photo.
 *
 * Made for many frames: the person's model stays in kernel memory, normals and rasters come from there, light is
 * evaluated at vertices and interpolated over pixels (nine harmonics bend little over a millimetre: the largest
 * difference to `render-head.ts`, which evaluates them at pixels, is a few grey levels), and everything is written as
 * bytes at once. 512² with open-head: 4 ms a frame; `renderHead` takes 40.
 */
import type { Camera } from '../../camera/camera.ts';
import { cropCamera } from '../../camera/project.ts';
import { InvalidArgumentError } from '../../core/errors.ts';
import type { Image8 } from '../../core/image.ts';
import { createRasterizeOutput, type RasterizeOutput, rasterize } from '../../kernels/rasterize.ts';
import type { F32, Kernels } from '../../kernels/runtime.ts';
import { buildFans, type Fans, fanNormals, takeFans } from '../../kernels/surface.ts';
import { shBasis } from '../../light/sh.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { poseResident, type ResidentHead, takeHead } from '../../model/resident-head.ts';
import { CLAY, clay } from '../../render/render-head.ts';
import type { TrackedFrame } from './types.ts';

/** What stands side by side: `over` the photo, `beside` it, or the head `alone`. */
export type OverlayLayout = 'over' | 'beside' | 'alone';

/** Panels of a picture. */
export const OVERLAY_PANELS: Readonly<Record<OverlayLayout, number>> = { over: 3, beside: 3, alone: 2 };

/** Grey around a head that stands before no photo. */
const PLAIN = 236;

/** Colours of a vertex: light in red, green and blue, grey of the shape preview. */
const SHADES = 4;
/** Height of the strip that marks frames without a face, as a share of the panel's. */
const STRIP = 0.015;

/** The part of a tracked frame that is drawn. */
export type PaintedFrame = Pick<TrackedFrame, 'expression' | 'pose' | 'camera' | 'light' | 'status'>;

/** Draws one person over the frames of one video. */
export class OverlayPainter {
  /** Pixels of a panel; a picture is {@link OVERLAY_PANELS} times as wide. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly layout: OverlayLayout;
  readonly #kernels: Kernels;
  readonly #head: ResidentHead;
  readonly #fans: Fans;
  readonly #positions: F32;
  readonly #normals: F32;
  readonly #raster: RasterizeOutput;
  /** (V,SHADES). */
  readonly #shades: Float32Array;
  readonly #basis = new Float64Array(9);

  /**
   * @param kernels with memory of its own; it is taken for good
   * @param person model without identity and texture to choose, from `personalModel`
   * @param panel pixels of a panel
   */
  constructor(
    kernels: Kernels,
    person: HeadModel,
    panel: { readonly width: number; readonly height: number },
    layout: OverlayLayout = 'over',
  ) {
    this.width = panel.width;
    this.height = panel.height;
    this.layout = layout;
    const V = person.template.length / 3;
    const every = Uint32Array.from({ length: V }, (_, v) => v);
    this.#kernels = kernels;
    this.#head = takeHead(kernels, person, new Uint32Array(0));
    this.#fans = takeFans(kernels, buildFans(every, person.faces, Int32Array.from(every)));
    this.#positions = kernels.f32(3 * V);
    this.#normals = kernels.f32(4 * V);
    this.#raster = createRasterizeOutput(kernels, panel.width, panel.height);
    this.#shades = new Float32Array(SHADES * V);
  }

  /**
   * Draws one frame.
   * @param photo the frame, as large as a panel; null for a head alone
   * @param scale pixels of a panel per pixel that the frame's camera is in
   * @returns (height, panels·width, 3) uint8 RGB
   */
  paint(photo: Image8 | null, frame: PaintedFrame, scale: number): Uint8Array<ArrayBuffer> {
    const { width, height, layout } = this;
    if ((photo === null) !== (layout === 'alone'))
      throw new InvalidArgumentError(`OverlayPainter: ${layout} needs ${photo ? 'no frame' : 'a frame'}`);
    if (photo && (photo.width !== width || photo.height !== height))
      throw new InvalidArgumentError(
        `OverlayPainter: the frame is ${photo.width} × ${photo.height}, a panel ${width} × ${height}`,
      );
    const panels = OVERLAY_PANELS[layout];
    const out = new Uint8Array(3 * panels * width * height).fill(PLAIN);
    if (photo) copyPhoto(photo, out, panels, layout === 'over');
    if (frame.status === 'lost') {
      markLost(out, width, height, panels);
      return out;
    }
    poseResident(this.#kernels, this.#head, { identity: [], ...frame });
    fanNormals(this.#kernels, this.#fans, this.#head.vertices, this.#normals);
    const camera = cropCamera(frame.camera, [0, 0], scale);
    this.#project(camera);
    this.#shade(frame.light);
    const { positions, faces } = { positions: this.#positions, faces: this.#head.faces };
    const perspective = camera.kind === 'perspective';
    rasterize(this.#kernels, { positions, faces, width, height, cull: 'back', perspective }, this.#raster);
    this.#draw(out);
    return out;
  }

  #project(camera: Camera): void {
    const from = this.#head.vertices.view;
    const to = this.#positions.view;
    const [cx, cy] = camera.principal;
    const [tx, ty, tz] = camera.translation;
    const perspective = camera.kind === 'perspective';
    const k = camera.kind === 'perspective' ? camera.focal : camera.scale;
    for (let i = 0; i < from.length; i += 3) {
      const z = from[i + 2] + tz;
      const q = perspective ? -1 / z : 1;
      to[i] = cx + k * (from[i] + tx) * q;
      to[i + 1] = cy - k * (from[i + 1] + ty) * q;
      to[i + 2] = perspective ? q : z;
    }
  }

  #shade(light: ArrayLike<number>): void {
    const normals = this.#normals.view;
    const shades = this.#shades;
    const basis = this.#basis;
    for (let n = 0, o = 0; n < normals.length; n += 4, o += SHADES) {
      const [x, y, z] = [normals[n], normals[n + 1], normals[n + 2]];
      shBasis(x, y, z, basis);
      for (let c = 0; c < 3; c++) {
        let s = 0;
        for (let j = 0; j < 9; j++) s += light[3 * j + c] * basis[j];
        shades[o + c] = s;
      }
      shades[o + 3] = clay(x, y, z);
    }
  }

  #draw(out: Uint8Array): void {
    const { width, height } = this;
    const { faces, faceUvs, uvs, texture } = this.#head.model;
    const shades = this.#shades;
    const face = this.#raster.faceIndex.view;
    const bary = this.#raster.barycentrics.view;
    const map = texture?.mean;
    const mw = texture?.width ?? 1;
    const mh = texture?.height ?? 1;
    const panels = OVERLAY_PANELS[this.layout];
    const row = 3 * panels * width;
    for (let y = 0, p = 0; y < height; y++) {
      let over = y * row + 3 * (panels - 2) * width;
      for (let x = 0; x < width; x++, p++, over += 3) {
        const f = 3 * face[p];
        const shape = over + 3 * width;
        if (f < 0) {
          out[shape] = out[shape + 1] = out[shape + 2] = 255;
          continue;
        }
        const b0 = bary[3 * p];
        const b1 = bary[3 * p + 1];
        const b2 = bary[3 * p + 2];
        const i0 = SHADES * faces[f];
        const i1 = SHADES * faces[f + 1];
        const i2 = SHADES * faces[f + 2];
        const grey = 255 * (b0 * shades[i0 + 3] + b1 * shades[i1 + 3] + b2 * shades[i2 + 3]);
        out[shape] = Math.min(CLAY[0] * grey, 255);
        out[shape + 1] = Math.min(CLAY[1] * grey, 255);
        out[shape + 2] = Math.min(CLAY[2] * grey, 255);
        const red = b0 * shades[i0] + b1 * shades[i1] + b2 * shades[i2];
        const green = b0 * shades[i0 + 1] + b1 * shades[i1 + 1] + b2 * shades[i2 + 1];
        const blue = b0 * shades[i0 + 2] + b1 * shades[i1 + 2] + b2 * shades[i2 + 2];
        if (!map) {
          out[over] = byte(153 * red);
          out[over + 1] = byte(153 * green);
          out[over + 2] = byte(153 * blue);
          continue;
        }
        // Bilinear, as `sampleMap` has it; written out, since a call per pixel and its array cost as much again.
        const t0 = 2 * faceUvs[f];
        const t1 = 2 * faceUvs[f + 1];
        const t2 = 2 * faceUvs[f + 2];
        const u = (b0 * uvs[t0] + b1 * uvs[t1] + b2 * uvs[t2]) * mw - 0.5;
        const v = (b0 * uvs[t0 + 1] + b1 * uvs[t1 + 1] + b2 * uvs[t2 + 1]) * mh - 0.5;
        const mx = u < 0 ? 0 : u > mw - 1 ? mw - 1 : u;
        const my = v < 0 ? 0 : v > mh - 1 ? mh - 1 : v;
        const ix = mx | 0;
        const iy = my | 0;
        const fx = mx - ix;
        const fy = my - iy;
        const a = 3 * (iy * mw + ix);
        const right = ix < mw - 1 ? 3 : 0;
        const below = iy < mh - 1 ? 3 * mw : 0;
        const w00 = 255 * (1 - fx) * (1 - fy);
        const w10 = 255 * fx * (1 - fy);
        const w01 = 255 * (1 - fx) * fy;
        const w11 = 255 * fx * fy;
        const c = a + below;
        out[over] = byte(red * (w00 * map[a] + w10 * map[a + right] + w01 * map[c] + w11 * map[c + right]));
        out[over + 1] = byte(
          green * (w00 * map[a + 1] + w10 * map[a + right + 1] + w01 * map[c + 1] + w11 * map[c + right + 1]),
        );
        out[over + 2] = byte(
          blue * (w00 * map[a + 2] + w10 * map[a + right + 2] + w01 * map[c + 2] + w11 * map[c + right + 2]),
        );
      }
    }
  }
}

function byte(x: number): number {
  return x < 0 ? 0 : x > 255 ? 255 : x;
}

/** RGBA into the first panel of RGB, and into the second. */
function copyPhoto({ width, height, data }: Image8, out: Uint8Array, panels: number, twice: boolean): void {
  const row = 3 * panels * width;
  for (let y = 0, i = 0; y < height; y++) {
    const start = y * row;
    for (let o = start; o < start + 3 * width; o += 3, i += 4) {
      out[o] = data[i];
      out[o + 1] = data[i + 1];
      out[o + 2] = data[i + 2];
    }
    if (twice) out.copyWithin(start + 3 * width, start, start + 3 * width);
  }
}

/** A red strip over the head's panel; that of the shape white. */
function markLost(out: Uint8Array, width: number, height: number, panels: number): void {
  const row = 3 * panels * width;
  const strip = Math.max(2, Math.round(STRIP * height));
  for (let y = 0; y < height; y++) {
    const head = y * row + 3 * (panels - 2) * width;
    out.fill(255, head + 3 * width, (y + 1) * row);
    if (y >= strip) continue;
    for (let o = head; o < head + 3 * width; o += 3) {
      out[o] = 220;
      out[o + 1] = out[o + 2] = 30;
    }
  }
}
