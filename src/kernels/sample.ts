/**
 * Bilinear interpolation of a float picture at points, with its derivatives.
 *
 * Pixel centres are at +0.5; coordinates are clamped to the first and last centres, so that the picture goes on
 * with its border colour. The derivative is that of the interpolant: piecewise, taken from the right (lower) cell
 * on a grid line, and zero in a direction that is clamped. NaN coordinates give NaN.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type F32, type Kernels, requireLength, resolveRange, type WorkRange } from './runtime.ts';
import { cutRange } from './tasks.ts';

/** Points worth a task. */
const GRAIN = 512;

/** A float picture in kernel memory. */
export interface WasmImage {
  /** (H,W,C) float32. */
  readonly data: F32;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Derivatives of the sampled values. */
export interface SampleGradient {
  /** (N,C) float32, per pixel to the right. */
  readonly dx: F32;
  /** (N,C) float32, per pixel down. */
  readonly dy: F32;
}

/**
 * out[i] = image at points[i].
 *
 * @param points (N,2) float32 pixels (x, y)
 * @param out (N,C) float32
 * @param gradient also filled in where given
 * @param range points to sample, all by default
 * @throws {InvalidArgumentError} on lengths that do not match, or a picture without pixels
 */
export function sampleBilinear(
  kernels: Kernels,
  image: WasmImage,
  points: F32,
  out: F32,
  gradient?: SampleGradient,
  range?: WorkRange,
): void {
  const { data, width, height, channels } = image;
  const name = 'sampleBilinear';
  requireLength(name, 'image', data, width * height * channels, '(H,W,C)');
  const n = points.length / 2;
  if (!Number.isInteger(n)) requireLength(name, 'points', points, 2 * Math.ceil(n), '(N,2)');
  requireLength(name, 'out', out, n * channels, '(N,C)');
  if (n > 0 && width * height === 0) {
    throw new InvalidArgumentError(`${name}: image must have pixels, got ${width} × ${height}`);
  }
  const [begin, end] = resolveRange(name, range, n);
  if (!gradient) {
    kernels.run(
      'sampleBilinear',
      cutRange(begin, end, 2 * kernels.threads, GRAIN).map(([from, to]) => [
        data.ptr,
        width,
        height,
        channels,
        points.ptr,
        from,
        to,
        out.ptr,
      ]),
    );
    return;
  }
  const { dx, dy } = gradient;
  requireLength(name, 'gradient.dx', dx, n * channels, '(N,C)');
  requireLength(name, 'gradient.dy', dy, n * channels, '(N,C)');
  kernels.raw.sampleBilinearGradient(
    data.ptr,
    width,
    height,
    channels,
    points.ptr,
    begin,
    end,
    out.ptr,
    dx.ptr,
    dy.ptr,
  );
}
