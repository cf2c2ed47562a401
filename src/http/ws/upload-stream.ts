/** One reader of `/ws/uploads`: what became of uploads since it came, on clients it may access. Spec 04 §13. */

import { jsonText } from '../../go/json-text.js';
import type { ClientId } from '../../ids.js';
import { UPLOADS_TOPIC, type UploadResult } from '../../uploads/upload.js';
import type { ApiContext } from '../context.js';
import { type ApiSocket, closeCodes, type SocketHandlers } from './websocket-route.js';

/** Results a reader may be behind, some 300 bytes each; a fleet has as many with one file. */
const MOST_WAITING = 50_000;

/** Made once for all readers of a thread. */
const texts = new WeakMap<UploadResult, string>();

export class UploadStream implements SocketHandlers {
  readonly #socket: ApiSocket;
  readonly #deps: Pick<ApiContext, 'clients' | 'store'>;
  readonly #unsubscribe: () => void;
  #waiting: string[] = [];
  #blocked = false;

  constructor(socket: ApiSocket, deps: Pick<ApiContext, 'actors' | 'clients' | 'store'>) {
    this.#socket = socket;
    this.#deps = deps;
    this.#unsubscribe = deps.actors.subscribe(UPLOADS_TOPIC, (result) => this.#tell(result as UploadResult));
  }

  onDrain(): void {
    this.#blocked = false;
    let sent = 0;
    while (!this.#blocked && sent < this.#waiting.length) {
      this.#blocked = !this.#socket.send(this.#waiting[sent] ?? '');
      sent += 1;
    }
    this.#waiting.splice(0, sent);
  }

  onClose(): void {
    this.#unsubscribe();
    this.#waiting = [];
  }

  #tell(result: UploadResult): void {
    if (!this.#mayKnow(result.client_id)) return;
    if (!this.#blocked) {
      this.#blocked = !this.#socket.send(textOf(result));
      return;
    }
    this.#waiting.push(textOf(result));
    if (this.#waiting.length > MOST_WAITING) this.#socket.close(closeCodes.tooSlow, 'too slow');
  }

  #mayKnow(id: ClientId): boolean {
    const { principal } = this.#socket;
    if (principal.admin) return true;
    const { clients, store } = this.#deps;
    if (clients.get(id) === undefined) {
      // News of the client itself come by another way, and may be a moment behind.
      const record = store.clients.get(id);
      if (record !== undefined) clients.apply({ type: 'saved', record });
    }
    return clients.canAccess(id, principal);
  }
}

function textOf(result: UploadResult): string {
  const known = texts.get(result);
  if (known !== undefined) return known;
  const { client_id, uuid, filepath, size, message, status } = result;
  const text = `${jsonText({ client_id, uuid, filepath, size, message, status })}\n`;
  texts.set(result, text);
  return text;
}
