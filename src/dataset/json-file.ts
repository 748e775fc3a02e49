/** JSON files with a schema: read with one clear sentence when they are not what they should be, written alike each time. */
import type { z } from 'zod';
import { FormatError } from '../core/errors.ts';
import { firstIssue } from '../io/json.ts';

/**
 * Reads a JSON file's text.
 * @param name how errors call the file
 * @param what what it should be, for the error: "the list of photos that … writes"
 * @throws {FormatError} when it is something else
 */
export function parseJsonFile<T>(schema: z.ZodType<T>, text: string, name: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${name}: is not JSON, but should be ${what}; remove it and run again`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new FormatError(`${name}: is not ${what} (${firstIssue(result.error)}); remove it and run again`, {
    cause: result.error,
  });
}

/** The text of a JSON file: one space of indentation, a line break at the end. */
export function jsonFileText(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
