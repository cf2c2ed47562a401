/** Lengths of new credentials, UTF-8 bytes. Those of the reference begin at 3; longer ones could not log in. */
export const credentialBytes = {
  /** A key of the store. */
  id: { min: 3, max: 1024 },
  /** What is looked at of a login. */
  password: { min: 3, max: 4096 },
} as const;
