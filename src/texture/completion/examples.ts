/**
 * What the network sees of a texture and what it is asked: inputs from what is known of it and from its classical
 * completions, everything counted from the mean texture, which itself knows seen texels only.
 */
import { createRandom } from '../../core/random.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import type { Candidates } from './answer.ts';
import { type CompletionAtlas, type KnownTexture, mirrorTexture } from './atlas.ts';
import { confidenceWeights } from './confidence.ts';
import { mirrorFillAbout } from './mirror-fill.ts';
import { completeByPca, type MissingPca } from './missing-pca.ts';
import { ALBEDO_UNIT, INPUT_CHANNELS } from './network.ts';
import { drawStrokes } from './strokes.ts';

/** The part of the map that the network looks at. */
export interface MapWindow {
  readonly x: number;
  readonly y: number;
  /** Multiples of 8. */
  readonly width: number;
  readonly height: number;
}

/** Share of an example's loss that stays on what is known: the answer must meet it without a step. */
const KNOWN_SHARE = 0.15;
/** Maps that show a texel for it to count as supported. */
const SUPPORT = 4;

/** The least window that holds all nodes of an atlas, with a margin. */
export function windowOf(atlas: CompletionAtlas): MapWindow {
  const { size, graph } = atlas;
  let [x0, y0, x1, y1] = [size, size, 0, 0];
  for (const t of graph.texels) {
    const [x, y] = [t % size, Math.floor(t / size)];
    x0 = Math.min(x0, x);
    y0 = Math.min(y0, y);
    x1 = Math.max(x1, x + 1);
    y1 = Math.max(y1, y + 1);
  }
  const span = (from: number, to: number) => {
    const length = Math.min(8 * Math.ceil((to - from) / 8), size);
    const start = Math.round((from + to - length) / 2);
    return [Math.min(Math.max(start, 0), size - length), length];
  };
  const [x, width] = span(x0, x1);
  const [y, height] = span(y0, y1);
  return { x, y, width, height };
}

/** (n) pixel within the window of each node. */
export function windowPixels(atlas: CompletionAtlas, window: MapWindow): Uint32Array {
  return atlas.graph.texels.map(
    (t) => (Math.floor(t / atlas.size) - window.y) * window.width + ((t % atlas.size) - window.x),
  );
}

/** The classical completions of a texture, in the order of the network's shares, and its mirror image. */
export function classicalCompletions(
  kernels: Kernels,
  atlas: CompletionAtlas,
  pca: MissingPca,
  known: KnownTexture,
): { candidates: Candidates; mirrored: KnownTexture } {
  const mirrored = mirrorTexture(atlas, known);
  const components = completeByPca(pca, known);
  return {
    candidates: [
      components,
      mirrorFillAbout(kernels, atlas, known, mirrored, pca.mean),
      mirrorFillAbout(kernels, atlas, known, mirrored, components),
    ],
    mirrored,
  };
}

/**
 * Fills the network's input.
 * @param input (H,W,24), overwritten: known colours (3) and weight, mirrored colours (3) and weight, the three
 *   completions (9), mean (3), support, in a chart, place (2).
 */
export function writeInput(
  input: Float32Array,
  atlas: CompletionAtlas,
  pixels: Uint32Array,
  pca: MissingPca,
  known: KnownTexture,
  mirrored: KnownTexture,
  candidates: Candidates,
): void {
  input.fill(0);
  const { mean, shown } = pca;
  const unit = 1 / ALBEDO_UNIT;
  const { size, graph } = atlas;
  for (let i = 0; i < pixels.length; i++) {
    const o = INPUT_CHANNELS * pixels[i];
    const [w, m] = [known.weights[i], mirrored.weights[i]];
    for (let c = 0; c < 3; c++) {
      const at = 3 * i + c;
      if (w > 0) input[o + c] = unit * (known.values[at] - mean[at]);
      if (m > 0) input[o + 4 + c] = unit * (mirrored.values[at] - mean[at]);
      for (let k = 0; k < 3; k++) input[o + 8 + 3 * k + c] = unit * (candidates[k][at] - mean[at]);
      input[o + 17 + c] = 2 * mean[at] - 1;
    }
    input[o + 3] = w;
    input[o + 7] = m;
    input[o + 20] = Math.min(1, shown[i] / SUPPORT);
    input[o + 21] = 1;
    input[o + 22] = (2 * (graph.texels[i] % size)) / size - 1;
    input[o + 23] = (2 * Math.floor(graph.texels[i] / size)) / size - 1;
  }
}

/** A seed for example `index` of step `step`: a hash, so that any step can be made again without those before it. */
export function exampleSeed(seed: number, step: number, index: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(step + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ Math.imul(index + 1, 0x27d4eb2f), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** A texture with something hidden. */
export interface Question {
  /** What the network is told. */
  readonly known: KnownTexture;
  /** (n) weights of the loss: what is hidden, and a little of what is known; zero on what the photo does not show. */
  readonly weights: Float32Array;
  /** (n) 1 where seen texels were hidden. */
  readonly hidden: Uint8Array;
}

/** Hides a part of `seen`: strokes, what `other` does not show (possibly turned over), or both. */
export function hide(
  atlas: CompletionAtlas,
  seen: KnownTexture,
  other: KnownTexture,
  seed: number,
): Question {
  const random = createRandom(seed);
  const kind = random.below(3);
  const turned = random.uniform() < 0.5;
  const strokes = drawStrokes(atlas.size, random);
  const shown = turned ? mirrorTexture(atlas, other).weights : other.weights;
  const n = seen.weights.length;
  const hidden = new Uint8Array(n);
  let left = 0;
  let gone = 0;
  for (let i = 0; i < n; i++) {
    if (seen.weights[i] === 0) continue;
    const byStroke = kind !== 1 && strokes[atlas.graph.texels[i]] > 0;
    const byView = kind !== 0 && shown[i] === 0;
    if (byStroke || byView) gone++;
    else left++;
    hidden[i] = byStroke || byView ? 1 : 0;
  }
  // Nothing left to go by: strokes alone, or their opposite, always leave something.
  if (left < 0.05 * (left + gone))
    for (let i = 0; i < n; i++)
      if (seen.weights[i] > 0) hidden[i] = strokes[atlas.graph.texels[i]] > 0 ? 0 : 1;
  return question(atlas, seen, hidden);
}

/** The question that hides the nodes of `hidden` (n). */
export function question(atlas: CompletionAtlas, seen: KnownTexture, hidden: Uint8Array): Question {
  const n = seen.weights.length;
  const values = seen.values.slice();
  const left = seen.weights.slice();
  const told = new Uint8Array(atlas.size * atlas.size);
  for (let i = 0; i < n; i++) {
    if (hidden[i] || left[i] === 0) {
      left[i] = 0;
      values.fill(0, 3 * i, 3 * i + 3);
    } else told[atlas.graph.texels[i]] = 1;
  }
  const confidence = confidenceWeights(told, atlas.size);
  const weights = new Float32Array(n);
  let [inHole, outside] = [0, 0];
  for (let i = 0; i < n; i++) {
    weights[i] = hidden[i] ? seen.weights[i] * confidence[atlas.graph.texels[i]] : seen.weights[i];
    if (hidden[i]) inHole += weights[i];
    else outside += weights[i];
  }
  const k = outside > 0 && inHole > 0 ? (KNOWN_SHARE * inHole) / ((1 - KNOWN_SHARE) * outside) : 1;
  for (let i = 0; i < n; i++) if (!hidden[i]) weights[i] *= k;
  return { known: { values, weights: left }, weights, hidden };
}
