/** How a stream of events goes with readers of every speed. The order and the rights are tested over a running server. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventReader } from '../../src/actors/events/event-readers.js';
import type { EventPage } from '../../src/actors/events/messages.js';
import type { StreamEvent } from '../../src/events/event.js';
import { eventTypes } from '../../src/events/event-types.js';
import { EventStream } from '../../src/http/ws/event-stream.js';
import type { ApiSocket } from '../../src/http/ws/websocket-route.js';
import { clientId } from '../../src/ids.js';
import { administrator } from '../support/api-context.js';

const event = (number: number, text = `"${number}"`): StreamEvent => ({
  id: String(number).padStart(14, '0'),
  type: 'client.connected',
  clientId: clientId('c'),
  connectedAt: null,
  allowedUserGroups: null,
  webhooks: [],
  text,
});

function world(since: string | null = null) {
  const sent: string[] = [];
  const seen = { closed: 0, more: 0, ended: false, free: true };
  const socket: ApiSocket = {
    principal: administrator,
    send(text) {
      sent.push(String(text));
      return seen.free;
    },
    bufferedBytes: () => 0,
    close(code) {
      seen.closed = code;
    },
  };
  let reader: EventReader | undefined;
  const stream = new EventStream(
    socket,
    { types: new Set(eventTypes), clientIds: null, since },
    {
      clients: {} as never,
      store: {} as never,
      eventReaders: {
        open(opened) {
          reader = opened;
          return {
            more: () => {
              seen.more += 1;
            },
            end: () => {
              seen.ended = true;
            },
          };
        },
      },
    },
  );
  const page = (given: Partial<EventPage>): void =>
    reader?.page({ events: [], complete: true, next: 0, live: true, lastId: null, ...given });
  return { stream, sent, seen, page, events: (list: readonly StreamEvent[]) => reader?.events(list) };
}

test('a blocked reader gets the rest in order when it can take more', () => {
  const { stream, sent, seen, page, events } = world();
  page({});
  seen.free = false;
  events([event(1), event(2), event(3)]);
  assert.deepEqual(sent.slice(1), ['"1"']);
  events([event(4)]);
  seen.free = true;
  stream.onDrain();
  assert.deepEqual(sent.slice(1), ['"1"', '"2"', '"3"', '"4"']);
});

test('one that stays blocked is closed, by number and by length', () => {
  const few = world();
  few.page({});
  few.seen.free = false;
  few.events(Array.from({ length: 10_001 }, (_, index) => event(index)));
  assert.equal(few.seen.closed, 0);
  few.events([event(1), event(2)]);
  assert.equal(few.seen.closed, 1013);

  const long = world();
  long.page({});
  long.seen.free = false;
  for (let number = 0; number < 20; number += 1) long.events([event(number, 'x'.repeat(512 * 1024))]);
  assert.equal(long.seen.closed, 1013);
});

test('the next page of a replay is asked for when this one is sent', () => {
  const { stream, sent, seen, page } = world('00000000000001');
  seen.free = false;
  page({ events: [event(2), event(3)], live: false });
  assert.match(sent[0] ?? '', /"replay":\{"since":"00000000000001","complete":true\}/);
  assert.equal(seen.more, 0);
  seen.free = true;
  stream.onDrain();
  assert.equal(seen.more, 1);
  page({ events: [event(4)] });
  assert.deepEqual(sent.slice(1), ['"2"', '"3"', '"4"']);
  stream.onClose();
  assert.ok(seen.ended);
});

test('a replay that cannot keep up ends', () => {
  const { seen, page } = world('00000000000001');
  page({ events: [event(2)], live: false });
  page({ complete: false });
  assert.equal(seen.closed, 1013);
});
