/** `photofit/web`: all of `photofit`, and its adapters to photos, heads and networks in a page. */
export * from '../index.ts';
export { openHdf5File } from './hdf5.ts';
export { defaultThreads, startKernelWorker, useThreads } from './kernel-workers.ts';
export { loadHeadModel } from './models.ts';
export { onnxRuntime } from './onnx.ts';
export { loadPerception } from './perception.ts';
export { decodePhoto } from './photo.ts';
export { openVideo, VIDEO_DEFAULTS, type VideoOptions } from './video.ts';
