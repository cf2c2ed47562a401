/** SSH's primitive types (RFC 4251 §5). Readers never throw: a short packet yields `null`. */

/** Names of requests and channel types; RFC 4250 §4.6.1 allows 64. */
const MAX_NAME_BYTES = 256;

/** Reads one packet from front to back. */
export class PacketReader {
  #at: number;

  constructor(
    private readonly bytes: Buffer,
    from = 1,
  ) {
    this.#at = from;
  }

  u32(): number | null {
    const at = this.#at;
    if (at + 4 > this.bytes.length) return null;
    this.#at = at + 4;
    return this.bytes.readUInt32BE(at);
  }

  boolean(): boolean | null {
    const value = this.bytes[this.#at];
    if (value === undefined) return null;
    this.#at += 1;
    return value !== 0;
  }

  /** A view of the packet, no copy. */
  string(): Buffer | null {
    const start = this.#skipString();
    return start === null ? null : this.bytes.subarray(start, this.#at);
  }

  text(): string | null {
    const start = this.#skipString();
    return start === null ? null : this.bytes.toString('utf8', start, this.#at);
  }

  /** Short text that says what kind of thing follows; a longer one is no name. */
  name(): string | null {
    const start = this.#skipString();
    if (start === null || this.#at - start > MAX_NAME_BYTES) return null;
    return this.bytes.toString('utf8', start, this.#at);
  }

  rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }

  get atEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** Where the string starts that now ends at the place of reading. */
  #skipString(): number | null {
    const length = this.u32();
    if (length === null || this.#at + length > this.bytes.length) return null;
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

/** One field of an outgoing packet; a number is a uint32, text and bytes get their length in front. */
export type Field = number | boolean | string | Uint8Array;

/** Builds a payload: message number, then fields, then raw bytes without a length. */
export const packet = (type: number, fields: readonly Field[], raw?: Uint8Array | string): Buffer => {
  let length = 1;
  for (const field of fields) {
    if (typeof field === 'number') length += 4;
    else if (typeof field === 'boolean') length += 1;
    else length += 4 + (typeof field === 'string' ? Buffer.byteLength(field) : field.length);
  }
  if (raw !== undefined) length += typeof raw === 'string' ? Buffer.byteLength(raw) : raw.length;
  const out = Buffer.allocUnsafe(length);
  out[0] = type;
  let at = 1;
  for (const field of fields) {
    if (typeof field === 'number') {
      at = out.writeUInt32BE(field, at);
    } else if (typeof field === 'boolean') {
      out[at] = field ? 1 : 0;
      at += 1;
    } else if (typeof field === 'string') {
      const written = out.write(field, at + 4);
      out.writeUInt32BE(written, at);
      at += 4 + written;
    } else {
      at = out.writeUInt32BE(field.length, at);
      out.set(field, at);
      at += field.length;
    }
  }
  if (typeof raw === 'string') out.write(raw, at);
  else if (raw !== undefined) out.set(raw, at);
  return out;
};
