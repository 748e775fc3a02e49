/**
 * The `ffmpeg` and `ffprobe` on the PATH, as processes that raw pictures come from and go to. Files are named with the
 * `file:` protocol and nothing else is allowed, so that neither an odd name nor a playlist reaches for the network.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { throwIfAborted } from '../core/errors.ts';

const run = promisify(execFile);

/** What both programs are told first. */
export const FFMPEG_QUIET = ['-hide_banner', '-nostdin', '-protocol_whitelist', 'file,pipe'] as const;

/** Whether ffmpeg and ffprobe are on the PATH. They are not started to see it: that takes some 0.1 s of a core each. */
export async function hasFfmpeg(): Promise<boolean> {
  const found = await Promise.all(['ffmpeg', 'ffprobe'].map(onPath));
  return found.every(Boolean);
}

async function onPath(program: string): Promise<boolean> {
  const file = process.platform === 'win32' ? `${program}.exe` : program;
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const place = path.join(folder || '.', file);
    try {
      await access(place, constants.X_OK);
      if ((await stat(place)).isFile()) return true;
    } catch {
      // Not in this one.
    }
  }
  return false;
}

/** Keeps frames and their times as they are: an option whose name changed with version 5.1, the old one is gone since 8. */
export function passFrames(version: string): string[] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const old = major !== undefined && (Number(major) < 5 || (major === '5' && Number(minor) < 1));
  return old ? ['-vsync', 'passthrough'] : ['-fps_mode', 'passthrough'];
}

/** `ffprobe`'s answer as JSON; its complaint where it failed. */
export async function ffprobe(
  args: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly answer: unknown; readonly complaint: string }> {
  try {
    const { stdout, stderr } = await run(
      'ffprobe',
      ['-v', 'error', '-hide_banner', '-protocol_whitelist', 'file,pipe', ...args, '-of', 'json'],
      { signal, maxBuffer: 64 * 2 ** 20 },
    );
    return { answer: JSON.parse(stdout), complaint: stderr };
  } catch (cause) {
    throwIfAborted(signal);
    return { answer: null, complaint: (cause as { stderr?: string }).stderr ?? String(cause) };
  }
}

/** Its output is null where it goes to a socket. */
type FfmpegChild = ChildProcessByStdio<Writable, Readable | null, Readable>;

/** An ffmpeg at work. */
export interface FfmpegProcess {
  readonly child: FfmpegChild;
  /** Exit code once all its output has been read; null when killed. */
  readonly ended: Promise<number | null>;
  /** Writes to its input; waits while it has too much. False once it has ended. */
  write(bytes: Uint8Array): Promise<boolean>;
  kill(): void;
}

/**
 * Starts ffmpeg.
 * @param output where its standard output goes; a pipe where absent
 * @throws an ENOENT error where there is none
 */
export async function startFfmpeg(args: readonly string[], output?: Socket | null): Promise<FfmpegProcess> {
  const child = spawn('ffmpeg', args, { stdio: ['pipe', output ?? 'pipe', 'pipe'] }) as FfmpegChild;
  // It has its own end by now.
  output?.destroy();
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => {});
  // A broken pipe is told by the exit code.
  child.stdin.on('error', () => {});
  // process.exit() in a handler of Ctrl-C skips `finally`.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.catch(() => {}).finally(() => process.removeListener('exit', kill));
  await Promise.race([once(child, 'spawn'), ended]);
  return {
    child,
    ended,
    kill,
    write: async (bytes) => {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      // A broken pipe while it waits is no more than the end that follows.
      if (!child.stdin.write(bytes))
        await Promise.race([once(child.stdin, 'drain').catch(() => ended), ended]);
      return child.exitCode === null && child.signalCode === null;
    },
  };
}
