/**
 * Images as plain data. Pixel (x, y) covers the square [x, x+1) × [y, y+1): its centre is (x + 0.5, y + 0.5),
 * x to the right, y down. Every image coordinate in the library follows this.
 */

/** 8-bit sRGB picture, RGBA interleaved, row 0 at the top; the browser's `ImageData` is one. */
export interface Image8 {
  readonly width: number;
  readonly height: number;
  /** (height, width, 4) uint8, straight alpha. */
  readonly data: Uint8ClampedArray;
}

/** Float picture with `channels` interleaved planes; colours are sRGB-encoded in [0, 1]. */
export interface ImageF {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** (height, width, channels) float32. */
  readonly data: Float32Array;
}
