/**
 * Pictures of a motion, frame by frame, side by side: photo | head over the photo | shape, to judge a track by; for a head
 * that another one drives: photo | head | shape, or head | shape where there is no photo.
 *
 * Over a photo the head is drawn without its neck. That is not tracked, it goes with the head, which a person's does not: of a face
 * that looks down it showed beside the jaw.
 *
 * Made for many frames: the person's model stays in kernel memory, normals and rasters come from there, light is
 * evaluated at vertices and interpolated over pixels (nine harmonics bend little over a millimetre: the largest
 * difference to `render-head.ts`, which evaluates them at pixels, is a few grey levels), and everything is written as
 * bytes at once. 512² with open-head: 7 ms a frame; posing and `renderHead`
 * take 30.
 */
import { cropCamera, projectResident } from '../../camera/project.ts';
import { InvalidArgumentError } from '../../core/errors.ts';
import type { Image8 } from '../../core/image.ts';
import { createRasterizeOutput, type RasterizeOutput, rasterize } from '../../kernels/rasterize.ts';
import type { F32, Kernels } from '../../kernels/runtime.ts';
import { buildFans, type Fans, fanNormals, takeFans } from '../../kernels/surface.ts';
import { shBasis } from '../../light/sh.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { neckFaces } from '../../model/neck-faces.ts';
import { posedKinds, poseResident, type ResidentHead, takeHead } from '../../model/resident-head.ts';
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
  /** (F) 1 for faces that are not drawn over a photo. */
  readonly #hidden: Uint8Array;

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
    this.#hidden = layout === 'over' ? neckFaces(person) : new Uint8Array(person.faces.length / 3);
  }

  /**
   * Draws one frame.
   * @param photo the frame, as large as a panel; null for a head alone
   * @param scale pixels of a panel per pixel that the frame's camera is in
   * @param into as large as the picture, its buffer no larger; every byte of it is written. A new array where absent
   * @returns (height, panels·width, 4) uint8 RGBA, opaque
   * @throws {InvalidArgumentError} when `photo` or `into` is of another size
   */
  paint(
    photo: Image8 | null,
    frame: PaintedFrame,
    scale: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    const { width, height, layout } = this;
    if ((photo === null) !== (layout === 'alone'))
      throw new InvalidArgumentError(`OverlayPainter: ${layout} needs ${photo ? 'no frame' : 'a frame'}`);
    if (photo && (photo.width !== width || photo.height !== height))
      throw new InvalidArgumentError(
        `OverlayPainter: the frame is ${photo.width} × ${photo.height}, a panel ${width} × ${height}`,
      );
    const panels = OVERLAY_PANELS[layout];
    const bytes = 4 * panels * width * height;
    const out = into ?? new Uint8Array(bytes);
    if (out.length !== bytes || out.buffer.byteLength !== bytes)
      throw new InvalidArgumentError(
        `OverlayPainter: into must be ${bytes} bytes with a buffer of its own, got ${out.length} of ${out.buffer.byteLength}`,
      );
    const pixels = new Uint32Array(out.buffer);
    fillPanels(photo, pixels, width, height, panels, layout === 'over');
    if (frame.status === 'lost') {
      markLost(pixels, width, height, panels);
      return out;
    }
    poseResident(this.#kernels, this.#head, { identity: [], ...frame });
    fanNormals(this.#kernels, this.#fans, this.#head.vertices, this.#normals);
    const camera = cropCamera(frame.camera, [0, 0], scale);
    projectResident(this.#kernels, camera, this.#head.vertices, this.#positions);
    this.#shade(frame.light);
    const mesh = { positions: this.#positions, faces: this.#head.faces, kinds: posedKinds(this.#head) };
    const perspective = camera.kind === 'perspective';
    rasterize(this.#kernels, { ...mesh, width, height, cull: 'back', perspective }, this.#raster);
    this.#draw(pixels);
    return out;
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

  /** Columns and rows that the head may cover. */
  #bounds(): readonly [number, number, number, number] {
    const points = this.#positions.view;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < points.length; i += 3) {
      left = Math.min(left, points[i]);
      right = Math.max(right, points[i]);
      top = Math.min(top, points[i + 1]);
      bottom = Math.max(bottom, points[i + 1]);
    }
    return [
      Math.max(0, Math.floor(left)),
      Math.max(0, Math.floor(top)),
      Math.min(this.width, Math.ceil(right)),
      Math.min(this.height, Math.ceil(bottom)),
    ];
  }

  #draw(out: Uint32Array): void {
    const { width } = this;
    const { faces, faceUvs, uvs, texture } = this.#head.model;
    const shades = this.#shades;
    const face = this.#raster.faceIndex.view;
    const bary = this.#raster.barycentrics.view;
    const hidden = this.#hidden;
    const map = texture?.mean;
    const mw = texture?.width ?? 1;
    const mh = texture?.height ?? 1;
    const panels = OVERLAY_PANELS[this.layout];
    const [left, top, right, bottom] = this.#bounds();
    for (let y = top; y < bottom; y++) {
      let over = (y * panels + panels - 2) * width + left;
      for (let p = y * width + left, end = y * width + right; p < end; p++, over++) {
        const f = 3 * face[p];
        if (f < 0) continue;
        const b0 = bary[3 * p];
        const b1 = bary[3 * p + 1];
        const b2 = bary[3 * p + 2];
        const i0 = SHADES * faces[f];
        const i1 = SHADES * faces[f + 1];
        const i2 = SHADES * faces[f + 2];
        const grey = 255 * (b0 * shades[i0 + 3] + b1 * shades[i1 + 3] + b2 * shades[i2 + 3]);
        out[over + width] = pack(CLAY[0] * grey, CLAY[1] * grey, CLAY[2] * grey);
        if (hidden[face[p]]) continue;
        const red = b0 * shades[i0] + b1 * shades[i1] + b2 * shades[i2];
        const green = b0 * shades[i0 + 1] + b1 * shades[i1 + 1] + b2 * shades[i2 + 1];
        const blue = b0 * shades[i0 + 2] + b1 * shades[i1 + 2] + b2 * shades[i2 + 2];
        if (!map) {
          out[over] = pack(153 * red, 153 * green, 153 * blue);
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
        const r = a + (ix < mw - 1 ? 3 : 0);
        const below = iy < mh - 1 ? 3 * mw : 0;
        const w00 = 255 * (1 - fx) * (1 - fy);
        const w10 = 255 * fx * (1 - fy);
        const w01 = 255 * (1 - fx) * fy;
        const w11 = 255 * fx * fy;
        const c = a + below;
        const d = r + below;
        out[over] = pack(
          red * (w00 * map[a] + w10 * map[r] + w01 * map[c] + w11 * map[d]),
          green * (w00 * map[a + 1] + w10 * map[r + 1] + w01 * map[c + 1] + w11 * map[d + 1]),
          blue * (w00 * map[a + 2] + w10 * map[r + 2] + w01 * map[c + 2] + w11 * map[d + 2]),
        );
      }
    }
  }
}

/** An opaque pixel of RGBA bytes, as a little-endian number. */
function pack(red: number, green: number, blue: number): number {
  return (byte(red) | (byte(green) << 8) | (byte(blue) << 16) | (255 << 24)) >>> 0;
}

function byte(x: number): number {
  return x < 0 ? 0 : x > 255 ? 255 : x;
}

/** What a picture shows but for the head: the photo once or `twice`, grey behind a head alone, white behind the shape. */
function fillPanels(
  photo: Image8 | null,
  out: Uint32Array,
  width: number,
  height: number,
  panels: number,
  twice: boolean,
): void {
  const row = panels * width;
  // A picture that does not begin at a whole number cannot be seen as numbers where it lies.
  const bytes = photo && (photo.data.byteOffset % 4 === 0 ? photo.data : photo.data.slice());
  const from = bytes && new Uint32Array(bytes.buffer, bytes.byteOffset, width * height);
  const grey = pack(PLAIN, PLAIN, PLAIN);
  for (let y = 0; y < height; y++) {
    const start = y * row;
    if (from) {
      const line = from.subarray(y * width, (y + 1) * width);
      out.set(line, start);
      if (twice) out.set(line, start + width);
    }
    if (!twice) out.fill(grey, start + (panels - 2) * width, start + (panels - 1) * width);
    out.fill(0xffffffff, start + (panels - 1) * width, start + row);
  }
}

/** A red strip over the head's panel. */
function markLost(out: Uint32Array, width: number, height: number, panels: number): void {
  const red = pack(220, 30, 30);
  for (let y = 0; y < Math.max(2, Math.round(STRIP * height)); y++) {
    const head = (y * panels + panels - 2) * width;
    out.fill(red, head, head + width);
  }
}
