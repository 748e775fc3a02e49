/** What a user can ask of `photofit fit`, after parsing; the defaults are those of the command line. */
import type { NetworkOptions } from './network-options.ts';

/** Options of `photofit fit`. */
export interface FitOptions extends NetworkOptions {
  /** Folder the result folders go to. */
  readonly out: string;
  /** Which face of a photo: the largest, all, or the N-th largest (from 1). */
  readonly face: 'largest' | 'all' | number;
  /** Name of an embedded head or path of a `.head` file. */
  readonly model: string;
  /** Texture space file that the head wears instead of its own. */
  readonly space?: string;
  readonly camera: 'perspective' | 'orthographic';
  readonly light: 'rgb' | 'mono';
  /** Focal length of a calibrated camera, pixels of the file. */
  readonly focal?: number;
  /** Metres from the camera to the root of the nose, in every photo. */
  readonly distance?: number;
  /** Interpupillary distance, millimetres. */
  readonly ipd?: number;
  /** Where the camera looks, pixels of the file. */
  readonly principalPoint?: readonly [number, number];
  /** Picture that marks skin. */
  readonly mask?: string;
  /** Solve for a texture that matches the photo. */
  readonly offset: boolean;
  /** Texels along a side of that texture; 512 where absent. */
  readonly textureSize?: 512 | 1024;
  /** All photos show one person: one identity and texture. */
  readonly samePerson: boolean;
  /** With `samePerson`: photos that seem to show somebody else are not fitted. */
  readonly leaveOut: boolean;
  /** Photos fitted at a time; absent: as many as the machine has cores and memory for. */
  readonly jobs?: number;
  readonly json: boolean;
  readonly debug: boolean;
  readonly quiet: boolean;
}
