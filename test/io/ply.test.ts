/** PLY files, read back by three.js's loader, which knows nothing of the writer. */
import { PLYLoader } from 'three/examples/jsm/loaders/PLYLoader.js';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { posedHeadMesh } from '../../src/fit/head-mesh.ts';
import { vertexColours } from '../../src/fit/vertex-colours.ts';
import { writePly } from '../../src/io/ply.ts';
import { albedoMap, sampleMap } from '../../src/render/albedo.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const { params } = makeTinyFit(model);
const mesh = posedHeadMesh(model, params);
const albedo = albedoMap(model.texture!, params.texture);

/** What the loader makes of a file. */
function read(bytes: Uint8Array) {
  const geometry = new PLYLoader().parse(bytes.slice().buffer);
  const attribute = (name: string) => geometry.attributes[name]?.array as Float32Array | undefined;
  return { attribute, index: geometry.index!.array };
}

describe('writePly', () => {
  it('keeps positions, normals and faces, and colours as bytes', () => {
    const colours = vertexColours(model, albedo);
    const { attribute, index } = read(writePly(mesh, colours));
    expect(attribute('position')).toEqual(mesh.positions);
    expect(attribute('normal')).toEqual(mesh.normals);
    expect(Uint32Array.from(index)).toEqual(mesh.faces);
    // The loader makes linear values of the bytes, as bytes again.
    const linear = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    attribute('color')!.forEach((value, i) => {
      const byte = Math.round(255 * Math.min(1, Math.max(0, colours[i])));
      expect(Math.abs(value - 255 * linear(byte / 255))).toBeLessThan(1);
    });
  });

  it('has no colours where none are given; the header is plain ASCII', () => {
    const bytes = writePly({ ...mesh, copyright: 'Ünï\ncode' });
    const text = new TextDecoder('latin1').decode(bytes.subarray(0, 500));
    const header = text.slice(0, text.indexOf('end_header'));
    expect(header).toMatch(/^ply\nformat binary_little_endian 1\.0\ncomment {2}n code\n/);
    expect(header).not.toMatch(/red/);
    expect(read(bytes).attribute('color')).toBeUndefined();
    expect(bytes.length).toBe(
      header.length + 11 + (24 * mesh.positions.length) / 3 + (13 * mesh.faces.length) / 3,
    );
  });

  it('refuses colours that do not fit', () => {
    expect(() => writePly(mesh, new Float32Array(3))).toThrow(InvalidArgumentError);
    expect(() =>
      writePly({ ...mesh, faces: Uint32Array.of(0, 1, 999_999), faceUvs: Uint32Array.of(0, 0, 0) }),
    ).toThrow(/beyond/);
  });
});

describe('vertexColours', () => {
  it('is the map at the vertex; on seams, between its places', () => {
    const colours = vertexColours(model, albedo);
    const places = new Map<number, Set<number>>();
    model.faces.forEach((v, i) => {
      places.set(v, (places.get(v) ?? new Set()).add(model.faceUvs[i]));
    });
    let seams = 0;
    const out = new Float32Array(3);
    for (const [v, set] of places) {
      const all = [...set].map((t) => {
        sampleMap(albedo, model.uvs[2 * t], model.uvs[2 * t + 1], out, 0);
        return [...out];
      });
      if (all.length > 1) seams++;
      for (let c = 0; c < 3; c++) {
        const values = all.map((a) => a[c]);
        expect(colours[3 * v + c]).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(colours[3 * v + c]).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      }
    }
    expect(seams).toBeGreaterThan(0);
  });
});
