/**
 * Packets that are about to be sent, of whichever connection is writing at the moment, in one reusable piece
 * of memory per thread. Everything a connection sends within one turn leaves in one go:
 * one copy, one system call.
 */

/** Four full data packets; more per message brings no speed, but holds the thread longer. */
const OUTBOX_BYTES = 144 * 1024;

/** Whose packets lie in the outbox. */
export interface OutboxOwner {
  /** Takes the bytes, packets of these lengths one after the other; both are valid only until it returns. */
  emit(bytes: Buffer, packets: readonly number[]): void;
}

const memory = Buffer.allocUnsafeSlow(OUTBOX_BYTES);
let used = 0;
let lengths: number[] = [];
let owner: OutboxOwner | null = null;

/** Sends what the owner has collected. */
export const flushOutbox = (of?: OutboxOwner): void => {
  if (owner === null || used === 0 || (of !== undefined && owner !== of)) return;
  const sender = owner;
  const length = used;
  const packets = lengths;
  owner = null;
  used = 0;
  lengths = [];
  sender.emit(memory.subarray(0, length), packets);
};

/**
 * `length` bytes of memory at the end of the outbox for `of`; to be followed by `commit`. Larger pieces than
 * fit get memory of their own.
 */
export const reserve = (of: OutboxOwner, length: number): Buffer => {
  if (owner !== of || used + length > memory.length) flushOutbox();
  if (length > memory.length) return Buffer.allocUnsafe(length);
  owner = of;
  return memory.subarray(used, used + length);
};

/** Takes over the first `length` bytes of what `reserve` gave. */
export const commit = (of: OutboxOwner, piece: Buffer, length: number): void => {
  if (piece.buffer !== memory.buffer) {
    of.emit(piece.subarray(0, length), [length]);
    return;
  }
  used += length;
  lengths.push(length);
};
