/** What a user can ask of `photofit ffhq`, after parsing. */

/** Options of `photofit ffhq`. */
export interface FfhqOptions {
  /** Folder with the images. */
  readonly data: string;
  readonly out: string;
  readonly model: string;
  readonly energy: 'own' | 'original';
  readonly camera: 'perspective' | 'orthographic';
  /** False: landmark and mask files are not used. */
  readonly files: boolean;
  /** The texture takes on the photo's detail; own energy only. */
  readonly offset: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
