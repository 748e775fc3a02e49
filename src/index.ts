/**
 * `photofit`: everything that runs in a browser and in Node alike. Reading photos, finding faces and storing
 * results need a platform: `photofit/node` and `photofit/web` add that, and re-export this.
 */
export type { Camera, OrthographicCamera, PerspectiveCamera } from './camera/camera.ts';
export { cropCamera, projectPoints, uncropCamera } from './camera/project.ts';
export {
  AbortedError,
  FormatError,
  InvalidArgumentError,
  NoFaceError,
  PhotofitError,
} from './core/errors.ts';
export type { Image8, ImageF } from './core/image.ts';
export { DECODE_DEFAULTS, type DecodedPhoto, type DecodeOptions } from './core/photo.ts';
export type { ProgressEvent, ProgressListener } from './core/progress.ts';
export type { FrameRange, VideoFrame, VideoSource } from './core/video.ts';
export {
  type DecodedMap,
  decodeMap,
  ENCODE_MAP_DEFAULTS,
  type EncodeMapOptions,
  encodeMap,
} from './dataset/map-file.ts';
export { fitArrays } from './fit/arrays.ts';
export { exportCamera, exportLight, type PhotoView } from './fit/export-view.ts';
export { expressionNames, setExpressions } from './fit/expression-names.ts';
export {
  FIT_MESH_DEFAULTS,
  type FitMeshOptions,
  fitMesh,
  type MeshFit,
  placeOnMesh,
} from './fit/fit-mesh.ts';
export {
  type FitPersonOptions,
  fitPerson,
  type PersonFit,
  type PersonPhoto,
} from './fit/fit-person.ts';
export { FIT_PHOTO_DEFAULTS, type FitPhotoOptions, type FitWeights, fitPhoto } from './fit/fit-photo.ts';
export { type FlameStep, flameParams, flameSequence } from './fit/flame-params.ts';
export {
  atRest,
  HEAD_MESH_DEFAULTS,
  type HeadMeshOptions,
  posedHeadMesh,
  riggedHeadMesh,
} from './fit/head-mesh.ts';
export {
  MESH_FIT_FORMAT,
  type MeshFitFile,
  type MeshFitFileExtra,
  MeshFitFileSchema,
  parseMeshFitFile,
  toMeshFitFile,
} from './fit/mesh-file.ts';
export { LANDMARK_NAMES, type MeshLandmarks, readMeshLandmarks } from './fit/mesh-landmarks.ts';
export type { DistanceStatistics, MeshResiduals } from './fit/mesh-residuals.ts';
export type { TargetMesh } from './fit/mesh-target.ts';
export {
  ORIGINAL_SIZE,
  ORIGINAL_WEIGHTS,
  type OriginalEnergy,
  type OriginalObservation,
  type OriginalParams,
  type OriginalState,
  originalEnergy,
  originalObservation,
  originalState,
} from './fit/original-energy.ts';
export { originalParams, readOriginalFit, writeOriginalFit } from './fit/original-files.ts';
export {
  fitOriginal,
  ORIGINAL_FIT_DEFAULTS,
  type OriginalFit,
  type OriginalFitOptions,
  type OriginalStage,
} from './fit/original-fit.ts';
export { originalModel, originalResult } from './fit/original-result.ts';
export { type FitPictures, type RenderFitOptions, renderFit } from './fit/render-fit.ts';
export {
  LARGEST_VIEW,
  renderView,
  VIEW_DEFAULTS,
  type ViewedHead,
  type ViewKind,
  type ViewOptions,
} from './fit/render-view.ts';
export {
  FIT_FORMAT,
  type FitFile,
  type FitFileExtra,
  FitFileSchema,
  fitFileText,
  fromFitFile,
  parseFitFile,
  type StoredFit,
  toFitFile,
} from './fit/schema.ts';
export type { CropTransform, EnergyPoint, FitMetrics, PhotoFit } from './fit/types.ts';
export { vertexColours } from './fit/vertex-colours.ts';
export {
  ANIMATED_HEAD_DEFAULTS,
  type AnimatedHeadOptions,
  animatedHeadMesh,
} from './fit/video/animated-head.ts';
export {
  type ArkitCurves,
  arkitCsv,
  arkitCurves,
  arkitJson,
  type CurveFrame,
} from './fit/video/arkit-curves.ts';
export { type Correspondence, correspond } from './fit/video/correspondence.ts';
export type { DetectorBias } from './fit/video/detector-bias.ts';
export { type EvidenceStore, type FrameEvidence, memoryEvidence } from './fit/video/evidence.ts';
export {
  FIND_IDENTITY_DEFAULTS,
  type FindIdentityOptions,
  type FoundIdentity,
  findIdentity,
} from './fit/video/find-identity.ts';
export type { FaceChoice } from './fit/video/follow.ts';
export type { SolverMemory } from './fit/video/frame-solver.ts';
export { FRAME_SOLVER_DEFAULTS, type FrameSolverOptions } from './fit/video/frame-solver.ts';
export { type Lids, lidsOf } from './fit/video/lids.ts';
export { type Lips, lipsOf } from './fit/video/lips.ts';
export type { MotionDeviations } from './fit/video/motion.ts';
export {
  OVERLAY_PANELS,
  type OverlayLayout,
  OverlayPainter,
  type PaintedFrame,
} from './fit/video/overlay-painter.ts';
export { type PersonParams, personalModel } from './fit/video/personal-model.ts';
export {
  createSmoother,
  SMOOTH_TRACK_DEFAULTS,
  type SmootherOptions,
  type SmoothTrackOptions,
  smoothTrack,
  type TrackSmoother,
} from './fit/video/smooth-track.ts';
export {
  parseTrackArrays,
  parseTrackFile,
  type StoredTrack,
  TRACK_FORMAT,
  type TrackFile,
  type TrackFileExtra,
  TrackFileSchema,
  type TrackMetadata,
  TrackMetadataSchema,
  toTrackFile,
  trackArrays,
  trackFileText,
  trackMetadata,
} from './fit/video/track-file.ts';
export { type ResumePoint, type TrackVideoOptions, trackVideo } from './fit/video/track-video.ts';
export {
  faceCentre,
  fitCamera,
  type MouthSource,
  type NeutralFace,
  neutralOf,
  TRANSFER_DEFAULTS,
  type Transfer,
  type TransferOptions,
  type TransferSource,
  type TransferTarget,
  transferMotion,
} from './fit/video/transfer.ts';
export type { FrameStatus, TrackedFrame, TrackIdentity, VideoTrack } from './fit/video/types.ts';
export { type Seen, type Watch, type WatchOptions, watchVideo } from './fit/video/watch-video.ts';
export { GLB_DEFAULTS, type GlbOptions, writeGlb } from './io/glb.ts';
export { type Hdf5File, type Hdf5Module, openHdf5, openHdf5Bytes } from './io/hdf5.ts';
export { type MatVariable, readMat } from './io/mat.ts';
export type {
  ExportCamera,
  ExportJoint,
  ExportMorph,
  ExportMotion,
  ExportState,
  MeshExport,
} from './io/mesh-export.ts';
export { type NpyArray, type NpyData, npyArray, readNpy, writeNpy } from './io/npy.ts';
export { readNpz, WRITE_NPZ_DEFAULTS, type WriteNpzOptions, writeNpz } from './io/npz.ts';
export { type ByteSource, blobSource, memorySource } from './io/npz-stream.ts';
export { type NpyPieces, npzPieces } from './io/npz-write-stream.ts';
export { type ObjNames, writeMtl, writeObj } from './io/obj-write.ts';
export { writePly } from './io/ply.ts';
export { type PlyMesh, readPly } from './io/ply-read.ts';
export { encodePng, PNG_DEFAULTS, type PngOptions } from './io/png.ts';
export { createKernels, type Kernels } from './kernels/runtime.ts';
export { GLOSS_COUNT, type GlossCamera, glossAt, glossBasis } from './light/gloss.ts';
export { LIGHT_NAMES, type LightName, lampLight, namedLight } from './light/presets.ts';
export { SH_CONSTANTS, SH_COUNT, shBasis } from './light/sh.ts';
export type { BfmModel, BfmPart } from './model/bfm/bfm-model.ts';
export { bfmLandmarks } from './model/bfm/landmarks.ts';
export { readBfmH5 } from './model/bfm/read-bfm-h5.ts';
export { readBfmMat } from './model/bfm/read-bfm-mat.ts';
export { faceKinds } from './model/eyelids.ts';
export type { FlameEdition } from './model/flame/edition.ts';
export { flamePackInfo } from './model/flame/pack-info.ts';
export {
  FLAME_DEFAULTS,
  type FlameFiles,
  type FlameHead,
  type FlameOptions,
  readFlame,
} from './model/flame/read-flame.ts';
export { FLAME_TEXTURE_DEFAULTS } from './model/flame/texture.ts';
export {
  FLAME_TEXTURE_WRITE_DEFAULTS,
  type FlameTextureWriteOptions,
  flameTextureEntries,
  type StoredTexture,
} from './model/flame/texture-write.ts';
export {
  type Eye,
  type Eyes,
  type HeadModel,
  type HeadParams,
  type HeadSizes,
  headSizes,
  type Joint,
  jointIndex,
  type LandmarkEmbedding,
  neutralParams,
  type SurfacePoints,
  type TextureSpace,
} from './model/head-model.ts';
export {
  HEAD_PACK_DEFAULTS,
  type HeadPack,
  type HeadPackInfo,
  type PackPrecision,
  readHeadPack,
  writeHeadPack,
} from './model/pack.ts';
export { type PosedHead, type PoseInput, poseHead, type Skeleton } from './model/pose.ts';
export { SAMPLE_DEFAULTS, type SampleOptions, sampleHead } from './model/sample.ts';
export type { SpaceMetadata } from './model/space-metadata.ts';
export {
  checkLayout,
  type ReadSpaceOptions,
  readSpacePack,
  SPACE_PACK_DEFAULTS,
  type SpaceInput,
  type SpacePack,
  type SpacePackOptions,
  uvLayoutHash,
  withTextureSpace,
  writeSpacePack,
} from './model/space-pack.ts';
export {
  BISENET_DEFAULTS,
  type Bisenet,
  type BisenetOptions,
  loadBisenet,
  PARSING_CLASSES,
  type ParsingFrame,
  parsingFrame,
} from './perceive/bisenet.ts';
export { composePerception, type PerceptionParts } from './perceive/compose.ts';
export {
  FAN_DEFAULTS,
  FAN_ORIGINAL,
  type Fan,
  type FanLandmarks,
  type FanOptions,
  loadFan,
} from './perceive/fan.ts';
export type { OnnxRuntime } from './perceive/onnx.ts';
export { loadS3fd, S3FD_DEFAULTS, type S3fdOptions } from './perceive/s3fd.ts';
export type {
  FaceBox,
  FaceBoxDetector,
  FaceObservation,
  FacePerception,
  LandmarkDetector,
  SkinParser,
} from './perceive/types.ts';
export { albedoMap, type Skin, skinAlbedo } from './render/albedo.ts';
export { ENERGY_PLOT_DEFAULTS, type EnergyPlotOptions, energyPlotSvg } from './render/plot/energy-plot.ts';
export { type RenderedHead, type RenderInput, renderHead } from './render/render-head.ts';
export { bfmSurface, type ColouredSurface, headSurface } from './texture/coloured-surface.ts';
export { movingMouth } from './texture/inner-mouth.ts';
export { memoryScratch, type Scratch } from './texture/map-matrix.ts';
export type { SkinMatch } from './texture/match.ts';
export { ORIGIN } from './texture/origin.ts';
export {
  solvePersonTexture,
  solveTextureOffset,
  TEXTURE_OFFSET_DEFAULTS,
  type TextureOffset,
  type TextureOffsetOptions,
} from './texture/solve-offset.ts';
export {
  COMPLETION_METHODS,
  type CompletionMethod,
  SPACE_COMPARE_DEFAULTS,
  SPACE_INIT_DEFAULTS,
  SPACE_PCA_DEFAULTS,
} from './texture/space-defaults.ts';
export {
  type InitialSpace,
  type SpaceAbout,
  type SpaceInitOptions,
  spaceFromColour,
  spaceFromHead,
  spaceFromSurface,
} from './texture/space-init.ts';
export { type MeasureOptions, measureSpace, type SpaceMeasures } from './texture/space-measures.ts';
export { type SpacePcaOptions, textureSpaceOf } from './texture/space-pca.ts';
export type { TextureMap, TextureMapSource } from './texture/texture-map.ts';
export type { TextureView } from './texture/texture-view.ts';
