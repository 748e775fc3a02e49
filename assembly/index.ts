// Entry of the WebAssembly module. Every function works on byte addresses in the imported memory, keeps no state
// of its own and handles a range (rows, faces, elements) given by the caller, so that workers can share the work.
// Callers allocate: 16-byte aligned, with 16 readable bytes after each array (see src/kernels/runtime.ts).
export { blendshapes } from './blendshapes';
export { collectSamples } from './collect';
export { gemmChunk, mirrorLower, packPanels } from './gemm';
export { photometricCost, photometricResiduals, photometricRows } from './photometric';
export { rasterizeRows } from './rasterize';
export { sampleBilinear, sampleBilinearGradient } from './sample';
export { rotationRows, skinPoints, skinRows } from './skinning';
export { multiplySparse } from './sparse';
export { fanNormals, surfaceRows } from './surface';
export { texelGradients } from './texels';
export { accumulateVertexBlocks, multiplyVertexBlocks } from './vertex-blocks';

/** First byte that the module itself does not use. */
export function heapBase(): usize {
  return __heap_base;
}
