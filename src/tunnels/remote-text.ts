/** What makes two remotes the same. Spec 05 §2.4. */

import type { Remote, TunnelProtocol } from './remote.js';

/** Whether the port to listen on was asked for, as opposed to chosen here. */
export const isLocalSpecified = (remote: Pick<Remote, 'lhost' | 'lport'>): boolean =>
  remote.lhost !== '' && remote.lport !== '';

/** `rhost:rport`, an IPv6 host in brackets: what the agent is asked to dial. */
export const targetAddress = (remote: Pick<Remote, 'rhost' | 'rport'>): string =>
  remote.rhost.includes(':') ? `[${remote.rhost}]:${remote.rport}` : `${remote.rhost}:${remote.rport}`;

/** Canonical text. Remotes with equal texts are equal; names, owners and time-outs do not count. */
export function remoteText(
  remote: Pick<Remote, 'lhost' | 'lport' | 'rhost' | 'rport' | 'protocol' | 'acl'>,
): string {
  const protocol = remote.protocol === 'tcp' ? '' : `/${remote.protocol}`;
  const acl = remote.acl === null ? '' : `(acl:${remote.acl})`;
  return `${remote.lhost}:${remote.lport}:${targetAddress(remote)}${protocol}${acl}`;
}

/** Whether two protocols share one: `tcp+udp` overlaps with both, `tcp` and `udp` not with each other. */
export const overlaps = (one: TunnelProtocol, other: TunnelProtocol): boolean =>
  one === other || one === 'tcp+udp' || other === 'tcp+udp';

/** ACLs are compared as typed. */
export const sameAcl = (one: string | null, other: string | null): boolean => one === other;
