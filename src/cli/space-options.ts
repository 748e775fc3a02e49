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

/** Options of `photofit space pca`, after parsing. */
export interface SpacePcaCommandOptions {
  readonly out: string;
  readonly model: string;
  readonly components: number;
  readonly flame?: string;
  readonly quiet: boolean;
}

/** Options of `photofit space compare`, after parsing. */
export interface SpaceCompareOptions {
  readonly model?: string;
  readonly maps?: string;
  readonly out: string;
  readonly components: number;
  readonly samples: number;
  readonly seed: number;
  readonly quiet: boolean;
}
