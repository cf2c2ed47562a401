/** The peer's identification line. Spec 01 §4.1. */

/** Bytes up to and including the line end, lines that are skipped included (as the Go library counts). */
const MAX_IDENT_BYTES = 255;

const LF = 10;
const CR = 13;

/** Collects the peer's identification line from a byte stream. */
export class IdentReader {
  #line = Buffer.alloc(0);
  #seen = 0;

  /**
   * Takes bytes from the front of the stream. Returns the line without its line end and the bytes after it,
   * `null` while it is incomplete. Throws when 255 bytes have passed without one.
   */
  read(bytes: Buffer): { readonly ident: Buffer; readonly rest: Buffer } | null {
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(LF, from);
      const upTo = end === -1 ? bytes.length : end + 1;
      this.#seen += upTo - from;
      if (this.#seen > MAX_IDENT_BYTES || (end === -1 && this.#seen >= MAX_IDENT_BYTES)) {
        throw new Error('identification line too long');
      }
      const line = Buffer.concat([this.#line, bytes.subarray(from, end === -1 ? bytes.length : end)]);
      if (end === -1) {
        this.#line = line;
        return null;
      }
      if (line.subarray(0, 4).toString('latin1') === 'SSH-') {
        const length = line[line.length - 1] === CR ? line.length - 1 : line.length;
        return { ident: line.subarray(0, length), rest: bytes.subarray(upTo) };
      }
      this.#line = Buffer.alloc(0);
      from = upTo;
    }
  }
}
