/** What `photofit export` does: a fit from disk into one of the formats that other programs read. */
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { flameParams } from '../fit/flame-params.ts';
import { atRest, posedHeadMesh, riggedHeadMesh } from '../fit/head-mesh.ts';
import { vertexColours } from '../fit/vertex-colours.ts';
import { writeGlb } from '../io/glb.ts';
import { writeNpz } from '../io/npz.ts';
import { writeMtl, writeObj } from '../io/obj-write.ts';
import { writePly } from '../io/ply.ts';
import { writeFileAtomically } from '../node/atomic.ts';
import { type LoadedFit, loadFit } from '../node/load-fit.ts';
import { albedoPng } from '../node/texture-file.ts';
import { skinAlbedo } from '../render/albedo.ts';
import { type CliContext, EXIT } from './context.ts';
import { EXPORT_FORMATS, type ExportOptions } from './export-options.ts';

type Files = readonly (readonly [string, Uint8Array | string])[];

/** Writes the fit as `options` say; names of files written go to stdout. */
export async function exportFitCommand(
  fit: string,
  options: ExportOptions,
  { stdout, signal }: CliContext,
): Promise<number> {
  const format = formatOf(options);
  const loaded = await loadFit(fit, { model: options.model, space: options.space });
  const name = path.basename(path.resolve(loaded.folder)) || 'head';
  const out = options.out ?? `${name}.${format}`;
  for (const [file, content] of await filesOf(loaded, format, out, options)) {
    await writeFileAtomically(file, content, { signal });
    stdout.write(`${file}\n`);
  }
  return EXIT.ok;
}

function formatOf({ format, out }: ExportOptions): (typeof EXPORT_FORMATS)[number] {
  const ending = out === undefined ? '' : path.extname(out).slice(1).toLowerCase();
  const named = EXPORT_FORMATS.find((known) => known === ending);
  if (format && named && format !== named)
    throw new InvalidArgumentError(
      `-o ${out}: ends in .${named}, but --format is ${format}; change one of them`,
    );
  if (format) return format;
  if (named) return named;
  throw new InvalidArgumentError(
    out === undefined
      ? `export: say what to write with --format ${EXPORT_FORMATS.join('|')}, or -o with such an ending`
      : `-o ${out}: the ending tells no format; use ${EXPORT_FORMATS.map((f) => `.${f}`).join(', ')}, or say --format`,
  );
}

/** The files of one export, what refers to others last. */
async function filesOf(
  { fit, model, texture }: LoadedFit,
  format: (typeof EXPORT_FORMATS)[number],
  out: string,
  { pose: state, arkit }: ExportOptions,
): Promise<Files> {
  const { params } = fit;
  const map = texture?.albedo ?? skinAlbedo(model, params);
  const png = async () => texture?.png ?? (map ? await albedoPng(map) : null);
  switch (format) {
    case 'glb': {
      const mesh = riggedHeadMesh(model, params, { texturePng: await png(), view: fit, state, arkit });
      return [[out, writeGlb(mesh)]];
    }
    case 'ply':
      return [[out, writePly(posedHeadMesh(model, params, { state }), map && vertexColours(model, map))]];
    case 'npz':
      return [[out, writeNpz(flameParams(model, state === 'photo' ? params : atRest(params), fit))]];
    case 'obj': {
      const { dir, name } = path.parse(out);
      const picture = await png();
      const [mtlFile, textureFile] = [`${name}.mtl`, `${name}_texture.png`];
      const obj = writeObj(posedHeadMesh(model, params, { state }), { mtlFile, material: 'skin' });
      const mtl = writeMtl({ material: 'skin', textureFile });
      return [
        ...(picture ? [[path.join(dir, textureFile), picture] as const] : []),
        [path.join(dir, mtlFile), picture ? mtl : mtl.replace(/^map_Kd.*\n/m, '')],
        [out, obj],
      ];
    }
  }
}
