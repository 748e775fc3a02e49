/** What `photofit model list|info|render` do. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { headSizes } from '../model/head-model.ts';
import { type HeadFile, type LoadedHead, listHeadFiles, loadHeadModel } from '../node/models.ts';
import { type CliContext, EXIT } from './context.ts';
import { describeFailure } from './failure.ts';

/** One line per head; a broken file is named on stderr and makes the exit code non-zero. */
export async function listModels(
  folder: string | undefined,
  options: { readonly json: boolean },
  { stdout, stderr }: CliContext,
): Promise<number> {
  const heads = await listHeadFiles(folder);
  let code: number = EXIT.ok;
  if (heads.length === 0) stderr.write('no head models found\n');
  for (const head of heads) {
    try {
      stdout.write((await describeInOneLine(head, options.json)) + '\n');
    } catch (error) {
      stderr.write(`${describeFailure(error, head.file)}\n`);
      code = EXIT.failed;
    }
  }
  return code;
}

/** Everything worth knowing about a head, as text or JSON. */
export async function describeModel(
  head: string,
  options: { readonly json: boolean },
  { stdout }: CliContext,
): Promise<number> {
  const facts = factsOf(await loadHeadModel(head));
  stdout.write((options.json ? JSON.stringify(facts) : asText(facts)) + '\n');
  return EXIT.ok;
}

/** Draws the head's contact sheet to a PNG file. */
export async function renderModel(
  head: string,
  options: { readonly out: string; readonly size: number },
  { stdout, stderr }: CliContext,
): Promise<number> {
  const model = await loadHeadModel(head);
  const { headSheetPng } = await import('../node/head-sheet.ts');
  const { writeFileAtomically } = await import('../node/atomic.ts');
  await writeFileAtomically(options.out, await headSheetPng(model, { size: options.size }));
  stderr.write(`${model.name} drawn\n`);
  stdout.write(`${options.out}\n`);
  return EXIT.ok;
}

async function describeInOneLine(head: HeadFile, json: boolean): Promise<string> {
  const model = await loadHeadModel(head.embedded ? head.name : head.file);
  const { V, S, E, T } = headSizes(model);
  const { size } = await stat(head.file);
  if (json) {
    const { name, version, license, hash } = model;
    return JSON.stringify({
      name,
      version,
      license,
      hash,
      file: path.resolve(head.file),
      bytes: size,
      V,
      S,
      E,
      T,
    });
  }
  const megabytes = `${(size / 1e6).toFixed(1)} MB`;
  const where = head.embedded ? '' : `  ${head.file}`;
  return `${model.name.padEnd(14)} ${model.version}  ${V} vertices, ${S} identity, ${E} expression, ${T} texture components  ${megabytes}${where}`;
}

/** What an imported head says of its files. */
interface Origin {
  readonly edition?: string;
  readonly verified?: boolean;
  readonly geometrySha256?: string;
  readonly missing?: Readonly<Record<string, string>>;
}

function factsOf(model: LoadedHead) {
  const { V, F, S, E, J, T } = headSizes(model);
  const { edition, verified, geometrySha256, missing } = model.provenance as Origin;
  return {
    ...(edition !== undefined && { origin: { edition, verified, geometrySha256, missing } }),
    name: model.name,
    version: model.version,
    license: model.license,
    credits: model.credits,
    hash: model.hash,
    sizes: { vertices: V, faces: F, identity: S, expression: E, joints: J, texture: T },
    texture: model.texture && { width: model.texture.width, height: model.texture.height },
    joints: model.joints.map(({ name }) => name),
    expressionNames: model.expressionNames,
    identityNames: model.identityNames,
    landmarks: {
      inner51: model.landmarks.inner51.faces.length,
      contour_yaws_degrees: [...model.landmarks.contour.yaws].map((yaw) => Math.round((yaw * 180) / Math.PI)),
      mesh: model.landmarks.mesh.indices.length,
    },
    regions: Object.fromEntries([...model.regions].map(([name, vertices]) => [name, vertices.length])),
  };
}

function asText(facts: ReturnType<typeof factsOf>): string {
  const { sizes, texture, landmarks, origin } = facts;
  const checked = origin?.verified ? 'official checksum' : 'checksum not known here';
  const yaws = landmarks.contour_yaws_degrees;
  const rows: readonly (readonly [string, string])[] = [
    ['name', `${facts.name} ${facts.version}`],
    ['license', facts.license],
    ['credits', facts.credits],
    ['sha-256', facts.hash],
    ...(origin
      ? [['edition', `${origin.edition}; geometry ${origin.geometrySha256}, ${checked}`] as const]
      : []),
    ['mesh', `${sizes.vertices} vertices, ${sizes.faces} faces`],
    ['identity', `${sizes.identity} components`],
    ['expression', `${sizes.expression} components: ${listed(facts.expressionNames)}`],
    ['joints', facts.joints.join(', ')],
    ['texture', texture ? `${texture.width} × ${texture.height}, ${sizes.texture} components` : 'none'],
    [
      'landmarks',
      `51 inner; 17 contour for ${yaws.length} yaws (${yaws[0]}° to ${yaws.at(-1)}°); ${landmarks.mesh} of the face mesh`,
    ],
    [
      'regions',
      Object.entries(facts.regions)
        .map(([name, n]) => `${name} (${n})`)
        .join(', '),
    ],
  ];
  const missing = Object.entries(origin?.missing ?? {}).map(
    ([file, help]) => ['not given', `${file}. ${help}`] as const,
  );
  return [...rows, ...missing].map(([key, value]) => `${key.padEnd(11)} ${value}`).join('\n');
}

/** Names, or the first and last of numbered ones. */
function listed(names: readonly string[]): string {
  const numbered = names.length > 2 && names.every((name) => /_\d+$/.test(name));
  return numbered ? `${names[0]} … ${names.at(-1)}` : names.join(', ');
}
