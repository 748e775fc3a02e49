/** What a user can ask of `photofit space build`, after parsing. */
import type { SpaceFitOptions } from './space-fit-options.ts';

/** Options of `photofit space build`: those of its stages that matter most. */
export interface SpaceBuildOptions extends Omit<SpaceFitOptions, 'out' | 'shard'> {
  /** Texture space to write. */
  readonly out: string;
  /** Work folder; the space's name with `.work` unless given. */
  readonly work?: string;
  /** What the initial space is made from; with `space` absent. */
  readonly from?: string;
  readonly method: 'network' | 'mirror' | 'pca';
  readonly minutes?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly components?: number;
  /** How many times photos are fitted, each time with the space of the time before. */
  readonly rounds: number;
}
