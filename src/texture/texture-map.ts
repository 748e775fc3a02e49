/**
 * A texture map of one person, and how much of it was seen: what fitting many photos gives, what completion takes and
 * gives, and what a texture space is made of.
 */

/** Albedo over a head model's UV map with how well each texel is known. */
export interface TextureMap {
  /** Texels along each side. */
  readonly size: number;
  /** (size,size,3) float32 albedo, sRGB-encoded RGB in [0, 1] (it may leave that range a little). */
  readonly albedo: Float32Array;
  /** (size,size) uint8: 255 seen face on, 0 not seen (or outside the charts). */
  readonly visibility: Uint8Array;
}

/** Many maps, read one at a time so that they need not fit in memory. */
export interface TextureMapSource {
  /** Stable names, in order. */
  readonly names: readonly string[];
  /** Texels along each side of every map. */
  readonly size: number;
  /** Reads map `index`. */
  read(index: number): Promise<TextureMap>;
}
