/** The first elements of an array in kernel memory, so that one taken for the largest case serves smaller ones. */
import { InvalidArgumentError } from '../core/errors.ts';
import type { WasmArray, WasmView } from './runtime.ts';

/**
 * The first `length` elements of `array`; lives as long as `array`.
 * @throws {InvalidArgumentError} when `array` is shorter
 */
export function firstOf<T extends WasmView>(array: WasmArray<T>, length: number): WasmArray<T> {
  if (!(length >= 0 && length <= array.length))
    throw new InvalidArgumentError(`firstOf: array has ${array.length} elements, ${length} were asked for`);
  return {
    ptr: array.ptr,
    length,
    get view() {
      return array.view.subarray(0, length) as T;
    },
  };
}
