// Elements of arrays by number, 4 bytes each.

// @ts-ignore: decorator
@inline
export function u(array: usize, i: u32): u32 {
  return load<u32>(array + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function s(array: usize, i: u32): i32 {
  return load<i32>(array + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function f(array: usize, i: u32): f32 {
  return load<f32>(array + (<usize>i << 2));
}

/** An f32 for sums in f64. */
// @ts-ignore: decorator
@inline
export function wide(array: usize, i: u32): f64 {
  return <f64>load<f32>(array + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function put(array: usize, i: u32, value: u32): void {
  store<u32>(array + (<usize>i << 2), value);
}
