/** Tags and labels: the agent keeps them, and what it has agreed to is stored here. Spec 01 §9.4, 03 §4.7. */

import type { ClientAttributes } from '../../clients/attributes.js';
import { AppError } from '../../errors.js';
import { SessionError } from '../../protocol/session.js';
import type { Milliseconds } from '../../time.js';
import { clientError, replyText, sendFailureText } from '../agent-reply.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import { changeRecord } from './save-record.js';
import type { AnyClientMessage, ClientContext, ClientState } from './state.js';

/** The agent writes a small file. */
const TIMEOUT: Milliseconds = 30_000;

export function setAttributes(
  ctx: ClientContext,
  state: ClientState,
  attributes: ClientAttributes,
  sender: Sender,
): void {
  const update = state.connection.session.request(
    'update_client_metadata',
    JSON.stringify(attributes),
    TIMEOUT,
  );
  ctx.pipeToSelf(update, (outcome) => ({ type: 'attributes-set', outcome, attributes, sender }));
}

/** Replies when the change is on disk and all threads go by it. Replies come in the order of the requests. */
export function attributesSet(
  ctx: ClientContext,
  state: ClientState,
  { outcome, attributes, sender }: Extract<AnyClientMessage, { type: 'attributes-set' }>,
): void {
  if (!outcome.ok) {
    refuse(sender, notAsked(outcome.error));
    return;
  }
  const text = replyText(outcome.value);
  if (!outcome.value.ok || !isJson(text)) {
    refuse(sender, clientError(409, outcome.value.ok ? 'invalid reply to update_client_metadata' : text));
    return;
  }
  const { tags, labels } = attributes;
  changeRecord(ctx, state, { tags, labels }, (error) => {
    if (error === null) sender.reply(null);
    else refuse(sender, new AppError('internal', { title: `failed to save client: ${error.message}` }));
  });
}

function notAsked(error: Error): AppError {
  if (error instanceof SessionError && error.code === 'too_large') {
    return new AppError('bad_request', { title: 'failed parsing attributes: too large for the client' });
  }
  const detail = sendFailureText(error);
  return new AppError('internal', { title: 'Failed to execute remote command.', detail, cause: error });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
