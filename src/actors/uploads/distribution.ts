/**
 * One file on its way to the clients it is for. Every client has one result, which is published and goes into the
 * audit log; then the file is removed. Spec 04 §16.6.
 */

import { unlink } from 'node:fs/promises';
import { codeOf } from '../../file-error.js';
import type { ClientId } from '../../ids.js';
import type { Upload, UploadResult } from '../../uploads/upload.js';
import type { ActorContext, Behavior } from '../runtime/types.js';
import type { UploadsDeps } from './behavior.js';
import { deliver } from './deliver.js';
import { announce, failure, record } from './outcome.js';
import type { Slots } from './slots.js';

export interface DistributionArgs extends UploadsDeps {
  readonly upload: Upload;
  readonly clientIds: readonly ClientId[];
  /** Shared with the other distributions. */
  readonly transfers: Slots;
}

type Message =
  | { readonly type: 'next' }
  | { readonly type: 'result'; readonly result: UploadResult }
  | { readonly type: 'recorded' };

interface State extends DistributionArgs {
  /** Clients before it have been asked. */
  next: number;
  readonly missing: Set<ClientId>;
  recording: number;
}

/** Clients of one distribution that wait for a place, or have one. Others may come in between. */
const MOST_ASKED = 100;
const STOPPED = 'the server was stopped';

export const distributionBehavior: Behavior<Message, State, DistributionArgs> = {
  kind: 'upload',

  preStart(ctx, args) {
    // A turn of its own: what happens in `preStart` would happen before the reply to whoever sent the file.
    ctx.pipeToSelf(Promise.resolve(), () => ({ type: 'next' }));
    return { ...args, next: 0, missing: new Set(args.clientIds), recording: 0 };
  },

  receive(ctx, state, message) {
    switch (message.type) {
      case 'next':
        while (state.next < Math.min(MOST_ASKED, state.clientIds.length)) askNext(ctx, state);
        return;
      case 'result':
        askNext(ctx, state);
        finish(ctx, state, message.result);
        return;
      case 'recorded':
        state.recording -= 1;
        if (state.missing.size === 0 && state.recording === 0) ctx.stopSelf();
    }
  },

  async postStop(ctx, state) {
    const cut = [...state.missing].map((id) => failure(state.upload, id, STOPPED));
    if (cut.length > 0) {
      state.log.info(`upload ${state.upload.id}: ${cut.length} clients did not get the file, ${STOPPED}`);
      await Promise.all([announce(ctx.system, state, cut), record(state, state.upload, cut)]);
    }
    await state.store.uploads
      .end(state.upload.id)
      .catch((error: unknown) => state.log.error(`upload ${state.upload.id}: ${String(error)}`));
    // Its id is free from here on.
    await unlink(state.upload.sourcePath).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') state.log.error(`upload ${state.upload.id}: ${String(error)}`);
    });
  },
};

function askNext(ctx: ActorContext<Message>, state: State): void {
  const id = state.clientIds[state.next];
  if (id === undefined) return;
  state.next += 1;
  const result = inTurn(state.transfers, () => deliver(ctx.system, state.store, state.upload, id));
  ctx.pipeToSelf(result, (outcome) => ({
    type: 'result',
    result: outcome.ok ? outcome.value : failure(state.upload, id, outcome.error.message),
  }));
}

async function inTurn<Value>(slots: Slots, work: () => Promise<Value>): Promise<Value> {
  await slots.take();
  try {
    return await work();
  } finally {
    slots.give();
  }
}

function finish(ctx: ActorContext<Message>, state: State, result: UploadResult): void {
  const { store, upload, log } = state;
  const { client_id: id, status, message } = result;
  state.missing.delete(id);
  const text = `upload ${upload.id}, client ${JSON.stringify(id)}: ${status}: ${JSON.stringify(message)}`;
  if (status === 'error') log.error(text);
  else log.info(text);
  state.recording += 1;
  const recorded = Promise.all([announce(ctx.system, state, [result]), record(state, upload, [result])])
    // Not before: a server that ends in between tells of it again rather than never.
    .then(() => store.uploads.done(upload.id, id))
    .catch((error: unknown) => log.error(`upload ${upload.id}: ${String(error)}`));
  ctx.pipeToSelf(recorded, () => ({ type: 'recorded' }));
}
