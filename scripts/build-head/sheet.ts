/** Pictures of a pack to look at: tiles of renders in one PNG. */
import sharp from 'sharp';
import type { HeadModel } from '../../src/model/head-model.ts';
import { neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { type Picture, render, type View } from './raster.ts';

/** Values of a tile. */
export interface TileParams {
  readonly identity?: Float32Array;
  readonly expression?: Float32Array;
  readonly pose?: Float32Array;
  /** null: plain grey skin. */
  readonly texture?: Float32Array | null;
}

/** Albedo of texture coefficients. */
export function albedoOf(model: HeadModel, coefficients: Float32Array): Float32Array {
  const t = model.texture!;
  const out = t.mean.slice();
  for (let c = 0; c < coefficients.length; c++) {
    const x = coefficients[c]!;
    if (x === 0) continue;
    for (let i = 0; i < out.length; i++) out[i]! += x * t.basis[c * out.length + i]!;
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i]!));
  return out;
}

/** Renders one tile, 2× supersampled on request by a larger view size. */
export function tile(model: HeadModel, params: TileParams, view: View): Picture {
  const n = neutralParams(model);
  const posed = poseHead(model, {
    identity: params.identity ?? n.identity,
    expression: params.expression ?? n.expression,
    pose: params.pose ?? n.pose,
  });
  const texture =
    params.texture === null || !model.texture
      ? undefined
      : {
          width: model.texture.width,
          height: model.texture.height,
          data: albedoOf(model, params.texture ?? n.texture),
        };
  return render(
    {
      vertices: posed.vertices,
      faces: model.faces,
      uvs: model.uvs,
      faceUvs: model.faceUvs,
      ...(texture ? { texture } : {}),
    },
    view,
  );
}

/** Writes tiles as one PNG or JPEG (by the name's ending), `columns` wide, tiles shrunk to `cell` pixels. */
export async function writeSheet(
  file: string,
  tiles: readonly Picture[],
  columns: number,
  cell: number,
): Promise<void> {
  const parts = await Promise.all(
    tiles.map(async (t, i) => ({
      input: await sharp(Buffer.from(Uint8Array.from(t.rgb, (x) => Math.round(255 * x))), {
        raw: { width: t.size, height: t.size, channels: 3 },
      })
        .resize(cell, cell)
        .png()
        .toBuffer(),
      left: (i % columns) * cell,
      top: Math.floor(i / columns) * cell,
    })),
  );
  await sharp({
    create: {
      width: columns * cell,
      height: Math.ceil(tiles.length / columns) * cell,
      channels: 3,
      background: '#222',
    },
  })
    .composite(parts)
    .toFormat(file.endsWith('.jpg') ? 'jpeg' : 'png', { quality: 80 })
    .toFile(file);
}
