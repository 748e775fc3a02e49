/** The pool on real threads; they run the built code, which `npm test` builds. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AbortedError, FormatError, InvalidArgumentError, OutOfMemoryError } from '../../src/core/errors.ts';
import { packError, unpackError } from '../../src/node/worker-errors.ts';
import { defaultJobs, shareArrays, WorkerPool, workerModule } from '../../src/node/worker-pool.ts';

const missing = existsSync('dist/node/worker-tasks.js') ? null : 'no dist/: npm run build makes it';
const MODULE = new URL('./fixtures/pool-worker.mjs', import.meta.url);

interface Init {
  readonly refuse?: string;
  readonly shared?: { readonly list: Float32Array };
}
type Input = { readonly do: string } & Record<string, unknown>;

async function startPool(size: number, init: Init = {}) {
  const pool = new WorkerPool<Init, Input, unknown, unknown>(MODULE, size);
  onTestFinished(() => pool.close());
  await pool.start(init);
  return pool;
}

describe.skipIf(missing)(`WorkerPool${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('gives every task its own result, however many there are', async () => {
    const pool = await startPool(2, { shared: shareArrays({ list: Float32Array.of(0.5) }) });
    const events: unknown[] = [];
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        pool.run({ do: 'sum', values: [i, 1] }, { onEvent: (event) => events.push(event) }),
      ),
    );
    expect(results.map((r) => (r as { sum: number }).sum)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1.5),
    );
    expect(events).toEqual(Array(20).fill('sum 2'));
  });

  it('does as many at a time as there are threads', async () => {
    const pool = await startPool(2);
    const order: number[] = [];
    const run = async (ms: number) => void order.push((await pool.run({ do: 'wait', ms })) as number);
    // The long one keeps one thread; both short ones pass it on the other.
    await Promise.all([run(1500), run(20), run(30)]);
    expect(order).toEqual([20, 30, 1500]);
  });

  it('moves what is emitted', async () => {
    const pool = await startPool(1);
    const events: unknown[] = [];
    const left = await pool.run({ do: 'bytes', length: 5 }, { onEvent: (event) => events.push(event) });
    expect(events).toEqual([new Uint8Array(5).fill(7)]);
    expect(left).toBe(0);
  });

  it('moves the arrays of a result when told to, but for shared ones', async () => {
    const pool = await startPool(1, { shared: shareArrays({ list: Float32Array.of(0.5) }) });
    for (const moved of [false, true]) {
      const result = (await pool.run({ do: 'arrays', moved })) as { list: Float32Array[] };
      expect(result.list).toEqual([Float32Array.of(1, 2)]);
      expect(await pool.run({ do: 'left' })).toEqual([moved ? 0 : 2, 1]);
    }
  });

  it('hands errors over with class and cause, and goes on', async () => {
    const pool = await startPool(1);
    const error = await pool.run({ do: 'fail' }).catch((e) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ message: 'a.head: cut short', cause: { code: 'EIO' } });
    expect(await pool.run({ do: 'sum', values: [2] })).toMatchObject({ sum: 2 });
  });

  it('replaces a thread that dies; only its task fails', async () => {
    const pool = await startPool(1);
    const died = pool.run({ do: 'die' });
    const next = pool.run({ do: 'sum', values: [3] });
    await expect(died).rejects.toBeInstanceOf(OutOfMemoryError);
    expect(await next).toMatchObject({ sum: 3, done: 1 });
  });

  it('gives up a task when asked, at work or in line', async () => {
    const pool = await startPool(1);
    const [first, second] = [new AbortController(), new AbortController()];
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const atWork = pool.run({ do: 'until-aborted' }, { signal: first.signal, onEvent: () => begin() });
    const inLine = pool.run({ do: 'sum', values: [] }, { signal: second.signal });
    const after = pool.run({ do: 'sum', values: [4] });
    second.abort();
    await expect(inLine).rejects.toBeInstanceOf(AbortedError);
    await begun;
    first.abort();
    await expect(atWork).rejects.toMatchObject({ name: 'AbortError' });
    expect(await after).toMatchObject({ sum: 4 });
    await expect(pool.run({ do: 'sum', values: [] }, { signal: first.signal })).rejects.toBeInstanceOf(
      AbortedError,
    );
  });

  it('lets one signal end any number of tasks, without a warning of listeners that leak', async () => {
    const warnings: Error[] = [];
    const heed = (warning: Error) => warnings.push(warning);
    process.on('warning', heed);
    onTestFinished(() => void process.off('warning', heed));
    const pool = await startPool(1);
    const stop = new AbortController();
    const tasks = Array.from({ length: 20 }, () =>
      pool.run({ do: 'wait', ms: 60_000 }, { signal: stop.signal }),
    );
    const ends = Promise.allSettled(tasks.slice(1));
    tasks[0].catch(() => {});
    stop.abort();
    for (const end of await ends) expect(end).toMatchObject({ reason: expect.any(AbortedError) });
    // Warnings are told when the promises have been.
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  it('says why when the threads cannot be set up', async () => {
    const pool = new WorkerPool<Init, Input, unknown>(MODULE, 2);
    onTestFinished(() => pool.close());
    const early = pool.run({ do: 'sum', values: [] });
    early.catch(() => {});
    await expect(pool.start({ refuse: 'x.onnx: no network' })).rejects.toThrow('x.onnx: no network');
    await expect(early).rejects.toBeInstanceOf(FormatError);
    const none = new WorkerPool(new URL('./fixtures/none.mjs', import.meta.url), 1);
    onTestFinished(() => none.close());
    await expect(none.start({})).rejects.toThrow(/none\.mjs/);
  });

  it('fails open tasks when closed, and takes no more', async () => {
    const pool = await startPool(1);
    const open = pool.run({ do: 'wait', ms: 60_000 });
    const closed = pool.close();
    await expect(open).rejects.toBeInstanceOf(AbortedError);
    await closed;
    await expect(pool.run({ do: 'wait', ms: 1 })).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe('around the pool', () => {
  it('refuses a size that is none', () => {
    expect(() => new WorkerPool(MODULE, 0)).toThrow(/positive integer/);
  });

  it('shares arrays without changing them', () => {
    const data = {
      name: 'x',
      list: [Float32Array.of(1, 2)],
      map: new Map([['a', Uint8Array.of(3)]]),
      none: null,
    };
    const shared = shareArrays(data);
    expect(shared).toEqual(data);
    expect(shared.list[0].buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(shared.map.get('a')?.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(shareArrays(shared.list[0])).toBe(shared.list[0]);
  });

  it('finds worker modules in built code only', () => {
    expect(workerModule('worker-pool', import.meta.url)).toBeNull();
  });

  it('takes no more jobs than cores', () => {
    expect(defaultJobs()).toBeGreaterThanOrEqual(1);
    expect(defaultJobs()).toBeLessThanOrEqual(availableParallelism());
  });

  it('packs whatever is thrown', () => {
    expect(unpackError(packError('text')).message).toBe('text');
    const system = Object.assign(new Error('no'), { code: 'ENOENT', path: '/a' });
    expect(unpackError(packError(system))).toMatchObject({ code: 'ENOENT', path: '/a', stack: system.stack });
    const other = unpackError(packError(new RangeError('far')));
    expect([other.name, other.message]).toEqual(['RangeError', 'far']);
  });
});
