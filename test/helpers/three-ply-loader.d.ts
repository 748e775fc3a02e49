/** What the tests use of three.js, which comes without types. */
declare module 'three/examples/jsm/loaders/PLYLoader.js' {
  export class PLYLoader {
    parse(bytes: ArrayBuffer): {
      readonly attributes: Readonly<Record<string, { readonly array: ArrayLike<number> } | undefined>>;
      readonly index: { readonly array: ArrayLike<number> } | null;
    };
  }
}
