/** Bodies that go to their handler as they arrive. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../src/errors.js';
import { openBodyStream } from '../../src/http/body-stream.js';
import type { EngineResponse } from '../../src/http/engine.js';
import { tempFolder } from '../support/temp-folder.js';

const MIB = 1024 * 1024;

/** The engine's side of one request: the test says when chunks come. */
class Peer {
  deliver: (chunk: Buffer, last: boolean) => void = () => undefined;
  abort: () => void = () => undefined;
  paused = false;
  readonly response = {
    onAborted: (callback: () => void) => {
      this.abort = callback;
    },
    onBody: (callback: (chunk: Buffer, last: boolean) => void) => {
      this.deliver = callback;
    },
    pauseBody: () => {
      this.paused = true;
    },
    resumeBody: () => {
      this.paused = false;
    },
  } as unknown as EngineResponse;

  stream(limit = Number.MAX_SAFE_INTEGER, overflow = '/nonexistent/overflow') {
    return openBodyStream(this.response, { limit, overflow: () => overflow, caller: () => null });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the peer is not read from while a chunk is taken', async () => {
  const peer = new Peer();
  const taken: string[] = [];
  let release = (): void => undefined;
  const reading = peer.stream().read(async (chunk) => {
    taken.push(chunk.toString());
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  peer.deliver(Buffer.from('one'), false);
  await turn();
  assert.deepEqual([taken, peer.paused], [['one'], true]);
  release();
  await turn();
  assert.equal(peer.paused, false);
  peer.deliver(Buffer.from('two'), true);
  await turn();
  release();
  await reading;
  assert.deepEqual(taken, ['one', 'two']);
});

test('what comes all at once takes a bounded amount of memory and keeps its order', async (t) => {
  const overflow = join(tempFolder(t), 'below', 'overflow');
  const peer = new Peer();
  const received = createHash('sha256');
  let bytes = 0;
  const reading = peer.stream(undefined, overflow).read(async (chunk) => {
    received.update(chunk);
    bytes += chunk.length;
    await turn();
  });
  const sent = createHash('sha256');
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 160; count++) {
    const chunk = randomBytes(MIB / 2);
    sent.update(chunk);
    peer.deliver(chunk, false);
  }
  assert(existsSync(overflow));
  assert(process.memoryUsage().arrayBuffers - before < 80 * MIB);
  await turn();
  // While what is in the file is being taken, more comes behind it.
  const last = randomBytes(1000);
  sent.update(last);
  peer.deliver(last, true);
  await reading;
  assert.equal(bytes, 80 * MIB + 1000);
  assert.equal(received.digest('hex'), sent.digest('hex'));
  assert.deepEqual(readdirSync(join(overflow, '..')), []);
});

test('after a failure the rest is read and dropped before the caller is told', async () => {
  const peer = new Peer();
  let settled = false;
  const reading = peer.stream().read(async () => {
    throw new Error('disk full');
  });
  const outcome = reading.then(
    () => 'done',
    (error: Error) => {
      settled = true;
      return error.message;
    },
  );
  peer.deliver(Buffer.from('one'), false);
  await turn();
  assert.deepEqual([settled, peer.paused], [false, false]);
  peer.deliver(Buffer.from('two'), false);
  peer.deliver(Buffer.alloc(0), true);
  assert.equal(await outcome, 'disk full');
});

test('a body above the limit and a peer that leaves end the reading at once', async () => {
  const large = new Peer();
  const tooLarge = large.stream(5).read(async () => undefined);
  large.deliver(Buffer.from('123456'), false);
  await assert.rejects(tooLarge, (error) => error instanceof AppError && error.code === 'body_too_large');
  const gone = new Peer();
  const left = gone.stream().read(() => new Promise(() => undefined));
  gone.deliver(Buffer.from('1'), false);
  gone.abort();
  await assert.rejects(left, (error) => error instanceof AppError && error.code === 'aborted');
});
