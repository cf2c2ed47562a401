/** A WebSocket seen as a byte stream: message borders carry no meaning. Spec 01 §3. */
export interface ByteSocket {
  /** TCP peer without port; IPv4-mapped addresses in their IPv4 form. */
  readonly remoteAddress: string;
  /** Sends one binary message. False: buffered above the high-water mark, wait for `onDrain`. Never drops. */
  send(bytes: Uint8Array): boolean;
  bufferedBytes(): number;
  /** Runs `work`, holding back the system calls of its sends until it returns. */
  cork(work: () => void): void;
  /** Closes TCP; with `graceful` after what is buffered has been sent. */
  close(graceful: boolean): void;
}

export interface ByteSocketHandlers {
  /** `bytes` is a private copy that the receiver may keep. */
  onBytes(bytes: Buffer): void;
  onDrain(): void;
  onClose(): void;
}
