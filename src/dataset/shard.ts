/** Parts of a collection of photos, for runs side by side. */
import { InvalidArgumentError } from '../core/errors.ts';

/** Part `index` (from 1) of `count`, for runs side by side that share the work. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * `i/n` as a shard.
 * @throws {InvalidArgumentError} when it is none
 */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (!(index >= 1 && index <= count))
    throw new InvalidArgumentError(`"${text}" is no shard: give i/n with i from 1 to n, such as 2/8`);
  return { index, count };
}

/** Whether a photo is one of `shard`: by its hash alone, so that photos that come later move no other to another shard. */
export function inShard(hash: string, shard: Shard): boolean {
  return Number.parseInt(hash.slice(0, 12), 16) % shard.count === shard.index - 1;
}
