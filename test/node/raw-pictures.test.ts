/** Pictures out of a real program's output, through a socket and through a pipe. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RawPictures } from '../../src/node/raw-pictures.ts';

/** Writes `count` pictures of `bytes` and then some more bytes; those of picture n are n, (n + 1) % 256, … */
const WRITER = `
const [count, bytes, more] = process.argv.slice(1).map(Number);
for (let n = 0; n <= count; n++) {
  const size = n < count ? bytes : more;
  require('node:fs').writeSync(1, Uint8Array.from({ length: size }, (_, i) => n + i));
}`;

async function read(through: 'socket' | 'pipe', count: number, bytes: number, more: number, kill = false) {
  const pictures = new RawPictures(() => new Uint8ClampedArray(new SharedArrayBuffer(bytes)));
  const socket = through === 'socket' ? await pictures.socket() : null;
  const numbers = [count, bytes, more].map(String);
  const child = spawn(process.execPath, ['-e', WRITER, ...numbers], {
    stdio: ['ignore', socket ?? 'pipe', 'inherit'],
  });
  socket?.destroy();
  if (child.stdout) pictures.readFrom(child.stdout);
  expect(child.stdout === null).toBe(through === 'socket');
  const whole: Uint8ClampedArray[] = [];
  for (let picture = await pictures.next(); picture; picture = await pictures.next()) {
    whole.push(picture);
    if (kill) child.kill('SIGKILL');
  }
  pictures.close();
  return whole;
}

// Sockets of this kind have no places in folders on Windows.
const ways = process.platform === 'win32' ? (['pipe'] as const) : (['socket', 'pipe'] as const);

describe.each(ways)('RawPictures through a %s', (through) => {
  it('gives whole pictures in order, however they come in parts, and not one that is cut off', async () => {
    for (const bytes of [1, 100, 65536, 300_001]) {
      const pictures = await read(through, 4, bytes, Math.floor(bytes / 2));
      expect(pictures.length, `${bytes}`).toBe(4);
      for (const [n, picture] of pictures.entries()) {
        expect(picture.length).toBe(bytes);
        expect(picture.every((x, i) => x === ((n + i) & 255))).toBe(true);
      }
    }
  });

  it('is over where the program writes nothing, or is killed', async () => {
    expect(await read(through, 0, 50, 0)).toEqual([]);
    const before = await read(through, 400, 300_001, 0, true);
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(400);
  });
});

// A folder for temporary files that is not there once made videos unreadable.
it('reads from a pipe where there is no place for a socket', async () => {
  const before = process.env['TMPDIR'];
  const pictures = new RawPictures(() => new Uint8ClampedArray(2));
  try {
    for (const folder of ['nowhere', 'long'.repeat(40)]) {
      process.env['TMPDIR'] = path.join(tmpdir(), folder);
      expect(await pictures.socket()).toBeNull();
    }
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  pictures.readFrom(Readable.from([Buffer.of(1), Buffer.of(2, 3)]));
  expect([...(await pictures.next())!]).toEqual([1, 2]);
  expect(await pictures.next()).toBeNull();
});

it('leaves no folder behind', async () => {
  const mine = () => readdirSync(tmpdir()).filter((name) => name.startsWith('photofit-socket-'));
  const before = mine();
  const socket = await new RawPictures(() => new Uint8ClampedArray(1)).socket();
  socket?.destroy();
  expect(mine()).toEqual(before);
});
