/** An agent whose WebSocket messages are cut as a test wants: message borders carry no meaning. Spec 01 §3. */

import { WebSocket } from 'ws';
import { joinAsAgent } from '../../src/protocol/join-as-agent.js';
import type { Session } from '../../src/protocol/session-core.js';
import { systemClock } from '../../src/time.js';

export interface WsStreamOptions {
  readonly port: number;
  readonly auth: string;
  /** Sends `bytes` on the open WebSocket, in whatever pieces. */
  readonly send: (ws: WebSocket, bytes: Buffer) => void;
}

/** Logs in; rejects with the cause of a refusal. */
export const joinInPieces = ({ port, auth, send }: WsStreamOptions): Promise<Session> =>
  new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/any/path?x=1`, 'rport-v1', { perMessageDeflate: false });
    const colon = auth.indexOf(':');
    ws.on('error', reject);
    ws.on('open', () => {
      const handlers = joinAsAgent({
        socket: {
          remoteAddress: '127.0.0.1',
          send(bytes) {
            if (ws.readyState === WebSocket.OPEN) send(ws, Buffer.from(bytes));
            return true;
          },
          bufferedBytes: () => ws.bufferedAmount,
          cork: (work) => work(),
          close: () => ws.terminate(),
        },
        authId: auth.slice(0, colon),
        password: auth.slice(colon + 1),
        fingerprint: '',
        clock: systemClock,
        onJoined: resolve,
        onEnd: (cause, joined) => joined || reject(new Error(cause)),
        onError: reject,
      });
      ws.on('message', (data: Buffer) => handlers.onBytes(Buffer.from(data)));
      ws.on('close', () => handlers.onClose());
    });
  });
