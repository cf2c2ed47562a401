/** One WebSocket of `/ws/commands` or `/ws/scripts`: one request, then what comes of it. Spec 04 §12. */

import { isUtf8 } from 'node:buffer';
import type { JobOutputEvent, JobOutputs } from '../../actors/multi-job/output-queue.js';
import { AppError } from '../../errors.js';
import { jsonText } from '../../go/json-text.js';
import type { ApiContext } from '../context.js';
import { isUnexpected } from '../reply.js';
import { Patience } from './patience.js';
import { recordRun } from './run-audit.js';
import { type RunKind, type RunRequest, readRunRequest } from './run-request.js';
import { type ApiSocket, closeCodes, type SocketHandlers } from './websocket-route.js';

export type JobConversationDeps = Pick<
  ApiContext,
  'clients' | 'config' | 'multiJobs' | 'audit' | 'clock' | 'log'
>;

/** Bytes sent in one turn of the event loop, so that a fleet's output leaves room for others. */
const BURST = 256 * 1024;

export class JobConversation implements SocketHandlers {
  readonly #socket: ApiSocket;
  readonly #patience: Patience;
  readonly #kind: RunKind;
  readonly #remoteIp: string;
  readonly #deps: JobConversationDeps;
  /** `null`: nothing was asked for yet. */
  #request: RunRequest | null = null;
  #outputs: JobOutputs | null = null;
  #over = false;

  constructor(socket: ApiSocket, kind: RunKind, remoteIp: string, deps: JobConversationDeps) {
    this.#socket = socket;
    this.#patience = new Patience(socket, deps.clock);
    this.#kind = kind;
    this.#remoteIp = remoteIp;
    this.#deps = deps;
  }

  onMessage(text: string): void {
    if (this.#over) return;
    if (this.#request !== null) {
      // In the reference this ends those that run everywhere at once; in the others nobody reads it.
      if (this.#request.concurrent) this.#end(closeCodes.done);
      return;
    }
    try {
      this.#request = readRunRequest(text, this.#kind, this.#socket.principal, this.#deps);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    void this.#run(this.#request);
  }

  onDrain(): void {
    this.#patience.drained();
  }

  onClose(): void {
    this.#leave();
  }

  /** Never rejects. */
  async #run(request: RunRequest): Promise<void> {
    try {
      this.#outputs = await this.#start(request);
      // Gone meanwhile: nothing more is to be heard of it.
      if (this.#over) this.#outputs?.close();
      else await this.#passOn(this.#outputs);
    } catch (error) {
      if (error instanceof AppError) {
        this.#refuse(error);
        return;
      }
      this.#log(error);
      this.#end(closeCodes.internal);
    }
  }

  /** Nobody hears of a run before it is in the audit log. Throws `AppError` when it could not be stored. */
  async #start(request: RunRequest): Promise<JobOutputs | null> {
    const { multiJobs, audit } = this.#deps;
    const { targets, asked } = request;
    const { username } = this.#socket.principal;
    const started = await multiJobs
      .start({ ...request, creator: username, scheduleId: null, stream: true })
      .catch((error: Error) => {
        const title = 'Failed to persist a new multi-client job.';
        throw new AppError('internal', { title, detail: error.message, cause: error });
      });
    const application = this.#kind === 'command' ? 'client.command' : 'client.script';
    const entry = { username, remoteIp: this.#remoteIp, application, affectedId: started.id };
    await recordRun(audit, entry, targets, asked);
    return started.outputs;
  }

  async #passOn(outputs: JobOutputs | null): Promise<void> {
    let burst = 0;
    for (let event = await outputs?.next(); event && !this.#over; event = await outputs?.next()) {
      const message = messageOf(event);
      burst += message.length;
      if (!this.#socket.send(message)) {
        if (this.#over || !(await this.#patience.untilTaken())) break;
        burst = 0;
      } else if (burst > BURST) {
        await new Promise((resolve) => setImmediate(resolve));
        burst = 0;
      }
    }
    this.#end(closeCodes.done);
  }

  /** Every refusal is a message, and the last. */
  #refuse(error: unknown): void {
    if (isUnexpected(error)) this.#log(error instanceof AppError ? error.cause : error);
    const { title, detail, apiCode } = error instanceof AppError ? error : new AppError('internal');
    this.#socket.send(`${jsonText({ errors: [{ code: apiCode, title, detail }] })}\n`);
    this.#end(closeCodes.done);
  }

  #end(code: number): void {
    this.#socket.close(code);
    this.#leave();
  }

  /** Jobs go on, their results are stored; agents get rid of their output. */
  #leave(): void {
    this.#over = true;
    this.#outputs?.close();
    this.#patience.closed();
  }

  #log(error: unknown): void {
    this.#deps.log.error(
      `WebSocket: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}

/** Bytes of an agent as they are, unless a browser would close the connection over them. */
function messageOf(event: JobOutputEvent): string | Uint8Array {
  if (event.type === 'final') {
    const { body } = event;
    return typeof body === 'string' || isUtf8(body) ? body : Buffer.from(body).toString('utf8');
  }
  const { jid, clientId, clientName, stream, text } = event;
  const result = { stdout: '', stderr: '', summary: '', [stream]: text };
  return `${jsonText({ jid, client_id: clientId, client_name: clientName, result })}\n`;
}
