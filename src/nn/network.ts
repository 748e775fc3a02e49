/**
 * A network as a list of layers over volumes, in the order they run. Forward and backward passes are for one example;
 * the memory of all volumes is taken once.
 *
 * Parameters are named, and also one flat array in the order of their making, which is how threads share them, how
 * Adam sees them, and how gradients of a batch are added up.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { createRandom } from '../core/random.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { concatLayer } from './concat-layer.ts';
import { type ConvOptions, convLayer } from './conv-layer.ts';
import { type UpsampleKind, upsampleLayer } from './upsample-layer.ts';
import { createVolume, type Layer, type Parameter, type Volume } from './volume.ts';

/** Name and shape of a parameter. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Layers, their volumes and their parameters. */
export class Network {
  readonly #kernels: Kernels;
  readonly #layers: Layer[] = [];
  readonly #volumes: Volume[] = [];
  readonly #parameters: Parameter[] = [];

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** Parameters in order. */
  get parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /** Numbers in all parameters together. */
  get size(): number {
    return this.#parameters.reduce((sum, p) => sum + p.values.length, 0);
  }

  /** A place for input. */
  input(height: number, width: number, channels: number): Volume {
    const volume = createVolume(this.#kernels, height, width, channels);
    this.#volumes.push(volume);
    return volume;
  }

  /** Appends a convolution. */
  conv(input: Volume, options: ConvOptions): Volume {
    const { layer, output, parameters } = convLayer(this.#kernels, input, options);
    this.#parameters.push(...parameters);
    return this.#add(layer, output);
  }

  /** Appends an enlargement. */
  upsample(input: Volume, factor: number, kind: UpsampleKind): Volume {
    const { layer, output } = upsampleLayer(this.#kernels, input, factor, kind);
    return this.#add(layer, output);
  }

  /** Appends a joining of channels. */
  concat(inputs: readonly Volume[]): Volume {
    const { layer, output } = concatLayer(this.#kernels, inputs);
    return this.#add(layer, output);
  }

  /** Runs all layers. */
  forward(): void {
    for (const layer of this.#layers) layer.forward();
  }

  /** Sets all gradients to zero, those of parameters too. */
  clearGradients(): void {
    for (const { gradient } of [...this.#volumes, ...this.#parameters]) gradient.view.fill(0);
  }

  /** Runs all layers backwards; the gradient of the last volume must be set. */
  backward(): void {
    for (let i = this.#layers.length - 1; i >= 0; i--) this.#layers[i].backward();
  }

  /** Takes parameters from a flat array. @throws {InvalidArgumentError} on another length */
  load(flat: Float32Array): void {
    if (flat.length !== this.size)
      throw new InvalidArgumentError(`Network.load: needs ${this.size} numbers, got ${flat.length}`);
    let at = 0;
    for (const { values } of this.#parameters) {
      values.view.set(flat.subarray(at, at + values.length));
      at += values.length;
    }
    for (const layer of this.#layers) layer.refresh?.();
  }

  /** Copies the gradients of the parameters to a flat array. */
  copyGradients(flat: Float32Array): void {
    let at = 0;
    for (const { gradient } of this.#parameters) {
      flat.set(gradient.view, at);
      at += gradient.length;
    }
  }

  /** Random parameters to start from; the same seed gives the same ones. */
  initialParameters(seed: number): Float32Array {
    const random = createRandom(seed);
    const flat = new Float32Array(this.size);
    let at = 0;
    for (const { values, initialSd } of this.#parameters) {
      if (initialSd > 0) for (let i = 0; i < values.length; i++) flat[at + i] = initialSd * random.normal();
      at += values.length;
    }
    return flat;
  }

  #add(layer: Layer, output: Volume): Volume {
    this.#layers.push(layer);
    this.#volumes.push(output);
    return output;
  }
}
