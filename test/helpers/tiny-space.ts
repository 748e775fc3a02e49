/** A texture space for the tiny head, from formulas. */
import type { HeadModel } from '../../src/model/head-model.ts';
import { type SpaceInput, uvLayoutHash } from '../../src/model/space-pack.ts';

/** A space of `T` smooth components of `size` texels along each side. */
export async function makeTinySpace(model: HeadModel, size = 16, T = 3): Promise<SpaceInput> {
  const mean = new Float32Array(3 * size * size);
  const basis = new Float32Array(T * mean.length);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++) {
        const i = 3 * (y * size + x) + c;
        mean[i] = 0.4 + 0.1 * c + (0.2 * x) / size;
        for (let t = 0; t < T; t++)
          basis[t * mean.length + i] = 0.05 * Math.sin((t + 1) * (0.3 * x + 0.2 * y) + c) * 0.8 ** t;
      }
  const names = Array.from({ length: T }, (_, t) => `component ${t + 1}`);
  return {
    name: 'tiny-space',
    license: 'CC0-1.0',
    credits: 'nobody',
    model: { name: model.name, hash: model.hash },
    layout: await uvLayoutHash(model),
    explained: Array.from({ length: T }, (_, t) => 0.5 ** (t + 1)),
    maps: 12,
    provenance: { made: 'from formulas' },
    texture: { width: size, height: size, mean, basis, names },
    coverage: Uint8Array.from({ length: size * size }, (_, i) => i % 256),
  };
}
