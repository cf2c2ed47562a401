/** What a connected agent asks and tells. Spec 01 §8. */

import { instant } from '../../time.js';
import { commandResult } from '../job/report.js';
import { REPLY_GRACE } from './connect.js';
import type { AgentRequest } from './connection.js';
import { DecodeError } from './decode/go-json.js';
import { decodeIpAddresses } from './decode/ip-addresses.js';
import { decodeMeasurement } from './decode/measurement.js';
import { decodeUpdatesStatus } from './decode/updates-status.js';
import { changeRecord } from './save-record.js';
import type { ClientContext, ClientState } from './state.js';

export const RECONNECT_TEXT = 'unexpected connection request. please reconnect';
export const UNKNOWN_REQUEST_TEXT = 'unknown request';
const RESULT = 'cmd_result';
/** What a packet can hold: both streams at their usual bound of 4 MiB, as JSON. Spec 04 §11.6. */
const LARGEST_RESULT = 32 * 1024 * 1024;
/** Names of requests come from agents and end in the log. */
const LONGEST_LOGGED = 64;

/** Text for a request above `server.max_request_bytes_client`. Spec 01 §6.1. */
export const tooLargeText = (limit: number, actual: number): string =>
  `request data exceeds the limit of ${limit} bytes, actual size: ${actual}`;

export function agentRequest(ctx: ClientContext, state: ClientState, request: AgentRequest): void {
  const { name, payload, answer } = request;
  const { deps, connection, id } = state;
  state.connection.served(request);
  const limit =
    name === RESULT
      ? Math.max(deps.server.maxRequestBytesClient, LARGEST_RESULT)
      : deps.server.maxRequestBytesClient;
  if (payload.length > limit) {
    const text = tooLargeText(limit, payload.length);
    deps.log.error(`client ${id}: ${printable(name)}: ${text}`);
    answer?.(false, text);
    return;
  }
  if (name === 'new_connection') {
    deps.log.info(`client ${id}: ${RECONNECT_TEXT}`);
    answer?.(false, RECONNECT_TEXT);
    connection.session.close(REPLY_GRACE);
    state.closing = true;
    state.endCause ??= 'closed_by_server';
    ctx.stopSelf();
    return;
  }
  if (name === 'ping') {
    answer?.(true);
    heartbeat(ctx, state);
    return;
  }
  // The others come after the reply to `new_connection`; who cannot wait for it has said nothing.
  if (!connection.connected || !report(ctx, state, name, payload)) {
    deps.log.debug(`client ${id}: unknown request ${printable(name)}`);
    answer?.(false, UNKNOWN_REQUEST_TEXT);
    return;
  }
  answer?.(true);
}

/** The agent is alive. Kept in memory only. */
export function heartbeat(ctx: ClientContext, state: ClientState): void {
  const now = ctx.clock.now();
  state.connection.lastHeartbeat = now;
  if (state.connection.connected) state.deps.records.heartbeat(state.id, instant(now));
}

/** False: no request of that name is known. What cannot be decoded is logged and dropped. */
function report(ctx: ClientContext, state: ClientState, name: string, payload: Buffer): boolean {
  const { deps, id } = state;
  const now = ctx.clock.now();
  try {
    switch (name) {
      case 'updates_status':
        changeRecord(ctx, state, { updatesStatus: decodeUpdatesStatus(payload) });
        return true;
      case 'ip_addresses':
        changeRecord(ctx, state, { extIpAddresses: decodeIpAddresses(payload, instant(now)) });
        return true;
      case 'save_measurement':
        if (!deps.monitoring.enabled)
          deps.log.error(`client ${id}: measurement dropped, monitoring is disabled`);
        else
          deps.store.measurements.append(
            decodeMeasurement(payload, id, now, deps.server.maxRequestBytesClient),
          );
        return true;
      case RESULT:
        commandResult(ctx, state, payload);
        return true;
      default:
        return false;
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    deps.log.error(`client ${id}: ${name}: ${error.message}`);
    return true;
  }
}

const printable = (name: string): string => JSON.stringify(name.slice(0, LONGEST_LOGGED));
