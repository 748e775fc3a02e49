/** Small completions on maps four times as wide: what was seen stays, nothing steps, detail goes over from the other side. */
import { describe, expect, it } from 'vitest';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { buildCompletionAtlas, mirrorTexture } from '../../src/texture/completion/atlas.ts';
import {
  completeByMirror,
  completeFullSize,
  prepareFullSize,
} from '../../src/texture/completion/full-size.ts';
import type { TextureMap } from '../../src/texture/texture-map.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = createKernelsSync();
const model = makeTinyHead();
const SIZE = 128;
const small = buildCompletionAtlas(kernels, model, 32);
const full = prepareFullSize(kernels, model, SIZE, small);
const { graph } = full.atlas;
const n = graph.texels.length;
const column = (i: number) => graph.texels[i] % SIZE;
const row = (i: number) => Math.floor(graph.texels[i] / SIZE);
/** Skin with fine stripes along v; the skull lies in the upper 0.8 of the map. */
const smooth = (y: number, size: number) => 0.5 + 0.1 * Math.sin((5 * y) / size);
const stripes = (i: number) => 0.03 * Math.cos(Math.PI * row(i) * 0.5);

/** The map as `paint` says where `seen`; `guess` elsewhere. */
function mapOf(paint: (i: number) => number, seen: (i: number) => boolean, guess = 0): TextureMap {
  const albedo = new Float32Array(3 * SIZE * SIZE);
  const visibility = new Uint8Array(SIZE * SIZE);
  graph.texels.forEach((t, i) => {
    visibility[t] = seen(i) ? 255 : 0;
    albedo.fill(seen(i) ? paint(i) : guess, 3 * t, 3 * t + 3);
  });
  return { size: SIZE, albedo, visibility };
}
const at = (map: TextureMap, i: number) => map.albedo[3 * graph.texels[i]];
const completion = (offset: number) =>
  Float32Array.from(
    { length: 3 * small.graph.texels.length },
    (_, c) => smooth(Math.floor(small.graph.texels[Math.floor(c / 3)] / 32) + 0.5, 32) + offset,
  );
const skin = (i: number) => smooth(row(i) + 0.5, SIZE);
const left = (i: number) => column(i) < SIZE / 2 + 6 && row(i) < 0.78 * SIZE;
/** On the skull, off the poles, and not where the graph has gutters or seams. */
const inner = (i: number) => row(i) > 14 && row(i) < 86 && column(i) > 6 && column(i) < SIZE - 6;

describe('completion at full size', () => {
  it('what was seen stays to the last bit, visibility too', () => {
    const map = mapOf(skin, left);
    for (const done of [
      completeFullSize(kernels, full, map, completion(0.05)),
      completeByMirror(kernels, full, map),
    ]) {
      expect(done.visibility).toEqual(map.visibility);
      for (let i = 0; i < n; i++) if (left(i)) expect(at(done, i)).toBe(at(map, i));
    }
  });

  it('a completion that is off by a tenth is met without a step, and believed away from the border', () => {
    const done = completeFullSize(kernels, full, mapOf(skin, left), completion(0.1));
    let worst = 0;
    for (let i = 0; i < n; i++) {
      if (!inner(i)) continue;
      for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++) {
        const j = graph.neighbours[k];
        if (inner(j)) worst = Math.max(worst, Math.abs(at(done, i) - at(done, j) - skin(i) + skin(j)));
      }
    }
    // 0.1 over a fade of 5 % of 128 texels: 0.016 a texel at its steepest.
    expect(worst).toBeGreaterThan(0.005);
    expect(worst).toBeLessThan(0.03);
    const far = Array.from({ length: n }, (_, i) => i).filter(
      (i) => inner(i) && Math.abs(column(i) - 98) < 4,
    );
    for (const i of far) expect(at(done, i)).toBeCloseTo(skin(i) + 0.1, 1.5);
  });

  it('detail goes over from the mirror side', () => {
    const done = completeFullSize(
      kernels,
      full,
      mapOf((i) => skin(i) + stripes(i), left),
      completion(0),
    );
    const weights = Float32Array.from({ length: n }, (_, i) => (left(i) ? 1 : 0));
    const mirrored = mirrorTexture(full.atlas, { values: new Float32Array(3 * n), weights }).weights;
    let [product, square, count] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      if (!inner(i) || left(i) || mirrored[i] < 1 || Math.abs(column(i) - 98) > 16) continue;
      product += (at(done, i) - skin(i)) * stripes(i);
      square += stripes(i) ** 2;
      count++;
    }
    expect(count).toBeGreaterThan(500);
    // Mirroring is bilinear and softens stripes of two texels.
    expect(product / square).toBeGreaterThan(0.6);
  });

  it('outside the small completion the own guess stands, and the head’s mean without one', () => {
    const keepsLeft = small.graph.texels.map((t) => (t % 32 < 20 && t < 26 * 32 ? 1 : 0));
    const part = { ...small, graph: { ...small.graph, nodes: small.graph.nodes.slice() } };
    small.graph.texels.forEach((t, i) => {
      if (!keepsLeft[i]) part.graph.nodes[t] = -1;
    });
    const narrow = prepareFullSize(kernels, model, SIZE, part);
    const eyes = Array.from({ length: n }, (_, i) => i).filter((i) => row(i) > 112);
    const guessed = completeFullSize(kernels, narrow, mapOf(skin, left, 0.8), completion(0));
    for (const i of eyes) expect(at(guessed, i)).toBeCloseTo(0.8, 2);
    const blank = completeFullSize(kernels, narrow, mapOf(skin, left), completion(0));
    for (const i of eyes) expect(Math.abs(at(blank, i) - narrow.mean![3 * i])).toBeLessThan(0.02);
  });

  it('maps of another size are refused', () => {
    const map = { size: 64, albedo: new Float32Array(3 * 64 * 64), visibility: new Uint8Array(64 * 64) };
    expect(() => completeByMirror(kernels, full, map)).toThrow('does not divide into 128 × 128');
  });
});
