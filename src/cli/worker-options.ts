/** What a user can ask of `photofit worker`, after parsing. */

/** Options of `photofit worker`. */
export interface WorkerCommandOptions {
  readonly queue: string;
  readonly jobs?: number;
  /** Seconds. */
  readonly lock: number;
  readonly quiet: boolean;
}
