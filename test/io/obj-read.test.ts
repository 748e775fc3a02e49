import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readObj } from '../../src/io/obj-read.ts';

const read = (text: string) => readObj(new TextEncoder().encode(text), 'm.obj');
const TEMPLATE = '../shared/models/flame-standin/head_template_mesh.obj';

describe('OBJ', () => {
  it('reads vertices, texture vertices, normals and every form of a corner', () => {
    const m = read(
      '# hand-made\r\nmtllib x.mtl\r\nv 0 0 0\r\nv 1 0 0\r\nv 1e0 1 .5\r\nv 0 1 0\r\nvt 0 0\r\nvt 1 0\r\nvt 1 1\r\nvn 0 0 1\r\n' +
        's off\r\nf 1/1/1 2/2/1 3/3/1\r\nf -4/-3/-1 -2/-1/-1 -1/1/1 # a comment\r\n',
    );
    expect([...m.vertices]).toEqual([0, 0, 0, 1, 0, 0, 1, 1, 0.5, 0, 1, 0]);
    expect([...m.uvs]).toEqual([0, 0, 1, 0, 1, 1]);
    expect([...m.faces]).toEqual([0, 1, 2, 0, 2, 3]);
    expect([...(m.faceUvs ?? [])]).toEqual([0, 1, 2, 0, 2, 0]);
    expect([...(m.faceNormals ?? [])]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(m.colors).toBeNull();
    const bare = read('v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 1\nvn 0 0 1\nf 1//1 2//1 3//1');
    expect(bare.faceUvs).toBeNull();
    expect([...(bare.faceNormals ?? [])]).toEqual([0, 0, 0]);
    expect([...(bare.colors ?? [])]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it('makes fans of polygons and joins continued lines', () => {
    const m = read('v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv -1 .5 0\nf 1 2 3 \\\n 4 5\n');
    expect([...m.faces]).toEqual([0, 1, 2, 0, 2, 3, 0, 3, 4]);
  });

  it.each([
    ['v 0 0\nf 1 1 1', 'm.obj: line 1: a number expected, found nothing'],
    ['v 0 0 x\n', 'm.obj: line 1: a number expected, found "x"'],
    ['v 0 0 0\n\nf 1 1 2\n', 'm.obj: line 3: vertex 2 does not exist (there are 1 so far)'],
    ['v 0 0 0\nf 1 1 0\n', 'm.obj: line 2: vertex 0 does not exist'],
    ['v 0 0 0\nf 1 1 -2\n', 'm.obj: line 2: vertex -2 does not exist'],
    ['v 0 0 0\nf 1/1 1/1 1/1\n', 'm.obj: line 2: texture vertex 1 does not exist'],
    ['v 0 0 0\nf 1 1\n', 'm.obj: line 2: a face of 2 corners'],
    ['hello', 'm.obj: no faces'],
  ])('names the line of a fault: %j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it('reads files larger than one piece', () => {
    const n = 60000;
    let text = '';
    for (let i = 0; i < n; i++) text += `v ${i} ${(i / 7).toFixed(6)} -${i}.5\n`;
    for (let i = 3; i <= n; i++) text += `f ${i - 2} ${i - 1} ${i}\n`;
    expect(text.length).toBeGreaterThan(2 << 20);
    const m = read(text);
    expect([m.vertices.length / 3, m.faces.length / 3]).toEqual([n, n - 2]);
    for (let i = 0; i < n; i += 997)
      expect([...m.vertices.subarray(3 * i, 3 * i + 3)]).toEqual([
        i,
        Math.fround(Number((i / 7).toFixed(6))),
        -i - 0.5,
      ]);
    expect([...m.faces.slice(-3)]).toEqual([n - 3, n - 2, n - 1]);
  });
});

describe.skipIf(!existsSync(TEMPLATE))('OBJ: FLAME template (needs ../shared)', () => {
  it('has the known sizes', () => {
    const m = readObj(readFileSync(TEMPLATE));
    expect([m.vertices.length / 3, m.uvs.length / 2, m.faces.length / 3]).toEqual([5023, 5118, 9976]);
    expect(m.faceUvs?.length).toBe(3 * 9976);
    for (const x of m.uvs) expect(x > 0 && x < 1).toBe(true);
  });
});
