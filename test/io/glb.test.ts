import { WebIO } from '@gltf-transform/core';
import { build } from 'esbuild';
import { validateBytes } from 'gltf-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { riggedHeadMesh } from '../../src/fit/head-mesh.ts';
import { splitAtSeams, writeGlb } from '../../src/io/glb.ts';
import type { MeshExport } from '../../src/io/mesh-export.ts';
import { encodePng } from '../../src/io/png.ts';
import { type HeadModel, neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { shownVertices } from '../helpers/shown-vertices.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const { params } = makeTinyFit(model);
const texturePng = encodePng({ width: 2, height: 2, data: new Uint8ClampedArray(16).fill(255) });

/** The Khronos validator's report; texture coordinates without a texture are no fault. */
async function validate(bytes: Uint8Array) {
  const { issues, info } = await validateBytes(bytes, { maxIssues: 0 });
  const expected = (m: { code: string; pointer: string }) =>
    m.code === 'UNUSED_OBJECT' && m.pointer.endsWith('/attributes/TEXCOORD_0') && !info.hasTextures;
  return { issues: { ...issues, messages: issues.messages.filter((m) => !expected(m)) }, info };
}

/** What a viewer shows: morph targets at their weights, then the skin, with the nodes' rotations. */
async function viewed(glb: Uint8Array) {
  const root = (await new WebIO().readBinary(glb)).getRoot();
  const node = root.listNodes().find((n) => n.getMesh())!;
  const mesh = node.getMesh()!;
  const [primitive] = mesh.listPrimitives();
  const skin = node.getSkin()!;
  const out = shownVertices(node, mesh.getWeights());
  return { root, primitive, mesh, skin, out };
}

function expectShows(out: Float64Array, of: HeadModel, vertices: Float32Array) {
  const split = splitAtSeams({ faces: of.faces, faceUvs: of.faceUvs, uvs: of.uvs });
  expect(out.length).toBe(3 * split.vertices.length);
  split.vertices.forEach((v, i) => {
    // Morph displacements below a micrometre were dropped; the rest is float32.
    for (let a = 0; a < 3; a++) expect(Math.abs(out[3 * i + a] - vertices[3 * v + a])).toBeLessThan(5e-6);
  });
}

describe('writeGlb of a rigged head', () => {
  let glb: Uint8Array;
  beforeAll(() => {
    glb = writeGlb(riggedHeadMesh(model, params, { texturePng, name: 'me' }));
  });

  it('has nothing that the Khronos validator objects to', async () => {
    const { issues, info } = await validate(glb);
    expect(issues.messages).toEqual([]);
    expect(issues).toMatchObject({ numErrors: 0, numWarnings: 0, numInfos: 0 });
    expect(info).toMatchObject({ hasMorphTargets: true, hasSkins: true, hasTextures: true });
  });

  it('shows the posed head in a viewer', async () => {
    const { out } = await viewed(glb);
    expectShows(out, model, poseHead(model, params).vertices);
  });

  it('names joints and expressions, and keeps texture coordinates as they are', async () => {
    const { root, mesh, skin, primitive } = await viewed(glb);
    expect(skin.listJoints().map((j) => j.getName())).toEqual([
      'root',
      'neck',
      'jaw',
      'left_eye',
      'right_eye',
    ]);
    const { length } = model.expressionNames;
    expect((mesh.getExtras()['targetNames'] as string[]).slice(0, length)).toEqual(model.expressionNames);
    // The rest are ARKit's, at rest.
    expect(mesh.getWeights().slice(0, length).map(Math.fround)).toEqual([...params.expression]);
    expect(
      mesh
        .getWeights()
        .slice(length)
        .every((w) => w === 0),
    ).toBe(true);
    const split = splitAtSeams({ faces: model.faces, faceUvs: model.faceUvs, uvs: model.uvs });
    const uvs = primitive.getAttribute('TEXCOORD_0')!.getArray()!;
    split.uvs.forEach((t, i) => {
      expect([uvs[2 * i], uvs[2 * i + 1]]).toEqual([model.uvs[2 * t], model.uvs[2 * t + 1]]);
    });
    expect(root.listTextures()[0].getImage()).toEqual(texturePng);
    const [material] = root.listMaterials();
    expect([material.getMetallicFactor(), material.getRoughnessFactor()]).toEqual([0, 0.7]);
    expect(root.getAsset().copyright).toMatch(/tiny-head \(CC0-1\.0\)/);
  });

  it('stores expressions sparsely', async () => {
    const { primitive } = await viewed(glb);
    const dense = primitive.listTargets().length * primitive.getAttribute('POSITION')!.getByteLength();
    const without = writeGlb(riggedHeadMesh(model, params, { texturePng, morphs: false }));
    // The tiny head's expressions are Gaussian bumps: wide, but far from everywhere.
    expect(glb.length - without.length).toBeLessThan(0.75 * dense);
  });

  it('without morph targets shows the same head', async () => {
    const bytes = writeGlb(riggedHeadMesh(model, params, { texturePng, morphs: false }));
    expect((await validate(bytes)).issues.messages).toEqual([]);
    const { out, primitive } = await viewed(bytes);
    expect(primitive.listTargets()).toEqual([]);
    expectShows(out, model, poseHead(model, params).vertices);
  });

  it('pose correctives and joints that move with expression are in it; a vertex may have five joints', async () => {
    const V = model.template.length / 3;
    const odd: HeadModel = {
      ...model,
      poseBasis: Float32Array.from({ length: 36 * V * 3 }, (_, i) => 1e-3 * Math.sin(i)),
      jointExpressionBasis: Float32Array.from({ length: 4 * 5 * 3 }, (_, i) => 2e-3 * Math.cos(i)),
      skinWeights: Float32Array.from({ length: 5 * V }, (_, i) => [0.3, 0.25, 0.2, 0.15, 0.1][i % 5]),
    };
    const bytes = writeGlb(riggedHeadMesh(odd, params));
    const { issues } = await validate(bytes);
    expect(issues.messages).toEqual([]);
    const { out, primitive } = await viewed(bytes);
    expect(primitive.getAttribute('JOINTS_1')).not.toBeNull();
    expectShows(out, odd, poseHead(odd, params).vertices);
  });

  it('is the same file every time', async () => {
    expect(writeGlb(riggedHeadMesh(model, params, { texturePng, name: 'me' }))).toEqual(glb);
  });
});

describe('writeGlb', () => {
  it('takes a bare mesh, and more than 65,535 vertices', async () => {
    const { name, positions, normals, uvs, faces, faceUvs } = riggedHeadMesh(model, neutralParams(model));
    const bare: MeshExport = { name, positions, normals, uvs, faces, faceUvs };
    expect((await validate(writeGlb(bare))).issues.messages).toEqual([]);
    const large = makeTinyHead({ rings: 180, segments: 370, textureSize: 4 });
    const bytes = writeGlb(riggedHeadMesh(large, neutralParams(large), { morphs: false }));
    const report = await validate(bytes);
    expect(report.issues.messages).toEqual([]);
    expect(report.info.totalVertexCount).toBeGreaterThan(65535);
  });

  it('gives a vertex without faces a normal', async () => {
    const mesh = riggedHeadMesh(model, neutralParams(model), { morphs: false });
    const normals = mesh.normals.slice();
    normals.fill(0, 0, 3);
    expect((await validate(writeGlb({ ...mesh, normals }))).issues.messages).toEqual([]);
  });

  it('refuses a skeleton or expressions that do not fit', () => {
    const mesh = riggedHeadMesh(model, params);
    const joints = mesh.skin!.joints;
    const refused = (part: Partial<MeshExport>) => writeGlb({ ...mesh, ...part });
    expect(() => refused({ skin: { joints, weights: new Float32Array(4) } })).toThrow(InvalidArgumentError);
    expect(() => refused({ skin: { joints: [...joints].reverse(), weights: mesh.skin!.weights } })).toThrow(
      /before its parent/,
    );
    expect(() => refused({ morphs: [{ name: 'x', displacements: new Float32Array(3), weight: 0 }] })).toThrow(
      /morphs 'x'/,
    );
  });

  it('bundles for a page without node: imports', async () => {
    const entry = new URL('../../src/io/glb.ts', import.meta.url).pathname;
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      metafile: true,
    });
    const imports = Object.values(result.metafile.outputs).flatMap((o) => o.imports.map((i) => i.path));
    expect(imports).toEqual([]);
  });
});
