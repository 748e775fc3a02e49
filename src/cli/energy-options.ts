/** What a user can ask of `photofit energy`, after parsing. */

/** Options of `photofit energy`, after parsing. */
export interface EnergyOptions {
  readonly energy: 'own' | 'original';
  readonly model?: string;
  readonly space?: string;
  readonly photo?: string;
  readonly mask?: string;
  readonly landmarks?: string;
  readonly json: boolean;
}
