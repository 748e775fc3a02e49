/** What a command may touch of the outside: two streams and a way to be cancelled. Tests pass their own. */

/** Where text goes; Node's process.stdout and process.stderr are such streams. */
export interface TextStream {
  write(text: string): unknown;
  /** True where a person looks at a terminal that lines can be redrawn on. */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
}

/** The surroundings of a run of the command line. */
export interface CliContext {
  /** Results, and nothing else. */
  readonly stdout: TextStream;
  /** Progress and errors. */
  readonly stderr: TextStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit codes of the command line. */
export const EXIT = {
  ok: 0,
  /** At least one photo (or the whole command) failed. */
  failed: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** Ended by Ctrl-C, as shells have it: 128 + SIGINT. */
  interrupted: 130,
} as const;
