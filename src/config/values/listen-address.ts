/** `host:port` of a listener or a server to connect to. */

export interface ListenAddress {
  /** As written; brackets of an IPv6 address removed; empty when only `:port` was given (all interfaces). */
  readonly host: string;
  readonly port: number;
}

/**
 * Splits `0.0.0.0:8080`, `[::]:8080`, `:8080`.
 * @throws Error `address <text>: missing port in address` and the like, in Go's words
 */
export function parseListenAddress(text: string): ListenAddress {
  const fail = (reason: string): never => {
    throw new Error(`address ${text}: ${reason}`);
  };
  const [, bracketed, plain, portText = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text) ?? [];
  if (bracketed === undefined && plain === undefined)
    return fail(
      text.includes(':') && !text.startsWith('[') ? 'too many colons in address' : 'missing port in address',
    );
  if (!/^[0-9]{1,5}$/.test(portText) || Number(portText) > 65_535) return fail('invalid port');
  return { host: bracketed ?? plain ?? '', port: Number(portText) };
}
