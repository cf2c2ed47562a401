import { type TunnelId, tunnelId } from '../../src/ids.js';
import { parseRemote } from '../../src/tunnels/parse-remote.js';
import type { Remote, TunnelRecord } from '../../src/tunnels/remote.js';

/** A remote as an agent or a user would write it, such as `3000:site.com:80`, with further fields if wanted. */
export function remote(text: string, more: Partial<Remote> = {}): Remote {
  const parsed = parseRemote(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return {
    name: '',
    ...parsed.value,
    lportRandom: false,
    owner: '',
    scheme: null,
    acl: null,
    idleTimeoutMinutes: 0,
    autoClose: 0,
    httpProxy: false,
    hostHeader: '',
    authUser: '',
    authPassword: '',
    tunnelUrl: '',
    ...more,
  };
}

/** As it is stored while it runs. */
export const tunnel = (id: string, of: Remote): TunnelRecord => ({
  ...of,
  id: tunnelId(id) as TunnelId,
  createdAt: '2026-01-01T00:00:00Z',
});
