/**
 * `gate.json`: which fits go into the texture space, in the order of their hashes, and why the others do not. Made from
 * the fits alone, so it can be made again with other thresholds without fitting anything.
 */
import { z } from 'zod';
import { jsonFileText, parseJsonFile } from './json-file.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const GateFileSchema = z.strictObject({
  format: z.literal('space-gate/1'),
  thresholds: z.record(z.string(), z.number()),
  kept: z.array(hash),
  rejected: z.array(z.strictObject({ hash, reason: z.string(), why: z.string() })),
});

/** Content of `gate.json`; `reason` is one word of `GATE_REASONS`, `why` a sentence with figures. */
export type GateFile = z.infer<typeof GateFileSchema>;

/**
 * Reads `gate.json`.
 * @param name how errors call the file
 * @throws {FormatError} when it is none
 */
export function parseGateFile(text: string, name = 'gate.json'): GateFile {
  return parseJsonFile(GateFileSchema, text, name, 'the list of kept fits that photofit space fit writes');
}

/** The text of `gate.json`. */
export function gateFileText(file: GateFile): string {
  return jsonFileText(file);
}
