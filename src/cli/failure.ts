/** Errors as one clear sentence: which file, what was wrong, what to do. The stack only when asked for. */
import { PhotofitError } from '../core/errors.ts';

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder; check the path',
  EACCES: 'permission denied; check who may read or write it',
  EPERM: 'operation not permitted; check who may read or write it',
  EISDIR: 'is a folder where a file was expected',
  ENOTDIR: 'part of the path is a file, not a folder; choose another path',
  EEXIST: 'is in the way; remove it or choose another path',
  ENOSPC: 'the disk is full; free some space or choose another disk',
  EROFS: 'the disk is read-only; choose another one',
  EMFILE: 'too many open files; close some programs and try again',
};

/**
 * One sentence about `error`, beginning with `subject` (a file, an option) unless the message names it itself.
 * Errors that are no {@link PhotofitError} and no file-system error are defects and say so.
 */
export function describeFailure(error: unknown, subject = ''): string {
  const message = oneLine(sentence(error));
  return message.includes(subject) ? message : `${subject}: ${message}`;
}

/** The stack of `error` and of its causes, for `--debug`. */
export function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let e = error; e instanceof Error && parts.length < 8; e = e.cause) parts.push(e.stack ?? String(e));
  return parts.join('\ncaused by: ');
}

function sentence(error: unknown): string {
  if (error instanceof PhotofitError) return error.message;
  if (error instanceof Error) {
    const { code, path } = error as NodeJS.ErrnoException;
    const known = code ? SYSTEM[code] : undefined;
    if (known) return path ? `${path}: ${known}` : known;
    return `unexpected error (a defect of photofit; --debug shows where): ${error.message}`;
  }
  return `unexpected error (a defect of photofit): ${String(error)}`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
