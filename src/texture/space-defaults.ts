/** Defaults of the stages of a texture space, apart from their code, so that a command line knows them at once. */

/** Defaults of `SpaceInitOptions`: what a fit uses of FLAME's space. */
export const SPACE_INIT_DEFAULTS = { size: 256, components: 50 } as const;

/** Defaults of `SpacePcaOptions`. */
export const SPACE_PCA_DEFAULTS = { components: 100 } as const;

/** Defaults of `CompareOptions`. */
export const SPACE_COMPARE_DEFAULTS = { components: 50, samples: 50, seed: 1 } as const;
