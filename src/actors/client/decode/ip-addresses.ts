/** The `ip_addresses` request. Spec 01 §8.5. */

import type { ExtIpAddresses } from '../../../clients/record.js';
import type { Instant } from '../../../time.js';
import { parseObject } from './go-json.js';

/** Characters; the longest IPv6 text with a zone is far shorter. */
const LONGEST_ADDRESS = 255;

/** `updatedAt` is this server's time. Throws `DecodeError`. */
export function decodeIpAddresses(payload: Buffer, updatedAt: Instant): ExtIpAddresses {
  const sent = parseObject(payload);
  return {
    ipv4: sent.text('ipv4', LONGEST_ADDRESS),
    ipv6: sent.text('ipv6', LONGEST_ADDRESS),
    updatedAt,
    error: sent.text('error'),
  };
}
