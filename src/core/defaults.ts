/** Options over their defaults. */

/** An object with all that either says; of what both do, the options' unless that is undefined. */
export type WithDefaults<D, O> = {
  [K in keyof D | keyof O]: K extends keyof O
    ? K extends keyof D
      ? D[K] | Exclude<O[K], undefined>
      : O[K]
    : K extends keyof D
      ? D[K]
      : never;
};

/**
 * `options` over `defaults`. One that is there but undefined, as what a caller passes on that was not set, is its default;
 * a plain spread would make it undefined.
 */
export function withDefaults<D extends object, O extends object>(
  defaults: D,
  options: O | undefined,
): WithDefaults<D, O> {
  const said = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) } as WithDefaults<D, O>;
}
