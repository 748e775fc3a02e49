import { blendshapes } from './blendshapes';
import { gemmSlice } from './gemm';
import { originalPart } from './original';
import { photometricCost, photometricPart } from './photometric';
import { rasterizeRows } from './rasterize';
import { sampleBilinear } from './sample';
import { rotationRows, skinPoints, skinRows } from './skinning';
import { multiplySparse } from './sparse';
import { surfaceRows } from './surface';
import { foldBlocks, multiplyBlockRows } from './vertex-blocks';
import { setWorker } from './worker';

// Fork and join on shared memory: a table of tasks, which the owner and its workers take one after another. Which
// worker takes which task is chance; results do not depend on it, because every task writes to a place of its own.
//
// One word says both which table is open and which task is next, and is only moved on by compare-and-exchange: a
// worker that wakes up late cannot take a task of a table that it has not read. Between tables the word is closed.
// Idle workers look again for some 50 µs, then sleep.
//
// A worker that traps counts its task as done (failTask), so that the owner comes back, and says so in a word that the
// owner's side looks at then. The owner never waits without end: finishTasks returns once in a while for its caller
// to decide.

/** i64: number of the table, next task. */
const NEXT: usize = 0;
/** i32: tasks done. */
const DONE: usize = 64;
/** i32: number of the table; idle workers sleep on it. */
const TABLE: usize = 128;
/** i32: workers asleep. */
const ASLEEP: usize = 192;
/** u32: address of the tasks, how many. */
const TASKS: usize = 256;
const COUNT: usize = 260;
/** i32: 1 ends the workers. */
const STOP: usize = 264;
/** i32: 1 once a worker has failed in a task; what it says of it follows (src/kernels/task-table.ts). */
const FAILED: usize = 268;

const CLOSED: i64 = 0xffffffff;
/** Bytes of a task: kernel, then its arguments. */
const TASK: usize = 96;
const SPINS: i32 = 20000;
/** Waits of a millisecond, looks of a page's main thread: about a second in finishTasks. */
const WAITS: i32 = 1000;
const LOOKS: i32 = 1 << 30;

/** Whether this worker has a task. */
let holding: bool = false;

// @ts-ignore: decorator
@inline
function u(task: usize, i: usize): i32 {
  return load<i32>(task + (i << 2), 4);
}

/** Runs a task; kernels are numbered as in src/kernels/tasks.ts. */
function run(t: usize): void {
  switch (load<i32>(t)) {
    case 0:
      gemmSlice(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9), u(t, 10), u(t, 11));
      break;
    case 1:
      foldBlocks(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6));
      break;
    case 2:
      multiplyBlockRows(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9));
      break;
    case 3:
      surfaceRows(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9), u(t, 10), u(t, 11), u(t, 12), u(t, 13), u(t, 14));
      break;
    case 4:
      skinRows(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9), u(t, 10), u(t, 11), u(t, 12), u(t, 13));
      break;
    case 5:
      rotationRows(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9), u(t, 10), u(t, 11), u(t, 12), u(t, 13), u(t, 14), u(t, 15), u(t, 16));
      break;
    case 6:
      blendshapes(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8));
      break;
    case 7:
      skinPoints(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7));
      break;
    case 8:
      rasterizeRows(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9), u(t, 10), u(t, 11));
      break;
    case 9:
      sampleBilinear(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7));
      break;
    case 10:
      multiplySparse(u(t, 0), u(t, 1), u(t, 2), u(t, 3), u(t, 4), u(t, 5), u(t, 6), u(t, 7), u(t, 8), u(t, 9));
      break;
    case 11:
      photometricPart(u(t, 0), u(t, 1), u(t, 2));
      break;
    case 12:
      photometricCost(u(t, 0), u(t, 1), u(t, 2), u(t, 3));
      break;
    case 13:
      originalPart(u(t, 0), u(t, 1), u(t, 2));
      break;
  }
}

/** Runs tasks of the open table until none is left. */
function takeTasks(control: usize, helper: bool): void {
  while (true) {
    const seen = atomic.load<i64>(control + NEXT);
    const index = <u32>seen;
    const count = atomic.load<u32>(control + COUNT);
    if (index >= count) return;
    const tasks = <usize>atomic.load<u32>(control + TASKS);
    if (atomic.cmpxchg<i64>(control + NEXT, seen, seen + 1) != seen) continue;
    holding = true;
    run(tasks + <usize>index * TASK);
    holding = false;
    const done = atomic.add<i32>(control + DONE, 1) + 1;
    if (helper && done == <i32>count) atomic.notify(control + DONE, 1);
  }
}

/** What a worker does that a trap has thrown out of `serveTasks`, as its last. */
export function failTask(control: usize): void {
  if (!holding) return;
  atomic.store<i32>(control + FAILED, 1);
  atomic.add<i32>(control + DONE, 1);
  atomic.notify(control + DONE, 1);
}

/** What a worker does until it is stopped. */
export function serveTasks(control: usize, number: i32): void {
  setWorker(number);
  while (atomic.load<i32>(control + STOP) == 0) {
    const table = atomic.load<i32>(control + TABLE);
    takeTasks(control, true);
    let spins: i32 = 0;
    while (spins < SPINS && atomic.load<i32>(control + TABLE) == table) spins++;
    if (spins < SPINS) continue;
    atomic.add<i32>(control + ASLEEP, 1);
    atomic.wait<i32>(control + TABLE, table, -1);
    atomic.sub<i32>(control + ASLEEP, 1);
  }
}

/**
 * Runs `count` tasks at `tasks`, with whichever workers are awake or wake up. Returns as `finishTasks` does.
 * @param mayWait 1: sleep while others finish; 0: look all the time, as a page's main thread must
 */
export function runTasks(control: usize, tasks: usize, count: i32, mayWait: i32): i32 {
  const table = atomic.load<i32>(control + TABLE) + 1;
  atomic.store<i32>(control + DONE, 0);
  atomic.store<u32>(control + TASKS, <u32>tasks);
  atomic.store<u32>(control + COUNT, <u32>count);
  atomic.store<i64>(control + NEXT, <i64>table << 32);
  atomic.store<i32>(control + TABLE, table);
  if (atomic.load<i32>(control + ASLEEP) > 0) atomic.notify(control + TABLE, count - 1);
  takeTasks(control, false);
  atomic.store<i64>(control + NEXT, (<i64>table << 32) | CLOSED);
  return finishTasks(control, mayWait);
}

/** Waits for the tasks that others have: 1 when all are done, −1 when one of them failed, 0 when that takes a second. */
export function finishTasks(control: usize, mayWait: i32): i32 {
  const count = atomic.load<i32>(control + COUNT);
  const enough = mayWait ? SPINS + WAITS : LOOKS;
  for (let looks: i32 = 0; looks < enough; looks++) {
    const done = atomic.load<i32>(control + DONE);
    if (done == count) return atomic.load<i32>(control + FAILED) ? -1 : 1;
    // A worker that has its task is taken from it by the operating system at worst; it will be back.
    if (mayWait && looks >= SPINS) atomic.wait<i32>(control + DONE, done, 1000000);
  }
  return 0;
}

/** After a trap has thrown the owner out of `runTasks`: no task is taken any more. `finishTasks` waits for others. */
export function abandonTasks(control: usize): void {
  const next = <u32>atomic.xchg<i64>(control + NEXT, CLOSED);
  const count = atomic.load<u32>(control + COUNT);
  atomic.store<u32>(control + COUNT, (next < count ? next : count) - 1);
}

/** Ends all workers once they have no task. */
export function stopTasks(control: usize): void {
  atomic.store<i32>(control + STOP, 1);
  atomic.add<i32>(control + TABLE, 1);
  atomic.notify(control + TABLE, -1);
}
