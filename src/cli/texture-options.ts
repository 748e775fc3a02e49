/** What a user can ask of `photofit texture`, after parsing. */

/** Options of `photofit texture`. */
export interface TextureOptions {
  /** Folder for the result of a photo. */
  readonly out: string;
  /** Texels along a side. */
  readonly size: 512 | 1024;
  /** The photo of a stored fit, where it has moved. */
  readonly photo?: string;
  readonly model?: string;
  readonly space?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
