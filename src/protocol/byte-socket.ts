/** A WebSocket seen as a byte stream: message borders carry no meaning. Spec 01 §3. */
export interface ByteSocket {
  /** TCP peer without port; IPv4-mapped addresses in their IPv4 form. */
  readonly remoteAddress: string;
  /**
   * Sends one message, binary unless `isText`. False: buffered above the high-water mark, wait for `onDrain`.
   * Never drops. `bytes` may be reused after the call.
   */
  send(bytes: Uint8Array, isText?: boolean): boolean;
  bufferedBytes(): number;
  /** Runs `work`, holding back the system calls of its sends until it returns. */
  cork(work: () => void): void;
  /**
   * Closes TCP; with `graceful` after what is buffered has been sent, and a Close frame of `code` (RFC 6455 §7.4,
   * 1000 by default) and `reason`.
   */
  close(graceful: boolean, code?: number, reason?: string): void;
}

export interface ByteSocketHandlers {
  /** `bytes` is a private copy that the receiver may keep and change. */
  onBytes(bytes: Buffer, isText?: boolean): void;
  /**
   * Called in place of `onBytes` when it exists, which saves a copy: `bytes` may be changed, but is valid only
   * during the call.
   */
  onTransientBytes?(bytes: Buffer): void;
  onDrain(): void;
  onClose(): void;
}
