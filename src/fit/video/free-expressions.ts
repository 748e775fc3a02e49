/**
 * Heads whose expressions may take any value: principal components, as FLAME's. Two things hold for them that do not for
 * blend shapes between 0 and 1.
 *
 * What colours say has to count less. In key frames each landmark counts by 1/N, so that colours outweigh them fifty to one,
 * in tracking a hundred to one. Blend shapes bear that: there is hardly a mixture of them that is no face. Components do
 * not: to put a lip's red where a picture has it, the middle of an upper lip was pulled over the teeth, 4 % of the eye distance
 * from where it was drawn, its sides were left open, and eye sockets came out so that an upper lid shut behind the lower.
 * With the shares below a film's landmark error went from 2.9 to 2.2 % of the eye distance, and its colours were met as well.
 *
 * And no component shuts an eye: lids come as far as their landmarks are drawn together, and a hair's breadth is left between
 * them, since landmarks lie on the rims. So shut ones are drawn to overlap by a rim (`detector-bias.ts`).
 */
import type { HeadModel } from '../../model/head-model.ts';

/** Weights of colours over those for blend shapes. */
export interface ColourShares {
  readonly keyFrames: number;
  readonly frames: number;
}

const BLEND_SHAPES: ColourShares = { keyFrames: 1, frames: 1 };
const COMPONENTS: ColourShares = { keyFrames: 1 / 3, frames: 1 / 4 };

/** Whether expressions of `model` may take any value. */
export function hasFreeExpressions({ expressionRange }: Pick<HeadModel, 'expressionRange'>): boolean {
  return expressionRange.some(isEndless);
}

function isEndless(bound: number): boolean {
  return !Number.isFinite(bound);
}

/** How much colours count with `model`. */
export function colourShares(model: Pick<HeadModel, 'expressionRange'>): ColourShares {
  return hasFreeExpressions(model) ? COMPONENTS : BLEND_SHAPES;
}
