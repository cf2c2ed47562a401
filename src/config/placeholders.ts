/** Secrets everybody knows because they stand in example files. */

import type { DecodedConfig } from './keys.js';
import type { ConfigWarning } from './warning.js';

interface Placeholder {
  readonly path: string;
  readonly isUsed: (config: DecodedConfig) => boolean;
}

const placeholders: readonly Placeholder[] = [
  { path: 'server.key_seed', isUsed: ({ server }) => server.keySeed === '<YOUR_SEED>' },
  { path: 'server.auth', isUsed: ({ server }) => server.auth === 'clientAuth1:1234' },
  { path: 'api.jwt_secret', isUsed: ({ api }) => api.jwtSecret === '<YOUR_SECRET>' },
  { path: 'api.auth', isUsed: ({ api }) => api.auth.endsWith(':foobaz') },
];

/** One loud warning for each published secret in use. */
export const warnOfPlaceholders = (config: DecodedConfig): readonly ConfigWarning[] =>
  placeholders
    .filter(({ isUsed }) => isUsed(config))
    .map(({ path }) => ({
      level: 'error',
      message: `INSECURE: ${path} still has the value of the example file, which everybody knows. Change it before anybody can reach this server`,
    }));
