/**
 * Where the time of a fit goes, function by function: the first photo of a process and the later ones.
 *
 *   npm run bench -- --profile [--runs 5] [--top 30] [PHOTO]
 *
 * Sampled by V8's profiler every 0.2 ms; functions of the kernels carry WebAssembly's numbers, bench/stages.ts has their
 * names. Files that sharp encodes on threads of its own do not appear.
 */
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { measureStages } from './lib/stage-times.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    top: { type: 'string', default: '30' },
  },
});
const file = positionals[0] ?? 'examples/portrait.jpg';
for (const runs of [0, Number(values.runs)]) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  const { once, runs: all } = await measureStages(file, 'models/open-head.head', runs);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();

  const own = new Map<string, number>();
  const names = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(anonymous)'] as const),
  );
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id) ?? '?';
    own.set(name, (own.get(name) ?? 0) + (profile.timeDeltas?.[i] ?? 0) / 1000);
  }
  const photos = runs + 1;
  console.log(`\n${photos === 1 ? 'one photo, cold' : `${photos} photos, the model loaded once more`}`);
  console.log(`  ${[...once].map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', ')}`);
  const last = all.at(-1)!;
  console.log(`  last photo: ${[...last].map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(', ')}`);
  const total = [...own.values()].reduce((a, b) => a + b, 0);
  const top = [...own].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top));
  for (const [name, ms] of top)
    console.log(
      `  ${ms.toFixed(1).padStart(9)} ms  ${((100 * ms) / total).toFixed(1).padStart(5)} %  ${name}`,
    );
}
