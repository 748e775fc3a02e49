/** JSON of files: parsed, and held to a schema, with errors of one sentence that name the file and the key. */
import type { z } from 'zod';
import { FormatError } from '../core/errors.ts';

/**
 * Parses text.
 * @param source what errors call it, e.g. the file's path
 * @throws {FormatError} when it is no JSON
 */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${source}: is no JSON`, { cause });
  }
}

/**
 * Parses text that names its own format under `format`, and holds it to the format's schema.
 * @param format the one that is read
 * @throws {FormatError} when it is no JSON, of another format, or a key is missing, unexpected or impossible
 */
export function parseJsonFormat<T>(schema: z.ZodType<T>, format: string, text: string, source: string): T {
  const value = parseJson(text, source);
  const found = (value as { format?: unknown } | null)?.format;
  if (found !== format)
    throw new FormatError(
      `${source}: format is ${JSON.stringify(found)}, this version of Photofit reads "${format}"`,
    );
  return checkJson(schema, value, source);
}

/**
 * Holds a parsed value to a schema.
 * @throws {FormatError} when a key is missing, unexpected or impossible
 */
export function checkJson<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new FormatError(`${source}: ${firstIssue(result.error)}`, { cause: result.error });
  return result.data;
}

/** What is wrong first, and where. */
export function firstIssue({ issues: [issue] }: z.ZodError): string {
  if (!issue) return 'it does not match';
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message;
}
