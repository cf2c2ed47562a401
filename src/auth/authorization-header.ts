/** Reads the `Authorization` header. Spec 02 §5.1. */

export type Authorization =
  | { readonly scheme: 'basic'; readonly username: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'none' };

const NONE: Authorization = { scheme: 'none' };
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Scheme in any case; the pair is split at its first colon. What cannot be read counts as absent. */
export function parseAuthorization(header: string): Authorization {
  const space = header.indexOf(' ');
  if (space < 0) return NONE;
  const value = header.slice(space + 1).trim();
  switch (header.slice(0, space).toLowerCase()) {
    case 'bearer':
      return value === '' ? NONE : { scheme: 'bearer', token: value };
    case 'basic': {
      if (!BASE64.test(value)) return NONE;
      const pair = Buffer.from(value, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      if (colon < 0) return NONE;
      return { scheme: 'basic', username: pair.slice(0, colon), password: pair.slice(colon + 1) };
    }
    default:
      return NONE;
  }
}
