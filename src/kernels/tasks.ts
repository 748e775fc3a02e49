/**
 * Kernel calls that share a piece of work, for whichever threads there are (assembly/tasks.ts has the mechanism).
 *
 * A piece is cut into tasks that write to places of their own, so that results do not depend on who does which. Where
 * sums are split, the cut depends on the size of the work alone, never on the number of threads: one thread or eight,
 * the same bits.
 *
 * What a second thread gains, measured kernel by kernel on 2 busy-free cores, is in docs/kernels.md.
 */
import type { KernelExports } from './exports.ts';

/** Kernels that can be tasks, numbered as in assembly/tasks.ts. */
export const TASK_KERNELS = [
  'gemmSlice',
  'foldBlocks',
  'multiplyBlockRows',
  'surfaceRows',
  'skinRows',
  'rotationRows',
  'blendshapes',
  'skinPoints',
  'rasterizeRows',
  'sampleBilinear',
  'multiplySparse',
  'photometricPart',
  'photometricCost',
  'originalPart',
] as const satisfies readonly (keyof KernelExports)[];

/** Name of a kernel that can be a task. */
export type TaskKernel = (typeof TASK_KERNELS)[number];

/** Arguments of one call: addresses and counts. */
export type TaskArguments = readonly number[];

/**
 * [begin, end) cut into at most `parts` pieces of at least `grain` items; none where there are no items.
 * @param unit cuts are so many items apart: where vectors and what is left over are rounded differently.
 */
export function cutRange(
  begin: number,
  end: number,
  parts: number,
  grain: number,
  unit = 1,
): [number, number][] {
  const count = end - begin;
  const pieces = Math.max(1, Math.min(parts, Math.floor(count / grain)));
  const cuts: [number, number][] = [];
  let from = begin;
  for (let i = 1; i <= pieces; i++) {
    const to = i === pieces ? end : begin + unit * Math.floor((count * i) / pieces / unit);
    if (to > from) cuts.push([from, to]);
    from = to;
  }
  return cuts;
}
