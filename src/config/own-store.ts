/** What the server keeps in its own store because the configuration names no other place. */

import type { Config } from './types.js';

/** Users and groups of the API. */
export const keepsOwnUsers = ({ api }: Pick<Config, 'api'>): boolean =>
  api.auth === '' && api.authFile === '' && api.authUserTable === '';

/** Credentials of agents. */
export const keepsOwnCredentials = ({ server }: Pick<Config, 'server'>): boolean =>
  server.auth === '' && server.authFile === '' && server.authTable === '';
