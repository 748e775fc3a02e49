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
import { yuvPlanes } from '../../kernels/film.ts';
import { type PaintedHead, paintHead, SHADES } from '../../kernels/paint.ts';
import { createRasterizeOutput, type RasterizeOutput, rasterize } from '../../kernels/rasterize.ts';
import type { F32, Kernels, U8 } from '../../kernels/runtime.ts';
import { buildFans, type Fans, fanNormals, takeFans } from '../../kernels/surface.ts';
import { SH_CONSTANTS } from '../../light/sh.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { neckFaces } from '../../model/neck-faces.ts';
import { posedKinds, poseResident, type ResidentHead, takeHead } from '../../model/resident-head.ts';
import { CLAY, clay } from '../../render/render-head.ts';
import { type MouthShade, mouthShade, shadeMouth } from './mouth-shade.ts';
import type { TrackedFrame } from './types.ts';

/** What stands side by side: `over` the photo, `beside` it, or the head `alone`. */
export type OverlayLayout = 'over' | 'beside' | 'alone';

/** Panels of a picture. */
export const OVERLAY_PANELS: Readonly<Record<OverlayLayout, number>> = { over: 3, beside: 3, alone: 2 };

/** Grey around a head that stands before no photo. */
const PLAIN = 236;
/** Skin of a head without texture. */
const SKIN = [153, 153, 153] as const;

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
  readonly #mouth: MouthShade | null;
  readonly #painted: PaintedHead;
  /** RGBA: in kernel memory, where it is painted, and turned into what films take. */
  readonly #picture: U8;

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
    this.#mouth = mouthShade(person);
    const { texture } = person;
    this.#painted = {
      faces: this.#head.faces,
      faceUvs: kernels.u32(person.faceUvs),
      uvs: kernels.f32(person.uvs),
      hidden: kernels.u8(layout === 'over' ? neckFaces(person) : person.faces.length / 3),
      shades: kernels.f32(SHADES * V),
      map: texture && { width: texture.width, height: texture.height, data: kernels.f32(texture.mean) },
      plain: SKIN,
      clay: [255 * CLAY[0], 255 * CLAY[1], 255 * CLAY[2]],
    };
    this.#picture = kernels.u8(4 * OVERLAY_PANELS[layout] * panel.width * panel.height);
  }

  /**
   * Draws one frame.
   * @param photo the frame, as large as a panel; null for a head alone
   * @param scale pixels of a panel per pixel that the frame's camera is in
   * @returns (height, panels·width, 4) uint8 RGBA, opaque
   * @throws {InvalidArgumentError} when `photo` is of another size
   */
  paint(photo: Image8 | null, frame: PaintedFrame, scale: number): Uint8Array<ArrayBuffer> {
    this.#paint(photo, frame, scale);
    return this.#picture.view.slice() as Uint8Array<ArrayBuffer>;
  }

  /** As {@link paint}, as planes of 4:2:0 (`kernels/film.ts`); the picture's sizes must be even. */
  planes(photo: Image8 | null, frame: PaintedFrame, scale: number): Uint8Array<ArrayBuffer> {
    this.#paint(photo, frame, scale);
    return yuvPlanes(this.#kernels, this.#picture, OVERLAY_PANELS[this.layout] * this.width, this.height);
  }

  #paint(photo: Image8 | null, frame: PaintedFrame, scale: number): void {
    const { width, height, layout } = this;
    if ((photo === null) !== (layout === 'alone'))
      throw new InvalidArgumentError(`OverlayPainter: ${layout} needs ${photo ? 'no frame' : 'a frame'}`);
    if (photo && (photo.width !== width || photo.height !== height))
      throw new InvalidArgumentError(
        `OverlayPainter: the frame is ${photo.width} × ${photo.height}, a panel ${width} × ${height}`,
      );
    const panels = OVERLAY_PANELS[layout];
    const { view } = this.#picture;
    const pixels = new Uint32Array(view.buffer, view.byteOffset, view.length / 4);
    fillPanels(photo, pixels, width, height, panels, layout === 'over');
    if (frame.status === 'lost') {
      markLost(pixels, width, height, panels);
      return;
    }
    const kernels = this.#kernels;
    poseResident(kernels, this.#head, { identity: [], ...frame });
    fanNormals(kernels, this.#fans, this.#head.vertices, this.#normals);
    const camera = cropCamera(frame.camera, [0, 0], scale);
    projectResident(kernels, camera, this.#head.vertices, this.#positions);
    shadeVertices(this.#normals.view, frame.light, this.#painted.shades.view);
    if (this.#mouth) shadeMouth(this.#mouth, this.#head.vertices.view, this.#painted.shades.view, SHADES);
    const mesh = { positions: this.#positions, faces: this.#head.faces, kinds: posedKinds(this.#head) };
    const perspective = camera.kind === 'perspective';
    rasterize(kernels, { ...mesh, width, height, cull: 'back', perspective }, this.#raster);
    paintHead(kernels, this.#raster, width, this.#painted, {
      pixels: this.#picture,
      columns: panels * width,
      over: (panels - 2) * width,
      shape: (panels - 1) * width,
      bounds: this.#bounds(),
    });
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
}

/** Light (V,SHADES) at vertices with `normals` (V,4): channel by channel, so that its numbers stay in registers. */
function shadeVertices(normals: Float32Array, light: ArrayLike<number>, out: Float32Array): void {
  for (let c = 0; c < 3; c++) {
    const [l0, l1, l2, l3, l4, l5, l6, l7, l8] = SH_CONSTANTS.map((b, k) => b * light[3 * k + c]);
    for (let n = 0; n < normals.length; n += 4) {
      const x = normals[n];
      const y = normals[n + 1];
      const z = normals[n + 2];
      const straight = l0 + l1 * x + l2 * y + l3 * z;
      out[n + c] =
        straight + (l4 * y + l5 * z) * x + l6 * y * z + l7 * (x * x - y * y) + l8 * (3 * z * z - 1);
    }
  }
  for (let n = 0; n < normals.length; n += 4) out[n + 3] = clay(normals[n], normals[n + 1], normals[n + 2]);
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
