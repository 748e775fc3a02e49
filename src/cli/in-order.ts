/** What is said about jobs that run side by side, in the order of the jobs. */

/** Holds what later jobs say until the earlier ones have ended; the earliest one is heard at once. */
export class InOrder {
  #next = 0;
  readonly #held = new Map<number, (() => void)[]>();
  readonly #ended = new Set<number>();

  /** Says something about job `index`, from 0. */
  say(index: number, message: () => void): void {
    if (index <= this.#next) message();
    else this.#held.set(index, [...(this.#held.get(index) ?? []), message]);
  }

  /** Job `index` has nothing more to say. */
  end(index: number): void {
    this.#ended.add(index);
    while (this.#ended.delete(this.#next)) {
      this.#next++;
      this.#release(this.#next);
    }
  }

  /** Says all that is held, whatever is missing between. */
  flush(): void {
    for (const index of [...this.#held.keys()].sort((a, b) => a - b)) this.#release(index);
  }

  #release(index: number): void {
    const messages = this.#held.get(index) ?? [];
    this.#held.delete(index);
    for (const message of messages) message();
  }
}
