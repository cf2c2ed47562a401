/** Which clients a command, script, schedule or upload is for. Spec 04 §6. */

import type { Principal } from '../auth/principal.js';
import { AppError } from '../errors.js';
import { goQuote } from '../go/quote.js';
import { type ClientId, clientId } from '../ids.js';
import type { ClientIndex } from './read-model.js';

/** What a caller names; `null` where he names nothing. Empty lists count as given. */
export interface Targeting {
  readonly clientIds: readonly string[] | null;
  readonly groupIds: readonly string[] | null;
  readonly tags: TargetTags | null;
}

export interface TargetTags {
  readonly tags: readonly string[] | null;
  /** `AND` in any letter case; everything else means OR. Spec 04 §3.2. */
  readonly operator: string;
}

type Clients = Pick<ClientIndex, 'get' | 'members' | 'all'>;

/**
 * The clients meant, connected or not. Those named come first, in the order and as often as they are named, then the
 * other members of the groups, or those with matching tags, in id order.
 * Throws `AppError`: 400 for a choice that makes no sense or is empty, 404 for a client nobody knows.
 */
export function resolveTargets(targeting: Targeting, clients: Clients): readonly ClientId[] {
  const { clientIds, groupIds, tags } = targeting;
  if (tags !== null) {
    if (clientIds !== null || groupIds !== null) throw multiple();
    return byTags(tags, clients);
  }
  if (clientIds === null && groupIds === null) throw missing();
  return byIds(clientIds ?? [], groupIds ?? [], clients);
}

/** Those of `targets` that `viewer` may not access, in their order. */
export function deniedTargets(
  targets: readonly ClientId[],
  viewer: Principal,
  clients: Pick<ClientIndex, 'canAccess'>,
): readonly ClientId[] {
  return viewer.admin ? [] : targets.filter((id) => !clients.canAccess(id, viewer));
}

/** What the refusal of targets says. Spec 04 §5. */
export const deniedText = (denied: readonly ClientId[]): string =>
  `Access denied to client(s) with ID(s): ${denied.join(', ')}`;

function byIds(
  clientIds: readonly string[],
  groupIds: readonly string[],
  clients: Clients,
): readonly ClientId[] {
  const members = new Set<ClientId>();
  for (const id of groupIds) {
    const found = clients.members(id);
    if (found === undefined) throw refusal(`Unknown group with id=${goQuote(id)}.`);
    for (const member of found) members.add(member);
  }
  const named = clientIds.map(clientId);
  for (const id of named) {
    if (clients.get(id) !== undefined) continue;
    throw new AppError('not_found', { title: `Client with id=${goQuote(id)} not found.` });
  }
  if (named.length === 0 && members.size === 0) {
    throw groupIds.length > 0 ? refusal('no active clients belong to the selected group(s)') : nobody();
  }
  for (const id of named) members.delete(id);
  return [...named, ...[...members].sort(byCodeUnits)];
}

function byTags({ tags, operator }: TargetTags, clients: Clients): readonly ClientId[] {
  if (tags === null || tags.length === 0) {
    throw refusal('No tags specified.', 'please specify tags in the tags list');
  }
  const wanted = new Set(tags);
  const needed = operator.toUpperCase() === 'AND' ? wanted.size : 1;
  const found: ClientId[] = [];
  for (const record of clients.all()) {
    const own = new Set(record.tags ?? []);
    let matching = 0;
    for (const tag of wanted) if (own.has(tag)) matching += 1;
    if (matching >= needed) found.push(record.id);
  }
  if (found.length === 0) throw nobody();
  return found;
}

const byCodeUnits = (one: ClientId, other: ClientId): number => (one < other ? -1 : one > other ? 1 : 0);

const refusal = (title: string, detail = ''): AppError => new AppError('bad_request', { title, detail });
const nobody = (): AppError => refusal('at least 1 client should be specified');
const missing = (): AppError =>
  refusal(
    'Missing targeting parameters.',
    'please specify targeting options, such as client ids, groups ids or tags',
  );
const multiple = (): AppError =>
  refusal(
    'Multiple targeting parameters.',
    'multiple targeting options are not supported. Please specify only one',
  );
