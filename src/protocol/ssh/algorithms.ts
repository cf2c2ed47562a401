/**
 * What we offer in KEXINIT: the reference server's lists (spec 01 §4.3). The client's order decides; with
 * unmodified agents the result is curve25519-sha256, ecdsa-sha2-nistp256 and aes128-gcm both ways.
 */

import { KexInit, type Offer, type OfferedDirection } from './library.js';
import { native } from './native.js';

const kex: readonly string[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group14-sha1',
];

const ciphers: readonly string[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  // Needs Poly1305 by itself, which Node does not offer.
  ...(native === null ? [] : ['chacha20-poly1305@openssh.com']),
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];

const macs: readonly string[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1',
  'hmac-sha1-96',
];

/** Restrictions of an offer, for tests of the negotiation. */
export interface OfferChoice {
  readonly kex?: readonly string[];
  readonly ciphers?: readonly string[];
  readonly macs?: readonly string[];
  /** Whether to announce strict key exchange and, as a client, EXT_INFO. Default true. */
  readonly markers?: boolean;
}

/** Makes a reusable offer for one role. */
export const createOffer = (role: 'server' | 'client', choice: OfferChoice = {}): object => {
  const direction: OfferedDirection = {
    cipher: choice.ciphers ?? ciphers,
    mac: choice.macs ?? macs,
    compress: ['none'],
    lang: [],
  };
  const markers = role === 'server' ? ['kex-strict-s-v00@openssh.com'] : ['kex-strict-c-v00@openssh.com'];
  const offer: Offer = {
    kex: [...(choice.kex ?? kex), ...(choice.markers === false ? [] : markers)],
    serverHostKey: ['ecdsa-sha2-nistp256'],
    cs: direction,
    sc: direction,
  };
  return new KexInit(offer);
};
