/** `photofit/node`: all of `photofit`, and its adapters to files, photos and networks on Node. */
export * from '../index.ts';
export {
  ensureWritableFolder,
  type FolderFiles,
  type WriteFolderOptions,
  writeFileAtomically,
  writeFolderAtomically,
} from './atomic.ts';
export {
  type CompletedMaps,
  type CompleteMapsOptions,
  type CompletionFolders,
  type CompletionNetworkReport,
  completeMaps,
} from './complete-maps.ts';
export {
  type CompletionPhase,
  type CompletionTrainingOptions,
  type TrainedCompletion,
  trainCompletion,
} from './completion-training.ts';
export { energyPng } from './energy-picture.ts';
export { type FfhqEntry, ffhqNames, findFfhq, readFfhqLandmarks, readFfhqMask } from './ffhq-files.ts';
export { type FilmFormat, type FilmPictures, writeFilm } from './film.ts';
export { type FlamePaths, findFlameFiles, loadFlame } from './flame-files.ts';
export { openHdf5File } from './hdf5.ts';
export { FIGURE_DEFAULTS, type FigureOptions, headsSheetPng, spaceFigurePng } from './head-figures.ts';
export { HEAD_SHEET_DEFAULTS, type HeadSheetOptions, headSheetPng } from './head-sheet.ts';
export { defaultThreads, startKernelWorker, useThreads } from './kernel-workers.ts';
export { type LoadedFit, loadFit } from './load-fit.ts';
export {
  type MapFolder,
  type OpenMapFolderOptions,
  openFittedMaps,
  openMapFolder,
  writeMap,
} from './map-folder.ts';
export {
  MESH_FIT_FILES,
  type MeshFitFolderInput,
  readLandmarkFile,
  readMeshFile,
  writeMeshFitFolder,
} from './mesh-files.ts';
export { DEFAULT_HEAD, type HeadFile, type LoadedHead, listHeadFiles, loadHeadModel } from './models.ts';
export { onnxRuntime } from './onnx.ts';
export { OVERLAY_PANEL_SIZE, type OverlayInput, overlayCrop, overlayPng } from './overlay.ts';
export { type OverlayFilmOptions, writeOverlayFilm } from './overlay-film.ts';
export { loadPerception } from './perception.ts';
export type { WatchOrder } from './perception-worker.ts';
export { decodePhoto, decodePhotoBytes, PHOTO_EXTENSIONS } from './photo.ts';
export { encodePicture, type SequenceKind, sequenceKind, writeSequence } from './picture-files.ts';
export { enableRelaxedSimd } from './relaxed-simd.ts';
export {
  FIT_FOLDER_FILES,
  type FitFiles,
  type FitFolderInput,
  makeFitFiles,
  putFitFolder,
  type WrittenFit,
  writeFitFolder,
} from './results.ts';
export { type RetextureOptions, retextureFit } from './retexture.ts';
export { withScratch } from './scratch-file.ts';
export {
  LOAD_INITIAL_SPACE_DEFAULTS,
  type LoadInitialSpaceOptions,
  loadInitialSpace,
} from './space-init.ts';
export { loadHead, loadSpace, loadTextureSpace, SPACE_ENDING } from './spaces.ts';
export { loadThreadedPerception, type ThreadedPerception } from './threaded-perception.ts';
export { openThreadedVideo } from './threaded-video.ts';
export { loadTrack, TRACK_FOLDER_FILES, type TrackFolderInput, writeTrackFolder } from './track-results.ts';
export { packageVersion } from './version.ts';
export { openVideo, VIDEO_DEFAULTS } from './video-source.ts';
export type { OpenVideo, VideoDecoderName, VideoOptions } from './video-types.ts';
export { defaultJobs, type RunTaskOptions, shareArrays, WorkerPool, workerModule } from './worker-pool.ts';
export { serveTasks, type TaskContext, type TaskRunner } from './worker-tasks.ts';
