/**
 * Face boxes by S3FD (Zhang et al. 2017, "S³FD: single shot scale-invariant face detector"), the detector of the
 * package face-alignment and so of the original's demo.
 *
 * The network sees the photo in BGR less (104, 117, 123), at any size, and answers on six maps of strides 4, 8, … 128:
 * for each cell two class scores (background, face; the first map's three background scores already joined inside
 * the network) and a box relative to the one anchor there, a square of 4 strides' side around the cell's centre, with
 * variances 0.1 (centre) and 0.2 (size). Boxes above the threshold go through greedy suppression, overlaps measured
 * on boxes one pixel larger, as in the package. The package suppresses first and cuts at the threshold afterwards; the
 * outcome is the same, a box is suppressed by better ones only.
 *
 * A photo is shown at its own size up to `maxSide`, larger ones are shrunk: VGG-16 on one thread takes about 10 s for
 * 640² and memory to match. The package has no such limit (`maxSide: Infinity` is its way).
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { resampleCrop } from '../render/resample.ts';
import { checkTensor, loadOnnx, type OnnxContract, type OnnxRuntime } from './onnx.ts';
import type { FaceBox, FaceBoxDetector } from './types.ts';

/** What counts as a face, and how much of a photo is looked at. */
export interface S3fdOptions {
  /** Least score. */
  readonly threshold?: number;
  /** Boxes that overlap a better one by more than this (intersection over union) go. */
  readonly overlap?: number;
  /** Longest side shown to the network, pixels. */
  readonly maxSide?: number;
}

/** Defaults of {@link S3fdOptions}; threshold and overlap are face-alignment's. */
export const S3FD_DEFAULTS: Required<S3fdOptions> = { threshold: 0.5, overlap: 0.3, maxSide: 640 };

const MEAN_BGR = [104, 117, 123];
const LEVELS = 6;
/** Anchor side over stride. */
const ANCHOR = 4;
const CENTRE_VARIANCE = 0.1;
const SIZE_VARIANCE = 0.2;

const CONTRACT: OnnxContract = {
  kind: 'S3FD',
  input: [1, 3, null, null],
  outputs: 2 * LEVELS,
  outputsText: `${2 * LEVELS}: classes (1, 2, H, W) and boxes (1, 4, H, W) for strides 4, 8, 16, 32, 64, 128`,
};

/** One of the six maps as the network gives it. */
export interface S3fdLevel {
  readonly width: number;
  readonly height: number;
  /** (2,H,W) scores before softmax: background, face. */
  readonly classes: Float32Array;
  /** (4,H,W) dx, dy, log width, log height over the variances. */
  readonly boxes: Float32Array;
}

/** Boxes of at least `threshold`, not suppressed, in pixels of the network's input; level k has the stride 2^(k+2). */
export function decodeS3fd(levels: readonly S3fdLevel[], threshold: number): FaceBox[] {
  const found: FaceBox[] = [];
  for (const [k, { width: columns, height: rows, classes, boxes }] of levels.entries()) {
    const stride = 2 ** (k + 2);
    const anchor = ANCHOR * stride;
    const n = columns * rows;
    for (let i = 0; i < n; i++) {
      // Softmax of two.
      const score = 1 / (1 + Math.exp(classes[i] - classes[n + i]));
      if (!(score > threshold)) continue;
      const cx = stride * (0.5 + (i % columns)) + boxes[i] * CENTRE_VARIANCE * anchor;
      const cy = stride * (0.5 + Math.floor(i / columns)) + boxes[n + i] * CENTRE_VARIANCE * anchor;
      const width = anchor * Math.exp(boxes[2 * n + i] * SIZE_VARIANCE);
      const height = anchor * Math.exp(boxes[3 * n + i] * SIZE_VARIANCE);
      // Overflow of a network that is not trained, say; nothing to draw a box around.
      if (!Number.isFinite(width * height) || !(width > 0 && height > 0)) continue;
      found.push({ x: cx - width / 2, y: cy - height / 2, width, height, score });
    }
  }
  return found;
}

/** Greedy non-maximum suppression: the best first, without those that overlap a better one. */
export function suppressBoxes(boxes: readonly FaceBox[], overlap: number): FaceBox[] {
  const kept: FaceBox[] = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score)) {
    if (!kept.some((better) => pixelOverlap(better, box) > overlap)) kept.push(box);
  }
  return kept;
}

/** Intersection over union of boxes whose last pixel counts as well, so each a pixel larger. */
function pixelOverlap(a: FaceBox, b: FaceBox): number {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + 1;
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + 1;
  const common = Math.max(0, w) * Math.max(0, h);
  const area = (box: FaceBox) => (box.width + 1) * (box.height + 1);
  return common / (area(a) + area(b) - common);
}

/** What the network is shown. */
export interface S3fdInput {
  readonly width: number;
  readonly height: number;
  /** Input pixels per photo pixel. */
  readonly scale: number;
  /** (3,H,W) float32 BGR, 0…255 less the mean. */
  readonly data: Float32Array;
}

/** The photo as the network wants it, not larger than `maxSide`; at scale 1 its very pixels. */
export function s3fdInput(image: Image8, maxSide: number): S3fdInput {
  const long = Math.max(image.width, image.height);
  const scale = Math.min(1, maxSide / long);
  const side = Math.max(1, Math.round(long * scale));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const data = new Float32Array(3 * width * height);
  const shrunk = scale < 1 ? resampleCrop(image, { origin: [0, 0], scale, size: side }).data : null;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        const value = shrunk
          ? Math.round(255 * shrunk[3 * (y * side + x) + 2 - c])
          : image.data[4 * (y * width + x) + 2 - c];
        data[(c * height + y) * width + x] = value - MEAN_BGR[c];
      }
    }
  }
  return { width, height, scale, data };
}

/**
 * The photo in the top left corner of an input of the size that an export fixed, the rest of the mean colour.
 * Distances from the top left corner are what boxes are measured by, so nothing else changes.
 */
function padded(input: S3fdInput, width: number, height: number): S3fdInput {
  if (input.width === width && input.height === height) return input;
  const data = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < input.height; y++) {
      const row = (c * input.height + y) * input.width;
      data.set(input.data.subarray(row, row + input.width), (c * height + y) * width);
    }
  }
  return { width, height, scale: input.scale, data };
}

/**
 * Loads an S3FD from the bytes of its ONNX file; its input may be of a fixed size, better of any.
 * @param options where the file came from (`file`, for messages) and what counts as a face
 * @throws {FormatError} when the bytes are no such network
 */
export async function loadS3fd(
  bytes: Uint8Array,
  runtime: OnnxRuntime,
  options: S3fdOptions & { readonly file?: string } = {},
): Promise<FaceBoxDetector> {
  const { threshold, overlap, maxSide } = { ...S3FD_DEFAULTS, ...options };
  const network = await loadOnnx(bytes, options.file ?? 'face detector', CONTRACT, runtime);
  const [, , fixedHeight, fixedWidth] = network.inputShape;
  return {
    async detectBoxes(image, { signal } = {}) {
      throwIfAborted(signal);
      const part = (length: number, fixed: number | null) => (fixed === null ? Infinity : fixed / length);
      const room = Math.min(part(image.width, fixedWidth), part(image.height, fixedHeight));
      const long = Math.max(image.width, image.height);
      // Rounded down, so that the shorter side fits as well.
      const shown = s3fdInput(image, Math.min(maxSide, Math.floor(room * long)));
      const input = padded(shown, fixedWidth ?? shown.width, fixedHeight ?? shown.height);
      const outputs = await network.run(input.data, [1, 3, input.height, input.width]);
      const levels: S3fdLevel[] = [];
      for (let k = 0; k < LEVELS; k++) {
        const [classes, boxes] = [outputs[2 * k], outputs[2 * k + 1]];
        checkTensor(network, classes, [1, 2, null, null]);
        const [, , height, width] = classes.dims;
        checkTensor(network, boxes, [1, 4, height, width]);
        levels.push({ width, height, classes: classes.data, boxes: boxes.data });
      }
      const inverse = 1 / input.scale;
      return suppressBoxes(decodeS3fd(levels, threshold), overlap)
        .map(({ x, y, width, height, score }) => ({
          x: x * inverse,
          y: y * inverse,
          width: width * inverse,
          height: height * inverse,
          score,
        }))
        .sort((a, b) => b.width * b.height - a.width * a.height);
    },
    dispose: () => network.dispose(),
  };
}
