/** What a texture is made from; its solver and what is added to it know nothing else of photos. */
import type { Image8 } from '../core/image.ts';
import type { PhotoFit } from '../fit/types.ts';

/** A fit with the photo it was made from. */
export interface TextureView {
  readonly fit: PhotoFit;
  /** As it was decoded for the fit. */
  readonly photo: Image8;
  /** (V,3) of the fit as posed, where the caller has them. */
  readonly vertices?: Float32Array;
}
