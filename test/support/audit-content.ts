import type { AuditContent } from '../../src/audit/entry.js';

/** What an entry tells, with the fields a test cares for. */
export const auditContent = (fields: Partial<AuditContent> = {}): AuditContent => ({
  username: 'anna',
  remoteIp: '192.0.2.1',
  application: 'client.group',
  action: 'create',
  affectedId: 'g1',
  clientId: '',
  clientHostname: '',
  request: '{"id":"g1"}',
  response: '',
  ...fields,
});
