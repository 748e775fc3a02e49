/** Texture maps of a known linear population, for tests and benchmarks: made when they are read, so of any number. */
import { createRandom } from '../../src/core/random.ts';
import type { TextureMapSource } from '../../src/texture/texture-map.ts';

/** What {@link generateMaps} makes. */
export interface GeneratedMaps extends TextureMapSource {
  /** Colour of the mean at texel (x, y), channel c. */
  mean(x: number, y: number, c: number): number;
  /** Component k per standard deviation. */
  component(k: number, x: number, y: number, c: number): number;
}

/**
 * N maps of `size`²: mean + Σ N(0,1)·component + noise, `rank` smooth components that fall off by 0.8 each.
 * @param seenUpTo rows above this fraction of the map were seen, those below not
 */
export function generateMaps(
  N: number,
  size: number,
  rank: number,
  options: { noise?: number; seed?: number; seenUpTo?: number } = {},
): GeneratedMaps {
  const { noise = 0.01, seed = 1, seenUpTo = 1 } = options;
  const mean = (x: number, y: number, c: number) =>
    0.5 + 0.1 * Math.sin((6 * x) / size + c) * Math.cos((5 * y) / size);
  const component = (k: number, x: number, y: number, c: number) =>
    0.08 *
    0.8 ** k *
    Math.cos((Math.PI * ((k % 4) + 0) * x) / size) *
    Math.cos((Math.PI * (k >> 2) * y) / size) *
    (1 - 0.15 * c);
  const fields = Array.from({ length: rank + 1 }, (_, k) => {
    const out = new Float32Array(3 * size * size);
    for (let y = 0, i = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < 3; c++, i++) out[i] = k === 0 ? mean(x, y, c) : component(k - 1, x, y, c);
    return out;
  });
  const digits = String(N).length;
  return {
    mean,
    component,
    size,
    names: Array.from({ length: N }, (_, i) => `map-${String(i + 1).padStart(digits, '0')}`),
    async read(index) {
      const random = createRandom(seed + 7919 * index);
      const albedo = fields[0].slice();
      for (let k = 1; k <= rank; k++) {
        const a = random.normal();
        const field = fields[k];
        for (let i = 0; i < albedo.length; i++) albedo[i] += a * field[i];
      }
      // Uniform noise of the same variance is quick to make.
      const spread = noise * Math.sqrt(12);
      if (spread > 0) for (let i = 0; i < albedo.length; i++) albedo[i] += spread * (random.uniform() - 0.5);
      const visibility = new Uint8Array(size * size).fill(255, 0, Math.floor(seenUpTo * size) * size);
      return { size, albedo, visibility };
    },
  };
}
