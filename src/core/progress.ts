/** Progress of long work, told to whoever asked; the library itself never prints. */

/** One step of progress. */
export interface ProgressEvent {
  /** Stage name, e.g. `perceive`, `landmarks`, `photometric 224`. */
  readonly stage: string;
  /** Fraction of the whole job done, in [0, 1]. */
  readonly fraction: number;
  /** Energy after this step, where the stage minimises one. */
  readonly energy?: number;
}

/** Receives progress; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;
