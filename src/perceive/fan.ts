/**
 * The 68 landmarks of a face by FAN (Bulat and Tzimiropoulos 2017, "How far are we from solving the 2D & 3D face
 * alignment problem?"), the network of the package face-alignment, of which the original took its landmarks.
 *
 * The steps are that package's, since the network was trained with them: a square of 200·scale pixels around a point
 * 0.12 of the box's height above the box's centre, scale = (width + height) / 195; its corners cut to whole pixels in
 * its one-based way (so that the window is about 1/256 of its side smaller and further right and down than the square);
 * 256² by bilinear interpolation of four pixels, however large the window; 68 heat maps of 64². A landmark is the
 * centre of the highest cell moved by a quarter cell towards the higher neighbour on each axis, cells at the map's edge
 * excepted, and goes back to the photo by the square, not by the window. face-alignment then drops the fraction of
 * its pixels: we keep it unless `truncate` is set. The original's demo did not lift the centre: `centreShift: 0`.
 *
 * What is not kept: positions are computed in double precision, and OpenCV's fixed-point interpolation may round a
 * channel the other way by one level.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { checkTensor, loadOnnx, type OnnxContract, type OnnxRuntime } from './onnx.ts';
import type { FaceBox, LandmarkDetector } from './types.ts';

/** How a box becomes a crop, and heat maps landmarks. */
export interface FanOptions {
  /** The crop's centre lies this part of the box's height above the box's centre. */
  readonly centreShift?: number;
  /** Width plus height of a box of scale 1, pixels; 195 for boxes as S3FD draws them. */
  readonly referenceScale?: number;
  /** Drop the fraction of the landmarks' pixels, as face-alignment does. */
  readonly truncate?: boolean;
}

/** Defaults of {@link FanOptions}: face-alignment's, with whole precision. */
export const FAN_DEFAULTS: Required<FanOptions> = { centreShift: 0.12, referenceScale: 195, truncate: false };

/** The original's demo: no lift of the centre, whole pixels. */
export const FAN_ORIGINAL: Required<FanOptions> = { centreShift: 0, referenceScale: 195, truncate: true };

/** Side of the network's input and of its heat maps. */
const INPUT = 256;
const MAP = 64;
const LANDMARKS = 68;
/** Side of the square at scale 1, pixels. */
const UNIT = 200;

const CONTRACT: OnnxContract = {
  kind: 'FAN',
  input: [1, 3, INPUT, INPUT],
  outputs: 1,
  outputsText: `one output or several of which the last is heat maps (1, ${LANDMARKS}, ${MAP}, ${MAP})`,
};

/** The part of a photo that the network sees. */
export interface FanCrop {
  /** Centre and side of the square that landmarks are carried back by, photo pixels. */
  readonly cx: number;
  readonly cy: number;
  readonly side: number;
  /** The window of whole pixels that is shown: [left, right) × [top, bottom), black outside of the photo. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * The crop for a box.
 * @throws {InvalidArgumentError} when the box is not finite or under a pixel
 */
export function fanCrop(box: FaceBox, options: FanOptions = {}): FanCrop {
  const { centreShift, referenceScale } = withDefaults(FAN_DEFAULTS, options);
  const { x, y, width, height } = box;
  const side = (UNIT * (width + height)) / referenceScale;
  const cx = x + width / 2;
  const cy = y + height / 2 - centreShift * height;
  // Pixels 1 and 256 of the crop, counted from 1, in the photo.
  const first = (centre: number) => Math.trunc((1 / INPUT - 0.5) * side + centre);
  const last = (centre: number) => Math.trunc(0.5 * side + centre);
  const crop = { cx, cy, side, left: first(cx), top: first(cy), right: last(cx), bottom: last(cy) };
  if (!(width > 0 && height > 0 && crop.right > crop.left && crop.bottom > crop.top)) {
    throw new InvalidArgumentError(
      `fanCrop: the box x ${x}, y ${y}, width ${width}, height ${height} is too small or not finite; give a face's box in pixels`,
    );
  }
  return crop;
}

/** (3,256,256) float32 RGB in [0, 1], planes, of whole levels: what the network is shown. */
export function fanInput(image: Image8, crop: FanCrop): Float32Array {
  const out = new Float32Array(3 * INPUT * INPUT);
  const xs = linearTaps(crop.left, crop.right);
  const ys = linearTaps(crop.top, crop.bottom);
  const { width, height, data } = image;
  const plane = INPUT * INPUT;
  for (let j = 0; j < INPUT; j++) {
    for (let i = 0; i < INPUT; i++) {
      const o = j * INPUT + i;
      for (let tap = 0; tap < 4; tap++) {
        const x = tap & 1 ? xs.second[i] : xs.first[i];
        const y = tap & 2 ? ys.second[j] : ys.first[j];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const weight =
          (tap & 1 ? xs.weight[i] : 1 - xs.weight[i]) * (tap & 2 ? ys.weight[j] : 1 - ys.weight[j]);
        const p = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) out[c * plane + o] += weight * data[p + c];
      }
      for (let c = 0; c < 3; c++) out[c * plane + o] = Math.round(out[c * plane + o]) / 255;
    }
  }
  return out;
}

/** For every pixel of the crop along one axis: the two photo pixels it lies between and the second one's weight. */
function linearTaps(from: number, to: number) {
  const first = new Int32Array(INPUT);
  const second = new Int32Array(INPUT);
  const weight = new Float64Array(INPUT);
  const length = to - from;
  for (let i = 0; i < INPUT; i++) {
    const at = Math.min(Math.max(((i + 0.5) * length) / INPUT - 0.5, 0), length - 1);
    const low = Math.floor(at);
    first[i] = from + low;
    second[i] = from + Math.min(low + 1, length - 1);
    weight[i] = at - low;
  }
  return { first, second, weight };
}

/** Landmarks out of heat maps. */
export interface FanLandmarks {
  /** (68,2) float32 photo pixels. */
  readonly landmarks68: Float32Array;
  /** (68) the highest value of each map; about 1 where the network is sure. */
  readonly scores: Float32Array;
}

/** Reads (68,64,64) heat maps of `crop`. */
export function decodeHeatmaps(maps: Float32Array, crop: FanCrop, options: FanOptions = {}): FanLandmarks {
  const { truncate } = withDefaults(FAN_DEFAULTS, options);
  const landmarks68 = new Float32Array(2 * LANDMARKS);
  const scores = new Float32Array(LANDMARKS);
  for (let l = 0; l < LANDMARKS; l++) {
    const base = l * MAP * MAP;
    let best = 0;
    for (let i = 1; i < MAP * MAP; i++) if (maps[base + i] > maps[base + best]) best = i;
    const x = best % MAP;
    const y = (best - x) / MAP;
    const peak = base + best;
    const inner = x > 0 && x < MAP - 1 && y > 0 && y < MAP - 1;
    const dx = inner ? 0.25 * Math.sign(maps[peak + 1] - maps[peak - 1]) : 0;
    const dy = inner ? 0.25 * Math.sign(maps[peak + MAP] - maps[peak - MAP]) : 0;
    const px = ((x + 0.5 + dx) / MAP - 0.5) * crop.side + crop.cx;
    const py = ((y + 0.5 + dy) / MAP - 0.5) * crop.side + crop.cy;
    landmarks68[2 * l] = truncate ? Math.trunc(px) : px;
    landmarks68[2 * l + 1] = truncate ? Math.trunc(py) : py;
    scores[l] = maps[peak];
  }
  return { landmarks68, scores };
}

/** A loaded FAN. */
export interface Fan extends LandmarkDetector {
  /** The landmarks with their scores; throws as {@link LandmarkDetector.landmarks68} does. */
  detail(image: Image8, box: FaceBox, options?: { readonly signal?: AbortSignal }): Promise<FanLandmarks>;
}

/**
 * Loads a 2DFAN4 (or any FAN of the same input and output) from the bytes of its ONNX file.
 * @param options where the file came from (`file`, for messages) and how crops are made
 * @throws {FormatError} when the bytes are no such network
 */
export async function loadFan(
  bytes: Uint8Array,
  runtime: OnnxRuntime,
  options: FanOptions & { readonly file?: string } = {},
): Promise<Fan> {
  const network = await loadOnnx(bytes, options.file ?? 'landmark network', CONTRACT, runtime);
  const detail: Fan['detail'] = async (image, box, { signal } = {}) => {
    throwIfAborted(signal);
    const crop = fanCrop(box, options);
    const outputs = await network.run(fanInput(image, crop), [1, 3, INPUT, INPUT]);
    // The package's network answers after each of its four hourglasses; the last is the one meant.
    const last = outputs[outputs.length - 1];
    checkTensor(network, last, [1, LANDMARKS, MAP, MAP]);
    return decodeHeatmaps(last.data, crop, options);
  };
  return {
    detail,
    landmarks68: async (image, box, more) => (await detail(image, box, more)).landmarks68,
    dispose: () => network.dispose(),
  };
}
