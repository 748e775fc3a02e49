/** PLY files, written here in all three formats, and broken ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readPly } from '../../src/io/ply-read.ts';

const HEADER = (format: string) => `ply
format ${format} 1.0
comment a quad and a triangle
element vertex 5
property double x
property float y
property short z
property uchar red
property uchar green
property uchar blue
element face 2
property list uchar int vertex_indices
property uchar flags
element edge 1
property list uchar ushort ends
end_header
`;
const VERTICES = [
  [0.1, 0, 0],
  [1, 0.5, 0],
  [1, 1, -3],
  [0, 1, 0],
  [2, 2, 7],
];
const FACES = [
  [0, 1, 2, 3],
  [2, 4, 3],
];

const text = (s: string) => new TextEncoder().encode(s);

function ascii(): Uint8Array {
  const rows = [
    ...VERTICES.map((v, i) => `${v.join(' ')} ${51 * i} 0 255`),
    ...FACES.map((f) => `${f.length} ${f.join(' ')} 9`),
    '2 0 1',
  ];
  return text(HEADER('ascii') + rows.join('\n'));
}

function binary(little: boolean): Uint8Array {
  const header = text(HEADER(`binary_${little ? 'little' : 'big'}_endian`));
  const bytes = new Uint8Array(header.length + 5 * (8 + 4 + 2 + 3) + (1 + 16 + 1) + (1 + 12 + 1) + 5);
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  let at = header.length;
  VERTICES.forEach(([x, y, z], i) => {
    view.setFloat64(at, x, little);
    view.setFloat32(at + 8, y, little);
    view.setInt16(at + 12, z, little);
    bytes.set([51 * i, 0, 255], at + 14);
    at += 17;
  });
  for (const face of FACES) {
    bytes[at++] = face.length;
    for (const v of face) {
      view.setInt32(at, v, little);
      at += 4;
    }
    bytes[at++] = 9;
  }
  bytes[at] = 2;
  return bytes;
}

describe('readPly', () => {
  it.each([
    ['ascii', ascii()],
    ['binary, little endian', binary(true)],
    ['binary, big endian', binary(false)],
    ['ascii with Windows line ends', text(new TextDecoder().decode(ascii()).replaceAll('\n', '\r\n'))],
  ])('reads %s', (_, bytes) => {
    const { vertices, colors, faces } = readPly(bytes);
    expect([...vertices]).toEqual(VERTICES.flat());
    expect([...(faces ?? [])]).toEqual([0, 1, 2, 0, 2, 3, 2, 4, 3]);
    expect(colors?.[3 * 4]).toBeCloseTo(0.8, 6);
    expect(colors?.[5]).toBe(1);
  });

  it('a file without faces is a cloud of points', () => {
    const cloud =
      'ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n';
    const { faces, colors, vertices } = readPly(text(`${cloud}end_header\n1 2 3\n`));
    expect({ faces, colors, vertices: [...vertices] }).toEqual({
      faces: null,
      colors: null,
      vertices: [1, 2, 3],
    });
  });

  it.each([
    ['no PLY', text('solid\n'), /is no PLY/],
    ['another format', text(HEADER('binary_middle_endian')), /binary_middle_endian/],
    ['cut short', binary(true).subarray(0, -20), /cut short/],
    ['a count no file can hold', text(HEADER('ascii').replace('vertex 5', 'vertex 5000000000')), /cut short/],
    ['a word for a number', text(HEADER('ascii') + 'a b c'), /found "a"/],
    ['a strange vertex', text(new TextDecoder().decode(ascii()).replace('2 4 3', '2 5 3')), /vertex 5/],
    ['a strange type', text(HEADER('ascii').replace('double', 'quad')), /quad x/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readPly(bytes, 'x.ply')).toThrow(FormatError);
    expect(() => readPly(bytes, 'x.ply')).toThrow(message);
  });

  it('damage is told as FormatError or not at all', () => {
    const good = binary(true);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bytes = good.slice();
        bytes[at] = value;
        try {
          readPly(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});
