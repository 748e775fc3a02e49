// Entry of the WebAssembly module. Every function works on byte addresses in the imported memory, keeps no state
// of its own and handles a range (rows, faces, elements) given by the caller, so that workers can share the work
// (tasks.ts). Callers allocate: 16-byte aligned, with 32 readable bytes after each array (see src/kernels/runtime.ts).
export { albedoResiduals, heaviestCells, nodeMeans, robustFactors, sumCells } from './albedo-residuals';
export { blendshapes } from './blendshapes';
export { choleskySolve, eliminateFront, eliminateGroup, gatherDamped, groupUnknowns, quadraticModel } from './cholesky';
export { collectSamples } from './collect';
export { addStrided, blendRows, convTaps, convWeightsRow, elu, eluBackward, spreadRows } from './conv';
export { countSeen, countTrusted, markSeen, nodeVisibility, renumber, takeEvidence } from './evidence';
export { yuvPlanes } from './film';
export { addParts, gemmSlice, mirrorLower } from './gemm';
export { tile4, tile6 } from './gemm-tiles';
export { glossPlane, growPlane, solveGloss, takeGloss } from './gloss';
export { blendPixels, headPixels } from './head-pixels';
export { hairFlags } from './hair';
export { facesAround, mirrorImages, mirrorTaps, twinFaces } from './mirror';
export { originalPart } from './original';
export { photometricCost, photometricGradient, photometricPart, photometricResiduals } from './photometric';
export { paintHead } from './paint';
export { chamferDistances, outlineDistances, pixelSurface, skinPixels } from './pixel-surface';
export { projectVertices } from './project';
export { rasterizeRows } from './rasterize';
export { packColours, resampleRows, sampleSquare, shrinkRows } from './resample';
export { sampleBilinear, sampleBilinearGradient } from './sample';
export { medianResidual, padPicture, scatterColours, skinWeights } from './skin';
export { rotationRows, skinPoints, skinRows } from './skinning';
export { multiplySparse } from './sparse';
export { fanNormals, surfaceRows, tangentFrames } from './surface';
export { abandonTasks, failTask, finishTasks, runTasks, serveTasks, stopTasks } from './tasks';
export { gridPairs, growRings, gutterPairs, listInside, mergeTexels, numberTexels, pairRows } from './texel-graph';
export {
  fillRight, laplacianDiagonal, mergeGraph, mirrorGuides, prolongRows, restrictRows, subgraph,
} from './texel-levels';
export { sampleTexels, splatPixels, texelGradients } from './texels';
export { solveTint, takePlane, tintMap, tintPlane } from './tint';
export { cellBrightness, composeMap, gatherTexels, mapBytes, matchSums, resizeMap } from './texture-map';
export { accumulateVertexBlocks, foldBlocks, foldMixed, multiplyBlockRows } from './vertex-blocks';

/** First byte that the module itself does not use. */
export function heapBase(): usize {
  return __heap_base;
}
