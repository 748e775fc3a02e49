/** Where a texel's colour comes from. */
export const ORIGIN = { none: 0, photo: 1, mirror: 2, parametric: 3 } as const;
