/** What the server keeps in its own store because the configuration names no other place. */

import type { Config } from './types.js';
import { usesSingleSignOn } from './validate/oauth.js';

/** `api.auth` where it counts: whom an identity provider lets in is looked up among users that can be added. */
export const singleUser = (config: Pick<Config, 'api' | 'plusOauth'>): string =>
  usesSingleSignOn(config) ? '' : config.api.auth;

/** Users and groups of the API. */
export const keepsOwnUsers = (config: Pick<Config, 'api' | 'plusOauth'>): boolean =>
  singleUser(config) === '' && config.api.authFile === '' && config.api.authUserTable === '';

/** Credentials of agents. */
export const keepsOwnCredentials = ({ server }: Pick<Config, 'server'>): boolean =>
  server.auth === '' && server.authFile === '' && server.authTable === '';
