/** A made-up fit of the embedded head on disk, as `photofit fit` writes it, for tests of what becomes of fits. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Camera } from '../../src/camera/camera.ts';
import { fitFileText, toFitFile } from '../../src/fit/schema.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { makeTinyFit } from './tiny-fit.ts';

/** Size of the photo that the fit pretends to be of. */
export const PHOTO = { width: 480, height: 560 } as const;

/** A smiling head, turned to its left, one eyebrow up, the mouth a little open. */
export function makeHeadFit(model: HeadModel, camera?: Camera): PhotoFit {
  const fit = makeTinyFit(model);
  const expression = new Float32Array(fit.params.expression.length);
  for (const [name, weight] of [
    ['mouthSmileLeft', 0.8],
    ['mouthSmileRight', 0.6],
    ['browInnerUpLeft', 0.5],
    ['eyeBlinkRight', 0.3],
  ] as const) {
    expression[model.expressionNames.indexOf(name)] = weight;
  }
  const texture = new Float32Array(fit.params.texture.length);
  texture.set([0.5, -0.4]);
  const pose = Float32Array.of(0.1, 0.35, -0.08, 0.03, 0.05, 0, 0.15, 0, 0, 0, 0.1, 0, 0, 0.12, 0);
  return {
    ...fit,
    params: { identity: fit.params.identity.map((x) => 0.7 * x), expression, pose, texture },
    image: PHOTO,
    camera: camera ?? {
      kind: 'perspective',
      focal: 900,
      principal: [240, 280],
      translation: [0.02, -0.03, -0.62],
    },
    // Light from above and the subject's left.
    light: Float32Array.from({ length: 27 }, (_, i) => [2.4, 0.35, 0.2, 0.45][Math.floor(i / 3)] ?? 0),
  };
}

/** Writes `fit.json`, and `texture.png` where one is given, into `folder`. */
export function writeHeadFit(folder: string, fit: PhotoFit, model: HeadModel, texture?: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const file = toFitFile(fit, model, { version: '0.0.0', path: 'photo.png', face: 1 });
  writeFileSync(path.join(folder, 'fit.json'), fitFileText(file));
  if (texture) writeFileSync(path.join(folder, 'texture.png'), texture);
  return folder;
}
