/** Random heads as files: meshes, and their coefficients as JSON. */
import { posedHeadMesh, riggedHeadMesh } from '../fit/head-mesh.ts';
import { short } from '../fit/schema.ts';
import { writeGlb } from '../io/glb.ts';
import { writeMtl, writeObj } from '../io/obj-write.ts';
import type { HeadModel, HeadParams } from '../model/head-model.ts';
import type { SampleOptions } from '../model/sample.ts';
import { albedoMap } from '../render/albedo.ts';
import { albedoPng } from './texture-file.ts';

/** The files of one head, by name: `NAME.glb`, or `NAME.obj` with its material and texture, or both, or none. */
export async function headFiles(
  model: HeadModel,
  params: HeadParams,
  name: string,
  format: 'glb' | 'obj' | 'both' | 'none',
): Promise<[string, Uint8Array | string][]> {
  if (format === 'none') return [];
  const png = model.texture ? await albedoPng(albedoMap(model.texture, params.texture)) : null;
  const files: [string, Uint8Array | string][] = [];
  if (format !== 'obj')
    files.push([`${name}.glb`, writeGlb(riggedHeadMesh(model, params, { name, texturePng: png }))]);
  if (format === 'glb') return files;
  const material = 'skin';
  files.push([
    `${name}.obj`,
    writeObj(posedHeadMesh(model, params, { name }), { mtlFile: `${name}.mtl`, material }),
  ]);
  if (png) {
    files.push([`${name}.mtl`, writeMtl({ material, textureFile: `${name}.png` })]);
    files.push([`${name}.png`, png]);
  }
  return files;
}

/** The coefficients of random heads as JSON text, a line per head. */
export function samplesText(
  model: HeadModel,
  seed: number,
  spread: SampleOptions,
  heads: readonly { readonly caption: string; readonly params: HeadParams }[],
): string {
  const rows = heads.map(({ caption, params }) => {
    const { identity, expression, pose, texture } = params;
    const [shape, exp, turns, skin] = [identity, expression, pose, texture].map((x) => Array.from(x, short));
    return `  ${JSON.stringify({ name: caption, shape, expression: exp, pose: turns, texture: skin })}`;
  });
  const about = JSON.stringify({ name: model.name, hash: model.hash });
  return `{"model": ${about}, "seed": ${seed}, "spread": ${JSON.stringify(spread)}, "heads": [\n${rows.join(',\n')}\n]}\n`;
}
