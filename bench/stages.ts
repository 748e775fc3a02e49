// Where the time of one fit goes: node scripts/run.mjs bench/stages.ts [--model FILE.head] [--threads N] [--runs N] [PHOTO]
//
// Two tables: the recipe's stages (between progress events; the masks between stages count to the one before) and
// the WebAssembly kernels inside them. The first fit of a process, with everything cold, is given beside the best and
// the median of the further ones. Kernels are timed by wrapping the module's functions, at some 50 ns a call; with
// threads, those that are shared by the call that waits for all of them.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fitPhoto } from '../src/fit/fit-photo.ts';
import { prepareModel } from '../src/fit/prepare.ts';
import { fitMemory } from '../src/fit/resident.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { useThreads } from '../src/node/kernel-workers.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    threads: { type: 'string', default: '1' },
    runs: { type: 'string', default: '15' },
  },
});
const file = positionals[0] ?? 'examples/portrait.jpg';

type Times = Map<string, { ms: number; calls: number }>;
const clock = (times: Times, name: string, ms: number) => {
  const t = times.get(name) ?? { ms: 0, calls: 0 };
  t.ms += ms;
  t.calls++;
  times.set(name, t);
};
async function timed<R>(name: string, times: Times, body: () => R | Promise<R>): Promise<R> {
  const start = performance.now();
  const result = await body();
  clock(times, name, performance.now() - start);
  return result;
}

const once: Times = new Map();
const model = await timed('read model', once, () => readHeadPack(new Uint8Array(readFileSync(values.model))));
const photo = await timed('decode photo', once, () => decodePhoto(file));
const perception = await timed('load networks', once, () => loadPerception());
const [observation] = await timed('perceive, first', once, () => perception.detect(photo.image));
await timed('perceive, again', once, () => perception.detect(photo.image));
const prepared = await timed('prepareModel', once, () => prepareModel(model));
await timed('model into kernel memory', once, () => useThreads(model, { threads: Number(values.threads) }));
const memory = await fitMemory(prepared);

let kernelTimes: Times = new Map();
const raw = memory.kernels.raw as unknown as Record<string, (...args: number[]) => number>;
const wrapped: typeof raw = {};
for (const name of Object.keys(raw))
  wrapped[name] = (...args) => {
    const start = performance.now();
    const result = raw[name](...args);
    clock(kernelTimes, name, performance.now() - start);
    return result;
  };
Object.assign(memory.kernels, { raw: wrapped });
if (memory.kernels.threads > 1) {
  const share = memory.kernels.run.bind(memory.kernels);
  memory.kernels.run = (kernel, calls) => {
    const start = performance.now();
    share(kernel, calls);
    clock(kernelTimes, kernel, performance.now() - start);
  };
}

interface Run {
  readonly total: number;
  readonly cpu: number;
  readonly stages: Times;
  readonly kernels: Times;
}
const runs: Run[] = [];
for (let r = 0; r <= Number(values.runs); r++) {
  kernelTimes = new Map();
  const stages: Times = new Map();
  let last = performance.now();
  let name = 'set-up';
  const cpu = process.cpuUsage();
  const fit = await fitPhoto(photo.image, model, {
    observation,
    focal35mm: photo.focal35mm,
    onProgress: (event) => {
      const now = performance.now();
      clock(stages, name, now - last);
      [last, name] = [now, event.stage];
    },
  });
  const { user, system } = process.cpuUsage(cpu);
  runs.push({ total: fit.timingMs.solve, cpu: (user + system) / 1000, stages, kernels: kernelTimes });
}

const [first, ...rest] = runs;
rest.sort((a, b) => a.total - b.total);
const best = rest[0];
const middle = rest[rest.length >> 1];
const row = (cells: (string | number)[]) =>
  console.log(
    cells
      .map((c, i) => {
        const text = typeof c === 'number' ? c.toFixed(2) : c;
        return i === 0 ? text.padEnd(28) : text.padStart(10);
      })
      .join(''),
  );
const table = (title: string, pick: (run: Run) => Times) => {
  row([title, 'calls', 'first ms', 'best ms', 'median ms']);
  const names = [...pick(best).entries()].sort((a, b) => b[1].ms - a[1].ms).map(([n]) => n);
  for (const n of title === 'stage' ? [...pick(best).keys()] : names)
    row([
      `  ${n}`,
      String(pick(best).get(n)?.calls ?? 0),
      pick(first).get(n)?.ms ?? 0,
      pick(best).get(n)?.ms ?? 0,
      pick(middle).get(n)?.ms ?? 0,
    ]);
  const sum = (run: Run) => [...pick(run).values()].reduce((a, t) => a + t.ms, 0);
  row(['  sum', '', sum(first), sum(best), sum(middle)]);
};
row([`once (${values.model})`, '', 'ms']);
for (const [n, t] of once) row([`  ${n}`, '', t.ms]);
table('stage', (run) => run.stages);
table('kernel', (run) => run.kernels);
row(['solve', '', first.total, best.total, middle.total]);
row(['processor time of it', '', first.cpu, best.cpu, middle.cpu]);
