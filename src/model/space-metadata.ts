/** The JSON text in a texture space's metadata: what it is, what it was made for and from (docs/space-file.md). */
import { z } from 'zod';
import { FormatError } from '../core/errors.ts';

/** Format that this version reads and writes. */
export const SPACE_FORMAT = 'texture-space/1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const schema = z.strictObject({
  format: z.literal(SPACE_FORMAT),
  name: z.string(),
  license: z.string(),
  credits: z.string(),
  model: z.strictObject({ name: z.string(), hash: sha256 }),
  layout: sha256,
  names: z.array(z.string()),
  explained: z.array(z.number()),
  maps: z.number().int().nonnegative(),
  provenance: z.record(z.string(), z.unknown()),
});

/** What a texture space file says about itself. */
export interface SpaceMetadata {
  readonly name: string;
  readonly license: string;
  /** Who made what it came from. */
  readonly credits: string;
  /** The head it was made on, by the name and hash of its file. */
  readonly model: { readonly name: string; readonly hash: string };
  /** Hash of that head's UV layout, see `uvLayoutHash`. */
  readonly layout: string;
  /** (T) names of the components. */
  readonly names: readonly string[];
  /** (T) fraction of all variance that each component explains; empty where nobody knows. */
  readonly explained: readonly number[];
  /** Texture maps it was made from; 0 where it was not made from maps. */
  readonly maps: number;
  /** Sources, settings; free form. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/**
 * Reads the entry `photofit` of a safetensors file's metadata.
 * @throws {FormatError} when it is absent, of another format or version, or lacks a field
 */
export function readSpaceMetadata(metadata: Readonly<Record<string, string>>, source: string): SpaceMetadata {
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(`${source}: ${what}`, { cause });
  };
  const text = Object.hasOwn(metadata, 'photofit') ? metadata['photofit'] : undefined;
  if (text === undefined) return fail("is no texture space: its metadata has no entry 'photofit'");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return fail("the metadata entry 'photofit' is no JSON", cause);
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (format !== SPACE_FORMAT)
    return fail(
      `holds ${JSON.stringify(format)}, this version of Photofit reads texture spaces of "${SPACE_FORMAT}"`,
    );
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    return fail(`metadata ${issue.path.join('.')}: ${issue.message}`, result.error);
  }
  const { format: _, ...rest } = result.data;
  if (rest.explained.length !== 0 && rest.explained.length !== rest.names.length)
    return fail(
      `metadata has ${rest.explained.length} explained variances for ${rest.names.length} components`,
    );
  return rest;
}

/** The JSON text that {@link readSpaceMetadata} reads, keys in a fixed order. */
export function spaceMetadataText(meta: SpaceMetadata): string {
  const { name, license, credits, model, layout, names, explained, maps, provenance } = meta;
  return JSON.stringify({
    format: SPACE_FORMAT,
    name,
    license,
    credits,
    model: { name: model.name, hash: model.hash },
    layout,
    names,
    explained,
    maps,
    provenance,
  });
}
