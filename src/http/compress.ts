/** Compression of answers. Spec 03 §1.6. */

import { constants, deflateRaw, gzip } from 'node:zlib';

export type Encoding = 'gzip' | 'deflate';

/** Below this a compressed body saves no packet. */
const MIN_BYTES = 1024;
/** Compressions under way in this thread; above it answers go out as they are rather than queue up. */
const MAX_PARALLEL = 64;
/** JSON lists shrink to a tenth already at the fastest level. */
const OPTIONS = { level: constants.Z_BEST_SPEED };

let running = 0;

/** The first of `gzip` and `deflate` that the header names as a bare token. */
export function acceptedEncoding(acceptEncoding: string): Encoding | null {
  if (acceptEncoding === '') return null;
  for (const part of acceptEncoding.split(',')) {
    const token = part.trim();
    if (token === 'gzip' || token === 'deflate') return token;
  }
  return null;
}

/** Whether `compress` should be used for a body of this many bytes now. */
export function worthCompressing(bytes: number): boolean {
  return bytes >= MIN_BYTES && running < MAX_PARALLEL;
}

/** Compresses off the event loop. `deflate` is raw, as the reference sends it. */
export function compress(body: Uint8Array, encoding: Encoding): Promise<Buffer> {
  running += 1;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void => {
      running -= 1;
      if (error === null) resolve(result);
      else reject(error);
    };
    if (encoding === 'gzip') gzip(body, OPTIONS, done);
    else deflateRaw(body, OPTIONS, done);
  });
}
