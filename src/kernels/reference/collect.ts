/** Reference of `kernels/collect.ts`, float64, one pixel after the other. */

/** What `collectSamples` takes, as plain arrays. */
export interface CollectReferenceInput {
  readonly width: number;
  readonly height: number;
  /** (H,W) and (H,W,3). */
  readonly faceIndex: ArrayLike<number>;
  readonly barycentrics: ArrayLike<number>;
  readonly faces: ArrayLike<number>;
  readonly edges: ArrayLike<number>;
  readonly wanted: ArrayLike<number>;
  readonly textureFaces: ArrayLike<number>;
  readonly textureCoordinates: ArrayLike<number>;
  readonly textureSize: readonly [number, number];
  readonly slots: ArrayLike<number>;
  readonly mask: ArrayLike<number> | null;
  readonly careful: {
    readonly normals: ArrayLike<number>;
    readonly vertices: ArrayLike<number>;
    readonly viewer: readonly [number, number, number];
    readonly parallel: boolean;
  } | null;
}

/** One sample. */
export interface CollectReferenceSample {
  readonly pixel: number;
  readonly weight: number;
  /** Slots and edges of the mesh, not numbered anew. */
  readonly slots: number[];
  readonly edges: number[];
  readonly barycentrics: number[];
  readonly point: number[];
}

/** As `collectSamples`. */
export function collectReference(input: CollectReferenceInput): CollectReferenceSample[] {
  const { width, height, careful } = input;
  const samples: CollectReferenceSample[] = [];
  const wanted = (x: number, y: number) => {
    const f = input.faceIndex[y * width + x];
    return x >= 0 && y >= 0 && x < width && y < height && f >= 0 && input.wanted[f] === 1;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => wanted(x + dx, y + dy)));
      if (!wanted(x, y) || (careful && !around.every(Boolean))) continue;
      const face = 3 * input.faceIndex[pixel];
      const corners = [0, 1, 2].map((i) => input.faces[face + i]);
      const beta = [0, 1, 2].map((i) => input.barycentrics[3 * pixel + i]);
      const mean = (value: (corner: number) => number) =>
        beta[0] * value(0) + beta[1] * value(1) + beta[2] * value(2);
      let weight = input.mask ? input.mask[pixel] : 1;
      if (careful) {
        const axes = [0, 1, 2];
        const n = axes.map((a) => mean((i) => careful.normals[4 * input.slots[corners[i]] + a]));
        const d = axes.map(
          (a) =>
            careful.viewer[a] - (careful.parallel ? 0 : mean((i) => careful.vertices[3 * corners[i] + a])),
        );
        const cosine =
          (n[0] * d[0] + n[1] * d[1] + n[2] * d[2]) / (Math.max(Math.hypot(...n), 1e-12) * Math.hypot(...d));
        weight *= Math.min(Math.max((cosine - 0.1) / 0.3, 0), 1);
      }
      if (!(weight > 0)) continue;
      samples.push({
        pixel,
        weight,
        slots: corners.map((v) => input.slots[v]),
        edges: [0, 1, 2].map((i) => input.edges[face + i]),
        barycentrics: beta,
        point: [0, 1].map(
          (a) =>
            input.textureSize[a] *
            mean((i) => input.textureCoordinates[2 * input.textureFaces[face + i] + a]),
        ),
      });
    }
  return samples;
}
