/** From names on the command line to photos with result folders of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPhotos } from '../../src/cli/inputs.ts';
import { temporaryFolder } from './helpers.ts';

function touch(folder: string, ...names: string[]): string[] {
  return names.map((name) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    return file;
  });
}

describe('photos named on the command line', () => {
  it('takes the pictures of a folder in natural order, and nothing else', async () => {
    const folder = temporaryFolder();
    touch(folder, 'b10.JPG', 'b9.jpg', 'notes.txt', '.hidden.png', 'c.webp', 'below/d.jpg');
    const { photos, bad } = await findPhotos([folder]);
    expect(photos.map(({ file }) => path.basename(file))).toEqual(['b9.jpg', 'b10.JPG', 'c.webp']);
    expect(bad).toEqual([]);
  });

  it('gives photos of one stem different names', async () => {
    const folder = temporaryFolder();
    const files = touch(folder, 'a/me.jpg', 'b/me.jpg', 'a/ME.png', 'a/me_2.jpg');
    const { photos } = await findPhotos(files);
    expect(photos.map(({ name }) => name)).toEqual(['me', 'me_2', 'ME_3', 'me_2_2']);
  });

  it('fits a photo once, however often it is named', async () => {
    const folder = temporaryFolder();
    const [file] = touch(folder, 'me.jpg');
    const { photos } = await findPhotos([file, folder, path.join(folder, '.', 'me.jpg')]);
    expect(photos).toHaveLength(1);
  });

  it('reports what cannot be used and keeps the rest', async () => {
    const folder = temporaryFolder();
    const [file] = touch(folder, 'me.jpg');
    const empty = path.join(folder, 'empty');
    mkdirSync(empty);
    const { photos, bad } = await findPhotos([empty, path.join(folder, 'none.jpg'), file]);
    expect(photos.map((photo) => photo.file)).toEqual([file]);
    expect(bad.map(({ error }) => (error as Error).message)).toEqual([
      expect.stringContaining('holds no pictures'),
      expect.stringContaining('ENOENT'),
    ]);
  });
});
