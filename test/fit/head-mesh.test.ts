/** Heads as they go into files: states, ARKit's shapes, bent normals, the photo's camera. */
import { WebIO } from '@gltf-transform/core';
import { validateBytes } from 'gltf-validator';
import { describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { projectPoints } from '../../src/camera/project.ts';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { exportCamera } from '../../src/fit/export-view.ts';
import { atRest, POSE_CORRECTIVES, posedHeadMesh, riggedHeadMesh } from '../../src/fit/head-mesh.ts';
import { writeGlb } from '../../src/io/glb.ts';
import type { MeshExport } from '../../src/io/mesh-export.ts';
import { encodePng } from '../../src/io/png.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { vertexNormals } from '../../src/render/normals.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const fit = makeTinyFit(model);
const { params } = fit;
const texturePng = encodePng({ width: 2, height: 2, data: new Uint8ClampedArray(16).fill(255) });

/** Sum of the rest and of the morphs at the weights of a state. */
function morphed(mesh: MeshExport, state: string): Float32Array {
  const { weights } = mesh.states!.find(({ name }) => name === state)!;
  const out = Float32Array.from(mesh.positions);
  mesh.morphs!.forEach(({ displacements }, m) => {
    for (let i = 0; i < out.length; i++) out[i] += weights[m] * displacements[i];
  });
  return out;
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

describe('states of a rigged head', () => {
  const V = model.template.length / 3;
  const odd: HeadModel = {
    ...model,
    poseBasis: Float32Array.from({ length: 36 * V * 3 }, (_, i) => 1e-3 * Math.sin(i)),
    jointExpressionBasis: Float32Array.from({ length: 4 * 5 * 3 }, (_, i) => 2e-3 * Math.cos(i)),
  };

  it.each([
    ['plain', model],
    ['with pose correctives and joints that move with expression', odd],
  ])('photo and neutral are both exact: %s', (_, head) => {
    const mesh = riggedHeadMesh(head, params);
    expect(mesh.states!.map(({ name }) => name)).toEqual(['photo', 'neutral']);
    expect(mesh.morphs!.some(({ name }) => name === POSE_CORRECTIVES)).toBe(head === odd);
    // Neutral has no rotations, so the morphed mesh is what is seen; the photo's before its skin is.
    expect(farthest(morphed(mesh, 'neutral'), poseHead(head, atRest(params)).vertices)).toBeLessThan(1e-7);
    expect(mesh.states![1].rotations.flat()).toEqual(params.pose.length === 15 ? five([0, 0, 0, 1]) : []);
    expect(farthest(morphed(mesh, 'photo'), poseHead(head, params).bind)).toBeLessThan(1e-6);
  });

  it('opens in the state asked for', () => {
    const photo = riggedHeadMesh(model, params);
    const neutral = riggedHeadMesh(model, params, { state: 'neutral' });
    expect(photo.morphs!.map((m) => m.weight)).toEqual(photo.states![0].weights);
    expect(neutral.morphs!.every((m) => m.weight === 0)).toBe(true);
    expect(neutral.skin!.joints.every((j) => j.rotation.join() === '0,0,0,1')).toBe(true);
    expect(neutral.positions).toEqual(photo.positions);
    const posed = posedHeadMesh(model, params, { state: 'neutral' });
    expect(posed.positions).toEqual(poseHead(model, atRest(params)).vertices);
  });

  it('has the normals of each target at full weight, and of none', () => {
    const mesh = riggedHeadMesh(model, params);
    expect(farthest(mesh.normals, vertexNormals(mesh.positions, model.faces))).toBe(0);
    for (const { displacements, normals } of mesh.morphs!) {
      const moved = mesh.positions.map((x, i) => x + displacements[i]);
      const bent = mesh.normals.map((x, i) => x + normals![i]);
      expect(farthest(bent, vertexNormals(moved, model.faces))).toBeLessThan(2e-6);
    }
  });

  it('a file of it has two animations, and the validator has nothing to object to', async () => {
    const glb = writeGlb(riggedHeadMesh(odd, params, { texturePng, view: fit }));
    const { issues, info } = await validateBytes(glb, { maxIssues: 0 });
    expect(issues.messages).toEqual([]);
    expect(info).toMatchObject({ animationCount: 2, hasMorphTargets: true, hasSkins: true });
    const root = (await new WebIO().readBinary(glb)).getRoot();
    expect(root.listAnimations().map((a) => a.getName())).toEqual(['photo', 'neutral']);
    for (const animation of root.listAnimations()) {
      const paths = animation.listChannels().map((c) => c.getTargetPath());
      expect(paths).toEqual(['weights', ...five(['rotation'])]);
      for (const sampler of animation.listSamplers()) {
        const output = sampler.getOutput()!.getArray()!;
        const half = output.length / 2;
        expect(output.slice(0, half)).toEqual(output.slice(half));
      }
    }
    const light = (root.listScenes()[0].getExtras()['photofit'] as { light: number[][] }).light;
    expect(light.flat().map(Math.fround)).toEqual([...fit.light]);
  });
});

describe("the photo's camera in the file", () => {
  const points = poseHead(model, params).vertices;
  const offCentre: Camera = { ...fit.camera, principal: [300, 500] };
  const orthographic: Camera = {
    kind: 'orthographic',
    scale: 3000,
    principal: [512, 384],
    translation: [0.01, -0.02, 0],
  };

  it.each([
    ['perspective', { ...fit.camera, principal: [512, 384] } as Camera],
    ['off centre', offCentre],
    ['orthographic', orthographic],
  ])('shows points where the fit does: %s', (_, camera) => {
    const depths = [-0.15, 0.15] as const;
    const c = exportCamera({ camera, image: fit.image, light: fit.light }, depths);
    const { width, height, principal } = c.extras!['photofit'] as Record<string, never>;
    const [cx, cy] = principal as number[];
    const half = Math.max(cy, height - cy);
    const truth = projectPoints(camera, points);
    for (let v = 0; v < points.length / 3; v += 17) {
      const [x, y, z] = [0, 1, 2].map((a) => points[3 * v + a] - c.position[a]);
      expect(-z).toBeGreaterThan(c.near);
      expect(-z).toBeLessThan(c.far);
      // glTF: clip coordinates ±1 at the edges of a picture around the axis.
      const m = 'yfov' in c.projection ? Math.tan(c.projection.yfov / 2) * -z : c.projection.ymag;
      expect(cx + (x / m) * half).toBeCloseTo(truth[3 * v], 3);
      expect(cy - (y / m) * half).toBeCloseTo(truth[3 * v + 1], 3);
    }
    expect(c.aspect).toBeCloseTo(Math.max(cx, width - cx) / half, 9);
  });

  it('is valid glTF, both kinds', async () => {
    for (const camera of [offCentre, orthographic]) {
      const glb = writeGlb(riggedHeadMesh(model, params, { texturePng, view: { ...fit, camera } }));
      const { issues } = await validateBytes(glb, { maxIssues: 0 });
      expect(issues.messages).toEqual([]);
      const [read] = (await new WebIO().readBinary(glb)).getRoot().listCameras();
      expect(read.getType()).toBe(camera.kind);
    }
  });
});

describe('writeGlb', () => {
  it('refuses states that do not fit', () => {
    const mesh = riggedHeadMesh(model, params);
    const [state] = mesh.states!;
    const refused = (part: Partial<MeshExport>) => () => writeGlb({ ...mesh, ...part });
    expect(refused({ states: [{ ...state, weights: [1] }] })).toThrow(InvalidArgumentError);
    expect(refused({ states: [{ ...state, rotations: [] }] })).toThrow(/states 'photo' has 0 rotations/);
    expect(refused({ skin: null })).toThrow(/needs a skeleton/);
    const [first, ...rest] = mesh.morphs!;
    expect(refused({ morphs: [first, ...rest.map((m) => ({ ...m, normals: undefined }))] })).toThrow(
      /normals must be/,
    );
  });
});

function five<T>(values: readonly T[]): T[] {
  return Array.from({ length: 5 }, () => values).flat();
}
