/**
 * Progress of one job after the other on stderr: a redrawn bar with the falling energy and the time left on a
 * terminal, one plain line per finished stage elsewhere (logs, pipes). cli-progress was not used: it is dormant.
 */
import type { ProgressEvent } from '../core/progress.ts';
import type { TextStream } from './context.ts';

const BAR = 20;
const REDRAW_MS = 60;

/** Options of {@link ProgressBar}. */
export interface ProgressBarOptions {
  /** Nothing but {@link ProgressBar.note} is shown. */
  readonly quiet?: boolean;
  /** Milliseconds; tests pass their own clock. */
  readonly now?: () => number;
}

/** Shows the progress of a series of jobs. */
export class ProgressBar {
  readonly #stream: TextStream;
  readonly #quiet: boolean;
  readonly #now: () => number;
  #label = '';
  #started = 0;
  #drawn = Number.NEGATIVE_INFINITY;
  #stage = '';
  #first: number | undefined;
  #last: number | undefined;
  #detail = '';
  #onScreen = false;

  /** @param stream usually stderr; a terminal when its `isTTY` is true. */
  constructor(stream: TextStream, options: ProgressBarOptions = {}) {
    this.#stream = stream;
    this.#quiet = options.quiet ?? false;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Begins a job; `label` stands before everything shown about it. */
  start(label: string): void {
    this.#label = label;
    this.#started = this.#now();
    this.#drawn = Number.NEGATIVE_INFINITY;
    this.#stage = '';
    this.#first = this.#last = undefined;
  }

  /** Takes one step of progress; fits a {@link ProgressListener}. */
  readonly update = (event: ProgressEvent): void => {
    if (this.#quiet) return;
    if (event.stage !== this.#stage) {
      this.#endStage();
      this.#stage = event.stage;
      this.#first = this.#last = undefined;
      this.#drawn = Number.NEGATIVE_INFINITY;
    }
    this.#first ??= event.energy;
    this.#last = event.energy ?? this.#last;
    this.#detail = event.detail ? `, ${event.detail}` : '';
    if (this.#stream.isTTY && this.#now() - this.#drawn >= REDRAW_MS) this.#draw(event.fraction);
  };

  /** Ends the job: takes the bar away. */
  end(): void {
    this.#endStage();
    this.#clear();
  }

  /** Writes a line that stays, above the bar. Shown even when quiet. */
  note(line: string): void {
    this.#clear();
    this.#stream.write(line + '\n');
  }

  #endStage(): void {
    if (!this.#stage || this.#quiet || this.#stream.isTTY) return;
    this.#stream.write(`${this.#label}: ${this.#stage}${this.#detail}${this.#energy()}\n`);
    this.#stage = '';
  }

  #energy(): string {
    if (this.#first === undefined || this.#last === undefined) return '';
    if (this.#first === this.#last) return `, energy ${number(this.#last)}`;
    return `, energy ${number(this.#first)} → ${number(this.#last)}`;
  }

  #draw(fraction: number): void {
    const done = Math.min(1, Math.max(0, fraction));
    const bar = '█'.repeat(Math.round(done * BAR)).padEnd(BAR, '░');
    const elapsed = this.#now() - this.#started;
    const left = done > 0.02 ? `  ${duration((elapsed / done) * (1 - done))} left` : '';
    const percent = `${Math.floor(done * 100)} %`.padStart(5);
    const line = `${this.#label} ${bar} ${percent}${left}  ${this.#stage}${this.#detail}${this.#energy()}`;
    this.#stream.write(`\r\x1b[2K${line.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    this.#onScreen = true;
    this.#drawn = this.#now();
  }

  #clear(): void {
    if (!this.#onScreen) return;
    this.#stream.write('\r\x1b[2K');
    this.#onScreen = false;
  }
}

/** Milliseconds as `0:07` or `1:02:03`, rounded up to seconds. */
export function duration(milliseconds: number): string {
  const all = Math.ceil(milliseconds / 1000);
  const pad = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

/** A number in at most five characters or so. */
function number(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
