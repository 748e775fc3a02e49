/** Ticks and numbers of plots. */

/** Decades around the values; with 2 and 5 in between where there are few of them. */
export function logTicks(low: number, high: number): { low: number; high: number; marks: number[] } {
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const all: number[] = [];
  for (let d = Math.floor(Math.log10(low)) - 1; d <= Math.ceil(Math.log10(high)) + 1; d++) {
    for (const step of steps) all.push(Number((step * 10 ** d).toPrecision(3)));
  }
  const from = all.findLastIndex((mark) => mark <= low);
  const to = all.findIndex((mark) => mark >= high);
  const marks = all.slice(Math.max(0, from), Math.max(to, from + 1) + 1);
  const every = Math.max(1, Math.ceil(marks.length / 12));
  return { low: marks[0], high: marks[marks.length - 1], marks: marks.filter((_, i) => i % every === 0) };
}

/** Round numbers from 0 to `last`, at most about ten. */
export function linearTicks(last: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
  const step = steps.find((candidate) => last / candidate <= 10) ?? 10 ** Math.ceil(Math.log10(last / 10));
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

/** A tick's label. */
export function formatTick(value: number): string {
  if (value >= 1e5 || value < 1e-3) return value.toExponential().replace('e+', 'e').replace('-', '−');
  return String(value);
}

/** A coordinate. */
export function f(value: number): string {
  return value.toFixed(1);
}
