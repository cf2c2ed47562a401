/** Two SSH transports joined in memory. Bytes travel when `run` is called, cut as the test wants. */

import { createHostKey, type HostKey } from '../../src/protocol/host-key.js';
import type { OfferChoice } from '../../src/protocol/ssh/algorithms.js';
import { SshTransport } from '../../src/protocol/ssh/transport.js';

export const testHostKey: HostKey = createHostKey('test');

export interface TransportEnd {
  readonly transport: SshTransport;
  readonly received: Buffer[];
  readonly written: Buffer[];
  ready: boolean;
  end: string | null;
}

export interface TransportPair {
  readonly server: TransportEnd;
  readonly client: TransportEnd;
  /** Carries bytes both ways until nothing is left. `cut` splits each message. */
  run(cut?: (bytes: Buffer) => Buffer[]): void;
}

export interface PairOptions {
  readonly server?: OfferChoice;
  readonly client?: OfferChoice;
  readonly verifyHost?: (blob: Buffer) => boolean;
  readonly clientIdent?: string;
}

export const whole = (bytes: Buffer): Buffer[] => [bytes];

export const byteWise = (bytes: Buffer): Buffer[] =>
  Array.from({ length: bytes.length }, (_, at) => Buffer.from(bytes.subarray(at, at + 1)));

export const cutAt =
  (size: number) =>
  (bytes: Buffer): Buffer[] => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(Buffer.from(bytes.subarray(at, at + size)));
    return pieces;
  };

export const transportPair = (options: PairOptions = {}): TransportPair => {
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  const make = (role: 'server' | 'client', out: Buffer[]): TransportEnd => {
    const received: Buffer[] = [];
    const written: Buffer[] = [];
    const end: TransportEnd = {
      received,
      written,
      ready: false,
      end: null,
      transport: new SshTransport({
        ...(role === 'server'
          ? { role, hostKey: testHostKey }
          : { role, verifyHost: options.verifyHost ?? (() => true) }),
        ...(options[role] === undefined ? {} : { offer: options[role] }),
        ...(role === 'client' && options.clientIdent !== undefined ? { ident: options.clientIdent } : {}),
        write: (bytes) => {
          const copy = Buffer.from(bytes);
          written.push(copy);
          out.push(Buffer.from(copy));
        },
        onReady: () => {
          end.ready = true;
        },
        onMessage: (payload) => received.push(payload),
        onEnd: (cause) => {
          end.end = cause;
        },
      }),
    };
    return end;
  };
  const server = make('server', toClient);
  const client = make('client', toServer);
  return {
    server,
    client,
    run(cut = whole) {
      while (toServer.length + toClient.length > 0) {
        for (const bytes of toServer.splice(0))
          for (const piece of cut(bytes)) server.transport.receive(piece);
        for (const bytes of toClient.splice(0))
          for (const piece of cut(bytes)) client.transport.receive(piece);
      }
    },
  };
};

/** A pair whose first key exchange is done and whose ends trust each other. */
export const readyPair = (options: PairOptions = {}): TransportPair => {
  const pair = transportPair(options);
  pair.server.transport.start();
  pair.client.transport.start();
  pair.run();
  pair.server.transport.trustPeer();
  pair.client.transport.trustPeer();
  return pair;
};
