import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import {
  dequantiseInt8,
  f16Tensor,
  f32Tensor,
  indexTensor,
  int8Tensor,
  toFloat32,
  toUint32,
} from '../../src/io/dtypes.ts';

import { decodeHalf, encodeHalf } from '../../src/io/half.ts';

/** A half by its definition, in float64. */
function halfReference(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const e = (h >> 10) & 31;
  const m = h & 1023;
  if (e === 31) return m ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15));
}

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe('float16', () => {
  // One expectation for all: 65,536 of them take seconds.
  it('decodes all 65,536 patterns as defined', () => {
    const decoded = decodeHalf(ALL_HALVES);
    const wrong = [...ALL_HALVES].filter((h) => !Object.is(decoded[h], halfReference(h)));
    expect(wrong).toEqual([]);
  });

  it('encodes every half back to itself', () => {
    const back = encodeHalf(decodeHalf(ALL_HALVES));
    const same = (h: number) =>
      Number.isNaN(halfReference(h)) ? Number.isNaN(halfReference(back[h])) : back[h] === h;
    expect([...ALL_HALVES].filter((h) => !same(h))).toEqual([]);
  });

  it('rounds to nearest, ties to even', () => {
    // Every midpoint between neighbours, and the float32 values just beside it.
    const f = new Float32Array(3);
    const bits = new Int32Array(f.buffer);
    const wrong: number[] = [];
    for (let h = 0; h < 0x7bff; h++) {
      f.fill((halfReference(h) + halfReference(h + 1)) / 2);
      bits[0]--;
      bits[2]++;
      const [below, tie, above] = encodeHalf(f);
      if (below !== h || tie !== h + (h % 2) || above !== h + 1) wrong.push(h);
    }
    expect(wrong).toEqual([]);
  });

  it('refuses values beyond its range, and keeps infinity', () => {
    const f16 = (...v: number[]) => f16Tensor(Float32Array.from(v), [v.length]);
    expect(() => f16(1, 65520)).toThrow(/item 1 is 65520/);
    expect(() => f16(-1e30)).toThrow(InvalidArgumentError);
    expect([...toFloat32(f16(65519, -Infinity))]).toEqual([65504, -Infinity]);
  });
});

describe('toFloat32', () => {
  it('reads each dtype, from unaligned bytes too', () => {
    const values = Float32Array.of(1.5, -2, 0.25, 1024);
    const raw = new Uint8Array(17);
    raw.set(f32Tensor(values, [4]).bytes, 1);
    expect(toFloat32({ dtype: 'F32', shape: [4], bytes: raw.subarray(1) })).toEqual(values);
    expect(toFloat32(f16Tensor(values, [4]))).toEqual(values);
    const doubles = new Uint8Array(Float64Array.from(values).buffer);
    expect(toFloat32({ dtype: 'F64', shape: [4], bytes: doubles })).toEqual(values);
    const bf16 = new Uint8Array(Uint16Array.of(0x3fc0, 0xc000).buffer);
    expect([...toFloat32({ dtype: 'BF16', shape: [2], bytes: bf16 })]).toEqual([1.5, -2]);
    expect([...toFloat32({ dtype: 'I8', shape: [2], bytes: Uint8Array.of(255, 127) })]).toEqual([-1, 127]);
    expect([...toFloat32({ dtype: 'U8', shape: [2], bytes: Uint8Array.of(255, 127) })]).toEqual([255, 127]);
    expect(() => toFloat32({ dtype: 'BOOL', shape: [1], bytes: Uint8Array.of(1) }, 'skin')).toThrow(
      /^skin: .*BOOL/,
    );
  });

  it('does not alias its input', () => {
    const tensor = f32Tensor(Float32Array.of(1), [1]);
    toFloat32(tensor)[0] = 7;
    expect(toFloat32(tensor)[0]).toBe(1);
  });
});

describe('int8 with a scale', () => {
  it('comes back within half a step, per component', () => {
    const row = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
      minLength: 6,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
        const values = Float32Array.from(rows.flat());
        const { values: q, scale } = int8Tensor(values, [rows.length, 2, 3]);
        const back = dequantiseInt8(q, scale);
        for (let r = 0; r < rows.length; r++) {
          const largest = Math.max(...rows[r].map(Math.abs));
          for (let i = 6 * r; i < 6 * r + 6; i++) {
            // Half a step, with float32 rounding; steps in the subnormal range have none to spare.
            expect(Math.abs(back[i] - values[i])).toBeLessThanOrEqual((largest / 127) * 0.5001 + 1e-44 * 127);
          }
        }
      }),
    );
  });

  it('keeps zero exactly and writes only −127…127', () => {
    const { values, scale } = int8Tensor(Float32Array.of(0, -1, 1, 0, 0, 0), [2, 3]);
    expect([...new Int8Array(values.bytes)]).toEqual([0, -127, 127, 0, 0, 0]);
    expect([...dequantiseInt8(values, scale)]).toEqual([0, -1, 1, 0, 0, 0]);
  });

  it('names a scale that does not fit, and NaN', () => {
    const { values } = int8Tensor(Float32Array.of(1, 2), [2, 1]);
    expect(() => dequantiseInt8(values, f32Tensor(Float32Array.of(1), [1]), 'basis')).toThrow(
      /basis\.scale.*\[2\]/,
    );
    expect(() => dequantiseInt8(f32Tensor(Float32Array.of(1), [1]), values)).toThrow(FormatError);
    expect(() => int8Tensor(Float32Array.of(1, Number.NaN), [2])).toThrow(/item 1 is NaN/);
  });
});

describe('toUint32', () => {
  it('reads what indexTensor writes, as small as it fits', () => {
    const small = Uint32Array.of(0, 65535);
    const large = Uint32Array.of(0, 65536, 0xffffffff);
    expect(indexTensor(small, [2]).dtype).toBe('U16');
    expect(indexTensor(large, [3]).dtype).toBe('U32');
    expect(toUint32(indexTensor(small, [2]))).toEqual(small);
    expect(toUint32(indexTensor(large, [3]))).toEqual(large);
  });

  it('reads signed and wide integers, and refuses what does not fit', () => {
    const i32 = (...v: number[]) => ({
      dtype: 'I32',
      shape: [v.length],
      bytes: new Uint8Array(Int32Array.from(v).buffer),
    });
    const i64 = (...v: bigint[]) => ({
      dtype: 'I64',
      shape: [v.length],
      bytes: new Uint8Array(BigInt64Array.from(v).buffer),
    });
    expect([...toUint32(i32(0, 2 ** 31 - 1))]).toEqual([0, 2 ** 31 - 1]);
    expect([...toUint32(i64(5n, 2n ** 32n - 1n))]).toEqual([5, 2 ** 32 - 1]);
    expect(() => toUint32(i32(3, -1), 'faces')).toThrow(/^faces: item 1 is -1/);
    expect(() => toUint32(i64(-1n))).toThrow(FormatError);
    expect(() => toUint32(i64(2n ** 32n))).toThrow(FormatError);
    expect(() => toUint32(f32Tensor(Float32Array.of(1), [1]))).toThrow(FormatError);
  });
});
