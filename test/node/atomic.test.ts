import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError, PhotofitError } from '../../src/core/errors.ts';
import { ensureWritableFolder, writeFileAtomically, writeFolderAtomically } from '../../src/node/atomic.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'photofit-atomic-'));
});
afterEach(async () => {
  chmodSync(dir, 0o755);
  await rm(dir, { recursive: true, force: true });
});
const at = (...parts: string[]) => path.join(dir, ...parts);
const text = (...parts: string[]) => readFileSync(at(...parts), 'utf8');
async function refusal(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('was written'),
    (e: Error) => e,
  );
}

describe('writeFolderAtomically', () => {
  it('makes a folder and its parents, and leaves nothing beside it', async () => {
    await writeFolderAtomically(at('a', 'b', 'out'), [
      ['head.glb', Uint8Array.of(1, 2, 3)],
      ['fit.json', '{}'],
    ]);
    expect(readdirSync(at('a', 'b', 'out')).sort()).toEqual(['fit.json', 'head.glb']);
    expect([...readFileSync(at('a', 'b', 'out', 'head.glb'))]).toEqual([1, 2, 3]);
    expect(readdirSync(at('a', 'b'))).toEqual(['out']);
    // Open to whom the umask allows, as folders made by mkdir are (a temporary folder of mkdtemp would not be).
    expect(statSync(at('a', 'b', 'out')).mode).toBe(statSync(at('a', 'b')).mode);
  });

  it('replaces its own files in an existing folder, removes stale ones, keeps the rest', async () => {
    mkdirSync(at('out'));
    for (const name of ['fit.json', 'head.obj', 'notes.txt']) writeFileSync(at('out', name), 'old');
    await writeFolderAtomically(at('out'), [['fit.json', 'new']], {
      ours: ['head.obj', 'fit.json', 'absent.png'],
    });
    expect(readdirSync(at('out')).sort()).toEqual(['fit.json', 'notes.txt']);
    expect([text('out', 'fit.json'), text('out', 'notes.txt')]).toEqual(['new', 'old']);
    expect(readdirSync(dir)).toEqual(['out']);
  });

  it('follows a link to a folder', async () => {
    mkdirSync(at('real'));
    symlinkSync(at('real'), at('link'));
    await writeFolderAtomically(at('link'), [['x', '1']]);
    expect(text('real', 'x')).toBe('1');
  });

  it('leaves the old result alone when it is cancelled, whenever that is', async () => {
    mkdirSync(at('out'));
    writeFileSync(at('out', 'fit.json'), 'old');
    const controller = new AbortController();
    // Cancelled while the second file is fetched: the first is already written aside.
    function* files(): Generator<[string, string]> {
      yield ['head.glb', 'new'];
      controller.abort();
      yield ['fit.json', 'new'];
    }
    expect(
      await refusal(writeFolderAtomically(at('out'), files(), { signal: controller.signal })),
    ).toBeInstanceOf(AbortedError);
    const later = new AbortController();
    const pending = writeFolderAtomically(
      at('out'),
      [
        ['fit.json', 'x'.repeat(1e6)],
        ['b', 'y'],
      ],
      { signal: later.signal },
    );
    setImmediate(() => later.abort());
    expect(await refusal(pending)).toBeInstanceOf(AbortedError);
    expect(text('out', 'fit.json')).toBe('old');
    expect(readdirSync(at('out'))).toEqual(['fit.json']);
    expect(readdirSync(dir)).toEqual(['out']);
  });

  it('leaves nothing when writing fails half-way', async () => {
    const error = await refusal(
      writeFolderAtomically(at('out'), [
        ['a', '1'],
        ['n'.repeat(300), '2'],
      ]),
    );
    expect(error).toBeInstanceOf(PhotofitError);
    expect(error.message).toMatch(/out: cannot be written: the name is too long$/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('says what is in the way', async () => {
    writeFileSync(at('file'), 'mine');
    const inPlace = await refusal(writeFolderAtomically(at('file'), [['a', '1']]));
    expect(inPlace).toBeInstanceOf(PhotofitError);
    expect(inPlace.message).toBe(`${at('file')}: cannot be written: a file of that name is in the way`);
    const below = await refusal(writeFolderAtomically(at('file', 'sub', 'out'), [['a', '1']]));
    expect(below.message).toMatch(/a part of the path is a file, not a folder$/);
    expect(text('file')).toBe('mine');
    mkdirSync(at('out', 'a', 'deep'), { recursive: true });
    expect(
      (
        await refusal(
          writeFolderAtomically(at('out'), [
            ['a', '1'],
            ['z', '1'],
          ]),
        )
      ).message,
    ).toMatch(/a folder of that name is in the way$/);
    writeFileSync(at('out', 'z'), 'old');
    expect(
      await refusal(
        writeFolderAtomically(at('out'), [
          ['a', '1'],
          ['z', '1'],
        ]),
      ),
    ).toBeInstanceOf(PhotofitError);
    expect(text('out', 'z')).toBe('old');
    expect(readdirSync(dir).sort()).toEqual(['file', 'out']);
  });

  // Permissions do not hold root back.
  it.skipIf(process.getuid?.() === 0)('says that it may not write', async () => {
    chmodSync(dir, 0o555);
    const error = await refusal(writeFolderAtomically(at('out'), [['a', '1']]));
    expect(error.message).toMatch(/permission denied; choose another output folder$/);
    expect((await refusal(ensureWritableFolder(dir))).message).toMatch(/permission denied/);
  });

  it.each(['', '.', '..', 'a/b', '../x', 'a\\b', 'a\0b'])('refuses the name %j', async (name) => {
    expect(await refusal(writeFolderAtomically(at('out'), [[name, '1']]))).toBeInstanceOf(
      InvalidArgumentError,
    );
    expect(await refusal(writeFolderAtomically(at('out'), [], { ours: [name] }))).toBeInstanceOf(
      InvalidArgumentError,
    );
    expect(readdirSync(dir)).toEqual([]);
  });

  it('cleans up when Ctrl-C ends the process', async () => {
    const script = at('child.mjs');
    const atomic = fileURLToPath(new URL('../../src/node/atomic.ts', import.meta.url));
    await build({
      stdin: {
        contents: `
          import { writeFolderAtomically } from ${JSON.stringify(atomic)};
          process.on('SIGINT', () => process.exit(130));
          const files = Array.from({ length: 5000 }, (_, i) => ['f' + i, 'x'.repeat(10000)]);
          process.stdout.write('started');
          await writeFolderAtomically(process.argv[2], files);`,
        loader: 'ts',
        resolveDir: dir,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
    });
    const child = spawn(process.execPath, [script, at('out')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    // Until the temporary folder is there and filling.
    while (!readdirSync(dir).some((name) => name.startsWith('.out.partial-')))
      await new Promise((r) => setTimeout(r, 2));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(130);
    expect(readdirSync(dir)).toEqual(['child.mjs']);
  });
});

describe('writeFileAtomically', () => {
  it('writes and replaces', async () => {
    await writeFileAtomically(at('sub', 'a.json'), 'one');
    await writeFileAtomically(at('sub', 'a.json'), 'two');
    expect(text('sub', 'a.json')).toBe('two');
    expect(readdirSync(at('sub'))).toEqual(['a.json']);
  });

  it('keeps the old file when cancelled, and explains a folder in the way', async () => {
    writeFileSync(at('a'), 'old');
    expect(
      await refusal(writeFileAtomically(at('a'), 'new', { signal: AbortSignal.abort() })),
    ).toBeInstanceOf(AbortedError);
    expect(text('a')).toBe('old');
    mkdirSync(at('d', 'x'), { recursive: true });
    expect((await refusal(writeFileAtomically(at('d'), 'new'))).message).toMatch(
      /a folder of that name is in the way$/,
    );
    expect(readdirSync(dir).sort()).toEqual(['a', 'd']);
  });
});

describe('ensureWritableFolder', () => {
  it('makes the folder and leaves it empty, or says why not', async () => {
    await ensureWritableFolder(at('x', 'y'));
    expect(readdirSync(at('x', 'y'))).toEqual([]);
    writeFileSync(at('file'), '');
    expect(await refusal(ensureWritableFolder(at('file')))).toBeInstanceOf(PhotofitError);
    expect((await refusal(ensureWritableFolder(at('file', 'y')))).message).toMatch(
      /is a file, not a folder$/,
    );
  });
});
