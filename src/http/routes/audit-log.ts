/** The audit log. Spec 03 §12.3. */

import Type from 'typebox';
import type { AuditEntry } from '../../audit/entry.js';
import { auditListSupport, DEEPEST_SORTED, listAudit } from '../../audit/list.js';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { goInstant } from '../../go/instant.js';
import { parseList } from '../../query/parse.js';
import { readListOptions } from '../../query/validate.js';
import { instant } from '../../time.js';
import { listParameters } from '../list-parameters.js';
import type { Route } from '../route.js';

const document = (description: string) =>
  Type.String({ description: `${description}: JSON text, may be empty` });

const entrySchema = Type.Object(
  {
    timestamp: Type.String({ format: 'date-time' }),
    username: Type.String({ description: 'Who did it; empty where no user was behind it' }),
    remote_ip: Type.String(),
    application: Type.String({ description: 'What was changed, such as `client.tunnel`' }),
    action: Type.String({ description: 'Such as `create`, `update`, `delete`, `execute.start`' }),
    affected_id: Type.String(),
    client_id: Type.String(),
    client_hostname: Type.String(),
    request: document('What was asked for, without secrets'),
    response: document('What came of it, without secrets'),
  },
  { $id: 'AuditLogEntry' },
);

/** Long lists are looked through one after the other in each shard. */
const turns = new Turns();
/** A search of a million entries takes some seconds; who would be the ninth has to come again. */
const MOST_SEARCHES = 8;
let searches = 0;

const list: Route = {
  method: 'GET',
  path: '/auditlog',
  access: { kind: 'user', permission: 'auditlog' },
  docs: {
    tag: 'Audit Log',
    summary: 'List what was changed, by whom',
    description:
      'Oldest first. Letter case counts in filters unless the value has a `*`. Administrators see everything, others what they did themselves. Entries that were rotated into files are not shown. Empty when the audit log is off.',
    query: listParameters(auditListSupport),
    errors: {
      400: `Unsupported sort or filter, or a page out of range; with another order than that of time, offset and limit may be ${DEEPEST_SORTED} together`,
      403: 'The caller lacks the permission, or filters by user name without being an administrator',
      503: 'Too many long searches at once',
    },
  },
  responses: { 200: Type.Array(entrySchema) },
  async handler({ query, principal }, { config, store }) {
    if (principal === null) throw new AppError('unauthorized');
    const { admin, username } = principal;
    if (!admin && parseList(query).filters.some(({ columns }) => columns.includes('username'))) {
      throw new AppError('forbidden', {
        title: 'filter forbidden',
        detail: 'only members of group Administrators can filter by usernames',
      });
    }
    const options = readListOptions(query, auditListSupport);
    if (!config.api.enableAuditLog) return { status: 200, data: [], meta: { count: 0 } };
    const search = { ...options, onlyOf: admin ? null : username };
    const { items, count } = await soonOrInTurns(listAudit(store.audit, search));
    return { status: 200, data: items.map(shown), meta: { count } };
  },
};

/** What the first piece finds need not wait for the long searches of others. Throws `AppError` 503 for too many. */
async function soonOrInTurns<Result>(search: Generator<void, Result>): Promise<Result> {
  const first = search.next();
  if (first.done) return first.value;
  if (searches >= MOST_SEARCHES) throw new AppError('overloaded');
  searches++;
  return turns
    .run(() => search)
    .finally(() => {
      searches--;
    });
}

export const auditLogRoutes: readonly Route[] = [list];

const shown = (entry: AuditEntry) => ({
  timestamp: goInstant(instant(entry.timestamp)),
  username: entry.username,
  remote_ip: entry.remoteIp,
  application: entry.application,
  action: entry.action,
  affected_id: entry.affectedId,
  client_id: entry.clientId,
  client_hostname: entry.clientHostname,
  request: entry.request,
  response: entry.response,
});
