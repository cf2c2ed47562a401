/** Names of tables and columns, as they stand in statements. */

/** Longest name MySQL allows, characters. */
const LONGEST = 64;

/** In back-ticks, which both dialects know. Throws `Error` when the name cannot be one. */
export function quoteName(name: string): string {
  if (name === '') throw new Error('the name of a table must not be empty');
  if (name.includes('`')) throw new Error(`the name ${JSON.stringify(name)} must not contain a back-tick`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    throw new Error(`the name ${JSON.stringify(name)} must not contain control characters`);
  }
  if (name.length > LONGEST) throw new Error(`the name ${JSON.stringify(name)} is too long`);
  return `\`${name}\``;
}

/** Like `quoteName`, for a table that may be in another database: `database.table`. */
export const quotePath = (path: string): string => path.split('.').map(quoteName).join('.');
