import type { AuditDraft } from './audit-log.js';
import { documentText } from './document.js';
import type { AuditContent } from './entry.js';
import { obfuscateIp } from './obfuscate-ip.js';

/** Names and ids are far shorter wherever they are checked; of an agent they may be anything. */
const MOST_NAME = 1024;

/** A draft in the form in which it is kept. Throws when a document is no plain data. */
export function auditContent(
  draft: AuditDraft,
  settings: { readonly useIpObfuscation: boolean },
): AuditContent {
  const { application, remoteIp = '' } = draft;
  return {
    username: named(draft.username),
    remoteIp: named(settings.useIpObfuscation ? obfuscateIp(remoteIp) : remoteIp),
    application,
    action: draft.action,
    affectedId: named(draft.affectedId),
    clientId: named(draft.clientId),
    clientHostname: named(draft.clientHostname),
    request: documentText(draft.request, application),
    response: documentText(draft.response, application),
  };
}

const named = (text = ''): string => text.slice(0, MOST_NAME);
