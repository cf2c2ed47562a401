/** Answers of the agent listener to requests that do not become agent connections. Spec 01 §2. */

import { STATUS_CODES } from 'node:http';
import type { EngineRequest, EngineResponse } from '../http/engine.js';
import type { Logger } from '../logging/logger.js';
import { logRequest } from '../logging/request-line.js';
import type { Clock } from '../time.js';

type Headers = readonly (readonly [string, string])[];

/** Writes the access line of one request once it is known how it ended. */
export type AccessLog = (status: number, size: number) => void;

export const accessLog = (request: EngineRequest, log: Logger, clock: Clock): AccessLog => {
  let written = false;
  return (status, size) => {
    if (written) return;
    written = true;
    logRequest(log, request, { status, duration: clock.now() - request.receivedAt, size });
  };
};

/** Text in the form of Go's `http.Error`: a line break at the end, types not to be guessed. */
export const answerText = (
  response: EngineResponse,
  access: AccessLog,
  status: number,
  text: string,
  more: Headers = [],
): void => {
  const headers: Headers = [
    ...more,
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  response.send(status, headers, `${text}\n`);
  access(status, text.length + 1);
};

/** A status without a body. */
export const answerEmpty = (response: EngineResponse, access: AccessLog, status: number): void => {
  response.send(status, []);
  access(status, 0);
};

/** A refused WebSocket upgrade. */
export const answerBadUpgrade = (response: EngineResponse, access: AccessLog, status: number): void =>
  answerText(response, access, status, STATUS_CODES[status] ?? '', [['Sec-Websocket-Version', '13']]);
