/** Changing and ending running tunnels, for the client's actor (see `create.ts`). Spec 05 §4 and §5. */

import { AppError } from '../../errors.js';
import type { TunnelId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { TunnelParent } from './create.js';
import type { RunningTunnel, TunnelList } from './list.js';
import type { TunnelEvent } from './messages.js';

const NOT_FOUND = 'tunnel not found';
/** Closing needs no peer: sockets are destroyed. */
const CHANGE_TIMEOUT: Milliseconds = 10_000;

/** Rejects with 404 for an unknown tunnel and 409 when connections are open and `force` is false. */
export async function deleteTunnel(
  ctx: TunnelParent,
  list: TunnelList,
  id: TunnelId,
  force: boolean,
): Promise<void> {
  const { ref } = find(list, id);
  await askActor(ctx.system, ref, { type: 'terminate', force }, CHANGE_TIMEOUT, NOT_FOUND);
  list.running.delete(id);
}

/** Applies to connections accepted from now on. Rejects with 404, or 400 without changing anything. */
export async function setTunnelAcl(
  ctx: TunnelParent,
  list: TunnelList,
  id: TunnelId,
  acl: string | null,
): Promise<void> {
  const { ref } = find(list, id);
  const stored = await askActor<string | null>(
    ctx.system,
    ref,
    { type: 'set-acl', acl },
    CHANGE_TIMEOUT,
    NOT_FOUND,
  );
  const running = list.running.get(id);
  if (running) list.running.set(id, { ...running, record: { ...running.record, acl: stored } });
}

/** Takes an ended tunnel out of the list. False: it was gone already, and nothing needs saving. */
export const forgetTunnel = (list: TunnelList, event: TunnelEvent): boolean => list.running.delete(event.id);

function find(list: TunnelList, id: TunnelId): RunningTunnel {
  const running = list.running.get(id);
  if (!running) throw new AppError('not_found', { title: NOT_FOUND });
  return running;
}
