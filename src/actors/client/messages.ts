/** What a connected client's actor understands. Everything here crosses threads. */

import type { Restrictions } from '../../auth/restrictions/check-tunnel.js';
import type { ClientAttributes } from '../../clients/attributes.js';
import type { ClientId, TunnelId } from '../../ids.js';
import type { JobOrder } from '../../jobs/job.js';
import type { Milliseconds } from '../../time.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import { askActor } from '../ask.js';
import type { ActorRef, ActorSystem } from '../runtime/types.js';

export const CLIENT_KIND = 'client';
export const clientRef = (id: ClientId): ActorRef => ({ kind: CLIENT_KIND, id });

/** `pending`: it is not over yet, ask again. `failed`: with the text for API callers. */
export type UploadReply =
  | { readonly state: 'pending' }
  | { readonly state: 'failed'; readonly message: string }
  | {
      readonly state: 'done';
      readonly filepath: string;
      readonly size: number;
      readonly message: string;
      readonly status: 'success' | 'ignored';
    };

/** Name of each request with what it carries and what it answers. */
export interface ClientRequests {
  /** Starts a tunnel after the checks of spec 05 §3.3 steps 10 to 22. */
  'create-tunnel': {
    readonly request: { readonly remote: Remote; readonly checkPort: boolean };
    readonly reply: TunnelRecord;
  };
  /** `onlyOf`: 403 unless the tunnel is this user's. */
  'delete-tunnel': {
    readonly request: { readonly id: TunnelId; readonly force: boolean; readonly onlyOf?: string };
    readonly reply: null;
  };
  /** `acl` as typed; empty or null lets everybody in. 400 when `restrictions`, of the caller, forbid such a tunnel. */
  'set-tunnel-acl': {
    readonly request: {
      readonly id: TunnelId;
      readonly acl: string | null;
      readonly restrictions: Restrictions;
    };
    readonly reply: null;
  };
  /** Its stored tunnels have changed. Replied when what is to be open has been tried. */
  'stored-tunnels-changed': { readonly request: object; readonly reply: null };
  /**
   * Has the agent fetch a file, after those before it. Asking again for the same `id` waits for the same transfer.
   * A refusal of the agent is a reply as well. Spec 04 §16.6.
   */
  upload: {
    readonly request: {
      readonly id: string;
      /** The one file the agent may read meanwhile, by this name. */
      readonly path: string;
      /** Bytes. */
      readonly size: number;
      /** JSON for the agent. */
      readonly request: string;
    };
    readonly reply: UploadReply;
  };
  /** Who may access the client. Only the registrar asks, which knows who owns the record. */
  'set-access': {
    readonly request: { readonly allowedUserGroups: readonly string[] };
    readonly reply: null;
  };
  /** The agent looks for updates again. 500 when it fails to, or cannot be asked. */
  'refresh-updates': { readonly request: object; readonly reply: null };
  /** Asks the agent to keep them; 409 when it will not. */
  'set-attributes': { readonly request: { readonly attributes: ClientAttributes }; readonly reply: null };
  /**
   * Starts a job; replies when it is stored as running, with `durable` when that would survive a power loss. Refuses
   * with 409 what the agent refuses, with 500 what failed on the way. `outputWindow`: bytes of each stream that may wait
   * for the listener, when there is one.
   */
  'run-job': {
    readonly request: { readonly order: JobOrder; readonly durable: boolean; readonly outputWindow?: number };
    readonly reply: null;
  };
  /** Closes the connection (take-over by a new session, deletion of credentials). */
  'close-connection': { readonly request: { readonly reason: string }; readonly reply: null };
}

export type ClientRequestName = keyof ClientRequests;

export type ClientMessage = {
  [Name in ClientRequestName]: { readonly type: Name } & ClientRequests[Name]['request'];
}[ClientRequestName];

/** From the status check of the same shard: ping the agent. Replied when the outcome has been acted on. */
export interface ProbeMessage {
  readonly type: 'probe';
  readonly attempt: string;
}

/** Asks the client's actor, wherever it runs. Throws `AppError`; 404 when the client is not connected. */
export async function askClient<Name extends ClientRequestName>(
  system: ActorSystem,
  id: ClientId,
  message: { readonly type: Name } & ClientRequests[Name]['request'],
  timeoutMs: Milliseconds,
): Promise<ClientRequests[Name]['reply']> {
  return askActor(system, clientRef(id), message, timeoutMs, `client with id ${id} not found`);
}
