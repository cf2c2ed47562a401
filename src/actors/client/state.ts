/** What a client's actor owns, and the messages it sends itself. */

import type { ClientAttributes } from '../../clients/attributes.js';
import type { ClientRecord } from '../../clients/record.js';
import type { ConnectionEnd, TunnelEnd } from '../../events/event-types.js';
import type { ClientId, TunnelId } from '../../ids.js';
import type { Answer, RequestReply } from '../../protocol/session.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import type { ClientJobs, JobMessage, OutputMessage } from '../job/state.js';
import type { ActorContext, Sender } from '../runtime/types.js';
import type { TunnelList } from '../tunnel/list.js';
import type { TunnelEvent } from '../tunnel/messages.js';
import type { StoredTunnelsSynced } from '../tunnel/stored.js';
import type { AgentRequest, Connection } from './connection.js';
import type { ConnectionRequest } from './decode/connection-request.js';
import type { ClientDeps } from './dependencies.js';
import type { ClientMessage, ClientRequests, ProbeMessage } from './messages.js';
import type { StoredSync } from './stored-tunnels.js';
import type { TransferEvent, Transfers } from './uploads.js';

/** Handed over at spawn. */
export interface ClientArgs {
  readonly deps: ClientDeps;
  readonly id: ClientId;
  readonly connection: Connection;
  readonly request: ConnectionRequest;
  /** Of `new_connection`; `null` when the agent wants no reply. */
  readonly answer: Answer | null;
  /** Record of the connection this one takes over; `null`: ask the store. */
  readonly takenOver: ClientRecord | null;
  readonly lastTunnelId: number;
}

export interface WaitingCreate {
  readonly message: ClientRequests['create-tunnel']['request'];
  readonly sender: Sender;
}

export interface ClientState {
  readonly deps: ClientDeps;
  readonly id: ClientId;
  readonly connection: Connection;
  readonly tunnels: TunnelList;
  readonly stored: StoredSync;
  /** Resolves when the first save is decided; `null` until everything the connection asked for has started. */
  firstSave: Promise<void> | null;
  /** There is a stored record, and it says connected. */
  committed: boolean;
  /** What has changed since the last write. The rest of the record stays in the store, not in memory. */
  changes: Partial<ClientRecord> | null;
  /** Why tunnels have ended that nobody has been told of yet; users have deleted the others. */
  readonly tunnelEnds: Map<TunnelId, TunnelEnd>;
  /** Why the connection ends; `null` as long as nobody but the server itself ends it. */
  endCause: ConnectionEnd | null;
  /** The write under way; never rejects. */
  writing: Promise<void> | null;
  /** API requests whose change is not on disk yet. */
  awaitingDisk: ((error: Error | null) => void)[];
  readonly jobs: ClientJobs;
  creating: boolean;
  readonly creates: WaitingCreate[];
  readonly transfers: Transfers;
  /** The end of the session is already under way, with time for the last reply to drain. */
  closing: boolean;
}

export interface Connected {
  /** For the reply. */
  readonly remotes: readonly Remote[];
  /** Nothing is known of the updates of this client. */
  readonly needsUpdates: boolean;
}

export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Error };

export type OwnMessage =
  | { readonly type: 'agent-request'; readonly attempt: string; readonly request: AgentRequest }
  | { readonly type: 'session-closed'; readonly attempt: string; readonly cause: string }
  | {
      readonly type: 'connect-done';
      readonly outcome: Outcome<Connected>;
      readonly answer: Answer | null;
    }
  | { readonly type: 'ask-updates' }
  | { readonly type: 'retry-stored-tunnels' }
  | { readonly type: 'stored-tunnels-synced'; readonly outcome: Outcome<StoredTunnelsSynced> }
  | { readonly type: 'nothing' }
  | {
      readonly type: 'saved';
      readonly error: Error | null;
      readonly changes: Partial<ClientRecord>;
      readonly done: readonly ((error: Error | null) => void)[];
    }
  | { readonly type: 'probed'; readonly outcome: Outcome<RequestReply>; readonly sender: Sender }
  | { readonly type: 'refreshed'; readonly outcome: Outcome<RequestReply>; readonly sender: Sender }
  | {
      readonly type: 'attributes-set';
      readonly outcome: Outcome<RequestReply>;
      readonly attributes: ClientAttributes;
      readonly sender: Sender;
    }
  | { readonly type: 'created'; readonly outcome: Outcome<TunnelRecord>; readonly sender: Sender }
  | { readonly type: 'changed'; readonly outcome: Outcome<void>; readonly sender: Sender };

export type AnyClientMessage =
  | ClientMessage
  | ProbeMessage
  | TunnelEvent
  | TransferEvent
  | OwnMessage
  | JobMessage
  | OutputMessage;
export type ClientContext = ActorContext<AnyClientMessage>;
