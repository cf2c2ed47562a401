import type { Config } from '../config/types.js';

/** What applies to requests without a time-out. The reference takes any number; below 1 nothing could run. */
export const defaultTimeout = ({ server }: Pick<Config, 'server'>): number =>
  server.runRemoteCmdTimeoutSec > 0 ? server.runRemoteCmdTimeoutSec : FALLBACK_TIMEOUT;

const FALLBACK_TIMEOUT = 60;
