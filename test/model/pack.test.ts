import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FormatError, InvalidArgumentError } from '../../src/core/errors.ts';
import { sha256Hex, sha256HexPlain } from '../../src/core/sha256.ts';
import { f32Tensor } from '../../src/io/dtypes.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/io/safetensors.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { type HeadPackInfo, readHeadPack, writeHeadPack } from '../../src/model/pack.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const head = makeTinyHead();
const INFO: HeadPackInfo = {
  version: '1.2.3',
  credits: 'the tests',
  provenance: { made: ['by', 'formula'] },
};
const pack = (precision: HeadPackInfo['precision']) => writeHeadPack(head, { ...INFO, precision });

/** The fields that do not depend on the file. */
function comparable(model: HeadModel) {
  const { name, license, joints, identityNames, expressionNames, landmarks, regions } = model;
  const { template, faces, uvs, faceUvs, expressionSd, expressionRange, jointTemplate } = model;
  const { jointIdentityBasis, jointExpressionBasis } = model;
  return {
    ...{ name, license, joints, identityNames, expressionNames, landmarks, regions: [...regions].sort() },
    ...{ template, faces, uvs, faceUvs, expressionSd, expressionRange, jointTemplate },
    ...{ jointIdentityBasis, jointExpressionBasis },
  };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - b[i])), 0);
}

describe('head pack round trip', () => {
  it('float32 gives back every number', async () => {
    const back = await readHeadPack(pack('float32'));
    expect(comparable(back)).toEqual(comparable(head));
    expect(back.identityBasis).toEqual(head.identityBasis);
    expect(back.expressionBasis).toEqual(head.expressionBasis);
    expect(back.skinWeights).toEqual(head.skinWeights);
    expect(back.texture).toEqual(head.texture);
    expect(back.poseBasis).toBeNull();
    expect([back.version, back.credits, back.provenance]).toEqual([
      '1.2.3',
      'the tests',
      { made: ['by', 'formula'] },
    ]);
  });

  it.each([
    // Identity reaches 5 mm, expression 12 mm, colours and weights 1: half a step of float16's 11 bits below the next
    // power of two, or of int8's 254 levels.
    ['float16', 2 ** -19, 2 ** -18, 2 ** -12, 2 ** -15],
    ['int8', 5.3e-3 / 254, 12.1e-3 / 254, 1 / 510, 0.1 / 254],
  ] as const)(
    '%s keeps shapes and weights within its steps',
    async (precision, identity, expression, fraction, colour) => {
      const back = await readHeadPack(pack(precision));
      expect(comparable(back)).toEqual(comparable(head));
      expect(largestDifference(back.identityBasis, head.identityBasis)).toBeLessThanOrEqual(identity);
      expect(largestDifference(back.expressionBasis, head.expressionBasis)).toBeLessThanOrEqual(expression);
      expect(largestDifference(back.skinWeights, head.skinWeights)).toBeLessThanOrEqual(3 * fraction);
      expect(largestDifference(back.texture!.mean, head.texture!.mean)).toBeLessThanOrEqual(fraction * 1.01);
      expect(largestDifference(back.texture!.basis, head.texture!.basis)).toBeLessThanOrEqual(colour * 1.01);
      const J = head.joints.length;
      for (let v = 0; v < back.skinWeights.length; v += J) {
        const sum = back.skinWeights.subarray(v, v + J).reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
      }
      // Zeros stay zeros: no expression moves the eyes after storage either.
      for (let i = 0; i < head.expressionBasis.length; i++) {
        if (head.expressionBasis[i] === 0) expect(Math.abs(back.expressionBasis[i])).toBe(0);
      }
    },
  );

  it('smaller precisions make smaller files, and the texture has its own', () => {
    const sizes = [pack('float32'), pack('float16'), pack('int8')].map((b) => b.length);
    expect(sizes[1]).toBeLessThan(0.65 * sizes[0]);
    expect(sizes[2]).toBeLessThan(0.8 * sizes[1]);
    const mixed = readSafetensors(
      writeHeadPack(head, { ...INFO, precision: 'float16', texturePrecision: 'int8' }),
    );
    expect(mixed.tensors.get('identity_basis')!.dtype).toBe('F16');
    expect(mixed.tensors.get('texture.basis')!.dtype).toBe('I8');
    expect(mixed.tensors.get('texture.basis.scale')!.shape).toEqual([3]);
  });

  it('the same head gives the same bytes and the hash of those bytes', async () => {
    const bytes = pack('int8');
    expect(pack('int8')).toEqual(bytes);
    const back = await readHeadPack(bytes);
    expect(back.hash).toBe(createHash('sha256').update(bytes).digest('hex'));
    // Not the model it was read as, only its content, decides what is written.
    expect(writeHeadPack(await readHeadPack(pack('float32')), { ...INFO, precision: 'float32' })).toEqual(
      pack('float32'),
    );
  });

  it('optional parts: no texture, pose correctives, moving joints, open ranges, texel regions', async () => {
    const J = head.joints.length;
    const V = head.template.length / 3;
    const full: HeadModel = {
      ...head,
      poseBasis: Float32Array.from({ length: 9 * (J - 1) * V * 3 }, (_, i) => ((i % 13) - 6) * 1e-4),
      jointExpressionBasis: Float32Array.from({ length: 4 * J * 3 }, (_, i) => i * 1e-4),
      expressionRange: Float32Array.from({ length: 8 }, (_, i) => (i % 2 ? Infinity : -Infinity)),
    };
    const map = Uint8Array.from({ length: 32 * 32 }, (_, i) => i & 255);
    const texelRegions = new Map([['skin', map]]);
    const back = await readHeadPack(writeHeadPack(full, { ...INFO, precision: 'float32', texelRegions }));
    expect(back.poseBasis).toEqual(full.poseBasis);
    expect(back.jointExpressionBasis).toEqual(full.jointExpressionBasis);
    expect(back.expressionRange).toEqual(full.expressionRange);
    expect(back.texelRegions).toEqual(texelRegions);
    const bare = await readHeadPack(writeHeadPack({ ...head, texture: null }, INFO));
    expect(bare.texture).toBeNull();
  });

  it('reads ±3.4e38 as no bound', async () => {
    const bytes = edited((t) =>
      t.set('expression_range', f32Tensor(Float32Array.from([-3.4e38, 3.4e38, 0, 1, 0, 1, 0, 1]), [4, 2])),
    );
    expect([...(await readHeadPack(bytes)).expressionRange.subarray(0, 3)]).toEqual([-Infinity, Infinity, 0]);
  });
});

/** The float32 pack with its tensors, or the parsed metadata, changed. */
function edited(change: (tensors: Map<string, Tensor>, meta: Record<string, unknown>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(pack('float32'));
  const meta = JSON.parse(metadata['photofit']) as Record<string, unknown>;
  change(tensors, meta);
  return writeSafetensors(tensors, { photofit: JSON.stringify(meta) });
}
/** Same, with one number of one tensor changed. */
function poked(name: string, at: number, value: number): Uint8Array {
  return edited((tensors) => {
    const { dtype, shape, bytes } = tensors.get(name)!;
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    if (dtype === 'F32') view.setFloat32(4 * at, value, true);
    else view.setUint16(2 * at, value, true);
    tensors.set(name, { dtype, shape, bytes: copy });
  });
}

describe('head pack refuses, by name,', () => {
  const V = head.template.length / 3;
  const cases: [string, () => Uint8Array, RegExp][] = [
    [
      'missing and unexpected tensors together',
      () =>
        edited((t) => {
          t.delete('faces');
          t.delete('landmarks.mesh.faces');
          t.set('nose', f32Tensor(Float32Array.of(1), [1]));
        }),
      /missing tensors: faces, landmarks\.mesh\.faces; unexpected tensors: nose/,
    ],
    ['half a texture', () => edited((t) => t.delete('texture.mean')), /missing tensors: texture\.mean/],
    ['the other half', () => edited((t) => t.delete('texture.basis')), /missing tensors: texture\.basis/],
    [
      'int8 without its scale',
      () =>
        edited((t) =>
          t.set('pose_basis', { dtype: 'I8', shape: [36, V, 3], bytes: new Uint8Array(36 * V * 3) }),
        ),
      /missing tensors: pose_basis\.scale/,
    ],
    [
      'a scale without int8',
      () => edited((t) => t.set('identity_basis.scale', f32Tensor(new Float32Array(6), [6]))),
      /unexpected tensors: identity_basis\.scale/,
    ],
    [
      'a wrong dtype',
      () => edited((t) => t.set('expression_sd', { dtype: 'F64', shape: [4], bytes: new Uint8Array(32) })),
      /'expression_sd' is F64, must be F32/,
    ],
    [
      'a wrong shape',
      () => edited((t) => t.set('template', f32Tensor(new Float32Array(3 * V - 3), [V - 1, 3]))),
      /'identity_basis' has the shape \[6,438,3\], must be \(S, V, 3\) with V = 437, from 'template'/,
    ],
    [
      'a wrong number of axes',
      () => edited((t) => t.set('template', f32Tensor(new Float32Array(3 * V), [3 * V]))),
      /must be \(V, 3\)/,
    ],
    [
      'names that do not fit',
      () => edited((_, m) => void (m['identityNames'] as string[]).pop()),
      /with S = 5, the number of identityNames/,
    ],
    [
      'repeated names',
      () => edited((_, m) => void ((m['identityNames'] as string[])[1] = 'size')),
      /'size' twice/,
    ],
    [
      'another format version',
      () => edited((_, m) => void (m['format'] = 'head/2')),
      /format "head\/2".*reads "head\/1"/,
    ],
    ['unexpected metadata', () => edited((_, m) => void (m['colour'] = 1)), /unexpected metadata: colour/],
    ['absent metadata', () => writeSafetensors(readSafetensors(pack('float32')).tensors), /no head pack/],
    ['metadata that is no JSON', () => writeSafetensors([], { photofit: '{' }), /no JSON/],
    ['metadata of another type', () => writeSafetensors([], { photofit: '[]' }), /no object/],
    ['a missing license', () => edited((_, m) => void delete m['license']), /'license' must be a string/],
    [
      'joints without parents',
      () => edited((_, m) => void (m['joints'] = [{ name: 'root' }])),
      /'joints' must be an array/,
    ],
    [
      'children before parents',
      () => edited((_, m) => void ((m['joints'] as { parent: number }[])[1].parent = 2)),
      /joints: 'neck' \(number 1\) has parent 2/,
    ],
    [
      'a second root',
      () => edited((_, m) => void ((m['joints'] as { parent: number }[])[2].parent = -1)),
      /joints: 'jaw'/,
    ],
    [
      'joints of one name',
      () => edited((_, m) => void ((m['joints'] as { name: string }[])[3].name = 'jaw')),
      /two are called 'jaw'/,
    ],
    [
      'a vertex number out of range',
      () => poked('faces', 7, V),
      /faces: item 7 is 438, but there are only 438/,
    ],
    ['a texture vertex out of range', () => poked('face_uvs', 0, 60000), /faceUvs: item 0/],
    [
      'a landmark face out of range',
      () => poked('landmarks.contour.faces', 3, 5000),
      /landmarks\.contour\.faces: item 3/,
    ],
    [
      'a face-mesh number out of range',
      () => poked('landmarks.mesh.indices', 2, 478),
      /landmarks\.mesh\.indices: item 2/,
    ],
    ['a region vertex out of range', () => poked('regions.face', 85, 999), /region 'face': item 85/],
    [
      'a region that does not ascend',
      () => poked('regions.face', 1, 1),
      /region 'face': item 1 .* must ascend/,
    ],
    ['NaN', () => poked('template', 5, Number.NaN), /template: item 5 is NaN/],
    ['infinity', () => poked('identity_basis', 100, Infinity), /identityBasis: item 100 is Infinity/],
    [
      'weights that do not sum to 1',
      () => poked('skin_weights', 5 * 38 + 1, 0.5),
      /skinWeights: row 38 sums to/,
    ],
    ['negative weights', () => poked('skin_weights', 0, -1), /skinWeights: item 0 is -1/],
    [
      'barycentrics that do not sum to 1',
      () => poked('landmarks.inner51.barycentrics', 4, 0.999),
      /landmarks\.inner51\.barycentrics/,
    ],
    [
      'a standard deviation of zero',
      () => poked('expression_sd', 1, 0),
      /expressionSd: item 1 is 0; it must be positive/,
    ],
    [
      'a range without zero',
      () => poked('expression_range', 2, 0.5),
      /'mouthSmile' has the range \[0\.5, 1\]/,
    ],
    [
      'a range that is NaN',
      () => poked('expression_range', 3, Number.NaN),
      /'mouthSmile' has the range \[0, NaN\]/,
    ],
    ['yaws that do not ascend', () => poked('landmarks.contour.yaws', 1, 2), /yaws: item 2/],
    [
      'colours in 0…255',
      () => poked('texture.mean', 9, 128),
      /texture\.mean: item 9 is 128; it must lie in \[0, 1\]/,
    ],
    ['texture coordinates outside the texture', () => poked('uvs', 9, 1.5), /uvs: item 9 is 1.5/],
    [
      'U8 weights that rounding cannot explain',
      () =>
        edited((t) =>
          t.set('skin_weights', { dtype: 'U8', shape: [V, 5], bytes: new Uint8Array(5 * V).fill(60) }),
        ),
      /skinWeights: row 0 sums to 1\.1765/,
    ],
  ];
  it.each(cases)('%s', async (_, make, message) => {
    const error = await readHeadPack(make(), 'my.head').then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^my\.head: /);
  });

  it('to write a head it could not read, an unknown precision, or a texel map of the wrong size', () => {
    const bad = { ...head, expressionSd: new Float32Array(3) };
    expect(() => writeHeadPack(bad, INFO)).toThrow(
      /writeHeadPack: tiny-head: expressionSd: 3 numbers, must be 4/,
    );
    expect(() => writeHeadPack(head, { ...INFO, precision: 'int4' as 'int8' })).toThrow(InvalidArgumentError);
    expect(() => writeHeadPack(head, { ...INFO, texelRegions: new Map([['x', new Uint8Array(3)]]) })).toThrow(
      /'x' has 3/,
    );
  });
});

describe('sha256Hex', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  it("agrees with Node for every tail length, by Node's own hash, by WebCrypto and without either", async () => {
    const data = Uint8Array.from({ length: 200 }, (_, i) => (i * 37) & 255);
    // Node 20.15 and before have no such function.
    const node = 'getBuiltinModule' in process ? vi.spyOn(process, 'getBuiltinModule') : null;
    for (let n = 0; n <= 200; n++) {
      const want = createHash('sha256').update(data.subarray(0, n)).digest('hex');
      expect(sha256HexPlain(data.subarray(0, n))).toBe(want);
      expect(await sha256Hex(data.subarray(0, n))).toBe(want);
    }
    if (node) expect(node).toHaveBeenCalledTimes(201);
    const digest = vi.spyOn(globalThis.crypto.subtle, 'digest');
    // As in a page.
    node?.mockReturnValue(undefined as never);
    expect(await sha256Hex(data)).toBe(createHash('sha256').update(data).digest('hex'));
    expect(digest).toHaveBeenCalledTimes(1);
    expect(sha256HexPlain(data.subarray(13, 150))).toBe(
      createHash('sha256').update(data.subarray(13, 150)).digest('hex'),
    );
    // An insecure page has crypto but no crypto.subtle.
    vi.stubGlobal('crypto', {});
    expect(await sha256Hex(data)).toBe(createHash('sha256').update(data).digest('hex'));
  });
});
