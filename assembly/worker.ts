// Which worker runs this instance of the module: 0 is the thread that owns the memory. Scratch memory of a kernel that
// several run at once is told apart by it.

export let worker: i32 = 0;

/** Called once, before anything else. */
export function setWorker(number: i32): void {
  worker = number;
}
