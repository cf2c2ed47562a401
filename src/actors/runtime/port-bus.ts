import type { MessagePort } from 'node:worker_threads';
import type { Bus, BusReceiver, Frame } from './bus.js';
import type { Log } from './types.js';

interface Peer {
  readonly port: MessagePort;
  outgoing: Frame[];
  /** Resolves `connect`. */
  readonly greeted: () => void;
}

/**
 * The bus over one `MessagePort` per pair of threads. Frames of one turn of the event loop go out as one message.
 * The ports do not keep the thread alive.
 */
export class PortBus implements Bus {
  readonly #peers = new Map<number, Peer>();
  #receiver: BusReceiver | null = null;
  #flushDue = false;

  constructor(private readonly log: Log) {}

  attach(receiver: BusReceiver): void {
    this.#receiver = receiver;
  }

  /**
   * Takes a port to another thread; the actor system must be there already. Resolves when the other side's
   * directory has arrived, or when that thread is gone. Replaces an earlier port to that thread.
   */
  connect(thread: number, port: MessagePort): Promise<void> {
    this.disconnect(thread);
    return new Promise((resolve) => {
      const peer: Peer = { port, outgoing: [], greeted: resolve };
      this.#peers.set(thread, peer);
      port.on('message', (batch: readonly Frame[]) => this.#receive(thread, batch, peer));
      port.on('messageerror', (error) => {
        this.log.error(`bus: a batch from thread ${thread} could not be read: ${error.message}`);
      });
      port.on('close', () => this.#lose(thread, peer));
      port.unref();
      // Sent even when empty: its arrival is what resolves `connect` over there.
      port.postMessage(this.#receiver?.greeting() ?? []);
    });
  }

  /** Closes the port to a thread; it is lost for both sides. */
  disconnect(thread: number): void {
    const peer = this.#peers.get(thread);
    if (peer === undefined) return;
    this.#post(thread, peer);
    peer.port.close();
    this.#lose(thread, peer);
  }

  /** Sends what is queued and closes every port. */
  close(): void {
    for (const thread of [...this.#peers.keys()]) this.disconnect(thread);
  }

  /** Threads connected at the moment. */
  get threads(): readonly number[] {
    return [...this.#peers.keys()];
  }

  send(toThread: number, frame: Frame): boolean {
    const peer = this.#peers.get(toThread);
    if (peer === undefined) return false;
    peer.outgoing.push(frame);
    if (!this.#flushDue) {
      this.#flushDue = true;
      setImmediate(() => this.#flush());
    }
    return true;
  }

  broadcast(frame: Frame): void {
    for (const thread of this.#peers.keys()) this.send(thread, frame);
  }

  #flush(): void {
    this.#flushDue = false;
    for (const [thread, peer] of this.#peers) this.#post(thread, peer);
  }

  #post(thread: number, peer: Peer): void {
    if (peer.outgoing.length === 0) return;
    const batch = peer.outgoing;
    peer.outgoing = [];
    try {
      peer.port.postMessage(batch);
    } catch {
      // Something in the batch cannot be cloned: find it by sending the frames one by one.
      for (const frame of batch) this.#postAlone(thread, peer, frame);
    }
  }

  #postAlone(thread: number, peer: Peer, frame: Frame): void {
    try {
      peer.port.postMessage([frame]);
    } catch (error) {
      this.#receiver?.unsendable(thread, frame, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #receive(thread: number, batch: readonly Frame[], peer: Peer): void {
    for (const frame of batch) this.#receiver?.received(thread, frame);
    peer.greeted();
  }

  #lose(thread: number, peer: Peer): void {
    if (this.#peers.get(thread) !== peer) return;
    this.#peers.delete(thread);
    this.#receiver?.lost(thread);
    peer.greeted();
  }
}
