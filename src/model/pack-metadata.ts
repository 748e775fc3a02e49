/** The JSON text in a head pack's metadata: what it is and what its axes are called (docs/model.md). */
import { FormatError } from '../core/errors.ts';
import type { HeadModel, Joint } from './head-model.ts';

/** Format that this version reads and writes. */
export const PACK_FORMAT = 'head/1';

/** Metadata of a head pack. */
export interface PackMetadata {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly credits: string;
  readonly joints: readonly Joint[];
  readonly identityNames: readonly string[];
  readonly expressionNames: readonly string[];
  readonly textureNames: readonly string[];
  readonly provenance: Readonly<Record<string, unknown>>;
}

/**
 * Reads the entry `photofit` of a safetensors file's metadata.
 * @throws {FormatError} when it is absent, of another format version, or lacks a field
 */
export function readPackMetadata(metadata: Readonly<Record<string, string>>, source: string): PackMetadata {
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(`${source}: ${what}`, { cause });
  };
  const text = Object.hasOwn(metadata, 'photofit') ? metadata['photofit'] : undefined;
  if (text === undefined)
    return fail("is a safetensors file but no head pack: its metadata has no entry 'photofit'");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return fail("the metadata entry 'photofit' is no JSON", cause);
  }
  if (!isRecord(value)) return fail("the metadata entry 'photofit' is no object");
  if (value['format'] !== PACK_FORMAT) {
    const format = JSON.stringify(value['format']);
    return fail(
      `is a pack of format ${format}, this version of Photofit reads "${PACK_FORMAT}"; update one of them`,
    );
  }
  const record = value;
  const string = (key: string): string => {
    const v = record[key];
    return typeof v === 'string' ? v : fail(`metadata '${key}' must be a string`);
  };
  const names = (key: string): string[] => {
    const v = record[key];
    if (!Array.isArray(v) || !v.every((n) => typeof n === 'string')) {
      return fail(`metadata '${key}' must be an array of strings`);
    }
    const repeated = v.find((n, i) => v.indexOf(n) !== i);
    return repeated === undefined ? v : fail(`metadata '${key}' has '${repeated}' twice`);
  };
  const joints = record['joints'];
  const isJoint = (j: unknown): j is Joint =>
    isRecord(j) && typeof j['name'] === 'string' && Number.isInteger(j['parent']);
  if (!Array.isArray(joints) || !joints.every(isJoint)) {
    return fail("metadata 'joints' must be an array of { name, parent }");
  }
  const provenance = record['provenance'] ?? {};
  if (!isRecord(provenance)) return fail("metadata 'provenance' must be an object");
  const known = ['format', 'name', 'version', 'license', 'credits', 'joints', 'provenance'];
  known.push('identityNames', 'expressionNames', 'textureNames');
  const unknown = Object.keys(record).filter((key) => !known.includes(key));
  if (unknown.length > 0) return fail(`unexpected metadata: ${unknown.join(', ')}`);
  return {
    name: string('name'),
    version: string('version'),
    license: string('license'),
    credits: string('credits'),
    joints: joints.map(({ name, parent }) => ({ name, parent })),
    identityNames: names('identityNames'),
    expressionNames: names('expressionNames'),
    textureNames: names('textureNames'),
    provenance,
  };
}

/** The JSON text that {@link readPackMetadata} reads, keys in a fixed order. */
export function packMetadataText(
  model: HeadModel,
  info: {
    readonly version: string;
    readonly credits: string;
    readonly provenance?: Readonly<Record<string, unknown>>;
  },
): string {
  return JSON.stringify({
    format: PACK_FORMAT,
    name: model.name,
    version: info.version,
    license: model.license,
    credits: info.credits,
    joints: model.joints.map(({ name, parent }) => ({ name, parent })),
    identityNames: model.identityNames,
    expressionNames: model.expressionNames,
    textureNames: model.texture?.names ?? [],
    provenance: info.provenance ?? {},
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
