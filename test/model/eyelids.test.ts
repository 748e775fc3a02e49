/** Lids that sink into eyeballs are seen, and nothing else changes. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { EYEBALL, eyesOf, faceKinds } from '../../src/model/eyelids.ts';
import { findEyes, shutting } from '../../src/model/find-eyes.ts';
import { type HeadModel, jointIndex, neutralParams } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { posedKinds, poseResident, takeHead } from '../../src/model/resident-head.ts';
import { rotationFromAxisAngle } from '../../src/model/rotation.ts';
import { loadFlame } from '../../src/node/flame-files.ts';
import { rasterMesh } from '../../src/render/raster.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = createKernelsSync();
const openHead = await readHeadPack(
  readFileSync(new URL('../../models/open-head.head', import.meta.url)),
  'open-head',
);
const SIDES = ['left', 'right'] as const;

/** open-head with eyeballs too large for its lids, which are 1.8 to 2.1 mm thick. */
function withLargeEyes(factor: number): HeadModel {
  const template = openHead.template.slice();
  for (const side of SIDES) {
    const j = 3 * jointIndex(openHead, `${side}_eye`);
    for (const v of openHead.regions.get(`${side}_eyeball`)!)
      for (let a = 0; a < 3; a++) {
        const centre = openHead.jointTemplate[j + a];
        template[3 * v + a] = centre + factor * (template[3 * v + a] - centre);
      }
  }
  return { ...openHead, template };
}

/** Vertices of the mean face with eyes shut by `share`, turned by `yaw` degrees about the middle of the eyes. */
function shutEyes(model: HeadModel, share: number, yaw: number): Float32Array {
  const moves = shutting(model, findEyes(model)!);
  const turn = rotationFromAxisAngle(0, (yaw * Math.PI) / 180, 0);
  const [l, r] = SIDES.map((side) => 3 * jointIndex(model, `${side}_eye`));
  const middle = [0, 1, 2].map((a) => (model.jointTemplate[l + a] + model.jointTemplate[r + a]) / 2);
  const out = new Float32Array(moves.length);
  for (let v = 0; v < out.length; v += 3) {
    const p = [0, 1, 2].map((a) => model.template[v + a] + share * moves[v + a] - middle[a]);
    for (let a = 0; a < 3; a++)
      out[v + a] = turn[3 * a] * p[0] + turn[3 * a + 1] * p[1] + turn[3 * a + 2] * p[2];
  }
  return out;
}

/** Pixels (400×200 of both eyes) that show an eyeball, as depth has it and with the kinds of faces. */
function eyeballPixels(model: HeadModel, share: number, yaw: number): [depth: number, kinds: number] {
  const vertices = shutEyes(model, share, yaw);
  const ball = new Set(SIDES.flatMap((side) => [...model.regions.get(`${side}_eyeball`)!]));
  const count = (kinds: Uint8Array | null) => {
    const camera = {
      kind: 'perspective' as const,
      focal: 2000,
      principal: [200, 100] as const,
      translation: [0, 0, -0.6] as const,
    };
    const { faceIndex } = rasterMesh(kernels, vertices, model.faces, camera, 400, 200, { kinds });
    return faceIndex.reduce((n, f) => n + (f >= 0 && ball.has(model.faces[3 * f]) ? 1 : 0), 0);
  };
  return [count(null), count(faceKinds(model, vertices))];
}

describe('eyelids', () => {
  it('leaves open-head to depth, whose lids never sink', () => {
    expect(findEyes(openHead)!.eyes).toHaveLength(2);
    expect(eyesOf(openHead)).toBeNull();
    expect(faceKinds(openHead, openHead.template)).toBeNull();
  });

  it('finds the centres of eyeballs, wherever they are moved to', () => {
    const { eyes } = findEyes(openHead)!;
    for (const [e, side] of SIDES.entries()) {
      const j = 3 * jointIndex(openHead, `${side}_eye`);
      const { ball, shares } = eyes[e];
      for (let a = 0; a < 3; a++) {
        const sum = ball.reduce((s, v, i) => s + shares[i] * (openHead.template[3 * v + a] + 0.5), 0);
        expect(sum).toBeCloseTo(openHead.jointTemplate[j + a] + 0.5, 5);
      }
    }
  });

  it('knows no eyeballs on flat discs', () => {
    const template = openHead.template.slice();
    for (const side of SIDES)
      for (const v of openHead.regions.get(`${side}_eyeball`)!) template[3 * v + 2] = 0.05;
    expect(findEyes({ ...openHead, template })).toBeNull();
  });

  it('takes no skin that is closed before the eyeballs for lids', () => {
    const tiny = makeTinyHead();
    expect(tiny.regions.get('left_eyeball')!.length).toBeGreaterThan(3);
    expect(findEyes(tiny)).toBeNull();
    expect(findEyes({ ...openHead, regions: new Map() })).toBeNull();
  });

  it.each([-30, 0, 30])('shuts lids over eyeballs that are too large, seen from %i°', (yaw) => {
    const large = withLargeEyes(1.2);
    expect(eyesOf(large)).not.toBeNull();
    expect(eyeballPixels(openHead, 1, yaw)).toEqual([0, 0]);
    const [through, shut] = eyeballPixels(large, 1, yaw);
    expect(through).toBeGreaterThan(400);
    // The slit itself, which these eyeballs fill.
    expect(shut).toBeLessThan(through / 10);
    const [own] = eyeballPixels(openHead, 0, yaw);
    expect(eyeballPixels(large, 0, yaw)[1]).toBeGreaterThan(own);
  });

  it('marks the same faces wherever the head is, and on a head in kernel memory', () => {
    const large = withLargeEyes(1.2);
    const kinds = faceKinds(large, large.template)!;
    expect(kinds.some((k) => k > 0 && k < EYEBALL)).toBe(true);
    expect(faceKinds(large, shutEyes(large, 0, 50))).toEqual(kinds);
    kernels.scope(() => {
      const head = takeHead(kernels, large, new Uint32Array(0));
      poseResident(kernels, head, neutralParams(large));
      expect(posedKinds(head)!.view).toEqual(kinds);
    });
  });

  it('is decided by the model that a person was made from', () => {
    const { identity, texture } = neutralParams(openHead);
    const person = personalModel(openHead, { identity, texture });
    expect(eyesOf({ ...person, template: withLargeEyes(1.2).template })).toBeNull();
    const large = withLargeEyes(1.2);
    expect(eyesOf(personalModel(large, { identity, texture }))).toBe(eyesOf(large));
  });
});

const STANDIN = '../shared/models/flame-standin';

describe.skipIf(!existsSync(STANDIN))('eyelids of a FLAME head (needs ../shared)', () => {
  it('cover its eyeballs half way down, and leave open eyes as they are', async () => {
    const model = await loadFlame(STANDIN);
    for (const yaw of [-30, 0, 30]) {
      const [through, covered] = eyeballPixels(model, 0.5, yaw);
      expect(covered).toBeLessThan(0.95 * through);
      expect(covered).toBeGreaterThan(0.85 * through);
      const [plain, open] = eyeballPixels(model, 0, yaw);
      expect(open).toBeGreaterThan(0.99 * plain);
    }
  });
});
