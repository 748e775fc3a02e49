/** What a fit is: the values that come out, as plain data that can be stored and read back. */
import type { Camera } from '../camera/camera.ts';
import type { HeadParams } from '../model/head-model.ts';
import type { FaceObservation } from '../perceive/types.ts';

/** One point of the energy curve. */
export interface EnergyPoint {
  /** Stage name, e.g. `rigid`, `landmarks`, `photometric 112`. */
  readonly stage: string;
  /** Iteration within the stage, 0 before its first step. */
  readonly iteration: number;
  /** Sum of all terms; comparable within a stage only, since stages differ in terms and resolution. */
  readonly energy: number;
}

/** How good a fit is, measured after the last step. */
export interface FitMetrics {
  /** Mean distance of the 51 inner landmarks to the detected ones over the outer-eye-corner distance. */
  readonly landmarkNmeInner51: number;
  /** Mean absolute RGB difference between render and photo over skin pixels, colours in [0, 1]. */
  readonly skinL1: number;
  /** Peak signal-to-noise ratio over skin pixels, dB. */
  readonly skinPsnrDb: number;
  /** Number of skin pixels at the finest resolution of the fit. */
  readonly skinPixels: number;
}

/** A square part of the photo, resampled: crop pixel = (photo pixel − origin) · scale. */
export interface CropTransform {
  /** Photo pixels (x, y) of the crop's top left corner. */
  readonly origin: readonly [number, number];
  /** Crop pixels per photo pixel. */
  readonly scale: number;
  /** Width and height of the crop in pixels. */
  readonly size: number;
}

/** Measurements that a fit was given. */
export interface KnownValues {
  readonly focal?: number;
  readonly distance?: number;
  readonly ipd?: number;
}

/** The result of fitting one face in one photo. */
export interface PhotoFit {
  readonly modelName: string;
  readonly modelHash: string;
  readonly params: HeadParams;
  /** In pixels of the full photo. */
  readonly camera: Camera;
  /** (9,3) float32 spherical-harmonics coefficients, RGB columns; see `light/sh.ts`. */
  readonly light: Float32Array;
  /**
   * (25) float32 coefficients of the skin's white gloss in this photo, see `light/gloss.ts`; absent where it shows none, and
   * where none was looked for (`weights.gloss` 0).
   */
  readonly gloss?: Float32Array;
  readonly image: { readonly width: number; readonly height: number };
  readonly observation: FaceObservation;
  /** What was said about the head's size: focal length in pixels of the photo, distances in metres. Absent where nothing was. */
  readonly known?: KnownValues;
  readonly energy: {
    readonly total: number;
    readonly terms: Readonly<Record<string, number>>;
    readonly curve: readonly EnergyPoint[];
  };
  readonly metrics: FitMetrics;
  /** The pixels used as skin, at the finest fit resolution: (size,size) weights 0…255 over `crop`. */
  readonly skin: { readonly crop: CropTransform; readonly mask: Uint8Array };
  readonly timingMs: { readonly perceive: number; readonly solve: number };
  readonly warnings: readonly string[];
}
