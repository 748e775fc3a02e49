/** `photofit model fit-mesh`: meshes and landmarks in files, results read back. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { placeOnMesh } from '../../src/fit/fit-mesh.ts';
import { parseMeshFitFile } from '../../src/fit/mesh-file.ts';
import { LANDMARK_NAMES, readMeshLandmarks } from '../../src/fit/mesh-landmarks.ts';
import { readObj } from '../../src/io/obj-read.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

let model: HeadModel;
let vertices: number[];
/** Vertices nearest to each of the landmarks 17…67. */
let corners: number[];

describe('photofit model fit-mesh', () => {
  const folder = lastingFolder();
  const mesh = path.join(folder, 'person.obj');

  beforeAll(async () => {
    model = await loadHeadModel();
    const params = neutralParams(model);
    params.identity.set([1, -1.5, 0.7, 1, -0.5]);
    vertices = [...poseHead(model, params).vertices].map((x) => 100 * x);
    const rows = (values: readonly number[] | Uint32Array, tag: string, add = 0) =>
      Array.from({ length: values.length / 3 }, (_, i) =>
        [tag, ...[0, 1, 2].map((a) => values[3 * i + a] + add)].join(' '),
      );
    writeFileSync(mesh, [...rows(vertices, 'v'), ...rows(model.faces, 'f', 1)].join('\n'));
    const { faces, barycentrics } = model.landmarks.inner51;
    corners = [...faces].map((f, l) => {
      const b = [...barycentrics.subarray(3 * l, 3 * l + 3)];
      return model.faces[3 * f + b.indexOf(Math.max(...b))];
    });
  });

  it('writes the head where the mesh lies, and how near it came', async () => {
    const landmarks = path.join(folder, 'person.json');
    writeFileSync(landmarks, JSON.stringify(corners));
    const out = path.join(folder, 'out');
    const { code, stdout, stderr } = await cli([
      'model',
      'fit-mesh',
      mesh,
      '--landmarks',
      landmarks,
      '-o',
      out,
    ]);
    expect(stderr).toMatch(/person\.obj: surface ½ mm, energy/);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /person\.obj → .*out {2}\(distance mean 0\.\d\d, .* mm; \d+ % of the face matched; 0\.01 m/,
    );
    const file = parseMeshFitFile(readFileSync(path.join(out, 'fit.json'), 'utf8'));
    expect(file.input).toMatchObject({
      vertices: vertices.length / 3,
      landmarks: 51,
      unit: 0.01,
      unit_known: true,
    });
    expect(file.residuals_mm.mean).toBeLessThan(0.2);
    const placed = readObj(readFileSync(path.join(out, 'head.obj'))).vertices;
    const face = model.regions.get('face') ?? [];
    const off = [...face].map((v) =>
      Math.hypot(...[0, 1, 2].map((a) => placed[3 * v + a] - vertices[3 * v + a])),
    );
    expect(off.reduce((s, d) => s + d, 0) / off.length).toBeLessThan(0.03);
    // The file alone says the same.
    const pose = Float32Array.from(model.joints.flatMap(({ name }) => file.params.pose[name]));
    const params = { identity: file.params.shape, expression: file.params.expression, pose };
    const again = placeOnMesh(file, poseHead(model, params).vertices);
    for (let i = 0; i < 300; i++) expect(again[i]).toBeCloseTo(placed[i], 4);
    expect(existsSync(path.join(out, 'head.glb'))).toBe(true);
    expect(existsSync(path.join(out, 'texture.png'))).toBe(true);
  });

  it('a few named landmarks in a text file do', async () => {
    const text = ['nose_tip', 'left_eye_outer', 'right_eye_outer', 'mouth_left', 'mouth_right', 'nasion']
      .map((name) => `${name}, ${corners[LANDMARK_NAMES[name] - 17]}  # a vertex`)
      .join('\n');
    const landmarks = path.join(folder, 'few.txt');
    writeFileSync(landmarks, text);
    const out = path.join(temporaryFolder(), 'few');
    const args = [
      'model',
      'fit-mesh',
      mesh,
      '--landmarks',
      landmarks,
      '-o',
      out,
      '--neutral',
      '--json',
      '-q',
    ];
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).residuals_mm.mean).toBeLessThan(0.3);
  });

  it.each([
    ['no landmarks', [mesh], /give --landmarks FILE/],
    ['a mesh that is not there', ['none.obj', '--landmarks', mesh], /none\.obj: no such file/],
    ['a file of another kind', ['package.json', '--landmarks', mesh], /OBJ and PLY/],
    ['landmarks that are none', [mesh, '--landmarks', 'package.json'], /no landmark is called name/],
  ])('%s: one clear sentence', async (_, args, message) => {
    const { code, stderr } = await cli(['model', 'fit-mesh', ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('readMeshLandmarks', () => {
  const square = [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0];
  const read = (text: string) => readMeshLandmarks(text, square, 'l.txt');

  it('takes coordinates and vertex numbers, JSON and text', () => {
    const wanted = { numbers: [8, 30, 36, 45], points: Float64Array.of(5, 6, 7, 0, 1, 0, 1, 0, 0, 0, 0, 0) };
    expect(read('{"nose_tip": 3, "8": [5, 6, 7], "36": 1, "45": [0]}')).toEqual(wanted);
    expect(read('nose_tip 3\n8 5 6 7\n\n36;1\n45, 0 # a word\n')).toEqual(wanted);
  });

  it('51 without numbers are 17 to 67', () => {
    const { numbers, points } = read(Array.from({ length: 51 }, () => '2').join('\n'));
    expect([numbers[0], numbers[50], points.length]).toEqual([17, 67, 153]);
  });

  it.each([
    ['[1, 2, 3]', /all 68 of iBUG, the inner 51/],
    ['8 1\n36 2\n45 3', /at least 4/],
    ['8 1\n36 2\n45 3\n8 2', /twice/],
    ['8 1\n36 2\n45 3\n68 2', /called 68/],
    ['8 1\n36 2\n45 3\n30 9', /vertex 9 does not exist/],
    ['8 1\n36 2\n45 3\n30 x', /neither three coordinates/],
    ['[1,', /no JSON/],
  ])('%s is refused', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).not.toThrow(InvalidArgumentError);
  });
});
