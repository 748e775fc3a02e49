/**
 * The errors a caller may want to catch. Every message names what was given, what was wrong with it and
 * what to do next; nothing else is thrown on purpose by the library.
 */

/** Base of all errors thrown on purpose; anything else is a defect. */
export class PhotofitError extends Error {
  override name = 'PhotofitError';
}

/** An argument or option is out of its documented range. */
export class InvalidArgumentError extends PhotofitError {
  override name = 'InvalidArgumentError';
}

/** A file or byte stream is not what it should be: truncated, mislabelled, or of an unknown layout. */
export class FormatError extends PhotofitError {
  override name = 'FormatError';
}

/** No face was found, or not the one that was asked for. */
export class NoFaceError extends PhotofitError {
  override name = 'NoFaceError';
}

/** The operation was cancelled through its `AbortSignal`. */
export class AbortedError extends PhotofitError {
  override name = 'AbortedError';
}

/** WebAssembly memory could not grow any further. */
export class OutOfMemoryError extends PhotofitError {
  override name = 'OutOfMemoryError';
}

/** A matrix that has to be symmetric positive definite is not; `pivot` is the first bad row. */
export class NotPositiveDefiniteError extends PhotofitError {
  override name = 'NotPositiveDefiniteError';
  /** Index of the first row whose pivot is not positive. */
  readonly pivot: number;

  constructor(message: string, pivot: number, options?: ErrorOptions) {
    super(message, options);
    this.pivot = pivot;
  }
}

/**
 * Throws {@link AbortedError} when `signal` is aborted.
 * @throws {AbortedError}
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError('cancelled', { cause: signal.reason });
}
