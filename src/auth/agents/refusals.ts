/** Refusals of changes of agent credentials. Spec 03 §8.2. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';

export const credentialExists = (id: string): AppError =>
  new AppError('conflict', {
    title: `Client Auth with ID ${goQuote(id)} already exist.`,
    apiCode: 'ERR_CODE_ALREADY_EXIST',
  });

export const unknownCredential = (id: string): AppError =>
  new AppError('not_found', {
    title: `Client Auth with ID=${goQuote(id)} not found.`,
    apiCode: 'ERR_CODE_CLIENT_AUTH_NOT_FOUND',
  });

/** The single credential of the configuration. */
export const staticCredential = (): AppError =>
  new AppError('method_not_allowed', {
    title: 'Client authentication is enabled only for a single user.',
    apiCode: 'ERR_CODE_CLIENT_AUTH_SINGLE',
  });

/** `server.auth_write = false`. */
export const readOnlyCredentials = (): AppError =>
  new AppError('method_not_allowed', {
    title: 'Client authentication has been attached in read-only mode.',
    apiCode: 'ERR_CODE_CLIENT_AUTH_RO',
  });

/** `count` clients, connected or not, use the credential. */
export const boundCredential = (count: number): AppError =>
  new AppError('conflict', {
    title: `Client Auth expected to have no active or disconnected bound client(s), got ${count}.`,
    apiCode: 'ERR_CODE_CLIENT_AUTH_HAS_CLIENT',
  });
