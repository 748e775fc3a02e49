/** Films whose encoder gives up. Needs ffmpeg (Debian: apt install ffmpeg), skipped without. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFilm } from '../../src/node/film.ts';
import { temporaryFolder } from '../cli/helpers.ts';

const without = spawnSync('ffmpeg', ['-version']).status === 0 ? '' : ' (skipped: no ffmpeg on the PATH)';

describe.skipIf(without !== '')(`encodeFilm${without}`, () => {
  it("tells ffmpeg's own words where it ends while a picture waits, no broken pipe", async () => {
    const [width, height] = [1280, 720];
    // Far more than a pipe holds, so that each picture waits.
    const picture = new Uint8Array((3 * width * height) / 2);
    const file = path.join(temporaryFolder(), 'none', 'a.mp4');
    const film = { width, height, channels: 'yuv420', fps: 25 } as const;
    const made = encodeFilm(file, 'a.mp4', film, async (write) => {
      for (;;) await write(picture);
    });
    await expect(made).rejects.toThrow(/^a\.mp4: ffmpeg failed: .*No such file or directory/);
  });
});
