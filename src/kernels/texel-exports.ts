/** What the WebAssembly module exports for texels and the pixels that show them, see `exports.ts`. */

/** Addresses and counts only, see assembly/texels.ts, texel-graph.ts, texel-levels.ts, mirror.ts, pixel-surface.ts and albedo-residuals.ts. @internal */
export interface TexelExports {
  texelGradients(
    n: number,
    starts: number,
    columns: number,
    values: number,
    scale: number,
    diagonal: number,
    whole: number,
    count: number,
    taps: number,
    weights: number,
    pixels: number,
    b: number,
    x: number,
    r: number,
    p: number,
    q: number,
    steps: number,
    tolerance: number,
  ): number;
  sampleTexels(count: number, taps: number, weights: number, x: number, out: number): void;
  splatPixels(
    count: number,
    taps: number,
    weights: number,
    values: number,
    y: number,
    right: number,
    lumped: number,
    squares: number,
  ): void;
  restrictRows(
    n: number,
    parents: number,
    fine: number,
    sums: number,
    coarse: number,
    coarseSums: number,
  ): void;
  prolongRows(n: number, parents: number, coarse: number, fine: number): void;
  laplacianDiagonal(
    n: number,
    starts: number,
    weights: number,
    lambda: number,
    pull: number,
    out: number,
  ): void;
  listInside(size: number, faceIndex: number, source: number, reached: number): number;
  growRings(
    width: number,
    height: number,
    rings: number,
    diagonal: number,
    source: number,
    reached: number,
    count: number,
    parents: number,
    ring: number,
  ): number;
  numberTexels(
    size: number,
    source: number,
    faceIndex: number,
    barycentrics: number,
    chartOf: number,
    nodes: number,
    texels: number,
    faces: number,
    beta: number,
    charts: number,
  ): void;
  gridPairs(job: number): number;
  gutterPairs(
    first: number,
    end: number,
    reached: number,
    parents: number,
    nodes: number,
    pairs: number,
  ): void;
  pairRows(
    n: number,
    pairs: number,
    count: number,
    sure: number,
    begin: number,
    at: number,
    starts: number,
    neighbours: number,
  ): number;
  mirrorImages(
    V: number,
    vertices: number,
    buckets: number,
    first: number,
    next: number,
    images: number,
  ): void;
  facesAround(V: number, F: number, faces: number, starts: number, list: number, at: number): void;
  twinFaces(
    F: number,
    faces: number,
    images: number,
    starts: number,
    list: number,
    twins: number,
    order: number,
  ): void;
  mirrorTaps(job: number): void;
  mergeTexels(
    n: number,
    texels: number,
    charts: number,
    width: number,
    height: number,
    first: number,
    next: number,
    parents: number,
    outTexels: number,
    outCharts: number,
  ): number;
  mergeGraph(
    n: number,
    starts: number,
    neighbours: number,
    weights: number,
    parents: number,
    m: number,
    begin: number,
    children: number,
    slots: number,
    outStarts: number,
    outNeighbours: number,
    outWeights: number,
  ): number;
  subgraph(
    n: number,
    starts: number,
    neighbours: number,
    numbers: number,
    outNodes: number,
    outStarts: number,
    outNeighbours: number,
  ): number;
  mirrorGuides(
    n: number,
    taps: number,
    weights: number,
    visibility: number,
    base: number,
    seen: number,
    guide: number,
    strength: number,
  ): void;
  fillRight(
    n: number,
    starts: number,
    neighbours: number,
    hold: number,
    strength: number,
    seen: number,
    guide: number,
    mirrorPull: number,
    plainPull: number,
    pull: number,
    right: number,
  ): void;
  pixelSurface(job: number, begin: number, end: number): void;
  heaviestCells(count: number, taps: number, weights: number, cells: number, out: number): void;
  nodeMeans(
    count: number,
    taps: number,
    weights: number,
    trust: number,
    value: number,
    n: number,
    total: number,
    out: number,
  ): void;
  chamferDistances(width: number, height: number, out: number): void;
  outlineDistances(job: number): void;
  skinPixels(job: number): void;
  albedoResiduals(
    count: number,
    rendered: number,
    shading: number,
    colours: number,
    trust: number,
    saturated: number,
    weight: number,
  ): void;
  sumCells(
    count: number,
    cells: number,
    weight: number,
    factor: number,
    residual: number,
    pull: number,
    right: number,
  ): void;
  robustFactors(
    count: number,
    cells: number,
    weight: number,
    flags: number,
    residual: number,
    shading: number,
    around: number,
    free: number,
    width: number,
    outside: number,
    factor: number,
    foreign: number,
  ): void;
}
