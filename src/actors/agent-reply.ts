/** What agents say to requests of the server, as API callers get to hear it. Spec 03 §4.7, 05 §12. */

import { AppError } from '../errors.js';
import { type RequestReply, SessionError } from '../protocol/session.js';

/** Agents' texts reach API callers; longer ones are cut. */
export const LONGEST_AGENT_TEXT = 2_048;
/** Answers have some hundred bytes; a packet could bring 32 MiB, which would take the thread long to decode. */
const MOST_REPLY_BYTES = 64 * 1024;

/** The beginning of the reply. */
export const replyText = ({ payload }: RequestReply): string => payload.toString('utf8', 0, MOST_REPLY_BYTES);

/** The agent has refused or failed. */
export const clientError = (status: 409 | 500, text: string): AppError =>
  new AppError(status === 409 ? 'conflict' : 'internal', {
    title: `client error: ${text.slice(0, LONGEST_AGENT_TEXT)}`,
  });

/** Why the agent could not be asked, in words for API callers. */
export const sendFailureText = (error: unknown): string =>
  error instanceof SessionError ? error.message : 'connection failed';

/** The agent could not be asked: 500. */
export const sendFailure = (error: unknown): AppError =>
  new AppError('internal', { title: `failed to send request: ${sendFailureText(error)}`, cause: error });
