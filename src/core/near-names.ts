/**
 * Names that someone may have meant: the nearest by edit distance, for error messages. Words of a name in camel case
 * count too: "smyle" is near mouthSmileLeft.
 */

/** Up to `most` of `names` that are near `word` (letter case does not count), nearest first. */
export function nearNames(word: string, names: readonly string[], most = 4): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  return names
    .map((name) => {
      const words = name.split(/(?=[A-Z])|_/).map((part) => part.toLowerCase());
      const whole = editDistance(wanted, name.toLowerCase());
      return { name, distance: Math.min(whole, ...words.map((part) => editDistance(wanted, part) + 0.5)) };
    })
    .filter(({ distance }) => distance <= limit + 0.5)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ name }) => name);
}

/** Levenshtein distance: insertions, deletions and replacements of one letter. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
