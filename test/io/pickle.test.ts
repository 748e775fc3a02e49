import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { npyArray, readNpy, toFloat64 } from '../../src/io/npy.ts';
import {
  PickledArray,
  type PickleValue,
  readPickle,
  type SparseMatrix,
  unpickleNpy,
} from '../../src/io/pickle.ts';
import { writeObjectNpy, writePickle } from '../../src/io/pickle-write.ts';

const FLAME = '../shared/models/flame-standin';
const hasFlame = existsSync(`${FLAME}/generic_model.pkl`);
const hasNumpy = spawnSync('python3', ['-c', 'import numpy, scipy.sparse']).status === 0;

/** Bytes of a pickle written out by hand: strings are ASCII, numbers bytes. */
function pickle(...parts: (string | number | Uint8Array)[]): Uint8Array {
  const out: number[] = [];
  for (const p of parts)
    if (typeof p === 'string') for (const c of p) out.push(c.charCodeAt(0));
    else if (typeof p === 'number') out.push(p);
    else for (const b of p) out.push(b);
  return Uint8Array.from(out);
}

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const f8 = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
const shortString = (bytes: Uint8Array) => pickle('U', bytes.length, bytes);
/** Python 2 pickle code of a one-dimensional float64 array. */
const ndarray = (...values: number[]) =>
  pickle(
    'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t',
    shortString(ascii('b')),
    'tR(K\x01(K',
    values.length,
    'tcnumpy\ndtype\n(',
    shortString(ascii('f8')),
    'K\x00K\x01tR(K\x03',
    shortString(ascii('<')),
    'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89',
    shortString(f8(...values)),
    'tb',
  );

describe('pickle: plain values', () => {
  it('reads the text protocol', () => {
    const text = `(dp0\nS'a'\np1\nI12\nsS'b\\x00\\'\\n'\nF1.5\nsVh\\u00e9\nI01\nsI3\n(lp2\nI00\naL99999999999999999999L\naNas.`;
    const value = readPickle(ascii(text)) as Map<PickleValue, PickleValue>;
    expect([...value]).toEqual([
      ['a', 12],
      ["b\0'\n", 1.5],
      ['hé', true],
      [3, [false, 99999999999999999999n, null]],
    ]);
  });

  it('reads every byte of a Python 2 string as latin-1', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const value = readPickle(pickle(0x80, 2, 'T', 0, 1, 0, 0, all, '.')) as string;
    expect([...value].map((c) => c.charCodeAt(0))).toEqual([...all]);
  });

  it('keeps what is shared shared', () => {
    const [a, b] = readPickle(pickle(0x80, 2, ']q\x00h\x00', 0x86, '.')) as PickleValue[];
    expect(a).toBe(b);
  });

  it('reads back what the writer writes', () => {
    const value = {
      n: 3,
      x: -0.5,
      s: 'tête',
      list: [1, null, true],
      a: npyArray(Float32Array.of(1, 2, 3, 4), [2, 2]),
    };
    const back = readPickle(writePickle(value)) as Map<string, PickleValue>;
    expect([back.get('n'), back.get('x'), back.get('s'), back.get('list')]).toEqual([
      3,
      -0.5,
      'tête',
      [1, null, true],
    ]);
    const a = back.get('a') as PickledArray;
    expect([a.dtype, a.shape, [...a.data]]).toEqual(['<f4', [2, 2], [1, 2, 3, 4]]);
    const npy = unpickleNpy(readNpy(writeObjectNpy(value))) as Map<string, PickleValue>;
    expect([...npy.keys()]).toEqual(Object.keys(value));
  });
});

describe('pickle: classes on the list', () => {
  it('reads chumpy arrays and their reorderings as arrays', () => {
    const ch = (name: string, module: string, ...state: Uint8Array[]) =>
      pickle(`c${module}\n${name}\n)`, 0x81, '}(', ...state, 'ub');
    const x = ch('Ch', 'chumpy.ch', shortString(ascii('x')), ndarray(1, 2, 3, 4, 5, 6));
    const a = [shortString(ascii('a')), x];
    const read = (code: Uint8Array) => readPickle(pickle(0x80, 2, code, '.')) as PickledArray;
    expect([...read(x).data]).toEqual([1, 2, 3, 4, 5, 6]);
    const reshaped = ch(
      'Reshape',
      'chumpy.reordering',
      ...a,
      shortString(ascii('newshape')),
      pickle('K\x02K\x03', 0x86),
    );
    expect(read(reshaped).shape).toEqual([2, 3]);
    const transposed = read(ch('Transpose', 'chumpy.reordering', shortString(ascii('a')), reshaped));
    expect([transposed.shape, [...toFloat64(transposed)]]).toEqual([
      [3, 2],
      [1, 4, 2, 5, 3, 6],
    ]);
    const chosen = ch('Select', 'chumpy.reordering', ...a, shortString(ascii('idxs')), ndarray(5, 0));
    expect([...read(chosen).data]).toEqual([6, 1]);
    const outside = ch('Select', 'chumpy.reordering', ...a, shortString(ascii('idxs')), ndarray(6));
    expect(() => read(outside)).toThrow(/Select does not fit/);
  });

  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    ['subprocess', 'Popen'],
    ['chumpy.ch', 'ChLambda'],
    ['numpy', 'load'],
    ['', ''],
  ])('refuses %s.%s by name', (module, name) => {
    const named = module === '' ? /asks for \./ : `asks for ${module}.${name}`;
    expect(() => readPickle(pickle(`c${module}\n${name}\n(S'x'\ntR.`), 'model.pkl')).toThrow(named);
    expect(() => readPickle(pickle(`(S'x'\ni${module}\n${name}\n.`))).toThrow(FormatError);
    const stack = pickle(0x80, 4, 0x8c, module.length, module, 0x8c, name.length, name, 0x93, '.');
    expect(() => readPickle(stack)).toThrow(named);
  });

  it('does not let a class stand as a value, or a function be called with nonsense', () => {
    expect(() => readPickle(ascii('cnumpy\nndarray\n.'))).toThrow(/leaves a class/);
    expect(() => readPickle(ascii('cnumpy\nndarray\n)\x81.'))).toThrow(/never filled/);
    expect(() => readPickle(ascii('c__builtin__\nbytearray\n(I2000000000\ntR.'))).toThrow(FormatError);
    expect(() => readPickle(ascii('c__builtin__\nobject\n(tR.'))).toThrow(/only data here/);
  });
});

describe('pickle: hostile files', () => {
  it('bounds what a file may expand to', () => {
    // One string of 60 KB, given again and again to a function that copies it.
    const text = 'a'.repeat(60000);
    const call = 'h\x00(h\x01tR0'.repeat(20000);
    const bomb = pickle(
      0x80,
      2,
      'c_codecs\nencode\nq\x000',
      'X',
      0x60,
      0xea,
      0,
      0,
      text,
      'q\x010',
      call,
      'N.',
    );
    expect(() => readPickle(bomb)).toThrow(/expands to far more/);
  });

  it('does not spell out lists that share their parts', () => {
    // Sixty lists of two, each holding the one before twice: 2^60 leaves if written out.
    const laughs = `]q\x00Na${'0]h\x00ah\x00aq\x00'.repeat(60)}`;
    for (const [name, arity] of [
      ['bytearray', ''],
      ['complex', 'K\x01'],
    ])
      expect(() => readPickle(pickle(0x80, 2, `c__builtin__\n${name}\n(${laughs}${arity}tR.`))).toThrow(
        /a number expected/,
      );
    expect(Array.isArray(readPickle(pickle(0x80, 2, laughs, '.')))).toBe(true);
  });

  it('takes deep nesting, cycles and absurd sizes', () => {
    const depth = 200000;
    const nested = pickle(0x80, 2, ascii(']'.repeat(depth)), ascii('a'.repeat(depth - 1)), '.');
    expect(Array.isArray(readPickle(nested))).toBe(true);
    const cyclic = readPickle(pickle(0x80, 2, ']q\x00h\x00a.')) as PickleValue[];
    expect(cyclic[0]).toBe(cyclic);
    for (const bad of [
      'X\xff\xff\xff\xffabc.',
      'T\xff\xff\xff\xffabc.',
      '\x8b\xff\xff\xff\x7f.',
      'a.',
      't.',
      'j\x00\x00\x00\x01.',
    ])
      expect(() => readPickle(ascii(bad))).toThrow(FormatError);
    expect(() => readPickle(new Uint8Array(0))).toThrow(/cut short/);
  });

  it('throws FormatError only, whatever is changed in a file', () => {
    const seeds = [
      writePickle({ a: npyArray(Float32Array.of(1, 2)), b: [1, 'x', { c: null }], d: 1e300 }),
      pickle(0x80, 2, '(', ndarray(1, 2, 3), "S'abc'\nVx\nI7\nL8L\nF1\n}]]q\x00h\x00t."),
      pickle(
        'ccollections\nOrderedDict\n(ccopy_reg\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtR}',
        "S'x'\n",
        ndarray(4),
        'sbt.',
      ),
      pickle(
        'cscipy.sparse.csc\ncsc_matrix\n)',
        0x81,
        "}(S'_shape'\n(K\x02K\x01tS'data'\n",
        ndarray(1),
        "S'indices'\n",
        ndarray(1),
        "S'indptr'\n",
        ndarray(0, 1),
        'ub.',
      ),
    ];
    for (const seed of seeds.slice(0, 2)) readPickle(seed);
    expect((readPickle(seeds[3]) as SparseMatrix).toDense()).toEqual(Float64Array.of(0, 1));
    const edits = fc.array(
      fc.tuple(fc.nat(100000), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, (seed, changes) => {
        const bytes = [...seed];
        for (const [at, value, how] of changes) {
          const i = at % (bytes.length + 1);
          if (how === 0) bytes[Math.min(i, bytes.length - 1)] = value;
          else if (how === 1) bytes.splice(i, 0, value);
          else if (bytes.length > 1) bytes.splice(i, 1);
        }
        try {
          readPickle(Uint8Array.from(bytes));
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }),
      { numRuns: 20000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readPickle(bytes);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }),
      { numRuns: 20000 },
    );
  });
});

describe.skipIf(!hasNumpy)('pickle against Python (needs python3 with numpy and scipy)', () => {
  const withFolder = (body: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'photofit-pickle-'));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it('reads every protocol alike', () =>
    withFolder((folder) => {
      const code = `
import pickle, sys, collections, numpy as np, scipy.sparse as sp
a = np.arange(6.).reshape(2,3)
v = dict(none=None, t=True, i=-5, big=2**70, neg=-2**40, f=1.25, s='tête', by=b'\\x00\\xff', ba=bytearray(b'ab'),
  l=[1,[2]], tup=(1,(2,3)), st={1}, fs=frozenset([2]), c=1+2j, od=collections.OrderedDict([('z',1)]),
  a=a, fo=np.asfortranarray(a), be=a.astype('>f4'), b1=a>2, u=np.array(['Kopf','x']), obj=np.array([None,{'k':1}],dtype=object),
  sc=np.float32(2.5), i64=np.int64(7), bo=np.bool_(True), e=np.zeros((0,3)), zd=np.array(4.),
  csc=sp.csc_matrix([[0,2.],[3,0]]), csr=sp.csr_matrix([[0,2.],[3,0]]), coo=sp.coo_matrix([[0,2.],[3,0]]))
v['again'] = v['a']
for p in range(6): pickle.dump(v, open(sys.argv[1] + '/%d.pkl' % p, 'wb'), protocol=p)`;
      execFileSync('python3', ['-c', code, folder]);
      for (let protocol = 0; protocol <= 5; protocol++) {
        const v = readPickle(readFileSync(join(folder, `${protocol}.pkl`))) as Map<string, PickleValue>;
        const plain = ['none', 't', 'i', 'big', 'neg', 'f', 's', 'l', 'tup', 'sc', 'i64', 'bo'].map((k) =>
          v.get(k),
        );
        expect([protocol, ...plain]).toEqual([
          protocol,
          ...[null, true, -5, 2n ** 70n, -(2 ** 40), 1.25, 'tête', [1, [2]], [1, [2, 3]], 2.5, 7, true],
        ]);
        expect([...(v.get('by') as Uint8Array)]).toEqual([0, 255]);
        expect([...(v.get('ba') as Uint8Array)]).toEqual([97, 98]);
        expect([v.get('st'), v.get('fs')]).toEqual([new Set([1]), new Set([2])]);
        expect(v.get('c')).toEqual({ real: 1, imaginary: 2 });
        expect(v.get('od')).toEqual(new Map([['z', 1]]));
        for (const key of ['a', 'fo', 'be'])
          expect([key, [...toFloat64(v.get(key) as PickledArray)]]).toEqual([key, [0, 1, 2, 3, 4, 5]]);
        expect((v.get('fo') as PickledArray).fortranOrder).toBe(true);
        expect([...(v.get('b1') as PickledArray).data]).toEqual([0, 0, 0, 1, 1, 1]);
        expect((v.get('obj') as PickledArray).items).toEqual([null, new Map([['k', 1]])]);
        expect([(v.get('e') as PickledArray).shape, (v.get('zd') as PickledArray).shape]).toEqual([
          [0, 3],
          [],
        ]);
        for (const key of ['csc', 'csr', 'coo'])
          expect([key, [...(v.get(key) as SparseMatrix).toDense()]]).toEqual([key, [0, 2, 3, 0]]);
        expect(v.get('again')).toBe(v.get('a'));
      }
    }));

  it('writes what numpy.load(…, allow_pickle=True).item() reads', () =>
    withFolder((folder) => {
      const file = join(folder, 'fit.npy');
      writeFileSync(
        file,
        writeObjectNpy({ shape: npyArray(Float32Array.of(1, 2, 3), [1, 3]), n: 2, x: 0.5, s: 'é' }),
      );
      const code = `
import numpy as np, sys
d = np.load(sys.argv[1], allow_pickle=True).item()
print(sorted(d), d['shape'].tolist(), d['shape'].dtype, d['n'], d['x'], ascii(d['s']))`;
      expect(execFileSync('python3', ['-c', code, file], { encoding: 'utf8' }).trim()).toBe(
        "['n', 's', 'shape', 'x'] [[1.0, 2.0, 3.0]] float32 2 0.5 '\\xe9'",
      );
    }));
});

describe.skipIf(!hasFlame)('pickle: files of a FLAME model (needs ../shared)', () => {
  it('reads the geometry: Python 2, chumpy, scipy', () => {
    const model = readPickle(readFileSync(`${FLAME}/generic_model.pkl`)) as Map<string, PickleValue>;
    const shapes = [...model].map(([k, v]) => [k, v instanceof PickledArray ? [v.dtype, ...v.shape] : v]);
    expect(Object.fromEntries(shapes.filter(([k]) => k !== 'J_regressor'))).toEqual({
      v_template: ['<f8', 5023, 3],
      f: ['<u4', 9976, 3],
      shapedirs: ['<f8', 5023, 3, 400],
      posedirs: ['<f8', 5023, 3, 36],
      kintree_table: ['<i8', 2, 5],
      J: ['<f8', 5, 3],
      weights: ['<f8', 5023, 5],
      bs_style: 'lbs',
      bs_type: 'lrotmin',
    });
    const regressor = model.get('J_regressor') as SparseMatrix;
    const sums = new Float64Array(5);
    regressor.forEach((row, _, value) => {
      sums[row] += value;
    });
    for (const s of sums) expect(s).toBeCloseTo(1, 9);
  });

  it('throws FormatError only, whatever is changed in the landmark embedding', () => {
    const { data } = readNpy(readFileSync(`${FLAME}/landmark_embedding.npy`));
    // The places that are not array data, torch's inner pickles among them.
    const places = [
      ...Array(400).keys(),
      ...Array.from({ length: 400 }, (_, i) => 1900 + i),
      13150,
      13200,
      29600,
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...places), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = Uint8Array.from(data as Uint8Array);
          for (const [at, v] of edits) bytes[at] = v;
          try {
            readPickle(bytes);
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('reads the landmark embedding: torch tensors', () => {
    const lmk = unpickleNpy(readNpy(readFileSync(`${FLAME}/landmark_embedding.npy`))) as Map<
      string,
      PickledArray
    >;
    const shapes = Object.fromEntries([...lmk].map(([k, v]) => [k, [v.dtype, ...v.shape]]));
    expect(shapes['dynamic_lmk_faces_idx']).toEqual(['<i8', 79, 17]);
    expect(shapes['dynamic_lmk_bary_coords'].slice(1)).toEqual([79, 17, 3]);
    const b = toFloat64(lmk.get('dynamic_lmk_bary_coords')!);
    for (let i = 0; i < b.length; i += 3) expect(b[i] + b[i + 1] + b[i + 2]).toBeCloseTo(1, 5);
  });
});
