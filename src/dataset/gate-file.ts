/**
 * `gate.json`: which fits go into the texture space, in the order of their hashes, and why the others do not. Made from
 * the fits alone, so it can be made again with other thresholds without fitting anything.
 */
import { z } from 'zod';
import { FormatError } from '../core/errors.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const GateFileSchema = z.strictObject({
  format: z.literal('space-gate/1'),
  kept: z.array(hash),
  rejected: z.array(z.strictObject({ hash, reason: z.string(), why: z.string() })),
});

/** Content of `gate.json`. */
export type GateFile = z.infer<typeof GateFileSchema>;

/**
 * Reads `gate.json`.
 * @param name how errors call the file
 * @throws {FormatError} when it is none
 */
export function parseGateFile(text: string, name = 'gate.json'): GateFile {
  try {
    return GateFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError(`${name}: not the list of kept fits that photofit space fit writes`, { cause });
  }
}

/** The text of `gate.json`. */
export function gateFileText(file: GateFile): string {
  return `${JSON.stringify(file, null, 1)}\n`;
}
