/**
 * A completion at a map's own size. The network and the components work on small maps (128²); a map of 512² keeps every
 * texel that its photo shows, and the rest becomes, in the gradient domain (Pérez et al. 2003, "Poisson image editing"),
 *
 *   guide = small completion, enlarged + detail of the mirror point, where that was seen
 *
 * so that pores and freckles go on to the other side, and a step between what is shown and what was guessed fades over
 * 5 % of the map. Detail is what a mirrored map has beyond its own means over small texels. Where no photo shows anything
 * (the back of the head, the eyes' backs) there is no small completion; the guide is the fit's own guess where the map
 * has one, else the head's mean texture, with a longer fade: the person's tint goes on, hair does not become skin.
 */
import type { Kernels } from '../../kernels/runtime.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { albedoMap } from '../../render/albedo.ts';
import { resize } from '../../render/resample.ts';
import { smoothstep } from '../grids.ts';
import type { TextureMap } from '../texture-map.ts';
import {
  buildCompletionAtlas,
  type CompletionAtlas,
  type KnownTexture,
  mirrorTexture,
  reduceMap,
} from './atlas.ts';
import { blendKnown, mirrorFillAbout } from './mirror-fill.ts';
import type { MapSkin } from './outliers.ts';

/** Tuning of the blend, lengths as fractions of the map's width. */
export const FULL_SIZE_DEFAULTS = {
  /** A step between shown and guessed falls to 1/e over this. */
  fade: 0.05,
  /** The same outside the small completion. */
  fadeRest: 0.12,
} as const;

/** What completing maps of one size needs. */
export interface FullSize {
  readonly atlas: CompletionAtlas;
  /** (n,4) nodes of the small atlas that a node mixes, and their weights, all zero where it has no small completion. */
  readonly taps: Int32Array;
  readonly tapWeights: Float32Array;
  /** (n) node of the small atlas whose texel holds this one, −1 for none; number of small nodes. */
  readonly blocks: Int32Array;
  readonly smallCount: number;
  /** (n,3) the head's mean texture; null for a head without one. */
  readonly mean: Float32Array | null;
}

/**
 * Prepares completing maps of `size`×`size` texels.
 * @param small the (restricted) atlas of small completions; null when there are none.
 */
export function prepareFullSize(
  kernels: Kernels,
  model: HeadModel,
  size: number,
  small: CompletionAtlas | null,
): FullSize {
  const atlas = buildCompletionAtlas(kernels, model, size);
  const { texels } = atlas.graph;
  const n = texels.length;
  const mean = headMean(model, atlas);
  const taps = new Int32Array(4 * n);
  const tapWeights = new Float32Array(4 * n);
  const blocks = new Int32Array(n).fill(-1);
  if (!small) return { atlas, taps, tapWeights, blocks, smallCount: 0, mean };
  const { graph } = small;
  const step = size / small.size;
  for (let i = 0; i < n; i++) {
    const [x, y] = [texels[i] % size, Math.floor(texels[i] / size)];
    const chart = atlas.graph.charts[i];
    blocks[i] = graph.nodes[Math.floor(y / step) * small.size + Math.floor(x / step)];
    const fx = Math.min(Math.max((x + 0.5) / step - 0.5, 0), small.size - 1);
    const fy = Math.min(Math.max((y + 0.5) / step - 0.5, 0), small.size - 1);
    let total = 0;
    for (let k = 0; k < 4; k++) {
      const cx = Math.min(Math.floor(fx) + (k & 1), small.size - 1);
      const cy = Math.min(Math.floor(fy) + (k >> 1), small.size - 1);
      const node = graph.nodes[cy * small.size + cx];
      if (node < 0 || graph.charts[node] !== chart) continue;
      const w = (1 - Math.abs(fx - cx)) * (1 - Math.abs(fy - cy));
      if (w <= 0) continue;
      taps[4 * i + k] = node;
      tapWeights[4 * i + k] = w;
      total += w;
    }
    // Less than half inside: no completion rather than one texel's colour drawn out.
    for (let k = 4 * i; k < 4 * i + 4; k++) tapWeights[k] *= total < 0.5 ? 0 : 1 / total;
  }
  return { atlas, taps, tapWeights, blocks, smallCount: graph.texels.length, mean };
}

/**
 * The map with its unseen texels filled from a small completion; visibility stays what it was.
 * @param completion (small nodes,3).
 * @throws {InvalidArgumentError} when the map is not of the prepared size
 */
export function completeFullSize(
  kernels: Kernels,
  full: FullSize,
  map: TextureMap,
  completion: Float32Array,
): TextureMap {
  const { atlas } = full;
  const known = reduceMap(atlas, map);
  const base = restOf(full, map, known);
  const small = enlarge(full, completion, 3);
  const detail = mirroredDetail(full, known);
  const n = known.weights.length;
  const guide = new Float32Array(3 * n);
  const strength = new Float32Array(n);
  const kinds = new Uint8Array(n);
  const { fade, fadeRest } = FULL_SIZE_DEFAULTS;
  for (let i = 0; i < n; i++) {
    const inside = has(full, i);
    kinds[i] = inside ? 1 : 0;
    strength[i] = inside ? 1 : (fade / fadeRest) ** 2;
    for (let c = 3 * i; c < 3 * i + 3; c++) guide[c] = inside ? small[c] + detail[c] : base[c];
  }
  return putBack(full, map, known, blendKnown(kernels, atlas, known, guide, strength, fade, { kinds, base }));
}

/**
 * The map with what is not skin replaced (`outliers.ts`); its visibility falls there, so that completion fills it.
 * @param found at the small nodes
 */
export function replaceOutliers(
  full: FullSize,
  map: TextureMap,
  { skin, likely, excess }: MapSkin,
): TextureMap {
  const { texels } = full.atlas.graph;
  const keep = enlarge(full, skin, 1);
  const instead = enlarge(full, likely, 3);
  const less = excess && enlarge(full, excess, 3);
  const albedo = map.albedo.slice();
  const visibility = map.visibility.slice();
  for (let i = 0; i < texels.length; i++) {
    // Mixed weights need not add up to 1 to the last bit.
    if (!has(full, i) || (!less && keep[i] > 0.999)) continue;
    const t = texels[i];
    for (let c = 0; c < 3; c++) {
      const own = albedo[3 * t + c] - (less ? less[3 * i + c] : 0);
      albedo[3 * t + c] = keep[i] * own + (1 - keep[i]) * instead[3 * i + c];
    }
    visibility[t] = Math.round(keep[i] * visibility[t]);
  }
  return { size: map.size, albedo, visibility };
}

/** The map with its unseen texels filled from the other side, and smoothly where neither side was seen. */
export function completeByMirror(kernels: Kernels, full: FullSize, map: TextureMap): TextureMap {
  const known = reduceMap(full.atlas, map);
  const base = restOf(full, map, known);
  const mirrored = mirrorTexture(full.atlas, known);
  return putBack(full, map, known, mirrorFillAbout(kernels, full.atlas, known, mirrored, base));
}

/** Texels as the completion has them; what was seen well stays to the last bit. */
function putBack(full: FullSize, map: TextureMap, known: KnownTexture, filled: Float32Array): TextureMap {
  const { texels } = full.atlas.graph;
  const albedo = map.albedo.slice();
  for (let i = 0; i < texels.length; i++) {
    const keep = smoothstep(0.5, 0.97, known.weights[i]);
    for (let c = 0; c < 3; c++) {
      const x = filled[3 * i + c];
      albedo[3 * texels[i] + c] = keep > 0 ? x + keep * (known.values[3 * i + c] - x) : x;
    }
  }
  return { size: map.size, albedo, visibility: map.visibility };
}

/** What stands where nothing is known: the map's own guess, else the mean texture, else one colour of the known. */
function restOf(full: FullSize, map: TextureMap, known: KnownTexture): Float32Array {
  const { texels } = full.atlas.graph;
  const n = texels.length;
  let [unseen, guessed] = [0, 0];
  for (let i = 0; i < n; i++) {
    if (known.weights[i] > 0) continue;
    unseen++;
    const t = 3 * texels[i];
    if (map.albedo[t] !== 0 || map.albedo[t + 1] !== 0 || map.albedo[t + 2] !== 0) guessed++;
  }
  if (guessed > 0.5 * unseen)
    return Float32Array.from(
      { length: 3 * n },
      (_, c) => map.albedo[3 * texels[Math.floor(c / 3)] + (c % 3)],
    );
  if (full.mean) return full.mean;
  const sum = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    sum[3] += known.weights[i];
    for (let c = 0; c < 3; c++) sum[c] += known.weights[i] * known.values[3 * i + c];
  }
  return Float32Array.from({ length: 3 * n }, (_, c) => sum[c % 3] / Math.max(sum[3], 1e-9));
}

/** (n,channels) small values at the nodes of the map, zero where there are none. */
function enlarge({ taps, tapWeights }: FullSize, values: Float32Array, channels: number): Float32Array {
  const out = new Float32Array((channels * taps.length) / 4);
  for (let k = 0; k < taps.length; k++) {
    const w = tapWeights[k];
    if (w === 0) continue;
    for (let c = 0; c < channels; c++) out[channels * (k >> 2) + c] += w * values[channels * taps[k] + c];
  }
  return out;
}

/** (n,3) what the mirrored map has beyond its means over small texels; fading to zero where it was seen badly. */
function mirroredDetail(full: FullSize, known: KnownTexture): Float32Array {
  const { blocks, smallCount, taps, tapWeights } = full;
  const mirrored = mirrorTexture(full.atlas, known);
  const sums = new Float64Array(4 * smallCount);
  blocks.forEach((block, i) => {
    const w = mirrored.weights[i];
    if (block < 0 || w === 0) return;
    sums[4 * block + 3] += w;
    for (let c = 0; c < 3; c++) sums[4 * block + c] += w * mirrored.values[3 * i + c];
  });
  const means = new Float32Array(3 * smallCount);
  for (let b = 0; b < smallCount; b++)
    for (let c = 0; c < 3; c++) means[3 * b + c] = sums[4 * b + c] / Math.max(sums[4 * b + 3], 1e-9);
  const smooth = enlarge(full, means, 3);
  const out = new Float32Array(smooth.length);
  for (let i = 0; i < mirrored.weights.length; i++) {
    // At the border of what was seen some of the mixed means are empty.
    let there = has(full, i) ? mirrored.weights[i] : 0;
    for (let k = 4 * i; k < 4 * i + 4; k++) if (tapWeights[k] > 0 && sums[4 * taps[k] + 3] === 0) there = 0;
    const w = smoothstep(0.3, 0.8, there);
    if (w === 0) continue;
    for (let c = 3 * i; c < 3 * i + 3; c++) out[c] = w * (mirrored.values[c] - smooth[c]);
  }
  return out;
}

function has({ tapWeights }: FullSize, i: number): boolean {
  return tapWeights[4 * i] + tapWeights[4 * i + 1] + tapWeights[4 * i + 2] + tapWeights[4 * i + 3] > 0;
}

/** (n,3) the head's mean texture at the nodes of an atlas; null for a head without one. */
export function headMean({ texture }: HeadModel, { graph, size }: CompletionAtlas): Float32Array | null {
  if (!texture) return null;
  const own = albedoMap(texture, []);
  const { data } = own.width === size ? own : resize(own, size, size);
  return Float32Array.from(
    { length: 3 * graph.texels.length },
    (_, c) => data[3 * graph.texels[Math.floor(c / 3)] + (c % 3)],
  );
}
