/** Reads values of foreign tables, whose columns may have other types than they should. */

/** `null` for NULL. Binary columns hold the bytes of the text. */
export function textOrNull(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return String(value);
}

/** NULL is empty. */
export const textOf = (value: unknown): string => textOrNull(value) ?? '';

/** Numbers, bits, and what other programs write for them. */
export function flagOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value) !== 0;
  // BIT(1) comes as one byte.
  if (value instanceof Uint8Array && value.length === 1 && (value[0] ?? 0) < 2) return value[0] === 1;
  return /^(?:1|t|true|y|yes|on)$/i.test(textOf(value).trim());
}
