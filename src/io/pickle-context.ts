/** What the pickle reader's parts share: values under construction, the names on the list, the reader's services. */

/** A value while reading; what is left at the end is a {@link PickleValue}. @internal */
export type Raw = unknown;

/** What the constructors may ask of the reader. @internal */
export interface PickleContext {
  readonly name: string;
  /** Counts bytes allocated or looked at; throws when a file wants far more than it holds. */
  charge(bytes: number): void;
  /** Remembers something that must have been completed when the file ends. */
  expect(shell: { complete: boolean }): void;
  /** Reads a pickle inside this one; `next` is the offset behind it. */
  nested(bytes: Uint8Array, offset: number, persistent?: (id: Raw) => Raw): { value: Raw; next: number };
}

/** A Python class or function on the list. @internal */
export interface Allowed {
  /** Called as `name(*args)`. */
  readonly call?: (args: readonly Raw[], ctx: PickleContext) => Raw;
  /** Made as `name.__new__(name)`, state to follow. */
  readonly create?: (ctx: PickleContext) => Raw;
}

/** A name on the list, as a value. @internal */
export class GlobalName {
  readonly name: string;
  readonly allowed: Allowed;
  constructor(name: string, allowed: Allowed) {
    this.name = name;
    this.allowed = allowed;
  }
}
