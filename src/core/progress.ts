/** Progress of long work, told to whoever asked, and its breaks; the library itself never prints. */

/** One step of progress. */
export interface ProgressEvent {
  /** Stage name, e.g. `perceive`, `landmarks`, `photometric 224`. */
  readonly stage: string;
  /** Fraction of the whole job done, in [0, 1]. */
  readonly fraction: number;
  /** Energy after this step, where the stage minimises one. */
  readonly energy?: number;
  /** What else there is to say of it now, e.g. `120 frames, 31 a second`. */
  readonly detail?: string;
}

/** Receives progress; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;

/** A turn of the event loop: what waits is handled, such as Ctrl-C and a page's other work, which no long computation hears. */
export function eventsHandled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
