/** What the WebAssembly module exports for maps and evidence, see `exports.ts`. */

/** Addresses and counts only, see assembly/texture-map.ts, evidence.ts and resample.ts. @internal */
export interface TextureMapExports {
  resizeMap(
    map: number,
    width: number,
    height: number,
    out: number,
    outWidth: number,
    outHeight: number,
    row: number,
  ): void;
  gatherTexels(n: number, texels: number, map: number, out: number): void;
  composeMap(
    n: number,
    texels: number,
    mean: number,
    offset: number,
    k: number,
    around: number,
    nodes: number,
    length: number,
    base: number,
    change: number,
    albedo: number,
  ): void;
  mapBytes(length: number, values: number, out: number): void;
  matchSums(
    count: number,
    flags: number,
    flag: number,
    albedo: number,
    shading: number,
    colours: number,
    sums: number,
  ): number;
  cellBrightness(
    count: number,
    flags: number,
    flag: number,
    pixels: number,
    size: number,
    cell: number,
    before: number,
    after: number,
    shading: number,
    r: number,
    g: number,
    b: number,
    cells: number,
  ): void;
  countTrusted(count: number, trust: number, flags: number, flag: number): number;
  countSeen(count: number, faceIndex: number): number;
  renumber(length: number, items: number, numbers: number, out: number): void;
  markSeen(n: number, visibility: number, count: number, taps: number, trust: number, numbers: number): void;
  packColours(count: number, from: number, to: number): void;
  takeEvidence(job: number): number;
  nodeVisibility(job: number): void;
}
