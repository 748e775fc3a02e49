/** Defaults of the stages of a texture space, apart from their code, so that a command line knows them at once. */

/** Defaults of `SpaceInitOptions`: what a fit uses of FLAME's space. */
export const SPACE_INIT_DEFAULTS = { size: 256, components: 50 } as const;

/** Defaults of `SpacePcaOptions`. */
export const SPACE_PCA_DEFAULTS = { components: 100 } as const;

/** Defaults of `CompareOptions`. */
export const SPACE_COMPARE_DEFAULTS = { components: 50, samples: 50, seed: 1 } as const;

/** Ways to fill what no photo shows. */
export const COMPLETION_METHODS = ['network', 'mirror', 'pca', 'robust'] as const;
/** One of {@link COMPLETION_METHODS}. */
export type CompletionMethod = (typeof COMPLETION_METHODS)[number];

/** Defaults of `TrainingOptions`. */
export const TRAINING_DEFAULTS = { base: 16, batch: 16, steps: 400, rate: 1e-3, seed: 1 } as const;

/** Defaults of `TrainingSetOptions`. */
export const TRAINING_SET_DEFAULTS = {
  components: 24,
  iterations: 20,
  least: 0,
  folds: 3,
  heldOut: 0,
  shared: false,
} as const;
