import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import { DTYPE_SIZES, readSafetensors, type Tensor, writeSafetensors } from '../../src/io/safetensors.ts';

/** A file with the given header object (or text) and this many data bytes. */
function file(header: unknown, dataBytes: number, declaredLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, declaredLength ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}
const f32 = (shape: unknown, begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

const tensorArb: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom(...Object.keys(DTYPE_SIZES)),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.integer({ min: 0, max: 255 }),
  )
  .map(([dtype, shape, fill]) => {
    const length = shape.reduce((a, b) => a * b, 1) * DTYPE_SIZES[dtype];
    return { dtype, shape, bytes: Uint8Array.from({ length }, (_, i) => (fill + 7 * i) & 255) };
  });
const nameArb = fc.string({ maxLength: 12, unit: 'grapheme' }).filter((n) => !n.startsWith('__'));
const tensorsArb = fc.uniqueArray(fc.tuple(nameArb, tensorArb), { selector: ([n]) => n, maxLength: 6 });
const metadataArb = fc.dictionary(nameArb, fc.string({ maxLength: 12, unit: 'grapheme' }), { maxKeys: 4 });

describe('safetensors round trip', () => {
  it('gives back every tensor and metadata entry', () => {
    fc.assert(
      fc.property(tensorsArb, metadataArb, (tensors, metadata) => {
        const back = readSafetensors(writeSafetensors(tensors, metadata));
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect(back.tensors.size).toBe(tensors.length);
        for (const [name, tensor] of tensors) expect(back.tensors.get(name)).toEqual(tensor);
      }),
      { numRuns: 200 },
    );
  });

  it('does not depend on the order of tensors and metadata', () => {
    fc.assert(
      fc.property(tensorsArb, metadataArb, (tensors, metadata) => {
        const reversed = Object.fromEntries(Object.entries(metadata).reverse());
        expect(writeSafetensors([...tensors].reverse(), reversed)).toEqual(
          writeSafetensors(tensors, metadata),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('aligns every tensor to its item size, wherever the input sits in its buffer', () => {
    fc.assert(
      fc.property(tensorsArb, (tensors) => {
        const bytes = writeSafetensors(tensors, { a: 'é' });
        for (const { dtype, bytes: b } of readSafetensors(bytes).tensors.values()) {
          expect((b.byteOffset - bytes.byteOffset) % DTYPE_SIZES[dtype]).toBe(0);
        }
        const shifted = new Uint8Array(bytes.length + 3).subarray(3);
        shifted.set(bytes);
        expect([...readSafetensors(shifted).tensors.values()]).toEqual([
          ...readSafetensors(bytes).tensors.values(),
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('writes the layout of the specification', () => {
    const bytes = writeSafetensors([
      ['b', { dtype: 'U8', shape: [3], bytes: Uint8Array.of(1, 2, 3) }],
      ['a', { dtype: 'F32', shape: [1, 1], bytes: Uint8Array.of(0, 0, 128, 63) }],
    ]);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(text.trimEnd()).toBe(
      '{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}',
    );
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 128, 63, 1, 2, 3]);
  });
});

describe('safetensors refuses', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /too few/],
    ['a header longer than the file', file('{}', 0, 1000n), /truncated/],
    ['a header length bomb', file('{}', 0, 0xffffffffffffffffn), /another format/],
    ['no header', file('', 4), /no JSON header/],
    ['a header that is not an object', file('[1,2]', 0), /no JSON header/],
    ['broken JSON', file('{"a":', 0), /cannot be read/],
    ['broken UTF-8', Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x7d), /cannot be read/],
    ['deep nesting', file('{"a":' + '['.repeat(200_000), 0), /cannot be read/],
    ['metadata that is not strings', file({ __metadata__: { n: 1 } }, 0), /'n' must be a string/],
    ['metadata that is a list', file({ __metadata__: ['x'] }, 0), /object of strings/],
    ['an entry that is no object', file({ a: 3 }, 0), /'a' is not described/],
    [
      'an unknown dtype',
      file({ a: { dtype: 'F3', shape: [], data_offsets: [0, 0] } }, 0),
      /unknown dtype "F3"/,
    ],
    [
      'a dtype named like an object property',
      file({ a: { dtype: 'constructor', shape: [], data_offsets: [0, 0] } }, 0),
      /unknown dtype/,
    ],
    ['a negative size', file({ a: f32([-1], 0, 4) }, 4), /not a list of sizes/],
    ['a fractional size', file({ a: f32([0.5, 2], 0, 4) }, 4), /not a list of sizes/],
    ['a size that is text', file({ a: f32(['1'], 0, 4) }, 4), /not a list of sizes/],
    ['sizes that overflow', file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /not a list of sizes/],
    // 2^32 · 2^32 wraps to 0 in 64 bits; the classic way round a length check.
    ['sizes that wrap around', file({ a: f32([2 ** 32, 2 ** 32], 0, 0) }, 0), /not a list of sizes/],
    [
      'sizes that overflow before a zero',
      file({ a: f32([2 ** 40, 2 ** 40, 0], 0, 0) }, 0),
      /not a list of sizes/,
    ],
    ['offsets that run backwards', file({ a: f32([1], 4, 0) }, 4), /backwards/],
    ['offsets that are missing', file({ a: { dtype: 'F32', shape: [1] } }, 4), /data_offsets/],
    ['offsets that are fractions', file({ a: f32([1], 0.5, 4.5) }, 8), /data_offsets/],
    ['data that ends early', file({ a: f32([2], 0, 8) }, 7), /truncated/],
    ['a span unlike its shape', file({ a: f32([2], 0, 4) }, 4), /takes 8/],
    ['overlapping tensors', file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /'b' overlaps 'a'/],
    ['identical spans', file({ a: f32([2], 0, 8), b: f32([2], 0, 8) }, 8), /overlaps/],
    ['a gap', file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /4 bytes between 'a' and 'b'/],
    ['a gap in front', file({ a: f32([1], 4, 8) }, 8), /4 bytes between the header and 'a'/],
    ['trailing bytes', file({ a: f32([1], 0, 4) }, 6), /2 bytes after 'a'/],
    [
      'a repeated name',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      /belong to no tensor/,
    ],
    ['a zip file', new Uint8Array([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0, 1]), /another format/],
  ];
  it.each(cases)('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'x.head')).toThrow(FormatError);
    expect(() => readSafetensors(bytes, 'x.head')).toThrow(message);
    expect(() => readSafetensors(bytes, 'x.head')).toThrow(/^x\.head: /);
  });

  it('any truncation of a valid file', () => {
    const whole = writeSafetensors(
      [
        ['a', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }],
        ['b', { dtype: 'U16', shape: [3], bytes: new Uint8Array(6) }],
      ],
      { k: 'v' },
    );
    for (let n = 0; n < whole.length; n++) {
      expect(() => readSafetensors(whole.subarray(0, n))).toThrow(FormatError);
    }
  });

  it('noise with nothing but a FormatError, and otherwise stays within the file', () => {
    const whole = writeSafetensors(
      [
        ['a', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }],
        ['b', { dtype: 'U16', shape: [3], bytes: new Uint8Array(6) }],
      ],
      { k: 'v' },
    );
    const edit = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        const bytes = whole.slice();
        for (const [at, value] of edits) bytes[at] = value;
        try {
          let total = 0;
          for (const t of readSafetensors(bytes).tensors.values()) total += t.bytes.length;
          expect(total).toBe(14);
        } catch (e) {
          expect(e).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('to write what it could not read back', () => {
    const t = (dtype: string, shape: number[], n: number): Tensor => ({
      dtype,
      shape,
      bytes: new Uint8Array(n),
    });
    const cases: [[string, Tensor][], RegExp][] = [
      [[['a', t('F32', [2], 7)]], /'a' holds 7 bytes, but F32 \[2\] takes 8/],
      [[['a', t('F31', [2], 8)]], /unknown dtype/],
      [[['a', t('F32', [-2], 8)]], /not a list of sizes/],
      [[['__metadata__', t('F32', [2], 8)]], /reserved/],
      [
        [
          ['a', t('U8', [1], 1)],
          ['a', t('U8', [1], 1)],
        ],
        /given twice/,
      ],
    ];
    for (const [tensors, message] of cases) {
      expect(() => writeSafetensors(tensors)).toThrow(InvalidArgumentError);
      expect(() => writeSafetensors(tensors)).toThrow(message);
    }
  });
});
