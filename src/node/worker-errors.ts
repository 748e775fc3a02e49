/**
 * Errors on their way between threads. Structured cloning keeps name, message and stack but not the class, nor what
 * Node adds to errors of the system (`code`, `path`), and both decide what a user is told.
 */
import * as errors from '../core/errors.ts';

/** An error as plain data. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Of errors of the system. */
  readonly code?: string;
  readonly path?: string;
  readonly cause?: PackedError;
}

const MAX_CAUSES = 8;

/** `error`, whatever was thrown, as plain data with its causes. */
export function packError(error: unknown, depth = 0): PackedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { code, path } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' && { code }),
    ...(typeof path === 'string' && { path }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: packError(error.cause, depth + 1) }),
  };
}

/** The error that {@link packError} was given, with the class of our own errors. */
export function unpackError(packed: PackedError): Error {
  const options = packed.cause && { cause: unpackError(packed.cause) };
  const error = revive(packed, options);
  if (packed.stack !== undefined) error.stack = packed.stack;
  if (packed.code !== undefined) Object.assign(error, { code: packed.code });
  if (packed.path !== undefined) Object.assign(error, { path: packed.path });
  return error;
}

function revive({ name, message }: PackedError, options: ErrorOptions | undefined): Error {
  switch (name) {
    case 'PhotofitError':
      return new errors.PhotofitError(message, options);
    case 'InvalidArgumentError':
      return new errors.InvalidArgumentError(message, options);
    case 'FormatError':
      return new errors.FormatError(message, options);
    case 'NoFaceError':
      return new errors.NoFaceError(message, options);
    case 'AbortedError':
      return new errors.AbortedError(message, options);
    case 'OutOfMemoryError':
      return new errors.OutOfMemoryError(message, options);
    default:
      return Object.assign(new Error(message, options), { name });
  }
}
