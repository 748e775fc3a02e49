/** Invariants of the embedded head, read from the committed file. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { crossings, facesOf, posed, sharpestBend, uvStretch } from '../../scripts/build-head/anatomy.ts';
import { render } from '../../scripts/build-head/raster.ts';
import { fitTones } from '../../scripts/build-head/tones.ts';
import { type HeadModel, headSizes, jointIndex, neutralParams } from '../../src/model/head-model.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { poseHead } from '../../src/model/pose.ts';

const bytes = readFileSync(new URL('../../models/open-head.head', import.meta.url));
let model: HeadModel;
let V: number;

beforeAll(async () => {
  model = await readHeadPack(bytes);
  V = headSizes(model).V;
});

const region = (name: string): Uint32Array => {
  const r = model.regions.get(name);
  if (!r) throw new Error(`no region ${name}`);
  return r;
};
/** Place of a landmark on the mean head. */
const place = (faces: Uint32Array, barycentrics: Float32Array, i: number): [number, number, number] => {
  const p: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    const v = model.faces[3 * faces[i] + k];
    for (let c = 0; c < 3; c++) p[c] += barycentrics[3 * i + k] * model.template[3 * v + c];
  }
  return p;
};
const inner = (landmark: number) =>
  place(model.landmarks.inner51.faces, model.landmarks.inner51.barycentrics, landmark - 17);
/** Mean size of an expression's displacement over vertices that pass `test`, metres. */
const moved = (expression: string, test: (v: number) => boolean): number => {
  const e = model.expressionNames.indexOf(expression);
  if (e < 0) throw new Error(`no expression ${expression}`);
  let sum = 0;
  for (let v = 0; v < V; v++) {
    if (!test(v)) continue;
    const at = 3 * (e * V + v);
    sum += Math.hypot(
      model.expressionBasis[at],
      model.expressionBasis[at + 1],
      model.expressionBasis[at + 2],
    );
  }
  return sum;
};

describe('open-head', () => {
  it('has the sizes it promises in at most 8 MB', () => {
    const { S, E, J, T } = headSizes(model);
    expect(S).toBeGreaterThanOrEqual(80);
    expect(E).toBeGreaterThanOrEqual(45);
    expect(T).toBeGreaterThanOrEqual(20);
    expect(J).toBe(5);
    expect(model.joints.map((j) => j.name)).toEqual(['root', 'neck', 'jaw', 'left_eye', 'right_eye']);
    expect(bytes.length).toBeLessThanOrEqual(8e6);
    expect(new Set(model.expressionNames).size).toBe(E);
  });

  it('is the file its provenance names', () => {
    const record = JSON.parse(
      readFileSync(new URL('../../models/open-head.provenance.json', import.meta.url), 'utf8'),
    );
    expect(record.sha256).toBe(model.hash);
    expect(record.excludedTargets).toHaveLength(28);
  });

  it('has texture coordinates inside the unit square', () => {
    for (const x of model.uvs) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(1);
    }
  });

  it('has skinning weights that sum to 1, eyeballs wholly on their joints', () => {
    const J = model.joints.length;
    for (let v = 0; v < V; v++) {
      let sum = 0;
      for (let j = 0; j < J; j++) {
        expect(model.skinWeights[J * v + j]).toBeGreaterThanOrEqual(0);
        sum += model.skinWeights[J * v + j];
      }
      expect(sum).toBeCloseTo(1, 3);
    }
    for (const side of ['left_eye', 'right_eye']) {
      const j = jointIndex(model, side);
      for (const v of region(`${side}ball`)) expect(model.skinWeights[J * v + j]).toBe(1);
    }
  });

  it('has a symmetric mean: every vertex finds its mirror image', () => {
    // 0.2 mm: nothing but rounding and the snapped rim of the neck may break the symmetry.
    const cell = (x: number) => Math.round(x * 2000);
    const cells = new Set<string>();
    for (let v = 0; v < V; v++) {
      const [x, y, z] = model.template.subarray(3 * v, 3 * v + 3);
      for (const dx of [-1, 0, 1])
        for (const dy of [-1, 0, 1])
          for (const dz of [-1, 0, 1]) cells.add(`${cell(x) + dx},${cell(y) + dy},${cell(z) + dz}`);
    }
    for (let v = 0; v < V; v++) {
      const [x, y, z] = model.template.subarray(3 * v, 3 * v + 3);
      expect(cells.has(`${cell(-x)},${cell(y)},${cell(z)}`)).toBe(true);
    }
  });

  it('has a head of human size that faces +z, its origin at the root joint', () => {
    expect([...model.jointTemplate.subarray(0, 3)].map((x) => Math.abs(x))).toEqual([0, 0, 0]);
    const joint = (name: string) => model.jointTemplate.subarray(3 * jointIndex(model, name)).slice(0, 3);
    const pupils = joint('left_eye')[0] - joint('right_eye')[0];
    expect(pupils).toBeGreaterThan(0.06);
    expect(pupils).toBeLessThan(0.066);
    expect(inner(30)[2]).toBeGreaterThan(joint('left_eye')[2]);
    let width = 0;
    for (const v of region('scalp')) width = Math.max(width, Math.abs(model.template[3 * v]));
    expect(2 * width).toBeGreaterThan(0.14);
    expect(2 * width).toBeLessThan(0.165);
  });

  it('moves neither eyeballs nor teeth nor tongue with any expression', () => {
    const E = model.expressionNames.length;
    for (const name of ['left_eyeball', 'right_eyeball', 'teeth', 'tongue']) {
      for (const v of region(name)) {
        for (let e = 0; e < E; e++) {
          for (let k = 0; k < 3; k++) expect(model.expressionBasis[3 * (e * V + v) + k]).toBe(0);
        }
      }
    }
  });

  it('keeps left and right expressions apart and mirrored', () => {
    const left = (v: number) => model.template[3 * v] > 0.013;
    const right = (v: number) => model.template[3 * v] < -0.013;
    for (const name of model.expressionNames) {
      if (!name.endsWith('Left') || name === 'mouthLeft') continue;
      const twin = name.replace(/Left$/, 'Right');
      const [own, other] = [moved(name, left), moved(name, right)];
      expect(other).toBeLessThan(0.05 * own);
      // The source's two sides differ a little.
      expect(moved(twin, right)).toBeGreaterThan(0.8 * own);
      expect(moved(twin, right)).toBeLessThan(1.25 * own);
    }
  });

  it('closes the lids over the eyeball', () => {
    const params = neutralParams(model);
    const expression = params.expression.slice();
    expression[model.expressionNames.indexOf('eyeBlinkLeft')] = 1;
    const open = poseHead(model, params).vertices;
    const shut = poseHead(model, { ...params, expression }).vertices;
    const height = (vertices: Float32Array, landmark: number) => {
      let y = 0;
      const { faces, barycentrics } = model.landmarks.inner51;
      for (let k = 0; k < 3; k++) {
        y +=
          barycentrics[3 * (landmark - 17) + k] * vertices[3 * model.faces[3 * faces[landmark - 17] + k] + 1];
      }
      return y;
    };
    const opening = (v: Float32Array) => (height(v, 43) + height(v, 44) - height(v, 46) - height(v, 47)) / 2;
    expect(opening(open)).toBeGreaterThan(0.006);
    expect(opening(shut)).toBeLessThan(0.3 * opening(open));
  });

  it('opens the mouth with the jaw: the chin drops, lower teeth go with it, the skull stays', () => {
    const params = neutralParams(model);
    const pose = params.pose.slice();
    pose[3 * jointIndex(model, 'jaw')] = (16 * Math.PI) / 180;
    const posed = poseHead(model, { ...params, pose }).vertices;
    const drop = (v: number) => model.template[3 * v + 1] - posed[3 * v + 1];
    const { faces, barycentrics } = model.landmarks.inner51;
    const at = (i: number) => {
      let d = 0;
      for (let k = 0; k < 3; k++)
        d += barycentrics[3 * (i - 17) + k] * drop(model.faces[3 * faces[i - 17] + k]);
      return d;
    };
    // Lower inner lip against upper inner lip.
    expect(at(66)).toBeGreaterThan(0.01);
    expect(at(62)).toBeLessThan(0.004);
    for (const v of region('scalp')) expect(Math.abs(drop(v))).toBeLessThan(1e-5);
  });

  it('has landmarks on the side they belong to', () => {
    // Subject's right is −x: iBUG 17-21, 36-41, 48 and the contour up to the chin.
    for (const i of [17, 18, 19, 20, 21, 31, 36, 37, 38, 39, 40, 41, 48]) expect(inner(i)[0]).toBeLessThan(0);
    for (const i of [22, 23, 24, 25, 26, 35, 42, 43, 44, 45, 46, 47, 54])
      expect(inner(i)[0]).toBeGreaterThan(0);
    for (const i of [27, 28, 29, 30, 33, 51, 57, 62, 66, 8 + 17 + 26])
      expect(Math.abs(inner(i)[0])).toBeLessThan(0.001);
    expect(inner(37)[1]).toBeGreaterThan(inner(41)[1]);
    expect(inner(51)[1]).toBeGreaterThan(inner(57)[1]);
    const { yaws, points } = model.landmarks.contour;
    expect(yaws[0]).toBeCloseTo(-Math.PI / 2, 5);
    expect(yaws[yaws.length - 1]).toBeCloseTo(Math.PI / 2, 5);
    const middle = yaws.findIndex((y) => Math.abs(y) < 1e-6);
    const contour = (row: number, i: number) => place(points.faces, points.barycentrics, 17 * row + i);
    // The first ones run down in front of the ear, hardly inwards.
    for (let i = 0; i < 8; i++) expect(contour(middle, i)[0]).toBeLessThan(contour(middle, i + 1)[0] + 0.002);
    expect(Math.abs(contour(middle, 8)[0])).toBeLessThan(0.001);
    expect(contour(middle, 8)[1]).toBeLessThan(inner(57)[1]);
    // Turned to its left (+), the head's left side is the far one: its contour comes forward onto the cheek.
    const turned = yaws.findIndex((y) => Math.abs(y - Math.PI / 4) < 0.01);
    expect(contour(turned, 14)[2]).toBeGreaterThan(contour(middle, 14)[2] + 0.01);
  });

  it('has 150 or more face-mesh points, the irises on the eyeballs', () => {
    const { indices, points } = model.landmarks.mesh;
    expect(indices.length).toBeGreaterThanOrEqual(150);
    expect(new Set(indices).size).toBe(indices.length);
    const eyes = [...region('left_eyeball'), ...region('right_eyeball')];
    const onEye = new Set(eyes);
    for (let n = 468; n < 478; n++) {
      const i = indices.indexOf(n);
      expect(i).toBeGreaterThanOrEqual(0);
      expect(onEye.has(model.faces[3 * points.faces[i]])).toBe(true);
    }
    const left = place(points.faces, points.barycentrics, indices.indexOf(473));
    expect(left[0]).toBeGreaterThan(0.025);
  });

  it('has regions that hold what their names say', () => {
    const skin = new Set(region('skin'));
    const face = region('face');
    expect(face.length).toBeGreaterThan(1000);
    for (const name of [
      'left_eyeball',
      'right_eyeball',
      'mouth_interior',
      'teeth',
      'tongue',
      'scalp',
      'neck',
      'ears',
    ]) {
      const vertices = region(name);
      expect(vertices.length).toBeGreaterThan(0);
      for (const v of vertices) expect(skin.has(v)).toBe(false);
    }
    for (const name of ['lips', 'eyelids', 'brows', 'nose']) {
      let inside = 0;
      for (const v of region(name)) if (skin.has(v)) inside++;
      expect(inside / region(name).length).toBeGreaterThan(0.9);
    }
    for (const v of face) expect(model.template[3 * v + 2]).toBeGreaterThan(0);
  });

  it('has an albedo that stays a colour at one standard deviation, from dark to light at three', () => {
    const texture = model.texture;
    if (!texture) throw new Error('no texture');
    const n = texture.mean.length;
    let outside = 0;
    for (let c = 0; c < texture.names.length; c++) {
      for (let i = 0; i < n; i++) {
        const d = texture.basis[c * n + i];
        if (Math.max(texture.mean[i] + Math.abs(d), Math.abs(d) - texture.mean[i] + 1) > 1.1) outside++;
      }
    }
    expect(outside / (n * texture.names.length)).toBeLessThan(0.002);
    // The red of a cheek over the ellipsoid of three standard deviations.
    const at = 3 * (Math.round(0.52 * texture.height) * texture.width + Math.round(0.4 * texture.width));
    let variance = 0;
    for (let c = 0; c < texture.names.length; c++) variance += texture.basis[c * n + at] ** 2;
    expect(texture.mean[at] - 3 * Math.sqrt(variance)).toBeLessThan(0.4);
    expect(texture.mean[at] + 3 * Math.sqrt(variance)).toBeGreaterThan(0.93);
  });

  describe('anatomy', () => {
    const eye = [0, 0.034, 0.09] as const;
    const mouth = [0, -0.042, 0.095] as const;
    const seen = (
      vertices: Float32Array,
      regions: string[],
      center: readonly [number, number, number],
      yaw = 0,
    ) => {
      const list = new Set(facesOf(model, regions));
      const picture = render({ vertices, faces: model.faces }, { size: 400, yaw, halfHeight: 0.04, center });
      return picture.face.reduce((n, f) => n + (list.has(f) ? 1 : 0), 0);
    };
    const skin = () => {
      const inside = Math.min(region('tongue')[0], region('teeth')[0]);
      return Array.from({ length: model.faces.length / 3 }, (_, f) => f).filter(
        (f) => model.faces[3 * f] < inside,
      );
    };

    it('keeps teeth inside the skin in every expression, and with the jaw at 10 and 20 degrees', () => {
      const teeth = facesOf(model, ['teeth']);
      const all = skin();
      const deepest = (vertices: Float32Array) =>
        crossings(vertices, model.faces, teeth, all).reduce((m, c) => Math.max(m, c.depth), 0);
      for (const jaw of [10, 20]) expect(deepest(posed(model, { pose: { jaw: [jaw, 0, 0] } }))).toBe(0);
      for (const name of model.expressionNames.filter((n) => n.startsWith('mouth')))
        expect(deepest(posed(model, { expression: { [name]: 1 } })), name).toBe(0);
      // The measure itself: teeth moved forward by a centimetre do cross.
      const forward = posed(model, {});
      for (const v of region('teeth')) forward[3 * v + 2] += 0.01;
      expect(deepest(forward)).toBeGreaterThan(0.001);
    });

    it('shows teeth in a smile and none through closed lips', () => {
      for (const yaw of [-0.6, 0, 0.6]) {
        expect(seen(posed(model, {}), ['teeth', 'tongue'], mouth, yaw)).toBe(0);
        expect(seen(posed(model, { expression: { mouthLaugh: 1 } }), ['teeth'], mouth, yaw)).toBeGreaterThan(
          1000,
        );
      }
    });

    it('hides the eyeballs behind closed lids, from the front and from the sides', () => {
      for (const yaw of [-0.6, 0, 0.6]) {
        expect(seen(posed(model, {}), ['left_eyeball', 'right_eyeball'], eye, yaw)).toBeGreaterThan(1000);
        const shut = posed(model, { expression: { eyeBlink: 1 } });
        expect(seen(shut, ['left_eyeball', 'right_eyeball'], eye, yaw)).toBe(0);
      }
    });

    it('turns the gaze by 25 degrees without an eyeball coming through its lids', () => {
      const balls = ['left_eyeball', 'right_eyeball'];
      const ahead = seen(posed(model, {}), balls, eye);
      for (const [x, y] of [
        [25, 0],
        [-25, 0],
        [0, 25],
        [0, -25],
      ]) {
        const gaze = posed(model, { pose: { left_eye: [x, y, 0], right_eye: [x, y, 0] } });
        expect(Math.abs(seen(gaze, balls, eye) - ahead) / ahead).toBeLessThan(0.01);
      }
    });

    it('has no kink below the lip at 20 degrees of jaw', () => {
      const chin = facesOf(model, ['lips', 'skin']).filter((f) => {
        const v = model.faces[3 * f];
        const [x, y] = [model.template[3 * v], model.template[3 * v + 1]];
        return y < -0.041 && Math.hypot(x, y + 0.045) < 0.03;
      });
      const rest = sharpestBend(posed(model, {}), model.faces, chin).degrees;
      const open = sharpestBend(posed(model, { pose: { jaw: [20, 0, 0] } }), model.faces, chin).degrees;
      expect(open).toBeLessThan(rest + 5);
    });

    it('leads the nostrils over a centimetre up and back, under every nose', () => {
      const lining = new Set(region('nostrils'));
      const faces = Array.from({ length: model.faces.length / 3 }, (_, f) => f);
      const corners = (f: number) => [...model.faces.subarray(3 * f, 3 * f + 3)];
      const cavity = faces.filter((f) => corners(f).some((v) => lining.has(v)));
      const rim = new Set(cavity.flatMap(corners).filter((v) => !lining.has(v) && model.template[3 * v] > 0));
      const middle = [0, 1, 2].map(
        (k) => [...rim].reduce((s, v) => s + model.template[3 * v + k], 0) / rim.size,
      );
      const left = [...lining].filter((v) => model.template[3 * v] > 0);
      const from = (v: number) => [0, 1, 2].map((k) => model.template[3 * v + k] - middle[k]);
      const deepest = left.map(from).sort((a, b) => Math.hypot(...b) - Math.hypot(...a))[0];
      expect(Math.hypot(...deepest)).toBeGreaterThan(0.012);
      expect(deepest[1]).toBeGreaterThan(0.006);
      expect(deepest[2]).toBeLessThan(-0.006);

      // Nothing of them comes through the nose or into the mouth.
      const near = skin().filter((f) => {
        const [x, y, z] = model.template.subarray(3 * corners(f)[0], 3 * corners(f)[0] + 3);
        return Math.abs(x) < 0.035 && y > -0.04 && y < 0.03 && z > 0.06;
      });
      const used = [...new Set([...cavity, ...near].flatMap(corners))];
      const { S } = headSizes(model);
      const P = Float32Array.from(model.template);
      const through = () =>
        crossings(P, model.faces, cavity, near).reduce((most, c) => Math.max(most, c.depth), 0);
      for (let s = 0; s < S; s++)
        for (const x of [-3, 3]) {
          for (const v of used)
            for (let k = 0; k < 3; k++)
              P[3 * v + k] = model.template[3 * v + k] + x * model.identityBasis[3 * (s * V + v) + k];
          expect(through(), `${x} of ${model.identityNames[s]}`).toBeLessThan(0.0003);
        }
      // The measure itself: lining moved forward by a centimetre comes through.
      P.set(model.template);
      for (const v of lining) P[3 * v + 2] += 0.01;
      expect(through()).toBeGreaterThan(0.001);
    });

    it('crosses itself by no more than lips and lids that touch', () => {
      // 3 mm: lips turned out (mouthEversion); everything else stays under 1.5 mm. The table is in docs/open-head.md.
      const front = skin().filter((f) => model.template[3 * model.faces[3 * f] + 2] > 0.02);
      const names = new Set(
        model.expressionNames.map((n) =>
          /^mouth(Left|Right)$/.test(n) ? n : n.replace(/(Left|Right)$/, ''),
        ),
      );
      for (const name of names) {
        const found = crossings(posed(model, { expression: { [name]: 1 } }), model.faces, front, front);
        const depth = found.reduce((m, c) => Math.max(m, c.depth), 0);
        expect(depth, name).toBeLessThan(name === 'mouthEversion' ? 0.0032 : 0.0016);
      }
    });
  });

  it('has an atlas that is its own mirror image: the twin of a vertex has the twin place', () => {
    const cell = (x: number) => Math.round(x * 2000);
    const twin = new Map<string, number[]>();
    for (let v = 0; v < V; v++) {
      const [x, y, z] = model.template.subarray(3 * v, 3 * v + 3);
      for (const dx of [-1, 0, 1])
        for (const dy of [-1, 0, 1])
          for (const dz of [-1, 0, 1]) {
            const key = `${cell(-x) + dx},${cell(y) + dy},${cell(z) + dz}`;
            twin.set(key, [...(twin.get(key) ?? []), v]);
          }
    }
    const places = new Map<number, Set<number>>();
    for (let i = 0; i < model.faces.length; i++) {
      const v = model.faces[i];
      places.set(v, (places.get(v) ?? new Set()).add(model.faceUvs[i]));
    }
    let [close, all] = [0, 0];
    for (const [v, own] of places) {
      const [x, y, z] = model.template.subarray(3 * v, 3 * v + 3);
      const others = twin.get(`${cell(x)},${cell(y)},${cell(z)}`) ?? [];
      for (const t of own) {
        all++;
        const found = others.some((w) =>
          [...(places.get(w) ?? [])].some(
            (o) =>
              Math.abs(model.uvs[2 * o] + model.uvs[2 * t] - 1) < 2e-3 &&
              Math.abs(model.uvs[2 * o + 1] - model.uvs[2 * t + 1]) < 2e-3,
          ),
        );
        if (found) close++;
      }
    }
    expect(close / all).toBeGreaterThan(0.995);
  });

  it('has little stretch over the face', () => {
    const { large, small, area } = uvStretch(model, facesOf(model, ['face']));
    const total = area.reduce((sum, a) => sum + a, 0);
    const beyond = (limit: number) =>
      area.reduce((sum, a, i) => sum + (large[i] / small[i] > limit ? a : 0), 0) / total;
    expect(beyond(1.5)).toBeLessThan(0.35);
    expect(beyond(2.5)).toBeLessThan(0.02);
  });

  it('reaches the ten tones of the Monk scale with coefficients within 3', () => {
    for (const tone of fitTones(model)) {
      expect(tone.deltaE).toBeLessThan(2);
      for (const x of tone.coefficients) expect(Math.abs(x)).toBeLessThanOrEqual(3);
    }
  });
});
