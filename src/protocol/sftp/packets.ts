/** Cuts the bytes of a channel into SFTP packets: a length, then as many bytes. */

export const LENGTH_BYTES = 4;

/** The largest request is a WRITE of other clients, which is refused; those of agents have some hundred bytes. */
export const MOST_PACKET_BYTES = 64 * 1024;

const MOST_PIECES = 256;

export class PacketBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #more: Buffer[] = [];
  #waiting = 0;

  /** Bytes that belong to no packet taken yet. */
  get length(): number {
    return this.#bytes.length + this.#waiting;
  }

  push(chunk: Buffer): void {
    this.#more.push(chunk);
    this.#waiting += chunk.length;
    // Bytes sent one by one would each cost a hundred times as much memory.
    if (this.#more.length >= MOST_PIECES) this.#join();
  }

  /** The next packet without its length, `null` when it is not complete, `malformed` when nobody would send it. */
  take(): Buffer | null | 'malformed' {
    if (this.length < LENGTH_BYTES) return null;
    if (this.#bytes.length < LENGTH_BYTES) this.#join();
    const size = this.#bytes.readUInt32BE(0);
    if (size === 0 || size > MOST_PACKET_BYTES) return 'malformed';
    const end = LENGTH_BYTES + size;
    if (this.length < end) return null;
    if (this.#bytes.length < end) this.#join();
    const packet = this.#bytes.subarray(LENGTH_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    return packet;
  }

  #join(): void {
    this.#bytes = Buffer.concat([this.#bytes, ...this.#more]);
    this.#more = [];
    this.#waiting = 0;
  }
}
