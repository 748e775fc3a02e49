import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, PhotofitError } from '../../src/core/errors.ts';
import { decodeHalf, encodeHalf } from '../../src/io/half.ts';
import {
  type NpyArray,
  npyArray,
  npyStrings,
  readNpy,
  toFloat32,
  toFloat64,
  toUint32,
  writeNpy,
} from '../../src/io/npy.ts';
import { npzGet, readNpz, writeNpz } from '../../src/io/npz.ts';

const hasNumpy = spawnSync('python3', ['-c', 'import numpy']).status === 0;

const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const dtypes = fc.constantFrom('<f4', '<f8', '|i1', '<i2', '<i4', '<i8', '|u1', '<u2', '<u4', '<u8');
const constructors = {
  '<f4': Float32Array,
  '<f8': Float64Array,
  '|i1': Int8Array,
  '<i2': Int16Array,
  '<i4': Int32Array,
  '<i8': BigInt64Array,
  '|u1': Uint8Array,
  '<u2': Uint16Array,
  '<u4': Uint32Array,
  '<u8': BigUint64Array,
} as const;

/** Arrays of every plain type, shape and order, with arbitrary bits. */
const arrays: fc.Arbitrary<NpyArray> = fc
  .tuple(dtypes, shapes, fc.boolean(), fc.integer())
  .map(([dtype, shape, fortranOrder, seed]) => {
    const C = constructors[dtype as keyof typeof constructors];
    const n = shape.reduce((a, b) => a * b, 1);
    const bytes = new Uint8Array(n * C.BYTES_PER_ELEMENT);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(seed + i, 2654435761) >>> 24;
    return { dtype, shape, fortranOrder, data: new C(bytes.buffer) };
  });

const bytesOf = (a: NpyArray) => new Uint8Array(a.data.buffer, a.data.byteOffset, a.data.byteLength);

describe('half precision', () => {
  it('decodes and encodes every bit pattern to itself', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const back = encodeHalf(decodeHalf(all));
    for (let i = 0; i < 65536; i++) {
      const isNaN16 = (i & 0x7c00) === 0x7c00 && (i & 1023) !== 0;
      if (isNaN16) expect(back[i] & 0x7fff).toBe(0x7e00);
      else if (back[i] !== i) expect([i, back[i]]).toEqual([i, i]);
    }
  });

  it('rounds to the nearest value, ties to even', () => {
    expect([
      ...decodeHalf(encodeHalf([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 2 ** -25 * 1.01])),
    ]).toEqual([1, 1 + 2 ** -9, 65504, Number.POSITIVE_INFINITY, 0, 2 ** -24]);
  });
});

describe('npy', () => {
  it('reads back what it writes, whatever the type, shape and order', () => {
    fc.assert(
      fc.property(arrays, (a) => {
        const b = readNpy(writeNpy(a));
        expect([b.dtype, b.shape, b.fortranOrder]).toEqual([a.dtype, a.shape, a.fortranOrder]);
        expect(bytesOf(b)).toEqual(bytesOf(a));
      }),
    );
  });

  it('reads from an odd offset', () => {
    const bytes = writeNpy(npyArray(Float64Array.of(1, 2, 3)));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...readNpy(shifted.subarray(3)).data]).toEqual([1, 2, 3]);
  });

  it('keeps 0-d, empty and string arrays', () => {
    expect(readNpy(writeNpy(npyArray(Float32Array.of(7), []))).shape).toEqual([]);
    expect(readNpy(writeNpy(npyArray(new Float32Array(0), [0, 3]))).shape).toEqual([0, 3]);
    const s: NpyArray = {
      dtype: '|S3',
      shape: [2],
      fortranOrder: false,
      data: Uint8Array.from([97, 98, 0, 233, 0, 0]),
    };
    expect(npyStrings(readNpy(writeNpy(s)))).toEqual(['ab', 'é']);
  });

  it('gives row-major values from Fortran order', () => {
    const a: NpyArray = {
      dtype: '|u1',
      shape: [2, 3],
      fortranOrder: true,
      data: Uint8Array.of(1, 4, 2, 5, 3, 6),
    };
    expect([...toFloat32(a)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...toFloat64(a)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => toUint32(npyArray(Float32Array.of(1.5)))).toThrow(/element 0 is 1.5/);
    expect(() => toUint32(npyArray(Int32Array.of(-1)))).toThrow(FormatError);
  });

  it('names what is wrong with a file', () => {
    const good = writeNpy(npyArray(Float32Array.of(1, 2)));
    expect(() => readNpy(good.subarray(0, good.length - 1), 'a.npy')).toThrow('a.npy: cut short, 8 bytes');
    expect(() => readNpy(new Uint8Array(20), 'a.npy')).toThrow(/not a NumPy .npy file/);
    const complex = good.slice();
    complex.set(new TextEncoder().encode('<c8'), new TextDecoder('latin1').decode(good).indexOf('<f4'));
    expect(() => readNpy(complex)).toThrow(/type <c8 are not supported/);
  });

  it('throws named errors only, whatever the bytes', () => {
    const seeds = [
      writeNpy(npyArray(Float32Array.of(1, 2, 3, 4), [2, 2])),
      writeNpz({ a: npyArray(Uint8Array.of(1, 2)), b: npyArray(new Float64Array(100)) }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.nat(2000),
        (seed, edits, cut) => {
          const bytes = seed.slice(0, seed.length - (cut % 7 === 0 ? cut % seed.length : 0));
          for (const [at, v] of edits) if (bytes.length) bytes[at % bytes.length] = v;
          try {
            if (seed === seeds[0]) readNpy(bytes);
            else for (const [, a] of readNpz(bytes)) expect(a.data.byteLength).toBeLessThan(1e6);
          } catch (error) {
            expect(error).toBeInstanceOf(PhotofitError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('npz', () => {
  it('reads back what it writes and is deterministic', () => {
    const entries = {
      x: npyArray(Float32Array.of(1, 2, 3)),
      'y/z': npyArray(new Uint16Array(1000), [10, 100]),
    };
    for (const compress of [true, false]) {
      const bytes = writeNpz(entries, { compress });
      expect(writeNpz(entries, { compress })).toEqual(bytes);
      const npz = readNpz(bytes);
      expect([...npz.keys()]).toEqual(['x', 'y/z']);
      expect(npz.size).toBe(2);
      expect([...npzGet(npz, 'x').data]).toEqual([1, 2, 3]);
      expect(npz.get('y/z')).toBe(npz.get('y/z'));
      expect(npz.get('y/z')?.shape).toEqual([10, 100]);
      expect(() => npzGet(npz, 'w', 'm.npz')).toThrow('m.npz: array "w" is missing; it has x, y/z');
    }
    expect(writeNpz(entries, { compress: true }).length).toBeLessThan(
      writeNpz(entries, { compress: false }).length,
    );
  });

  it('opens damaged entries lazily: the others are still read', () => {
    const bytes = writeNpz(
      { a: npyArray(Uint8Array.of(1)), b: npyArray(Uint8Array.of(2)) },
      { compress: false },
    );
    bytes[30 + 5 + 128] ^= 1; // the only data byte of entry a
    const npz = readNpz(bytes);
    expect([...npzGet(npz, 'b').data]).toEqual([2]);
    expect(() => npz.get('a')).toThrow(/entry a.npy is damaged/);
  });
});

describe.skipIf(!hasNumpy)('against NumPy (needs python3 with numpy)', () => {
  const python = (code: string, ...args: string[]) =>
    execFileSync('python3', ['-c', code, ...args], { encoding: 'utf8' });
  const withFolder = (body: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'photofit-npy-'));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it('reads every type NumPy writes', () =>
    withFolder((folder) => {
      python(
        `
import numpy as np, sys
a = np.arange(24).reshape(2,3,4)
d = {}
for t in ['f2','f4','f8','i1','i2','i4','i8','u1','u2','u4','u8']:
    d['le_'+t] = a.astype('<'+t); d['be_'+t] = a.astype('>'+t); d['fo_'+t] = np.asfortranarray(a.astype(t))
d['b1'] = a % 3 == 0
d['S'] = np.array([b'jaw', b'left_eye']); d['U'] = np.array(['Kopf', 'tête', '頭']); d['bigU'] = d['U'].astype('>U4')
d['zero_d'] = np.float32(2.5); d['empty'] = np.zeros((0,3))
np.savez(sys.argv[1], **d); np.savez_compressed(sys.argv[2], **d)`,
        join(folder, 'a.npz'),
        join(folder, 'b.npz'),
      );
      for (const file of ['a.npz', 'b.npz']) {
        const npz = readNpz(readFileSync(join(folder, file)));
        const expected = Array.from({ length: 24 }, (_, i) => i);
        let types = 0;
        for (const [key, array] of npz)
          if (/^(le|be|fo)_/.test(key)) {
            expect([key, array.shape, [...toFloat64(array)]]).toEqual([key, [2, 3, 4], expected]);
            types++;
          }
        expect(types).toBe(33);
        expect([...npzGet(npz, 'b1').data]).toEqual(expected.map((i) => (i % 3 === 0 ? 1 : 0)));
        expect(npyStrings(npzGet(npz, 'S'))).toEqual(['jaw', 'left_eye']);
        expect(npyStrings(npzGet(npz, 'U'))).toEqual(['Kopf', 'tête', '頭']);
        expect(npyStrings(npzGet(npz, 'bigU'))).toEqual(['Kopf', 'tête', '頭']);
        expect([npzGet(npz, 'zero_d').shape, ...npzGet(npz, 'zero_d').data]).toEqual([[], 2.5]);
        expect(npzGet(npz, 'empty').shape).toEqual([0, 3]);
      }
    }));

  it('writes what NumPy reads', () =>
    withFolder((folder) => {
      const half: NpyArray = {
        dtype: '<f2',
        shape: [2],
        fortranOrder: false,
        data: Float32Array.of(0.5, -3),
      };
      const entries = {
        m: npyArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
        i: npyArray(BigInt64Array.of(-1n, 2n)),
        half,
      };
      for (const compress of [true, false]) {
        const file = join(folder, 'c.npz');
        writeFileSync(file, writeNpz(entries, { compress }));
        const out = python(
          `
import numpy as np, sys
z = np.load(sys.argv[1])
print(z['m'].tolist(), z['m'].dtype, z['i'].tolist(), z['half'].tolist(), z['half'].dtype)`,
          file,
        );
        expect(out.trim()).toBe('[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] float32 [-1, 2] [0.5, -3.0] float16');
      }
    }));
});
