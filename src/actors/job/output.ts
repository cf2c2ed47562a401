/**
 * Output of running jobs: channels the agent opens, one for each stream. What comes is passed on to the multi-job at
 * once; the agent gets room for more as its listener takes it, so what waits anywhere is bounded by the windows, and
 * the agent's other traffic goes on. Spec 04 §11.2.
 */

import { StringDecoder } from 'node:string_decoder';
import { jobId } from '../../ids.js';
import type { JobOrder } from '../../jobs/job.js';
import type { AgentChannel, ChannelHandlers, IncomingChannel } from '../../protocol/session.js';
import type { ClientContext, ClientState } from '../client/state.js';
import { type MultiJobMessage, multiJobRef, type StreamName } from '../multi-job/messages.js';
import type { ActorSystem } from '../runtime/types.js';
import { dropWhenDone } from './run.js';
import type { OutputMessage } from './state.js';

/** Reasons of SSH_MSG_CHANNEL_OPEN_FAILURE. */
const PROHIBITED = 1;

export class OutputChannel implements ChannelHandlers {
  readonly #decoder = new StringDecoder('utf8');
  #channel: AgentChannel | null = null;
  /** Passed on and not taken. */
  #outstanding = 0;
  #released = false;

  constructor(
    private readonly system: ActorSystem,
    private readonly order: JobOrder,
    private readonly stream: StreamName,
    private readonly closed: () => void,
  ) {}

  opened(channel: AgentChannel): void {
    this.#channel = channel;
  }

  onData(chunk: Buffer): void {
    if (!this.#released && this.#hasListener()) this.#pass(this.#decoder.write(chunk), chunk.length);
    else this.#channel?.consumed(chunk.length);
  }

  onDrain(): void {
    // Nothing is ever written.
  }

  onClose(): void {
    const rest = this.#decoder.end();
    if (rest !== '' && !this.#released && this.#hasListener()) this.#pass(rest, 0);
    this.closed();
  }

  /** The listener has taken this much. */
  taken(bytes: number): void {
    const credit = Math.min(bytes, this.#outstanding);
    this.#outstanding -= credit;
    this.#channel?.consumed(credit);
  }

  /** Reads and drops from now on. */
  release(): void {
    this.#released = true;
    this.taken(this.#outstanding);
  }

  /** Its listener may be gone. */
  check(): void {
    if (!this.#hasListener()) this.release();
  }

  #hasListener(): boolean {
    const { multiJobId } = this.order;
    return multiJobId !== null && this.system.locate(multiJobRef(multiJobId)) !== undefined;
  }

  #pass(text: string, bytes: number): void {
    const { jid, clientId, clientName, multiJobId } = this.order;
    if (multiJobId === null) return;
    this.#outstanding += bytes;
    const message: MultiJobMessage = {
      type: 'partial',
      jid,
      clientId,
      clientName,
      stream: this.stream,
      text,
      bytes,
    };
    this.system.tell(multiJobRef(multiJobId), message);
  }
}

/**
 * Accepts the two streams of a job that was sent to be streamed, each once, and refuses everything else. The agent does
 * not answer `run_cmd` before.
 */
export function outputOpened(
  ctx: ClientContext,
  state: ClientState,
  stream: StreamName,
  incoming: IncomingChannel,
): void {
  const job = state.jobs.active.get(jobId(idOf(incoming.data)));
  if (job === undefined || !job.order.stream || job.channels.has(stream)) {
    incoming.refuse(PROHIBITED, 'no such job is running');
    return;
  }
  const { order } = job;
  const channel = new OutputChannel(ctx.system, order, stream, () => {
    job.channels.delete(stream);
    dropWhenDone(state, order.jid);
  });
  job.channels.set(stream, channel);
  channel.opened(incoming.accept(channel, job.outputWindow));
}

export function outputMessage(state: ClientState, message: OutputMessage): void {
  const { active } = state.jobs;
  switch (message.type) {
    case 'output-taken':
      active.get(message.jid)?.channels.get(message.stream)?.taken(message.bytes);
      return;
    case 'output-released':
      for (const channel of active.get(message.jid)?.channels.values() ?? []) channel.release();
      return;
    case 'outputs-orphaned':
      for (const { channels } of active.values()) for (const channel of channels.values()) channel.check();
      return;
  }
}

/** Longest beginning looked at: the id is the first key that agents send back. */
const HEAD_BYTES = 256 * 1024 + 4096;

function idOf(data: Buffer): string {
  if (data.length > HEAD_BYTES) return '';
  try {
    const job: unknown = JSON.parse(data.toString('utf8'));
    const id = typeof job === 'object' && job !== null && 'jid' in job ? job.jid : '';
    return typeof id === 'string' ? id : '';
  } catch {
    return '';
  }
}
