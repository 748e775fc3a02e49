/** What a user can ask of `photofit export`, after parsing. */

/** Formats that a head is exported to. */
export const EXPORT_FORMATS = ['glb', 'obj', 'ply', 'npz'] as const;

/** Options of `photofit export`, after parsing. */
export interface ExportOptions {
  readonly format?: (typeof EXPORT_FORMATS)[number];
  readonly pose: 'photo' | 'neutral';
  readonly out?: string;
  readonly model?: string;
  readonly space?: string;
  /** False with `--no-arkit`. */
  readonly arkit: boolean;
  readonly debug: boolean;
}
