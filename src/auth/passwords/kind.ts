/** Kinds of stored passwords. */

export type PasswordKind = 'argon2id' | 'bcrypt' | 'plain';

/** Plain text is whatever is no hash of a known kind; only some user sources allow it. */
export function passwordKind(stored: string): PasswordKind {
  if (stored.startsWith('$argon2id$')) return 'argon2id';
  // $2y$ is htpasswd's, $2a$ and $2b$ come from other tools; all three are the same function.
  return /^\$2[aby]\$/.test(stored) ? 'bcrypt' : 'plain';
}

export const isPasswordHash = (stored: string): boolean => passwordKind(stored) !== 'plain';
