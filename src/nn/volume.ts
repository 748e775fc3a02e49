/**
 * What flows through a network: a picture of channels and the gradient of the loss with respect to it, channels last,
 * in kernel memory. One example at a time: a batch is several examples on several threads or one after the other.
 */
import type { F32, Kernels } from '../kernels/runtime.ts';

/** (H,W,C) float32 values with their gradients. */
export interface Volume {
  readonly height: number;
  readonly width: number;
  /** A multiple of 8. */
  readonly channels: number;
  readonly values: F32;
  /** Layers add to it on the way back. */
  readonly gradient: F32;
}

/** One operation of a network, which knows its inputs and outputs. */
export interface Layer {
  /** Inputs to outputs. */
  forward(): void;
  /** Adds to the gradients of inputs and parameters what the gradients of the outputs say. */
  backward(): void;
  /** Takes over parameters that have changed. */
  refresh?(): void;
}

/** Weights that are learned. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: F32;
  readonly gradient: F32;
  /** Standard deviation of the normal numbers it starts from; 0 for zeros. */
  readonly initialSd: number;
}

/** A volume of zeros. */
export function createVolume(kernels: Kernels, height: number, width: number, channels: number): Volume {
  const n = height * width * channels;
  return { height, width, channels, values: kernels.f32(n), gradient: kernels.f32(n) };
}
