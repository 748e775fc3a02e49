/** ARKit's 52 blend shapes on heads: of the same name, put together, by joints, or not at all. */
import { describe, expect, it } from 'vitest';
import { ARKIT_NAMES, arkitShape, arkitShapes, sidedName } from '../../src/model/arkit.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const head = await loadHeadModel('open-head');

/** Mean movement (x, y, z), metres, of the points of `region` where they move at all. */
function movement(model: HeadModel, name: (typeof ARKIT_NAMES)[number], region: string): number[] {
  const shape = arkitShape(model, name)!;
  const params = neutralParams(model);
  for (const e of shape.expressions) params.expression[e] = 1;
  if (shape.joint) params.pose.set(shape.joint.rotation, 3 * shape.joint.index);
  const { vertices } = poseHead(model, params);
  const points = model.regions.get(region)!;
  const sum = [0, 0, 0];
  for (const v of points) {
    for (let a = 0; a < 3; a++) sum[a] += (vertices[3 * v + a] - model.template[3 * v + a]) / points.length;
  }
  return sum;
}

describe('ARKit shapes', () => {
  it('are the 52', () => {
    expect(ARKIT_NAMES).toHaveLength(52);
    expect(new Set(ARKIT_NAMES).size).toBe(52);
  });

  it('of open-head are all but eleven', () => {
    const shapes = arkitShapes(head);
    const kinds = (kind: string) => shapes.filter((s) => s.kind === kind).map((s) => s.name);
    expect(kinds('expressions')).toEqual(['browInnerUp', 'cheekPuff', 'mouthFunnel', 'mouthPucker']);
    expect(kinds('joint')).toHaveLength(11);
    const without = ARKIT_NAMES.filter((name) => !arkitShape(head, name));
    // A later open-head may have some of these; docs/exports.md has the table.
    const known = [
      'jawForward',
      'mouthClose',
      'mouthDimpleLeft',
      'mouthDimpleRight',
      'mouthPressLeft',
      'mouthPressRight',
      'mouthRollLower',
      'mouthRollUpper',
      'mouthShrugLower',
      'mouthShrugUpper',
      'tongueOut',
    ];
    expect(without.filter((name) => !(known as string[]).includes(name))).toEqual([]);
    expect(kinds('same')).toHaveLength(52 - 4 - 11 - without.length);
  });

  it.each([
    // Left is the subject's: +x.
    ['mouthLeft', 'lips', [1, 0, 0]],
    ['mouthRight', 'lips', [-1, 0, 0]],
    ['jawLeft', 'tongue', [1, 0, 0]],
    ['jawRight', 'tongue', [-1, 0, 0]],
    ['jawOpen', 'tongue', [0, -1, 0]],
    ['browInnerUp', 'brows', [0, 1, 0]],
    ['eyeBlinkLeft', 'eyelids', [0, -1, 0]],
    ['mouthPucker', 'lips', [0, 0, 1]],
    ['mouthFunnel', 'lips', [0, 0, 1]],
  ] as const)('%s moves the %s the right way', (name, region, way) => {
    const m = movement(head, name, region);
    const along = m.reduce((s, x, a) => s + x * way[a], 0);
    expect(along / Math.hypot(...m)).toBeGreaterThan(0.5);
    expect(along).toBeGreaterThan(0.0003);
  });

  it('eyes look where they should', () => {
    // The iris centre is the vertex of the eyeball that is furthest out.
    for (const [name, way] of [
      ['eyeLookInLeft', [-1, 0]],
      ['eyeLookOutLeft', [1, 0]],
      ['eyeLookInRight', [1, 0]],
      ['eyeLookOutRight', [-1, 0]],
      ['eyeLookUpLeft', [0, 1]],
      ['eyeLookUpRight', [0, 1]],
      ['eyeLookDownLeft', [0, -1]],
      ['eyeLookDownRight', [0, -1]],
    ] as const) {
      const ball = head.regions.get(name.endsWith('Left') ? 'left_eyeball' : 'right_eyeball')!;
      const iris = ball.reduce((a, b) => (head.template[3 * b + 2] > head.template[3 * a + 2] ? b : a));
      const params = neutralParams(head);
      const { joint } = arkitShape(head, name)!;
      params.pose.set(joint!.rotation, 3 * joint!.index);
      const { vertices } = poseHead(head, params);
      const [dx, dy] = [0, 1].map((a) => vertices[3 * iris + a] - head.template[3 * iris + a]);
      expect(dx * way[0] + dy * way[1], name).toBeGreaterThan(0.003);
    }
  });

  it("know ICT-FaceKit's sides, and leave principal components alone", () => {
    expect(sidedName('browDown_L')).toBe('browDownLeft');
    expect(sidedName('jawOpen')).toBe('jawOpen');
    const tiny = makeTinyHead();
    const ict = { ...tiny, expressionNames: ['browDown_L', 'browInnerUp_L', 'browInnerUp_R', 'other'] };
    expect(arkitShape(ict, 'browDownLeft')).toMatchObject({ kind: 'expressions', expressions: [0] });
    expect(arkitShape(ict, 'browInnerUp')).toMatchObject({ kind: 'expressions', expressions: [1, 2] });
    expect(arkitShape(ict, 'browDownRight')).toBeNull();
    const components = { ...tiny, expressionNames: tiny.expressionNames.map((_, e) => `expression ${e}`) };
    expect(arkitShapes(components).every((s) => s.kind === 'joint')).toBe(true);
    expect(arkitShapes({ ...components, joints: [{ name: 'root', parent: -1 }] })).toEqual([]);
  });
});
