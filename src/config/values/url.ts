/** URL and origin checks with the reference's error texts. */

interface Parts {
  readonly scheme: string;
  /** Everything behind `scheme:`. */
  readonly rest: string;
  /** `host[:port]`, without user information; empty when there is none. */
  readonly host: string;
  /** Behind the host, up to query and fragment. */
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

/**
 * Splits a URL the way the reference's parser does, without judging the parts.
 * @throws Error `parse "<url>": …`
 */
export function splitUrl(text: string): Parts {
  const fail = (reason: string): never => {
    throw new Error(`parse ${JSON.stringify(text)}: ${reason}`);
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) fail('net/url: invalid control character in URL');
  if (text.startsWith(':')) fail('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? '';
  const rest = scheme === '' ? text : text.slice(scheme.length + 1);
  const fragmentAt = rest.indexOf('#');
  const beforeFragment = fragmentAt < 0 ? rest : rest.slice(0, fragmentAt);
  const queryAt = beforeFragment.indexOf('?');
  const location = queryAt < 0 ? beforeFragment : beforeFragment.slice(0, queryAt);
  const [, authority = '', path = ''] = /^\/\/([^/]*)(.*)$/s.exec(location) ?? ['', '', location];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (/[\s"<>\\^`{|}]/.test(host)) fail(`invalid character in host name`);
  const port = /:([^\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^[0-9]*$/.test(port))
    fail(`invalid port ${JSON.stringify(`:${port}`)} after host`);
  return {
    scheme: scheme.toLowerCase(),
    rest,
    host,
    path,
    query: queryAt < 0 ? '' : beforeFragment.slice(queryAt + 1),
    fragment: fragmentAt < 0 ? '' : rest.slice(fragmentAt + 1),
  };
}

/**
 * Checks an absolute `http` or `https` URL with a host.
 * @throws Error `invalid url <text>…`
 */
export function checkHttpUrl(text: string): void {
  let parts: Parts;
  try {
    parts = splitUrl(text);
    if (text === '') throw new Error('parse "": empty url');
    if (parts.scheme === '' && !text.startsWith('/'))
      throw new Error(`parse ${JSON.stringify(text)}: invalid URI for request`);
  } catch (thrown) {
    throw new Error(`invalid url ${text}: ${(thrown as Error).message}`);
  }
  if (parts.scheme !== 'http' && parts.scheme !== 'https')
    throw new Error(`invalid url ${text}: schema must be http or https`);
  if (parts.host === '') throw new Error(`invalid url ${text}, must be absolute url`);
}

/**
 * Checks an allowed origin: `*`, or scheme and host (which may hold `*`) with nothing behind.
 * @throws Error with the reason
 */
export function checkOrigin(origin: string): void {
  if (origin === '*') return;
  const { scheme, host, path, query, fragment } = splitUrl(origin);
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`invalid scheme: ${scheme}`);
  if (host === '') throw new Error('must have a host');
  if (path !== '') throw new Error('must not have a path');
  if (query !== '') throw new Error('must not have query params');
  if (fragment !== '') throw new Error('must not contain a fragment');
}
