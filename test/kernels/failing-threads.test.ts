// A kernel that traps, or whose thread is gone, once left the fit waiting for ever: it must end in an error.
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { createKernelsSync, type KernelOptions, type Kernels } from '../../src/kernels/runtime.ts';
import { startKernelWorker } from '../../src/node/kernel-workers.ts';

/** A row that no memory holds: the kernel traps in whichever thread has scratch memory there. */
const BEYOND = 0x7ffffff0;

function create(options: KernelOptions): Kernels {
  const kernels = createKernelsSync({ threads: 2, startWorker: startKernelWorker, ...options });
  onTestFinished(() => kernels.close());
  return kernels;
}

/**
 * Calls multiplyBlockRows as 64 tasks over one vertex of its own each; where scratch memory of other threads than the
 * first is `scratchBytes` away.
 */
function multiply(kernels: Kernels, scratchBytes: number): void {
  const vertices = 64;
  const n = 64;
  kernels.scope(() => {
    const rowStart = kernels.u32(Array.from({ length: vertices + 1 }, (_, i) => i));
    const neighbours = kernels.u32(
      Array.from({ length: 2 * vertices }, (_, i) => (i % 2 ? 2 * (i >> 1) : i >> 1)),
    );
    const folded = kernels.f32(16 * vertices);
    const p = kernels.f32(4 * vertices * n);
    const y = kernels.f32(4 * vertices * n);
    const scratch = kernels.f32(200);
    const row = [rowStart.ptr, neighbours.ptr, folded.ptr, p.ptr, n, y.ptr];
    kernels.run(
      'multiplyBlockRows',
      Array.from({ length: vertices }, (_, i) => [...row, i, i + 1, scratch.ptr, scratchBytes]),
    );
  });
}

/** Which thread takes a task is chance, and at first the others are not up: long, where processors are busy. */
async function untilItThrows(body: () => void): Promise<unknown> {
  for (let run = 0; ; run++) {
    try {
      body();
    } catch (error) {
      return error;
    }
    if (run % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it.each([
  ['that sleeps meanwhile', { mayWait: true }],
  ["that may not sleep, a page's", { mayWait: false }],
])('a trap in a worker reaches the thread that waits for it, one %s', async (_, options) => {
  const kernels = create({ ...options, threads: 3 });
  multiply(kernels, 80);
  const error = await untilItThrows(() => multiply(kernels, BEYOND));
  expect(String(error)).toMatch(
    /kernel multiplyBlockRows failed \(thread [12]: RuntimeError: memory access out of bounds\); try again: later calls are made on one thread/,
  );
  // The kernels go on alone, with nothing left of the failure.
  expect(kernels.threads).toBe(1);
  multiply(kernels, BEYOND);
});

it('a trap in the calling thread ends the others', () => {
  const kernels = create({});
  const tasks = Array.from({ length: 64 }, () => [BEYOND, BEYOND, BEYOND, BEYOND, 100, 1, 0, 100, BEYOND]);
  expect(() => kernels.run('blendshapes', tasks)).toThrow(
    /kernel blendshapes failed \(thread \d: RuntimeError: memory/,
  );
  expect(kernels.threads).toBe(1);
  multiply(kernels, 80);
});

it('a thread that is gone with its task is given up', async () => {
  // Takes the next task, as assembly/tasks.ts does, and ends without a word.
  const program = `
    const { memory, control } = require('node:worker_threads').workerData;
    const next = new BigInt64Array(memory.buffer, control, 1);
    const count = new Int32Array(memory.buffer, control + 260, 1);
    for (;;) {
      const seen = Atomics.load(next, 0);
      if (Number(seen & 0xffffffffn) >= Atomics.load(count, 0)) continue;
      if (Atomics.compareExchange(next, 0, seen, seen + 1n) === seen) process.exit();
    }`;
  const kernels = create({
    patience: 1,
    startWorker: (data) => {
      const worker = new Worker(program, { eval: true, workerData: data });
      return { terminate: () => void worker.terminate() };
    },
  });
  const error = await untilItThrows(() => multiply(kernels, 80));
  expect(String(error)).toMatch(
    /kernel multiplyBlockRows failed \(a thread has not come back for 1 seconds\)/,
  );
  expect(kernels.threads).toBe(1);
  multiply(kernels, 80);
});
