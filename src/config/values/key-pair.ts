import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { fileError } from '../../file-error.js';
import { reasonOf } from '../config-error.js';
import type { Surroundings } from '../surroundings.js';

/**
 * Loads a PEM certificate chain and its private key and checks that they belong together.
 * @throws Error with the reason, never with file content
 */
export function checkKeyPair(
  certFile: string,
  keyFile: string,
  { readFile }: Pick<Surroundings, 'readFile'>,
): void {
  const read = (path: string): string => {
    try {
      return readFile(path);
    } catch (thrown) {
      throw new Error(fileError(path, thrown));
    }
  };
  const cert = read(certFile);
  const key = read(keyFile);
  try {
    // Also refuses empty files, which a secure context silently takes as none.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('private key does not match the certificate');
    createSecureContext({ cert, key });
  } catch (thrown) {
    throw new Error(`${certFile}, ${keyFile}: ${reasonOf(thrown)}`);
  }
}
