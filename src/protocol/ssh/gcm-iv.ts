/** Adds one to the packet counter, the last 8 bytes of an AES-GCM nonce (RFC 5647 §7.1). */
export const incrementIv = (iv: Buffer): void => {
  for (let at = 11; at >= 4; at -= 1) {
    const next = ((iv[at] ?? 0) + 1) & 0xff;
    iv[at] = next;
    if (next !== 0) return;
  }
};
