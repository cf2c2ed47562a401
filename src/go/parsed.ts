/** Outcome of reading one value: the value, or the error text as the reference server words it. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: string };
