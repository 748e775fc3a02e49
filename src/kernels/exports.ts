/**
 * What the WebAssembly module exports (assembly/index.ts), for the wrappers of this folder: byte addresses in the
 * kernels' memory and counts, nothing checked.
 */

import type { TexelExports } from './texel-exports.ts';
import type { TextureMapExports } from './texture-map-exports.ts';

/** The functions of the WebAssembly module; addresses and counts only, see assembly/. @internal */
export interface KernelExports extends TexelExports, TextureMapExports {
  heapBase(): number;
  blendshapes(
    base: number,
    basis: number,
    coefficients: number,
    out: number,
    n: number,
    count: number,
    begin: number,
    end: number,
    scratch: number,
  ): void;
  gemmSlice(
    a: number,
    lda: number,
    b: number,
    ldb: number,
    begin: number,
    end: number,
    n: number,
    k: number,
    c: number,
    lower: number,
    scratch: number,
    scratchBytes: number,
  ): void;
  yuvPlanes(rgba: number, width: number, height: number, factors: number, out: number): void;
  paintHead(
    face: number,
    barycentrics: number,
    width: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    faces: number,
    faceUvs: number,
    hidden: number,
    uvs: number,
    shades: number,
    map: number,
    mapWidth: number,
    mapHeight: number,
    tones: number,
    over: number,
    clay: number,
    stride: number,
  ): void;
  addParts(c: number, parts: number, count: number, length: number): void;
  mirrorLower(c: number, n: number, ldc: number): void;
  convTaps(
    source: number,
    sourceRow: number,
    sourcePixel: number,
    taps: number,
    tapCount: number,
    run: number,
    weights: number,
    weightBlock: number,
    out: number,
    outRow: number,
    outPixel: number,
    width: number,
    rows: number,
    blocks: number,
  ): void;
  convWeightsRow(
    source: number,
    sourcePixel: number,
    taps: number,
    tapCount: number,
    channels: number,
    outGrad: number,
    outPixel: number,
    outs: number,
    width: number,
    grad: number,
  ): void;
  addStrided(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    count: number,
    channels: number,
  ): void;
  elu(values: number, count: number): void;
  eluBackward(y: number, grad: number, count: number): void;
  blendRows(from: number, plan: number, to: number, toStride: number, count: number, channels: number): void;
  spreadRows(to: number, toStride: number, plan: number, from: number, count: number, channels: number): void;
  projectVertices(
    vertices: number,
    count: number,
    cx: number,
    cy: number,
    tx: number,
    ty: number,
    tz: number,
    scale: number,
    perspective: number,
    out: number,
  ): void;
  rasterizeRows(
    positions: number,
    faces: number,
    faceCount: number,
    width: number,
    rowBegin: number,
    rowEnd: number,
    perspective: number,
    cullBack: number,
    kinds: number,
    faceIndex: number,
    barycentrics: number,
    depth: number,
  ): void;
  sampleBilinear(
    image: number,
    width: number,
    height: number,
    channels: number,
    points: number,
    begin: number,
    end: number,
    out: number,
  ): void;
  sampleBilinearGradient(
    image: number,
    width: number,
    height: number,
    channels: number,
    points: number,
    begin: number,
    end: number,
    out: number,
    outDx: number,
    outDy: number,
  ): void;
  accumulateVertexBlocks(
    jacobian: number,
    stride: number,
    columns: number,
    corners: number,
    edges: number,
    betas: number,
    begin: number,
    end: number,
    blocks: number,
    vertexCount: number,
    mixed: number,
    mixedStride: number,
  ): void;
  eliminateFront(front: number, m: number, factors: number): number;
  eliminateGroup(front: number, k: number, m: number, shared: number): number;
  groupUnknowns(front: number, k: number, m: number, z: number): void;
  choleskySolve(a: number, size: number, b: number): number;
  gatherDamped(
    hessian: number,
    gradient: number,
    step: number,
    n: number,
    index: number,
    m: number,
    lambda: number,
    size: number,
    a: number,
    b: number,
  ): void;
  quadraticModel(hessian: number, gradient: number, step: number, n: number): number;
  collectSamples(job: number): number;
  photometricCost(job: number, begin: number, end: number, out: number): void;
  photometricGradient(job: number, begin: number, end: number, vertices: number, shared: number): number;
  photometricResiduals(job: number, begin: number, end: number, out: number): void;
  originalPart(job: number, begin: number, end: number): void;
  photometricPart(job: number, begin: number, end: number): void;
  skinWeights(job: number): void;
  hairFlags(job: number): void;
  medianResidual(
    photo: number,
    render: number,
    weights: number,
    pixels: number,
    spare: number,
    histogram: number,
  ): number;
  scatterColours(colours: number, pixels: number, count: number, rgb: number, seen: number): void;
  headPixels(job: number): void;
  blendPixels(count: number, under: number, over: number, mask: number, gain: number, out: number): void;
  glossPlane(view: number, coefficients: number, basis: number, out: number): void;
  solveGloss(job: number): number;
  growPlane(
    values: number,
    known: number,
    width: number,
    height: number,
    channels: number,
    rounds: number,
  ): void;
  solveTint(job: number): number;
  tintPlane(count: number, pixels: number, change: number, render: number, out: number): void;
  tintMap(map: number, change: number, count: number): void;
  takePlane(values: number, plane: number, count: number): void;
  takeGloss(colours: number, gloss: number, pixels: number, least: number): void;
  padPicture(picture: number, width: number, height: number, out: number): void;
  skinPoints(
    points: number,
    weights: number,
    transforms: number,
    joints: number,
    begin: number,
    end: number,
    out: number,
    scratch: number,
  ): void;
  skinRows(
    rows: number,
    count: number,
    ids: number,
    basis: number,
    K: number,
    columns: number,
    weights: number,
    transforms: number,
    joints: number,
    shift: number,
    out: number,
    stride: number,
    column: number,
    scratch: number,
  ): void;
  rotationRows(
    rows: number,
    count: number,
    ids: number,
    points: number,
    weights: number,
    transforms: number,
    arms: number,
    joints: number,
    axes: number,
    correctives: number,
    strideC: number,
    firstC: number,
    turn: number,
    out: number,
    stride: number,
    column: number,
    scratch: number,
  ): void;
  fanNormals(
    vertices: number,
    centres: number,
    starts: number,
    fans: number,
    begin: number,
    end: number,
    out: number,
  ): void;
  surfaceRows(
    vertices: number,
    starts: number,
    fans: number,
    active: number,
    begin: number,
    end: number,
    rowOf: number,
    normals: number,
    frames: number,
    projection: number,
    rows: number,
    stride: number,
    out: number,
    scratch: number,
    scratchBytes: number,
  ): void;
  tangentFrames(active: number, normals: number, count: number, frames: number): void;
  multiplySparse(
    rowStart: number,
    columns: number,
    values: number,
    x: number,
    xStride: number,
    n: number,
    y: number,
    yStride: number,
    begin: number,
    end: number,
  ): void;
  resampleRows(job: number): void;
  shrinkRows(job: number): void;
  sampleSquare(
    pixels: number,
    rowBytes: number,
    left: number,
    top: number,
    width: number,
    height: number,
    x0: number,
    y0: number,
    ux: number,
    uy: number,
    vx: number,
    vy: number,
    size: number,
    inside: number,
    scale: number,
    bias: number,
    out: number,
  ): void;
  foldBlocks(
    blocks: number,
    ends: number,
    frames: number,
    vertexCount: number,
    begin: number,
    end: number,
    out: number,
  ): void;
  foldMixed(mixed: number, stride: number, frames: number, vertices: number): void;
  multiplyBlockRows(
    rowStart: number,
    neighbours: number,
    blocks: number,
    p: number,
    n: number,
    y: number,
    begin: number,
    end: number,
    scratch: number,
    scratchBytes: number,
  ): void;
  runTasks(control: number, tasks: number, count: number, mayWait: number): number;
  finishTasks(control: number, mayWait: number): number;
  abandonTasks(control: number): void;
  failTask(control: number): void;
  serveTasks(control: number, worker: number): void;
  stopTasks(control: number): void;
}
