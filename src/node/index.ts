/** `photofit/node`: all of `photofit`, and its adapters to files, photos and networks on Node. */
export * from '../index.ts';
export {
  ensureWritableFolder,
  type FolderFiles,
  type WriteFolderOptions,
  writeFileAtomically,
  writeFolderAtomically,
} from './atomic.ts';
export { energyPng } from './energy-picture.ts';
export { HEAD_SHEET_DEFAULTS, type HeadSheetOptions, headSheetPng } from './head-sheet.ts';
export { DEFAULT_HEAD, type HeadFile, listHeadFiles, loadHeadModel } from './models.ts';
export { OVERLAY_PANEL_SIZE, type OverlayInput, overlayCrop, overlayPng } from './overlay.ts';
export { loadPerception } from './perception.ts';
export { decodePhoto, decodePhotoBytes, PHOTO_EXTENSIONS } from './photo.ts';
