/** Events on their way: what actors say has happened, and the form in which it travels between threads. */

import type { ClientRecord } from '../clients/record.js';
import { goInstant } from '../go/instant.js';
import { jsonText } from '../go/json-text.js';
import type { ClientId } from '../ids.js';
import type { JobRow } from '../jobs/job.js';
import type { Instant } from '../time.js';
import type { TunnelRecord } from '../tunnels/remote.js';
import { tunnelToJson } from '../tunnels/remote-json.js';
import type { UploadResult } from '../uploads/upload.js';
import type { ConnectionEnd, EventType, TunnelEnd } from './event-types.js';

/** What has happened to a client. */
export type Happening =
  | { readonly type: 'client.connected'; readonly resumed: boolean }
  | { readonly type: 'client.disconnected'; readonly cause: ConnectionEnd }
  | { readonly type: 'tunnel.opened'; readonly tunnel: TunnelRecord; readonly atConnect: boolean }
  | { readonly type: 'tunnel.closed'; readonly tunnel: TunnelRecord; readonly cause: TunnelEnd }
  | { readonly type: 'job.started' | 'job.finished'; readonly job: JobRow }
  | { readonly type: 'upload.finished'; readonly result: UploadResult };

/** The parts of a record an event shows or is judged by. */
export type EventClient = Pick<
  ClientRecord,
  'id' | 'name' | 'hostname' | 'address' | 'version' | 'connectedAt' | 'allowedUserGroups'
>;

/** Plain data. */
export interface StreamEvent {
  readonly id: string;
  readonly type: EventType;
  readonly clientId: ClientId;
  /** Of the connection it belongs to: tells whether somebody's view of the client is older. */
  readonly connectedAt: Instant | null;
  /** For when the client is gone by the time somebody asks who may hear of it. */
  readonly allowedUserGroups: readonly string[] | null;
  /** Webhooks that have it in their queue. */
  readonly webhooks: readonly string[];
  /** The complete JSON. */
  readonly text: string;
}

/** The JSON of an event. */
export function eventText(id: string, time: Instant, client: EventClient, happening: Happening): string {
  return jsonText({
    id,
    type: happening.type,
    time,
    client_id: client.id,
    client_name: client.name,
    client_hostname: client.hostname,
    payload: payloadOf(client, happening),
  });
}

function payloadOf(client: EventClient, happening: Happening): object {
  switch (happening.type) {
    case 'client.connected':
      return { address: client.address, version: client.version, resumed: happening.resumed };
    case 'client.disconnected':
      return { cause: happening.cause, connected_at: client.connectedAt };
    case 'tunnel.opened':
      return { tunnel: shownTunnel(happening.tunnel), at_connect: happening.atConnect };
    case 'tunnel.closed':
      return { tunnel: shownTunnel(happening.tunnel), cause: happening.cause };
    case 'job.started':
      return shownJob(happening.job);
    case 'job.finished':
      return { ...shownJob(happening.job), status: happening.job.status };
    case 'upload.finished': {
      const { uuid, filepath, size, message, status } = happening.result;
      return { uuid, filepath, size, message, status };
    }
  }
}

function shownTunnel(record: TunnelRecord): object {
  const { auth_password: _secret, ...shown } = tunnelToJson(record);
  return { ...shown, created_at: goInstant(record.createdAt) };
}

/** Neither command nor output nor error, which may repeat the command: whoever may see them asks for the job. */
function shownJob({ jid, multiJobId, scheduleId, createdBy, isScript }: JobRow): object {
  return {
    jid,
    multi_job_id: multiJobId,
    schedule_id: scheduleId,
    created_by: createdBy,
    is_script: isScript,
  };
}

/** A client's tunnels are gone, then itself. */
export function endOfConnection(record: ClientRecord, cause: ConnectionEnd): Happening[] {
  return [
    ...record.tunnels.map((tunnel): Happening => ({ type: 'tunnel.closed', tunnel, cause })),
    { type: 'client.disconnected', cause },
  ];
}
