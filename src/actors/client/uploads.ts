/**
 * Files the agent is asked to fetch, one after the other: it answers nothing else meanwhile, and may read a file
 * only as long as it is its turn. Spec 04 §16.6 to §17.
 */

import { AppError } from '../../errors.js';
import type { RequestReply } from '../../protocol/session.js';
import type { ServeFiles } from '../../protocol/sftp/serve-files.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import { DecodeError, parseObject } from './decode/go-json.js';
import { FileChannels } from './file-channels.js';
import type { ClientRequests, UploadReply } from './messages.js';
import type { ClientContext, ClientState, Outcome } from './state.js';

/** Whoever asks hears something in this time. */
export const UPLOAD_NEWS_WITHIN: Milliseconds = 10 * 60_000;

/** Files that wait for one agent. */
const MOST_WAITING = 64;
/** For everything an agent does besides the transfer: a checksum and a copy of a large file on a slow disk. */
const BASE_TIMEOUT: Milliseconds = 30 * 60_000;
/** Bytes per millisecond: slower agents (16 kB/s) are given up. The API listener demands as much of callers. */
const SLOWEST_RATE = 16;
/** Of an agent's text (characters). */
const LONGEST_TEXT = 4096;
const NOT_SUPPORTED =
  "client doens't support uploads, please upgrade client to the latest version to make it work";

interface Transfer {
  readonly message: ClientRequests['upload']['request'];
  /** Who waits for the outcome; `null` between two asks. */
  sender: Sender | null;
  /** Counts the asks. */
  asked: number;
  outcome: UploadReply | null;
}

export interface Transfers {
  readonly channels: FileChannels;
  /** By id of the upload, in order; done ones until somebody asks. */
  readonly byId: Map<string, Transfer>;
  running: string | null;
}

export type TransferEvent =
  | { readonly type: 'transfer-news'; readonly id: string; readonly asked: number }
  | { readonly type: 'transferred'; readonly id: string; readonly outcome: Outcome<RequestReply> };

export function newTransfers(serve: ServeFiles): Transfers {
  return { channels: new FileChannels(serve), byId: new Map(), running: null };
}

export function upload(
  ctx: ClientContext,
  state: ClientState,
  message: ClientRequests['upload']['request'],
  sender: Sender,
): void {
  const { byId } = state.transfers;
  const known = byId.get(message.id);
  if (known?.outcome) {
    byId.delete(message.id);
    sender.reply(known.outcome);
    return;
  }
  if (known === undefined && byId.size >= MOST_WAITING) {
    refuse(sender, new AppError('overloaded', { title: 'too many files are waiting for the client' }));
    return;
  }
  const transfer = known ?? { message, sender, asked: 0, outcome: null };
  byId.set(message.id, transfer);
  transfer.sender = sender;
  transfer.asked += 1;
  ctx.schedule(UPLOAD_NEWS_WITHIN, { type: 'transfer-news', id: message.id, asked: transfer.asked });
  startNext(ctx, state);
}

/** Time to tell whoever asked that it is not over. */
export function transferNews(
  { transfers }: ClientState,
  { id, asked }: Extract<TransferEvent, { type: 'transfer-news' }>,
): void {
  const transfer = transfers.byId.get(id);
  if (transfer === undefined || transfer.asked !== asked) return;
  const pending: UploadReply = { state: 'pending' };
  transfer.sender?.reply(pending);
  transfer.sender = null;
}

export function transferred(
  ctx: ClientContext,
  state: ClientState,
  { id, outcome }: Extract<TransferEvent, { type: 'transferred' }>,
): void {
  const { transfers } = state;
  transfers.running = null;
  transfers.channels.revoke();
  const transfer = transfers.byId.get(id);
  if (transfer !== undefined) {
    transfer.outcome = replyOf(outcome);
    if (transfer.sender !== null) {
      transfer.sender.reply(transfer.outcome);
      transfers.byId.delete(id);
    }
  }
  startNext(ctx, state);
}

function startNext(ctx: ClientContext, { transfers, connection }: ClientState): void {
  if (transfers.running !== null) return;
  for (const [id, { message, outcome }] of transfers.byId) {
    if (outcome !== null) continue;
    transfers.running = id;
    transfers.channels.allow(message.path);
    const timeout = BASE_TIMEOUT + message.size / SLOWEST_RATE;
    ctx.pipeToSelf(connection.session.request('upload', message.request, timeout), (result) => ({
      type: 'transferred',
      id,
      outcome: result,
    }));
    return;
  }
}

function replyOf(outcome: Outcome<RequestReply>): UploadReply {
  if (!outcome.ok) return failed(`failed to send request: ${sendFailure(outcome.error)}`);
  const { ok, payload } = outcome.value;
  if (!ok) {
    const text = payload.toString('utf8', 0, LONGEST_TEXT);
    return failed(text === 'unknown request' ? NOT_SUPPORTED : `client error: ${text}`);
  }
  try {
    const sent = parseObject(payload);
    const status = sent.text('status');
    if (status !== 'success' && status !== 'ignored') throw new DecodeError('unknown status');
    const [filepath, size, message] = [sent.text('filepath'), sent.count('size'), sent.text('message')];
    return { state: 'done', filepath, size, message, status };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const what = 'invalid client response format: failed to decode response into *models.UploadResponse';
    return failed(`${what}: ${error.message}`);
  }
}

/** Go says `EOF` of a connection that ends. */
const sendFailure = (error: Error): string =>
  'code' in error && error.code === 'closed' ? 'EOF' : error.message;

const failed = (message: string): UploadReply => ({ state: 'failed', message });
