/** What a user can ask of `photofit space complete`, after parsing. */
import type { CompletionMethod } from '../texture/space-defaults.ts';

/** Options of `photofit space complete`; what is absent is by default, or as a training was begun. */
export interface SpaceCompleteOptions {
  readonly out?: string;
  readonly model?: string;
  readonly method: CompletionMethod;
  readonly checkpoint?: string;
  readonly steps?: number;
  readonly minutes?: number;
  readonly threads?: number;
  readonly seed?: number;
  readonly components?: number;
  readonly restart: boolean;
  readonly keepOutliers: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
