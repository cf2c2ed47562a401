/** A decoded query string: pairs in the order received, `+` is a space, names percent-decoded too. */
export interface QueryString {
  /** First value of `name`, or `undefined`. */
  get(name: string): string | undefined;
  readonly pairs: readonly (readonly [name: string, value: string])[];
}
