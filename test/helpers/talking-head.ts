/** A rendered head that talks and turns, as pictures: a video whose truth is known and whose rights are clear. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Image8 } from '../../src/core/image.ts';
import { setExpressions } from '../../src/fit/expression-names.ts';
import { renderView } from '../../src/fit/render-view.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { namedLight } from '../../src/light/presets.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { sampleHead } from '../../src/model/sample.ts';
import { encodePicture } from '../../src/node/picture-files.ts';

/** Frame `i` of the talking head, `size` pixels square. */
export function talkingHead(kernels: Kernels, model: HeadModel, i: number, size = 256): Image8 {
  const person = sampleHead(model, 11, 0, { expression: 0, pose: 0, texture: 0.6 });
  const open = Math.max(0, Math.sin(0.9 * i));
  const params = setExpressions(model, person, [
    ['jawOpen', 0.35 * open],
    ['mouthSmileLeft', 0.3 + 0.2 * Math.sin(0.4 * i)],
    ['mouthSmileRight', 0.3 + 0.2 * Math.sin(0.4 * i)],
    ['browInnerUp', 0.4 * open],
  ]);
  const pose = params.pose.slice();
  pose.set([0.05 * Math.sin(0.5 * i), 0.15 * Math.sin(0.35 * i), 0]);
  const camera = {
    kind: 'perspective',
    focal: 2.4 * size,
    principal: [size / 2, size / 2],
    translation: [0.01 * Math.sin(0.3 * i), -0.02, -1],
  } as const;
  const head = {
    params: { ...params, pose },
    camera,
    light: namedLight('front'),
    image: { width: size, height: size },
  };
  return renderView(kernels, model, head, { frame: 'photo', size, background: [0.55, 0.6, 0.68] });
}

/** Writes frames 0 to before `count` as PNGs into `folder`. */
export async function writeTalkingHead(
  folder: string,
  kernels: Kernels,
  model: HeadModel,
  count: number,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++)
    writeFileSync(path.join(folder, `${i}.png`), await encodePicture(talkingHead(kernels, model, i), '.png'));
  return folder;
}
