/**
 * The `ffmpeg` and `ffprobe` on the PATH, as processes that raw pictures come from and go to. Files are named with the
 * `file:` protocol and nothing else is allowed, so that neither an odd name nor a playlist reaches for the network.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { throwIfAborted } from '../core/errors.ts';

const run = promisify(execFile);

/** What both programs are told first. */
export const FFMPEG_QUIET = ['-hide_banner', '-nostdin', '-protocol_whitelist', 'file,pipe'] as const;

let found: Promise<string | null> | null = null;
let foundOn: string | undefined;

/** Version of the ffmpeg on the PATH (`5.1.9`, `N-115…`); null where it or ffprobe is missing. */
export function ffmpegVersion(): Promise<string | null> {
  // Asked once per PATH.
  if (!found || foundOn !== process.env['PATH']) {
    foundOn = process.env['PATH'];
    found = Promise.all([run('ffmpeg', ['-version']), run('ffprobe', ['-version'])]).then(
      ([{ stdout }]) => /version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
      () => null,
    );
  }
  return found;
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
