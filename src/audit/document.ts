/** Requests and responses as the log keeps them: JSON texts without secrets, of bounded length. */

/** A script in a request body of default size is 7 KiB; what is longer is output, of which the beginning tells most. */
const MOST_TEXT = 16 * 1024;
/** Of a whole document, characters: one page of 100 entries then stays below 13 MiB at worst. */
const MOST_DOCUMENT = 64 * 1024;
const MASKED = '';

/** Keys whose value is never kept, without regard to letter case, `_` and `-`. */
const SECRET_KEY =
  /(?:password|passwd|passphrase|secret|token|privatekey|apikey|accesskey|authorization|cookie|credential|credentials)$|^(?:auth)?pass$/;

/** Applications that have more of them. */
const ownSecretKeys: Readonly<Record<string, ReadonlySet<string>>> = {
  vault: new Set(['value']),
};

/**
 * JSON text of plain data; empty for `undefined`. The safety net behind what routes leave out: values of keys that
 * name a secret are blank. Throws what `JSON.stringify` throws.
 */
export function documentText(data: unknown, application: string): string {
  if (data === undefined) return '';
  const own = Object.hasOwn(ownSecretKeys, application) ? ownSecretKeys[application] : undefined;
  const text = JSON.stringify(data, (key, value: unknown) => {
    if (key !== '' && isSecret(key, own) && !isHarmless(value)) return MASKED;
    return typeof value === 'string' ? shortened(value) : value;
  });
  if (text === undefined) return '';
  if (text.length <= MOST_DOCUMENT) return text;
  // Escaping doubles the length at most for what is left of it.
  return JSON.stringify({ truncated: true, length: text.length, beginning: cut(text, MOST_DOCUMENT / 2) });
}

function isSecret(key: string, own: ReadonlySet<string> | undefined): boolean {
  const plain = key.toLowerCase().replace(/[_-]/g, '');
  return SECRET_KEY.test(plain) || own?.has(plain) === true;
}

/** Whether there is a secret and whether it has expired may be known. */
const isHarmless = (value: unknown): boolean =>
  value === null || value === undefined || typeof value === 'boolean';

function shortened(text: string): string {
  if (text.length <= MOST_TEXT) return text;
  const kept = cut(text, MOST_TEXT);
  return `${kept}… [${text.length - kept.length} more characters]`;
}

/** No half of a surrogate pair is left at the end. */
function cut(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}
