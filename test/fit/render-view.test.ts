/** Views of a head: where it stands in the picture, which way it turns, how it is anti-aliased, what is asked of names. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Camera } from '../../src/camera/camera.ts';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { expressionNames, setExpressions } from '../../src/fit/expression-names.ts';
import { renderView, type ViewedHead, type ViewOptions } from '../../src/fit/render-view.ts';
import { createKernels, type Kernels } from '../../src/kernels/runtime.ts';
import { lampLight } from '../../src/light/presets.ts';
import { shBasis } from '../../src/light/sh.ts';
import { type HeadModel, jointIndex } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { skinAlbedo } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';
import { makeHeadFit } from '../helpers/open-head-fit.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const tiny = makeTinyFit(model);
const head: ViewedHead = {
  ...tiny,
  camera: { kind: 'perspective', focal: 1200, principal: [512, 384], translation: [0.12, -0.05, -0.7] },
};
let kernels: Kernels;
beforeAll(async () => {
  kernels = await createKernels();
});

const view = (options: ViewOptions, of: ViewedHead = head) => renderView(kernels, model, of, options);

/** Middle of what is drawn and its extent: x, y, width, height; pixels. */
function extent({ width, height, data }: Image8): [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let p = 0; p < width * height; p++) {
    if (data[4 * p + 3] < 128) continue;
    const [x, y] = [p % width, Math.floor(p / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return [(left + right + 1) / 2, (top + bottom + 1) / 2, right - left + 1, bottom - top + 1];
}

describe('renderView', () => {
  it('of the whole photo is the plain render where nothing is averaged', () => {
    const picture = view({ frame: 'photo', size: 1024, samples: 1, background: null });
    expect([picture.width, picture.height]).toEqual([1024, 768]);
    const plain = renderHead(kernels, {
      vertices: poseHead(model, head.params).vertices,
      faces: model.faces,
      uvs: model.uvs,
      faceUvs: model.faceUvs,
      albedo: skinAlbedo(model, head.params),
      light: head.light,
      camera: head.camera,
      width: 1024,
      height: 768,
      cull: 'none',
    });
    let wrong = 0;
    plain.raster.faceIndex.forEach((f, p) => {
      if (f >= 0 !== (picture.data[4 * p + 3] === 255)) wrong++;
      if (f < 0) return;
      for (let c = 0; c < 3; c++) {
        const x = 255 * Math.min(1, Math.max(0, plain.rgb.data[3 * p + c]));
        if (Math.abs(x - picture.data[4 * p + c]) > 1) wrong++;
      }
    });
    // Bands shift the projected points by whole rows, in float32: a pixel centre on an edge may fall to the other side.
    expect(wrong).toBeLessThan(20);
  });

  it('shows the head in the middle, from every side at one size', () => {
    for (const yaw of [0, 1, 2, 3, 4, 5, 6]) {
      const [x, y, w, h] = extent(view({ size: 160, turn: { yaw, pitch: 0.3 }, background: null }));
      expect(Math.hypot(x - 80, y - 80)).toBeLessThan(14);
      expect(Math.max(w, h)).toBeLessThanOrEqual(160);
      expect(Math.max(w, h)).toBeGreaterThan(110);
    }
    const [x, y] = extent(view({ size: 160, background: null }));
    expect(Math.hypot(x - 80, y - 80)).toBeLessThan(14);
  });

  it('turns to the head’s left, nods down, tilts to its right', () => {
    const params = { ...tiny.params, pose: new Float32Array(15), expression: new Float32Array(4) };
    // The nose is what is nearest at rest; a white spot on a black head shows where it goes.
    const nose = model.template.reduce(
      (best, z, i) => (i % 3 === 2 && z > model.template[best] ? i : best),
      2,
    );
    const moved = (turn: NonNullable<ViewOptions['turn']>) => {
      const centre = (t: NonNullable<ViewOptions['turn']>) =>
        brightest(view({ size: 200, turn: t, show: 'albedo', albedo: spot(nose) }, { ...head, params }));
      const [a, b] = [centre({}), centre(turn)];
      return [b[0] - a[0], b[1] - a[1]];
    };
    expect(moved({ yaw: 0.4 })[0]).toBeGreaterThan(8);
    expect(moved({ pitch: 0.4 })[1]).toBeGreaterThan(8);
    // Tilting to its right: the crown goes towards the subject's right, the left of the picture.
    const upright = extent(view({ size: 200, turn: {}, background: null }, { ...head, params }));
    const tilted = view({ size: 200, turn: { roll: 0.4 }, background: null }, { ...head, params });
    const top = topmost(tilted);
    expect(top).toBeLessThan(upright[0] - 5);
  });

  it('an orthographic camera, a photo’s edge, a large picture in bands', () => {
    const camera: Camera = {
      kind: 'orthographic',
      scale: 900,
      principal: [100, 80],
      translation: [0.3, 0.2, 0],
    };
    const [x, y] = extent(view({ size: 120, background: null }, { ...head, camera }));
    expect(Math.hypot(x - 60, y - 60)).toBeLessThan(12);
    const large = view({ size: 1500, samples: 2, show: 'shape' });
    const small = view({ size: 150, samples: 2, show: 'shape' });
    let sum = 0;
    for (let py = 0; py < 150; py++)
      for (let px = 0; px < 150; px++) {
        const a = 4 * (150 * py + px);
        sum += Math.abs(small.data[a] - large.data[4 * (1500 * (10 * py + 5) + 10 * px + 5)]);
      }
    expect(sum / 150 / 150).toBeLessThan(2);
  });

  it('soft edges are coverage', () => {
    const one = view({ size: 100, samples: 1, background: null });
    const many = view({ size: 100, samples: 6, background: null });
    const partly = (image: Image8) => image.data.filter((a, i) => i % 4 === 3 && a > 0 && a < 255).length;
    expect(partly(one)).toBe(0);
    expect(partly(many)).toBeGreaterThan(100);
    const area = (image: Image8) => image.data.reduce((s, a, i) => (i % 4 === 3 ? s + a / 255 : s), 0);
    expect(Math.abs(area(one) / area(many) - 1)).toBeLessThan(0.02);
    const white = view({ size: 100, samples: 6 });
    expect(white.data.every((a, i) => i % 4 !== 3 || a === 255)).toBe(true);
  });

  it('refuses what cannot be drawn', () => {
    for (const size of [0, 1.5, 100_000, Number.NaN]) {
      expect(() => view({ size })).toThrow(InvalidArgumentError);
    }
    expect(() => view({ samples: 0 })).toThrow(/from 1 to 8/);
    expect(() => view({ turn: { yaw: Number.NaN } })).toThrow(/finite/);
    const inside: Camera = { kind: 'perspective', focal: 500, principal: [50, 50], translation: [0, 0, 0] };
    expect(() => view({ size: 20 }, { ...head, camera: inside })).toThrow(/inside it/);
  });

  /** An albedo map that is black but for the place of the vertex whose z is entry `i` of the template. */
  function spot(i: number) {
    const v = Math.floor(i / 3);
    const corner = model.faces.indexOf(v);
    const t = model.faceUvs[corner];
    const data = new Float32Array(3 * 64 * 64);
    const [x, y] = [Math.floor(64 * model.uvs[2 * t]), Math.floor(64 * model.uvs[2 * t + 1])];
    for (const dx of [-1, 0, 1])
      for (const dy of [-1, 0, 1])
        data.fill(1, 3 * (64 * (y + dy) + x + dx), 3 * (64 * (y + dy) + x + dx) + 3);
    return { width: 64, height: 64, channels: 3, data };
  }

  function brightest({ width, data }: Image8): [number, number] {
    let [x, y, n] = [0, 0, 0];
    for (let p = 0; p < data.length / 4; p++) {
      // The background is white too, but not on the head.
      const inside = data[4 * p] > 40 && data[4 * p] < 255;
      if (!inside) continue;
      [x, y, n] = [x + (p % width), y + Math.floor(p / width), n + 1];
    }
    expect(n).toBeGreaterThan(0);
    return [x / n, y / n];
  }

  function topmost({ width, data }: Image8): number {
    const row = Math.floor(data.findIndex((a, i) => i % 4 === 3 && a >= 128) / 4 / width);
    const xs = Array.from({ length: width }, (_, x) => x).filter(
      (x) => data[4 * (row * width + x) + 3] >= 128,
    );
    return xs.reduce((s, x) => s + x, 0) / xs.length;
  }
});

describe('expressions by name', () => {
  let open: HeadModel;
  beforeAll(async () => {
    open = await loadHeadModel('open-head');
  });
  const weights = (of: HeadModel, values: readonly (readonly [string, number])[]) => {
    const { params } = makeHeadFit(of);
    const changed = setExpressions(of, { ...params, expression: params.expression.map(() => 0) }, values);
    return Object.fromEntries(
      [...changed.expression].flatMap((w, e) => (w === 0 ? [] : [[of.expressionNames[e], Math.fround(w)]])),
    );
  };

  it('are the model’s, ARKit’s, a word, any case', () => {
    const half = Math.fround(0.5);
    const both = { mouthSmileLeft: half, mouthSmileRight: half };
    expect(weights(open, [['mouthSmileLeft', 0.5]])).toEqual({ mouthSmileLeft: half });
    expect(weights(open, [['MOUTHSMILEleft', 0.5]])).toEqual({ mouthSmileLeft: half });
    expect(weights(open, [['mouthSmile', 0.5]])).toEqual(both);
    expect(weights(open, [['smile', 0.5]])).toEqual(both);
    expect(weights(open, [['browInnerUp', 0.5]])).toEqual({ browInnerUpLeft: half, browInnerUpRight: half });
  });

  it('turn joints, instead of their fitted rotation, and add up', () => {
    const { params } = makeHeadFit(open);
    const jaw = 3 * jointIndex(open, 'jaw');
    const changed = setExpressions(open, params, [
      ['jawOpen', 0.5],
      ['jawLeft', 1],
    ]);
    const degrees = [...changed.pose.subarray(jaw, jaw + 3)].map((x) => Math.round((x * 180) / Math.PI));
    expect(degrees).toEqual([10, 6, 0]);
    expect(changed.pose.subarray(0, jaw)).toEqual(params.pose.subarray(0, jaw));
    expect(changed.expression).toEqual(params.expression);
  });

  it('every name that is listed can be set', () => {
    const { params } = makeHeadFit(open);
    const names = expressionNames(open);
    expect(names.length).toBeGreaterThan(60);
    for (const name of names) {
      const { expression, pose } = setExpressions(open, params, [[name, 0.123]]);
      expect([...expression, ...pose]).not.toEqual([...params.expression, ...params.pose]);
    }
  });

  it('that are not there say which are near', () => {
    const { params } = makeHeadFit(open);
    const failing =
      (name: string, weight = 1) =>
      () =>
        setExpressions(open, params, [[name, weight]]);
    expect(failing('mouthSmilLeft')).toThrow(/did you mean mouthSmileLeft/);
    expect(failing('blnk')).toThrow(/did you mean eyeBlinkLeft/);
    expect(failing('qqqqqqqq')).toThrow(/it has browDownLeft, /);
    expect(failing('eyeLookIn')).toThrow(/could be any of eyeLookInLeft, eyeLookInRight/);
    expect(failing('smile', Number.NaN)).toThrow(InvalidArgumentError);
  });
});

describe('a lamp in spherical harmonics', () => {
  it('shades like a clamped cosine, to order 2', () => {
    const direction = [0.3, -0.5, 0.8] as const;
    const length = Math.hypot(...direction);
    const light = lampLight(direction, 0.7, 0.2);
    const basis = new Float64Array(9);
    let worst = 0;
    for (let i = 0; i < 500; i++) {
      // Points of a spiral over the sphere.
      const z = 1 - (2 * i + 1) / 500;
      const [r, phi] = [Math.sqrt(1 - z * z), 2.4 * i];
      const n = [r * Math.cos(phi), r * Math.sin(phi), z];
      shBasis(n[0], n[1], n[2], basis);
      let shading = 0;
      for (let k = 0; k < 9; k++) shading += light[3 * k] * basis[k];
      const cosine = n.reduce((s, x, a) => s + (x * direction[a]) / length, 0);
      worst = Math.max(worst, Math.abs(shading - 0.2 - 0.7 * Math.max(0, cosine)));
    }
    // The order-2 remainder of the clamped cosine is at most 3/32 + …: 0.094 at the lamp's back.
    expect(worst).toBeLessThan(0.7 * 0.1);
    expect(worst).toBeGreaterThan(0.7 * 0.01);
  });
});
