/** Bounds of the vault: its list has no pages, and an upgrade holds every sealed value in memory. */

/** Values in the vault. At some 250 bytes each the whole list has 2.5 MB; with every text at its bound 12 MB. */
export const MOST_VALUES = 10_000;
/** Bytes of a value: room for keys, certificates and small files; requests are smaller by default (`max_request_bytes`). */
export const LARGEST_VALUE = 64 * 1024;
/** Bytes of each text that is kept in clear: key, client id, required group. */
export const LONGEST_TEXT = 512;
