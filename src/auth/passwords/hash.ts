/** Password hashing itself: CPU work of tens of milliseconds, run in the task pool only. Spec 02 §12.4. */

import argon2 from 'argon2';
import bcrypt from 'bcryptjs';
import { passwordKind } from './kind.js';

/** 19 MiB, two passes, one lane: OWASP's first choice for argon2id; some 25 ms a hash. */
const COST = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const;

/** A new argon2id hash in PHC text form. */
export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, { type: argon2.argon2id, ...COST });
}

/** `stored` must be a hash; a broken one matches nothing. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  try {
    switch (passwordKind(stored)) {
      case 'argon2id':
        return await argon2.verify(stored, password);
      case 'bcrypt':
        return bcrypt.compareSync(password, stored);
      case 'plain':
        return false;
    }
  } catch {
    return false;
  }
}
