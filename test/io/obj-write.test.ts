import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { posedHeadMesh } from '../../src/fit/head-mesh.ts';
import { writeMtl, writeObj } from '../../src/io/obj-write.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const NAMES = { mtlFile: 'head.mtl', material: 'head' };

function parse(text: string) {
  const of = (key: string) =>
    text
      .split('\n')
      .filter((l) => l.startsWith(key + ' '))
      .map((l) => l.split(' ').slice(1));
  return {
    v: of('v'),
    vt: of('vt'),
    vn: of('vn'),
    f: of('f'),
    mtllib: of('mtllib'),
    usemtl: of('usemtl'),
    o: of('o'),
  };
}

describe('writeObj', () => {
  const mesh = posedHeadMesh(model, neutralParams(model));
  const obj = parse(writeObj(mesh, NAMES));

  it('keeps vertices, faces and their order; one-based', () => {
    expect(obj.v.length).toBe(438);
    obj.v.flat().forEach((x, i) => {
      expect(Math.abs(Number(x) - model.template[i])).toBeLessThanOrEqual(0.5001e-6);
    });
    expect(obj.f.length).toBe(864);
    obj.f.flat().forEach((corner, i) => {
      const [v, t, n] = corner.split('/').map(Number);
      expect([v - 1, t - 1, n]).toEqual([model.faces[i], model.faceUvs[i], v]);
    });
    expect(obj.vn.length).toBe(438);
    for (const n of obj.vn) expect(Math.hypot(...n.map(Number))).toBeCloseTo(1, 4);
  });

  it('turns v up, and names its files', () => {
    expect(obj.vt.length).toBe(model.uvs.length / 2);
    obj.vt.forEach(([u, v], i) => {
      expect(Number(u)).toBeCloseTo(model.uvs[2 * i], 5);
      expect(Number(v)).toBeCloseTo(1 - model.uvs[2 * i + 1], 5);
    });
    expect([obj.mtllib, obj.usemtl, obj.o]).toEqual([[['head.mtl']], [['head']], [['tiny-head']]]);
    expect(writeMtl({ material: 'head', textureFile: 'texture.png' })).toContain('newmtl head\n');
    expect(writeMtl({ material: 'head', textureFile: 'texture.png' })).toContain('\nmap_Kd texture.png\n');
  });

  it('writes no minus zero and no exponents', () => {
    const positions = mesh.positions.slice();
    positions.set([-1e-9, 1e-12, -0]);
    const first = writeObj({ ...mesh, positions }, NAMES)
      .split('\n')
      .find((l) => l.startsWith('v '));
    expect(first).toBe('v 0.000000 0.000000 0.000000');
  });

  it('rounds as toFixed does, ties and large numbers too', () => {
    const random = createRandom(7);
    const some = [2 ** -7, -(2 ** -7), 0.0000005, 999999.9375, -1234567.5, 3e9, 1e-7, -0.9999999, 12.3456789];
    const positions = mesh.positions.map((_, i) => some[i] ?? (random.uniform() - 0.5) * 10 ** (i % 6));
    const written = parse(writeObj({ ...mesh, positions }, NAMES)).v.flat();
    written.forEach((text, i) => {
      expect(text).toBe(positions[i].toFixed(6).replace(/^-(0\.0*)$/, '$1'));
    });
  });

  it('refuses names that would break the file, and meshes that do not fit together', () => {
    expect(() => writeObj({ ...mesh, name: 'a\nv 0 0 0' }, NAMES)).toThrow(InvalidArgumentError);
    expect(() => writeObj(mesh, { ...NAMES, material: '' })).toThrow(InvalidArgumentError);
    const cases: [Partial<typeof mesh>, RegExp][] = [
      [{ normals: new Float32Array(3) }, /mesh\.normals has 3 numbers, must be 1314/],
      [{ faces: new Uint32Array(0), faceUvs: new Uint32Array(0) }, /faces must be rows/],
      [{ faces: Uint32Array.of(0, 1, 999), faceUvs: Uint32Array.of(0, 1, 2) }, /beyond 437/],
      [{ faceUvs: new Uint32Array(3) }, /faceUvs must be as long as faces/],
      [{ uvs: mesh.uvs.slice(0, 4) }, /faceUvs has a number beyond/],
      [{ positions: mesh.positions.map((x, i) => (i === 3 ? Number.NaN : x)) }, /positions holds a number/],
    ];
    for (const [part, message] of cases) expect(() => writeObj({ ...mesh, ...part }, NAMES)).toThrow(message);
  });
});
