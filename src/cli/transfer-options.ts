/** What a user can ask of `photofit transfer`, after parsing; the defaults are those of the command line. */
import type { VideoInputOptions } from './track-options.ts';

/** Options of `photofit transfer`. */
export interface TransferCliOptions extends VideoInputOptions {
  /** Folder the result folders go to. */
  readonly out: string;
  /** Coefficients as they are, instead of relative to each one's neutral face. */
  readonly absolute: boolean;
  /** Number of the source's frame that is neutral. */
  readonly neutralFrame?: number;
  readonly pose: 'video' | 'own';
  readonly light: 'own' | 'video';
  /** Head of the fits, where it is not an embedded one. */
  readonly model?: string;
  /** Head to track with, or that a track was made with; that of the first fit unless given. */
  readonly trackModel?: string;
  /** File with the names of expressions that have none. */
  readonly expressionNames?: string;
  readonly face: 'largest' | number;
  readonly film: boolean;
  /** Longest side of the film's panels, pixels. */
  readonly filmSize: number;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
