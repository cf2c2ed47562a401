/** The lines written about finished HTTP requests of one shard. Spec 07 §7. */

import type { Config } from '../config/types.js';
import type { FinishedRequest } from '../http/call.js';
import { formatAccessLine } from '../logging/access-line.js';
import { type LogWriter, openLogWriter } from '../logging/log-writer.js';
import type { Logger } from '../logging/logger.js';
import { logRequest } from '../logging/request-line.js';

export interface RequestLogs {
  readonly api: (finished: FinishedRequest) => void;
  close(): void;
}

/** Throws when the access log cannot be opened. Every shard appends to the same file, line by line. */
export function openRequestLogs(config: Config, log: Logger): RequestLogs {
  const { accessLogFile } = config.api;
  const access: LogWriter | null = accessLogFile === '' ? null : openLogWriter(accessLogFile);
  return {
    api(finished) {
      const { request, status, bytes, duration } = finished;
      logRequest(log, request, { status, duration, size: bytes });
      if (access === null || finished.route === null) return;
      access.write(
        formatAccessLine({
          ip: request.remoteAddress,
          at: request.receivedAt,
          method: request.method,
          uri: request.rawQuery === '' ? request.path : `${request.path}?${request.rawQuery}`,
          status,
          size: bytes,
          referer: request.header('referer'),
          userAgent: request.header('user-agent'),
        }),
      );
    },
    close: () => void access?.close(),
  };
}
