/**
 * What is due for one webhook. Events of one client go one after the other, those of different clients side by side.
 * Only the oldest rows are in memory; the queue itself is on disk.
 */

import type { ClientId } from '../../ids.js';
import type { QueuedDelivery } from '../../store/webhook-queue.js';
import type { Milliseconds } from '../../time.js';
import { backOff } from './back-off.js';

/** Rows in memory, ~600 bytes each. */
const MOST_LOADED = 1000;
/** Requests under way. */
const PARALLEL = 8;
/** Failures in a row, of whatever clients, after which it is the receiver that is down, not an event that is bad. */
const DOWN_AFTER = 3;

interface Lane {
  /** Sorted; the first one is under way, or the next. */
  readonly rows: QueuedDelivery[];
  busy: boolean;
  failures: number;
  notBefore: Milliseconds;
}

export class DeliveryQueue {
  readonly #lanes = new Map<ClientId, Lane>();
  readonly #loaded = new Set<string>();
  #underWay = 0;
  /** Of all clients, in a row. */
  #failures = 0;
  #notBefore: Milliseconds = 0;

  get underWay(): number {
    return this.#underWay;
  }

  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Rows in memory. */
  get size(): number {
    return this.#loaded.size;
  }

  /** How many rows may be loaded; 0 while there are enough. */
  get room(): number {
    return this.#loaded.size > MOST_LOADED / 2 ? 0 : MOST_LOADED - this.#loaded.size;
  }

  has(event: string): boolean {
    return this.#loaded.has(event);
  }

  load(row: QueuedDelivery): void {
    this.#loaded.add(row.event);
    const lane = this.#lanes.get(row.clientId) ?? { rows: [], busy: false, failures: 0, notBefore: 0 };
    this.#lanes.set(row.clientId, lane);
    // Nearly always behind the last one; an event given another try is older than what waits.
    const first = lane.busy ? 1 : 0;
    let at = lane.rows.length;
    while (at > first && (lane.rows[at - 1]?.event ?? '') > row.event) at -= 1;
    lane.rows.splice(at, 0, row);
  }

  /** The next to send, which is under way then; `null` when nothing is due. */
  take(now: Milliseconds): QueuedDelivery | null {
    // One at a time tries whether a failing receiver is back.
    const most = this.#failures >= DOWN_AFTER ? 1 : PARALLEL;
    if (this.#underWay >= most || now < this.#notBefore) return null;
    let found: Lane | null = null;
    for (const lane of this.#lanes.values()) {
      if (lane.busy || lane.notBefore > now) continue;
      // The one that has failed the least, so that a single bad event does not stand for the receiver.
      if (found === null || lane.failures < found.failures) found = lane;
      if (found.failures === 0) break;
    }
    const row = found?.rows[0];
    if (found === null || row === undefined) return null;
    found.busy = true;
    this.#underWay += 1;
    return row;
  }

  delivered(row: QueuedDelivery): void {
    if (this.#failures >= DOWN_AFTER) for (const lane of this.#lanes.values()) lane.notBefore = 0;
    this.#failures = 0;
    this.#notBefore = 0;
    this.#done(row);
  }

  /** It will not be tried again. */
  givenUp(row: QueuedDelivery): void {
    this.#done(row);
  }

  failed(
    row: QueuedDelivery,
    now: Milliseconds,
    first: Milliseconds,
    after: Milliseconds,
    random: number,
  ): void {
    const lane = this.#lanes.get(row.clientId);
    if (lane === undefined) return;
    this.#underWay -= 1;
    lane.busy = false;
    lane.failures += 1;
    lane.notBefore = now + Math.max(after, backOff(first, lane.failures, random));
    // Those that were under way together fail together, and count once.
    if (now >= this.#notBefore) this.#failures += 1;
    if (after > 0) this.#notBefore = Math.max(this.#notBefore, now + after);
    if (this.#failures < DOWN_AFTER || now < this.#notBefore) return;
    this.#notBefore = now + Math.max(after, backOff(first, this.#failures - DOWN_AFTER + 1, random));
  }

  /** How often this client's first row has failed. */
  attempts(row: QueuedDelivery): number {
    return this.#lanes.get(row.clientId)?.failures ?? 0;
  }

  /** Forgets rows that are not under way, and says which they are. */
  drop(events: ReadonlySet<string>): void {
    for (const [client, lane] of this.#lanes) {
      const kept = lane.rows.filter((row, at) => (lane.busy && at === 0) || !events.has(row.event));
      for (const row of lane.rows) if (!kept.includes(row)) this.#loaded.delete(row.event);
      lane.rows.splice(0, lane.rows.length, ...kept);
      if (kept.length === 0) this.#lanes.delete(client);
    }
  }

  isUnderWay(event: string, client: ClientId): boolean {
    const lane = this.#lanes.get(client);
    return lane?.busy === true && lane.rows[0]?.event === event;
  }

  /** When something may be due that is not now; `null`: nothing waits. */
  next(now: Milliseconds): Milliseconds | null {
    let next: Milliseconds | null = null;
    for (const lane of this.#lanes.values()) {
      if (lane.busy) continue;
      const at = Math.max(lane.notBefore, this.#notBefore);
      if (at > now && (next === null || at < next)) next = at;
    }
    return next;
  }

  #done(row: QueuedDelivery): void {
    this.#underWay -= 1;
    this.#loaded.delete(row.event);
    const lane = this.#lanes.get(row.clientId);
    if (lane === undefined) return;
    lane.rows.shift();
    lane.busy = false;
    lane.failures = 0;
    lane.notBefore = 0;
    // At the end of the line, behind clients that have waited longer.
    this.#lanes.delete(row.clientId);
    if (lane.rows.length > 0) this.#lanes.set(row.clientId, lane);
  }
}
