/** `photofit fit` with the user's own networks: planted files through the whole fit, and what is said of bad ones. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFitFile } from '../../src/fit/schema.ts';
import { npzGet, readNpz } from '../../src/io/npz.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhoto } from '../../src/node/photo.ts';
import { plantedBisenet, plantedFan, plantedS3fd } from '../helpers/planted-face.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

const PORTRAIT = 'examples/portrait.jpg';

describe('networks of the user', () => {
  const folder = lastingFolder();
  const file = (name: string) => path.join(folder, name);

  beforeAll(async () => {
    const { image } = await decodePhoto(PORTRAIT);
    const perception = await loadPerception();
    const [truth] = await perception.detect(image);
    perception.dispose();
    const box = { ...truth.box, score: 0.97 };
    // Shown at no more than 640 pixels.
    const scale = Math.min(1, 640 / Math.max(image.width, image.height));
    const shown = {
      ...box,
      x: box.x * scale,
      y: box.y * scale,
      width: box.width * scale,
      height: box.height * scale,
    };
    writeFileSync(file('s3fd.onnx'), plantedS3fd(image.width * scale, image.height * scale, shown));
    writeFileSync(file('fan.onnx'), plantedFan(box, truth.landmarks68));
    writeFileSync(file('bisenet.onnx'), plantedBisenet(0.5));
    writeFileSync(file('text.onnx'), 'no network');
  });

  it('take the place of the built-in ones', async () => {
    const out = temporaryFolder();
    const { code, stderr } = await cli([
      ...['fit', PORTRAIT, '-o', out, '--no-offset'],
      ...['--detector', `s3fd=${file('s3fd.onnx')}`],
      ...['--landmarks', `fan=${file('fan.onnx')}`],
      ...['--parsing', `bisenet=${file('bisenet.onnx')}`],
    ]);
    expect(code, stderr).toBe(0);
    const fit = parseFitFile(readFileSync(path.join(out, 'portrait', 'fit.json'), 'utf8'));
    expect(fit.input.face).toMatchObject({ number: 1, score: 0.97 });
    // FAN's grid costs a little on landmarks; the head must still sit on the face.
    expect(fit.metrics.landmark_nme_inner51).toBeLessThan(0.04);
    // Skin is what the parser said: nothing in the lower half of the face.
    const arrays = readNpz(readFileSync(path.join(out, 'portrait', 'fit.npz')), 'fit.npz');
    const { data, shape } = npzGet(arrays, 'skin_mask', 'fit.npz');
    const rows = Array.from({ length: shape[0] }, (_, y) => {
      let sum = 0;
      for (let x = 0; x < shape[1]; x++) sum += Number(data[y * shape[1] + x]);
      return sum;
    });
    const last = rows.findLastIndex((sum) => sum > 0);
    expect(last).toBeGreaterThan(0.3 * shape[0]);
    expect(last).toBeLessThan(0.65 * shape[0]);
  });

  it.each([
    [['--landmarks', 'fan'], /It must be fan=FILE\.onnx or fan-original=FILE\.onnx/],
    [['--detector', 'mtcnn=x.onnx'], /It must be s3fd=FILE\.onnx/],
    [['--parsing-classes', '1-5,beard'], /"beard" is no class/],
    [['--parsing-classes', '1-25'], /"1-25" is no class/],
  ])('bad arguments: %j', async (args, message) => {
    const { code, stderr } = await cli(['fit', PORTRAIT, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it.each([
    [['--keep-mesh'], /--keep-mesh: .* give --landmarks/],
    [['--parsing-classes', '1-5,nose'], /--parsing-classes: .* give --parsing/],
    [['--mask', 'm.png', '--parsing', 'bisenet=x.onnx'], /--mask with --parsing/],
    [['--landmarks', 'fan=nowhere.onnx'], /nowhere\.onnx: no such file/],
  ])('what does not go together or is not there: %j', async (args, message) => {
    const { code, stderr } = await cli(['fit', PORTRAIT, '-o', temporaryFolder(), ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('names the file that is no network, or another one', async () => {
    const run = (...args: string[]) => cli(['fit', PORTRAIT, '-o', temporaryFolder(), ...args]);
    expect((await run('--landmarks', `fan=${file('text.onnx')}`)).stderr).toMatch(
      /text\.onnx \(FAN\): not an ONNX file/,
    );
    const swapped = await run('--landmarks', `fan-original=${file('bisenet.onnx')}`);
    expect(swapped.code).toBe(1);
    expect(swapped.stderr).toMatch(/bisenet\.onnx \(FAN\): its input image has the shape \(1, 3, 512, 512\)/);
  });
});
