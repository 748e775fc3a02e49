/** Arguments of kernels that take many: structures in kernel memory. */
import type { Kernels } from './runtime.ts';

/** A count, told apart from a measure. */
interface Whole {
  readonly whole: number;
}

/** Marks a number as a count. @internal */
export function whole(n: number): Whole {
  return { whole: n };
}

/** A field of a structure. */
export type Field = number | boolean | Whole | { readonly ptr: number };

/** A structure of 4-byte fields in kernel memory, its address: numbers as float32, counts, flags and arrays as int32. */
export function jobOf(kernels: Kernels, parts: readonly (readonly Field[])[]): number {
  const fields = parts.flat();
  const job = kernels.u32(fields.length);
  const { view } = job;
  const floats = new Float32Array(view.buffer, view.byteOffset, view.length);
  fields.forEach((field, i) => {
    if (typeof field === 'number') floats[i] = field;
    else if (typeof field === 'boolean') view[i] = field ? 1 : 0;
    else view[i] = 'whole' in field ? field.whole : field.ptr;
  });
  return job.ptr;
}
