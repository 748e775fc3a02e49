/**
 * Which pixels of a face are skin by BiSeNet (Yu et al. 2018), trained on the 19 classes of CelebAMask-HQ, as in
 * face-parsing.PyTorch and the original's demo.
 *
 * The network sees 512², RGB less ImageNet's mean over its deviation, and the class of a pixel is the highest of 19
 * scores. Three ways to frame a face: `aligned`, the default, turned and cut as CelebA-HQ's pictures are (Karras et
 * al. 2018: by eye and mouth centres, which is what it was trained on); `box`, an upright square 1.2 times the face's
 * box as in the original's demo; `photo`, the whole photo stretched to the square, as face-parsing.PyTorch does.
 * Beyond the photo it sees black. The mask goes back to the photo by linear interpolation between 0 and 1, and is
 * 0 outside the frame.
 *
 * The original keeps the classes 1 to 6 and 10 to 13. 6 is glasses, which are not skin: we leave them out.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import { alignedFrame } from './frame.ts';
import { checkTensor, loadOnnx, type OnnxContract, type OnnxRuntime } from './onnx.ts';
import { ImagePyramid } from './pyramid.ts';
import type { FaceObservation, SkinParser } from './types.ts';

/** The 19 classes by number; left and right as CelebAMask-HQ has them. */
export const PARSING_CLASSES = [
  'background',
  'skin',
  'l_brow',
  'r_brow',
  'l_eye',
  'r_eye',
  'eye_g',
  'l_ear',
  'r_ear',
  'ear_r',
  'nose',
  'mouth',
  'u_lip',
  'l_lip',
  'neck',
  'neck_l',
  'cloth',
  'hair',
  'hat',
] as const;

/** How the face is framed and what counts as skin. */
export interface BisenetOptions {
  /** Numbers of the classes that count as skin; see {@link PARSING_CLASSES}. */
  readonly classes?: readonly number[];
  /** What part of the photo the network is shown. */
  readonly framing?: 'aligned' | 'box' | 'photo';
}

/** Defaults of {@link BisenetOptions}. */
export const BISENET_DEFAULTS: Required<BisenetOptions> = {
  classes: [1, 2, 3, 4, 5, 10, 11, 12, 13],
  framing: 'aligned',
};

/** Side of input and output. */
const SIZE = 512;
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];
/** Side of the square over the box's longer side in the original's demo. */
const BOX_MARGIN = 1.2;

const CONTRACT: OnnxContract = {
  kind: 'BiSeNet',
  input: [1, 3, SIZE, SIZE],
  outputs: 1,
  outputsText: `one output or several of which the first is scores (1, ${PARSING_CLASSES.length}, ${SIZE}, ${SIZE})`,
};

/** A rectangle of the photo under any roll: its centre, and its edges as vectors, photo pixels. */
export interface ParsingFrame {
  readonly cx: number;
  readonly cy: number;
  /** The way from its left edge to its right one. */
  readonly right: readonly [number, number];
  /** The way from its top edge to its bottom one. */
  readonly down: readonly [number, number];
}

/**
 * What part of `image` is shown.
 * @throws {InvalidArgumentError} when the face's landmarks or box are not finite or fall into one point
 */
export function parsingFrame(
  image: Image8,
  face: FaceObservation,
  framing: Required<BisenetOptions>['framing'],
): ParsingFrame {
  let frame: ParsingFrame;
  if (framing === 'photo') {
    const { width, height } = image;
    frame = { cx: width / 2, cy: height / 2, right: [width, 0], down: [0, height] };
  } else if (framing === 'box') {
    const { x, y, width, height } = face.box;
    const side = BOX_MARGIN * Math.max(width, height);
    frame = { cx: x + width / 2, cy: y + height / 2, right: [side, 0], down: [0, side] };
  } else {
    const { cx, cy, side, roll } = alignedFrame(face.landmarks68);
    const [x, y] = [side * Math.cos(roll), side * Math.sin(roll)];
    frame = { cx, cy, right: [x, y], down: [-y, x] };
  }
  const area = frame.right[0] * frame.down[1] - frame.right[1] * frame.down[0];
  if (!(area >= 1) || !Number.isFinite(area + frame.cx + frame.cy)) {
    throw new InvalidArgumentError(
      "parsingFrame: the face's landmarks or box are not finite or all in one place; parse a face that was found",
    );
  }
  return frame;
}

/** (3,512,512) float32 planes of the frame, normalised as ImageNet. */
export function parsingInput(image: Image8, frame: ParsingFrame): Float32Array {
  const out = new Float32Array(3 * SIZE * SIZE);
  // A level of the pyramid whose pixels are about as large as the network's, so that shrinking averages.
  const pyramid = new ImagePyramid(image);
  const step = Math.hypot(frame.right[0], frame.right[1]) / SIZE;
  const { width, height, data } = pyramid.level(Math.max(0, Math.round(Math.log2(Math.max(step, 1)))));
  const fx = width / image.width;
  const fy = height / image.height;
  const plane = SIZE * SIZE;
  for (let j = 0; j < SIZE; j++) {
    for (let i = 0; i < SIZE; i++) {
      const u = (i + 0.5) / SIZE - 0.5;
      const v = (j + 0.5) / SIZE - 0.5;
      const x = (frame.cx + u * frame.right[0] + v * frame.down[0]) * fx - 0.5;
      const y = (frame.cy + u * frame.right[1] + v * frame.down[1]) * fy - 0.5;
      const o = j * SIZE + i;
      const inside = x > -0.5 && y > -0.5 && x < width - 0.5 && y < height - 0.5;
      const x0 = Math.min(Math.max(x, 0), width - 1);
      const y0 = Math.min(Math.max(y, 0), height - 1);
      const [xi, yi] = [Math.floor(x0), Math.floor(y0)];
      const [wx, wy] = [x0 - xi, y0 - yi];
      const a = 4 * (yi * width + xi);
      const right = xi + 1 < width ? 4 : 0;
      const below = yi + 1 < height ? 4 * width : 0;
      for (let c = 0; c < 3; c++) {
        const top = data[a + c] * (1 - wx) + data[a + right + c] * wx;
        const bottom = data[a + below + c] * (1 - wx) + data[a + below + right + c] * wx;
        const value = inside ? (top * (1 - wy) + bottom * wy) / 255 : 0;
        out[c * plane + o] = (value - MEAN[c]) / DEVIATION[c];
      }
    }
  }
  return out;
}

/** The highest of 19 scores (19,512,512) of each pixel: (512,512) class numbers. */
export function argmaxClasses(scores: Float32Array): Uint8Array {
  const n = SIZE * SIZE;
  const labels = new Uint8Array(n);
  const best = scores.slice(0, n);
  for (let k = 1; k < PARSING_CLASSES.length; k++) {
    for (let p = 0; p < n; p++) {
      if (scores[k * n + p] > best[p]) {
        best[p] = scores[k * n + p];
        labels[p] = k;
      }
    }
  }
  return labels;
}

/** Mask over a width × height photo: how much of each pixel shows one of `classes`, by the labels (512,512) of `frame`. */
export function maskFromLabels(
  labels: Uint8Array,
  frame: ParsingFrame,
  width: number,
  height: number,
  classes: readonly number[],
): ImageF {
  const chosen = new Uint8Array(256);
  for (const k of classes) chosen[k] = 1;
  const data = new Float32Array(width * height);
  const { cx, cy, right, down } = frame;
  const det = right[0] * down[1] - right[1] * down[0];
  const reachX = (Math.abs(right[0]) + Math.abs(down[0])) / 2;
  const reachY = (Math.abs(right[1]) + Math.abs(down[1])) / 2;
  const endX = Math.min(width, Math.ceil(cx + reachX));
  const endY = Math.min(height, Math.ceil(cy + reachY));
  const at = (i: number, j: number) => chosen[labels[j * SIZE + i]];
  for (let y = Math.max(0, Math.floor(cy - reachY)); y < endY; y++) {
    for (let x = Math.max(0, Math.floor(cx - reachX)); x < endX; x++) {
      const dx = x + 0.5 - cx;
      const dy = y + 0.5 - cy;
      const u = ((dx * down[1] - dy * down[0]) / det + 0.5) * SIZE;
      const v = ((dy * right[0] - dx * right[1]) / det + 0.5) * SIZE;
      if (u < 0 || v < 0 || u >= SIZE || v >= SIZE) continue;
      const px = Math.min(Math.max(u - 0.5, 0), SIZE - 1);
      const py = Math.min(Math.max(v - 0.5, 0), SIZE - 1);
      const [i, j] = [Math.floor(px), Math.floor(py)];
      const [i1, j1] = [Math.min(i + 1, SIZE - 1), Math.min(j + 1, SIZE - 1)];
      const [wx, wy] = [px - i, py - j];
      data[y * width + x] =
        (1 - wy) * ((1 - wx) * at(i, j) + wx * at(i1, j)) + wy * ((1 - wx) * at(i, j1) + wx * at(i1, j1));
    }
  }
  return { width, height, channels: 1, data };
}

/** A loaded BiSeNet. */
export interface Bisenet extends SkinParser {
  /** (512,512) class numbers of what `frame` shows. */
  labels(image: Image8, frame: ParsingFrame): Promise<Uint8Array>;
}

/**
 * Loads a BiSeNet of 19 classes from the bytes of its ONNX file.
 * @param options where the file came from (`file`, for messages), the framing and what counts as skin
 * @throws {FormatError} when the bytes are no such network
 * @throws {InvalidArgumentError} when a class number is out of range, or none is given
 */
export async function loadBisenet(
  bytes: Uint8Array,
  runtime: OnnxRuntime,
  options: BisenetOptions & { readonly file?: string } = {},
): Promise<Bisenet> {
  const { classes, framing } = withDefaults(BISENET_DEFAULTS, options);
  const last = PARSING_CLASSES.length - 1;
  const bad = classes.find((k) => !Number.isInteger(k) || k < 0 || k > last);
  if (bad !== undefined || classes.length === 0) {
    throw new InvalidArgumentError(
      `loadBisenet: classes must be whole numbers from 0 to ${last}, at least one; got ${bad ?? 'none'}`,
    );
  }
  const network = await loadOnnx(bytes, options.file ?? 'parsing network', CONTRACT, runtime);
  const labels: Bisenet['labels'] = async (image, frame) => {
    // The package's network has two auxiliary outputs, used in training only.
    const [scores] = await network.run(parsingInput(image, frame), [1, 3, SIZE, SIZE]);
    checkTensor(network, scores, [1, PARSING_CLASSES.length, SIZE, SIZE]);
    return argmaxClasses(scores.data);
  };
  return {
    labels,
    async skinMask(image, face, { signal } = {}) {
      throwIfAborted(signal);
      const frame = parsingFrame(image, face, framing);
      return maskFromLabels(await labels(image, frame), frame, image.width, image.height, classes);
    },
    dispose: () => network.dispose(),
  };
}
