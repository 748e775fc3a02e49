/** What a user can ask of `photofit space`, after parsing. */

/** Options of `photofit space show`, after parsing. */
export interface SpaceShowOptions {
  readonly model?: string;
  readonly out: string;
  readonly components: number;
  readonly deviations: number;
  readonly size: number;
  readonly quiet: boolean;
}

/** Options of `photofit space sample`, after parsing. */
export interface SpaceSampleOptions {
  readonly model?: string;
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly texture: number;
  readonly shape: number;
  readonly size: number;
  readonly quiet: boolean;
}

/** Options of `photofit space init`, after parsing. */
export interface SpaceInitCommandOptions {
  readonly from: string;
  readonly model: string;
  readonly out: string;
  readonly size?: number;
  readonly components?: number;
  readonly landmarks?: string;
  readonly quiet: boolean;
}
