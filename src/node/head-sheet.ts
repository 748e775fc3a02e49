/** A contact sheet of a head model: the mean from several sides, identity and texture components, all expressions. */
import sharp from 'sharp';
import type { OrthographicCamera } from '../camera/camera.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import { faceKinds } from '../model/eyelids.ts';
import { type HeadModel, type HeadParams, headSizes, neutralParams } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { albedoMap } from '../render/albedo.ts';
import { svgText } from '../render/plot/text.ts';
import { renderHead } from '../render/render-head.ts';

/** Options of {@link headSheetPng}. */
export interface HeadSheetOptions {
  /** Width and height of one drawing in pixels. */
  readonly size?: number;
}

/** Defaults of {@link HeadSheetOptions}. */
export const HEAD_SHEET_DEFAULTS = { size: 256 } as const;

const COLUMNS = 8;
const CAPTION = 24;
/** Components are shown this many standard deviations to either side. */
const DEVIATIONS = 2.5;
const IDENTITY_SHOWN = 8;
const TEXTURE_SHOWN = 4;
/** Soft light from above the viewer's shoulder, spherical harmonics. */
const LIGHT = new Float32Array(27).fill(2.75, 0, 3).fill(0.22, 6, 9).fill(0.55, 9, 12);

interface Tile {
  readonly caption: string;
  readonly params: HeadParams;
  /** With texture and light rather than as grey clay. */
  readonly coloured: boolean;
}

/** The sheet as a PNG file. */
export async function headSheetPng(model: HeadModel, options: HeadSheetOptions = {}): Promise<Uint8Array> {
  const size = options.size ?? HEAD_SHEET_DEFAULTS.size;
  const kernels = await createKernels();
  const camera = cameraFor(model, size);
  const rows = sheetRows(model);
  const width = COLUMNS * size;
  const height = rows.length * (size + CAPTION);
  const canvas = Buffer.alloc(3 * width * height, 255);
  const captions: string[] = [];
  rows.forEach((row, r) => {
    row.forEach((tile, column) => {
      const [left, top] = [column * size, r * (size + CAPTION)];
      drawTile(kernels, model, camera, tile, size, canvas, width, left, top);
      const text = svgText(tile.caption, left + size / 2, top + size + 16, { size: 13, anchor: 'middle' });
      captions.push(text);
    });
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${captions.join('')}</svg>`;
  return sharp(canvas, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Rows of at most {@link COLUMNS} drawings. */
function sheetRows(model: HeadModel): Tile[][] {
  const { S, E, T } = headSizes(model);
  const sides = [
    ['mean', 0],
    ['mean', 0],
    ['45° left', 45],
    ['90° left', 90],
    ['45° right', -45],
    ['90° right', -90],
  ] as const;
  const mean = sides.map(([caption, degrees], i) => {
    const params = neutralParams(model);
    params.pose[1] = (degrees * Math.PI) / 180;
    return { caption, params, coloured: i === 0 };
  });
  const pair = (kind: 'identity' | 'texture', i: number) =>
    [-DEVIATIONS, DEVIATIONS].map((value) => {
      const params = neutralParams(model);
      params[kind][i] = value;
      const sign = value < 0 ? '−' : '+';
      return { caption: `${kind} ${i + 1}, ${sign}${DEVIATIONS} sd`, params, coloured: kind === 'texture' };
    });
  const count = (n: number) => Array.from({ length: n }, (_, i) => i);
  const identity = count(Math.min(S, IDENTITY_SHOWN)).flatMap((i) => pair('identity', i));
  const texture = count(Math.min(T, TEXTURE_SHOWN)).flatMap((i) => pair('texture', i));
  const expressions = count(E).map((i) => {
    const params = neutralParams(model);
    // Blendshapes with bounds at their upper one, principal components at two deviations.
    const upper = model.expressionRange[2 * i + 1];
    params.expression[i] = upper < 1e30 ? upper : 2 * model.expressionSd[i];
    return { caption: model.expressionNames[i] ?? `expression ${i + 1}`, params, coloured: false };
  });
  return [mean, identity, texture, expressions].flatMap((tiles) =>
    count(Math.ceil(tiles.length / COLUMNS)).map((r) => tiles.slice(r * COLUMNS, (r + 1) * COLUMNS)),
  );
}

/** Puts the whole mean head into a square of `size` pixels, from any side. */
function cameraFor(model: HeadModel, size: number): OrthographicCamera {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  model.template.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3], value);
    high[i % 3] = Math.max(high[i % 3], value);
  });
  const extent = Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
  return {
    kind: 'orthographic',
    scale: (0.94 * size) / extent,
    principal: [size / 2, size / 2],
    // Turns are about the root joint, so x stays where it is.
    translation: [0, -(low[1] + high[1]) / 2, 0],
  };
}

function drawTile(
  kernels: Kernels,
  model: HeadModel,
  camera: OrthographicCamera,
  tile: Tile,
  size: number,
  canvas: Buffer,
  width: number,
  left: number,
  top: number,
): void {
  const { vertices } = poseHead(model, tile.params);
  const { rgb, shape, raster } = renderHead(kernels, {
    vertices,
    kinds: faceKinds(model, vertices),
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: tile.coloured && model.texture ? albedoMap(model.texture, tile.params.texture) : null,
    light: LIGHT,
    camera,
    width: size,
    height: size,
  });
  const picture = tile.coloured ? rgb : shape;
  for (let p = 0; p < size * size; p++) {
    if (raster.faceIndex[p] < 0) continue;
    const to = 3 * ((top + Math.floor(p / size)) * width + left + (p % size));
    for (let c = 0; c < 3; c++) {
      canvas[to + c] = 255 * Math.min(1, Math.max(0, picture.data[3 * p + c]));
    }
  }
}
