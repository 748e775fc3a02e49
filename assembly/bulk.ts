// Fills and copies for tasks, which other threads run on a memory that this one may just have grown. memory.fill and
// memory.copy are held against the size that a thread last heard of: in V8 a worker trapped in one of some 130 fits,
// because it had not heard of the last growth yet. Plain loads and stores are not.

/** Stores `value` (four equal words) over `bytes`, a multiple of 4. */
export function fillWords(to: usize, value: v128, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, value);
  for (; to < end; to += 4) store<i32>(to, i32x4.extract_lane(value, 0));
}

/** Copies `bytes`, a multiple of 4, between places that do not overlap. */
export function copyWords(to: usize, from: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<i32>(to, load<i32>(from));
}
