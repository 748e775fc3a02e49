/** MATLAB files of version 5: against SciPy's writer where it is there, and damaged in every way. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readMat } from '../../src/io/mat.ts';
import { toFloat64 } from '../../src/io/npy.ts';
import { type MatArray, writeMat } from '../helpers/bfm-files.ts';

const ARRAYS: Record<string, MatArray> = {
  a: { shape: [2, 3], data: Float64Array.of(1, 4, 2, 5, 3, 6) },
  // Whole doubles as bytes, small enough to stand in the tag.
  b: { shape: [1, 3], data: Uint8Array.of(7, 8, 9), kind: 6 },
  some_longer_name: { shape: [5000, 2], data: Float32Array.from({ length: 10000 }, (_, i) => Math.sin(i)) },
};

describe('readMat', () => {
  it.each([true, false])('reads its arrays, deflated: %s', (compress) => {
    const mat = readMat(writeMat(ARRAYS, compress));
    expect([...mat.keys()]).toEqual(['a', 'b', 'some_longer_name']);
    const read = (name: string) => toFloat64(mat.get(name)!.read());
    expect([...read('a')]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...read('b')]).toEqual([7, 8, 9]);
    const long = read('some_longer_name');
    expect(long[2 * 4999 + 1]).toBeCloseTo(Math.sin(9999), 6);
    expect(mat.get('some_longer_name')?.shape).toEqual([5000, 2]);
  });

  it('damaged and foreign files: what is wrong, with the file’s name', () => {
    for (const compress of [true, false]) {
      const good = writeMat(ARRAYS, compress);
      for (const length of [0, 100, 130, 300, good.length - 20]) {
        const cut = () => {
          for (const variable of readMat(good.subarray(0, length), 'x.mat').values()) variable.read();
        };
        expect(cut, `${length} of ${good.length}`).toThrow(/x\.mat: /);
        expect(cut).toThrow(FormatError);
      }
    }
    const swapped = writeMat(ARRAYS, false);
    swapped[126] = 0x58;
    expect(() => readMat(swapped, 'x.mat')).toThrow(/byte order mark/);
    const hdf = new Uint8Array(200);
    hdf.set([0x89, 0x48, 0x44, 0x46]);
    expect(() => readMat(hdf, 'x.mat')).toThrow(/is an HDF5 file/);
    const new73 = writeMat(ARRAYS, false);
    new73.set(new TextEncoder().encode('MATLAB 7.3'));
    expect(() => readMat(new73, 'x.mat')).toThrow(/version 7\.3.*-v7/);
    const flipped = writeMat(ARRAYS, true);
    flipped.fill(0xff, 300, 400);
    expect(() => {
      for (const variable of readMat(flipped, 'x.mat').values()) variable.read();
    }).toThrow(FormatError);
    const wrongSize = writeMat({ a: { shape: [3, 3], data: Float64Array.of(1, 2) } }, false);
    expect(() => readMat(wrongSize, 'x.mat').get('a')?.read()).toThrow(
      /a has 16 bytes, its shape \(3, 3\) takes 72/,
    );
  });

  const scipy = spawnSync('python3', ['-c', 'import scipy.io']).status === 0;
  it.skipIf(!scipy)(
    'reads what SciPy writes, and names what is no numeric array (skipped: no python3 with SciPy)',
    () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'photofit-test-'));
      try {
        for (const compress of ['True', 'False']) {
          const file = path.join(folder, 'a.mat');
          const script = [
            'import numpy as np, scipy.io as sio, sys',
            "sio.savemat(sys.argv[1], dict(pc=np.arange(6000, dtype='f4').reshape(2000, 3), n=np.array([[1.5, -2]]),",
            `  text='hello', z=np.array([1+2j]), s={'a': 1}), do_compression=${compress})`,
          ].join('\n');
          expect(spawnSync('python3', ['-c', script, file]).status).toBe(0);
          const mat = readMat(new Uint8Array(readFileSync(file)), 'a.mat');
          expect([...toFloat64(mat.get('pc')!.read()).subarray(0, 4)]).toEqual([0, 1, 2, 3]);
          expect([...toFloat64(mat.get('n')!.read())]).toEqual([1.5, -2]);
          expect(() => mat.get('text')?.read()).toThrow(/text is a character array/);
          expect(() => mat.get('z')?.read()).toThrow(/z is a complex array/);
          expect(() => mat.get('s')?.read()).toThrow(/s is a structure array/);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
