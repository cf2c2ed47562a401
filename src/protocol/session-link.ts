/** What the parts of a session use of the connection they live on. */
export interface SessionLink {
  /** Sends one payload in one or two pieces; both are copied. */
  send(head: Buffer, body?: Buffer): void;
  /** Runs `work`; what it sends leaves as one message. */
  together(work: () => void): void;
  /** Channel data must wait: too much is buffered, or keys are being exchanged. */
  readonly congested: boolean;
  /** The agent broke the protocol: DISCONNECT and close. */
  fail(text: string): void;
  /** A callback of the receiver threw. */
  report(error: unknown): void;
}
