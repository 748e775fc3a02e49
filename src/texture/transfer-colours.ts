/**
 * Colours of one surface carried onto a head's UV map: each texel takes them from the nearest point of the surface; what
 * the surface does not reach is filled in without a seam.
 *
 * A texel counts as seen by a confidence: near the surface, facing as it does, and away from the surface's rim. The rest
 * minimises, over the texel graph (Pérez et al. 2003, softly pinned as in fill.ts),
 *
 *   Σ_ij ‖(x_i − x_j) − (g_i − g_j)‖² + Σ_i h_i ‖x_i − s_i‖² + ε Σ_i ‖x_i − g_i‖²
 *
 * with s the colours carried over and g the gradients to continue with: where both ends were seen those of s; else for the mean those of the head's own texture
 * where it has one (lashes, lips' inside, the scalp), shifted to the tone that was carried over; zero for components,
 * which therefore continue harmonically, so that a darker face has a darker neck. Parts that nothing was carried onto
 * (teeth) keep g.
 */
import { withDefaults } from '../core/defaults.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { INNER_REGIONS } from '../fit/fit-mesh.ts';
import { normalAt, onBorder } from '../fit/mesh-target.ts';
import { createHit } from '../geometry/nearest.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel, TextureSpace } from '../model/head-model.ts';
import { sampleMap } from '../render/albedo.ts';
import { vertexNormals } from '../render/normals.ts';
import { buildLevels, solveCoarseToFine } from './coarse-levels.ts';
import type { ColouredSurface } from './coloured-surface.ts';
import { distanceTo, smoothstep } from './grids.ts';
import { laplacianMatrix } from './normal-matrix.ts';
import type { Registration } from './register-surface.ts';
import { SPACE_INIT_DEFAULTS } from './space-defaults.ts';
import { buildTexelGraph, nodePoints, type TexelGraph } from './texel-graph.ts';

/** Options of {@link transferColours}; defaults: `SPACE_INIT_DEFAULTS`. */
export interface TransferOptions {
  /** Texels along each side of the map. */
  readonly size?: number;
  /** Components carried over, the first ones; at most what there are. */
  readonly components?: number;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Full confidence up to `near`, none beyond `far`, metres. */
const NEAR = 0.003;
const FAR = 0.007;
/** Cosine between the normals: none below, full above. */
const COSINE_LOW = 0.3;
const COSINE_HIGH = 0.6;
/** Fraction of the map's width over which confidence falls towards what is not seen. */
const FEATHER = 0.02;
/** h at full confidence, in units of an edge. */
const HOLD = 100;
/** Steps of conjugate gradients on the finest level. */
const STEPS = 8;
/** Regions that nobody painted: what the nearest surface shows there is the skin before them. */
const UNPAINTED = INNER_REGIONS.filter((name) => !name.endsWith('eyeball'));

/** A space on the head's UV map. */
export interface TransferredSpace {
  readonly texture: TextureSpace;
  /** (size,size) uint8 confidence: 255 carried over, 0 filled in. */
  readonly coverage: Uint8Array;
  /** Fraction of the charts' texels with a confidence above one half. */
  readonly covered: number;
}

/**
 * Carries mean and components over.
 * @param registration of `model` over `surface`
 * @throws {AbortedError} when cancelled
 */
export function transferColours(
  kernels: Kernels,
  model: HeadModel,
  surface: ColouredSurface,
  registration: Registration,
  options: TransferOptions = {},
): TransferredSpace {
  const { size, components: wanted } = withDefaults(SPACE_INIT_DEFAULTS, options);
  const T = Math.min(wanted, surface.components);
  const graph = buildTexelGraph(kernels, model, size, size);
  const places = nearestItems(model, graph, surface, registration);
  const { confidence } = places;
  const n = graph.texels.length;
  const levels = buildLevels(kernels, { ...graph, weights: null }, graph);
  const hold = Float64Array.from(confidence, (c) => HOLD * c ** 2);

  // Solved for the difference to g: far from what was seen, where a loose solver stops early, g is a good answer.
  const fill = (seen: Float64Array, guide: Float64Array, pull: number): Float64Array => {
    const wanted = seen.map((x, i) => x - guide[i]);
    const b = new Float64Array(3 * n);
    const sums = hold.map((h) => h + pull);
    for (let i = 0; i < n; i++) {
      for (let c = 3 * i; c < 3 * i + 3; c++) b[c] = hold[i] * wanted[c];
      for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++) {
        const j = graph.neighbours[k];
        const sure = Math.min(confidence[i], confidence[j]);
        for (let c = 0; c < 3; c++) b[3 * i + c] += sure * (wanted[3 * i + c] - wanted[3 * j + c]);
      }
    }
    const matrix = laplacianMatrix({ ...graph, weights: null }, 1, sums);
    const d = solveCoarseToFine(kernels, levels, matrix, 1, sums, b, STEPS, 1e-5);
    return d.map((x, i) => x + guide[i]);
  };
  const reached = reachedNodes(graph, confidence);

  const mean = new Float32Array(3 * size * size);
  const colours = gather(places, surface.mean, n);
  const own = ownColours(model, graph);
  const tone = meanDifference(colours, own, confidence);
  // Eyes and teeth are not of the skin's tone; where the head has no colours of its own nothing better is known.
  const guide = own.map((x, i) => (model.texture && !reached[Math.floor(i / 3)] ? x : x + tone[i % 3]));
  spread(graph, fill(colours, guide, size ** -2), mean);
  const outside = average(mean, graph);
  for (let t = 0; t < size * size; t++)
    if (graph.nodes[t] < 0) for (let c = 0; c < 3; c++) mean[3 * t + c] = outside[c];
  const basis = new Float32Array(T * mean.length);
  const source = surface.basis(T);
  const items = surface.mean.length;
  const zero = new Float64Array(3 * n);
  for (let t = 0; t < T; t++) {
    throwIfAborted(options.signal);
    options.onProgress?.({ stage: 'components', fraction: t / T });
    const values = source.subarray(t * items, (t + 1) * items);
    const seen = gather(places, values, n);
    const level = meanDifference(seen, zero, confidence);
    const flat = zero.map((_, i) => (reached[Math.floor(i / 3)] ? level[i % 3] : 0));
    spread(graph, fill(seen, flat, 1e-6), basis.subarray(t * mean.length, (t + 1) * mean.length));
  }
  const names = Array.from({ length: T }, (_, t) => `texture_${String(t + 1).padStart(3, '0')}`);
  const coverage = new Uint8Array(size * size);
  let [inside, seen] = [0, 0];
  for (let i = 0; i < n; i++) {
    if (graph.rings[i] > 0) continue;
    inside++;
    if (confidence[i] > 0.5) seen++;
    coverage[graph.texels[i]] = Math.round(255 * confidence[i]);
  }
  return {
    texture: { width: size, height: size, mean, basis, names },
    coverage,
    covered: inside > 0 ? seen / inside : 0,
  };
}

/** Where each node's colour comes from: four items and weights a node. */
interface Places {
  readonly items: Uint32Array;
  readonly weights: Float64Array;
  /** (n) in [0, 1]. */
  readonly confidence: Float32Array;
}

function nearestItems(
  model: HeadModel,
  graph: TexelGraph,
  surface: ColouredSurface,
  { vertices, target }: Registration,
): Places {
  const n = graph.texels.length;
  const points = nodePoints(graph, model, vertices);
  const normals = nodePoints(graph, model, vertexNormals(vertices, model.faces));
  const { faces, normals: surfaceNormals, border, nearest } = target;
  const out = {
    items: new Uint32Array(4 * n),
    weights: new Float64Array(4 * n),
    confidence: new Float32Array(n),
  };
  if (!faces || !surfaceNormals) return out;
  const unpainted = new Set(UNPAINTED.flatMap((name) => [...(model.regions.get(name) ?? [])]));
  const hit = createHit();
  const m = new Float64Array(3);
  for (let i = 0; i < n; i++) {
    const f = 3 * graph.faces[i];
    if ([0, 1, 2].every((c) => unpainted.has(model.faces[f + c]))) continue;
    nearest.find(points[3 * i], points[3 * i + 1], points[3 * i + 2], FAR, hit);
    if (hit.face < 0 || onBorder(hit, faces, border)) continue;
    normalAt(hit, faces, surfaceNormals, m);
    const [x, y, z] = normals.subarray(3 * i, 3 * i + 3);
    const cosine = (m[0] * x + m[1] * y + m[2] * z) / Math.max(Math.hypot(x, y, z), 1e-12);
    const sure = smoothstep(FAR, NEAR, hit.distance) * smoothstep(COSINE_LOW, COSINE_HIGH, cosine);
    if (!(sure > 0)) continue;
    out.confidence[i] = sure;
    surface.taps(hit.face, hit.barycentrics, out.items.subarray(4 * i), out.weights.subarray(4 * i));
  }
  feather(graph, out.confidence);
  return out;
}

/** Confidence falls towards texels of the charts that were not seen. */
function feather(graph: TexelGraph, confidence: Float32Array): void {
  const unseen = new Uint8Array(graph.width * graph.height);
  for (let i = 0; i < confidence.length; i++) if (confidence[i] < 0.05) unseen[graph.texels[i]] = 1;
  const away = distanceTo(unseen, graph.width, graph.height);
  for (let i = 0; i < confidence.length; i++)
    confidence[i] *= smoothstep(0, Math.max(2, FEATHER * graph.width), away[graph.texels[i]]);
}

function gather({ items, weights }: Places, values: Float32Array, n: number): Float64Array {
  const out = new Float64Array(3 * n);
  for (let i = 0; i < n; i++)
    for (let k = 4 * i; k < 4 * i + 4; k++)
      for (let c = 0; c < 3; c++) out[3 * i + c] += weights[k] * values[3 * items[k] + c];
  return out;
}

function spread(graph: TexelGraph, values: Float64Array, out: Float32Array): void {
  for (let i = 0; i < graph.texels.length; i++)
    for (let c = 0; c < 3; c++) out[3 * graph.texels[i] + c] = values[3 * i + c];
}

function average(map: Float32Array, graph: TexelGraph): number[] {
  return [0, 1, 2].map((c) => graph.texels.reduce((s, t) => s + map[3 * t + c], 0) / graph.texels.length);
}

/** (n,3) the head's own mean texture at the nodes; zero where it has none. */
function ownColours(model: HeadModel, graph: TexelGraph): Float64Array {
  const own = new Float64Array(3 * graph.texels.length);
  if (!model.texture) return own;
  const { width, height, mean } = model.texture;
  const map = { width, height, channels: 3, data: mean };
  const rgb = new Float32Array(3);
  graph.texels.forEach((t, i) => {
    const v = (Math.floor(t / graph.width) + 0.5) / graph.height;
    sampleMap(map, ((t % graph.width) + 0.5) / graph.width, v, rgb, 0);
    own.set(rgb, 3 * i);
  });
  return own;
}

/** (3) mean of a − b over what was seen. */
function meanDifference(a: Float64Array, b: Float64Array, confidence: Float32Array): number[] {
  return [0, 1, 2].map((c) => {
    let [sum, weight] = [0, 1e-12];
    for (let i = 0; i < confidence.length; i++) {
      sum += confidence[i] * (a[3 * i + c] - b[3 * i + c]);
      weight += confidence[i];
    }
    return sum / weight;
  });
}

/** (n) 1 where the surface that a node lies on was seen somewhere. */
function reachedNodes(graph: TexelGraph, confidence: Float32Array): Uint8Array {
  const reached = new Uint8Array(confidence.length);
  const stack: number[] = [];
  for (let i = 0; i < confidence.length; i++) if (confidence[i] > 0) stack.push(i);
  for (const i of stack) reached[i] = 1;
  for (let i = stack.pop(); i !== undefined; i = stack.pop())
    for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++) {
      const j = graph.neighbours[k];
      if (reached[j]) continue;
      reached[j] = 1;
      stack.push(j);
    }
  return reached;
}
