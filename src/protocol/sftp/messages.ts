/** Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as anybody here uses them. */

export const sftp = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  attrs: 105,
} as const;

export const SFTP_VERSION = 3;

/** `pflags` of OPEN: reading and nothing else. */
export const OPEN_READ = 1;
/** `flags` of ATTRS: the size and nothing else. */
export const ATTRS_SIZE = 1;

export const sftpStatus = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const;

export type SftpStatus = (typeof sftpStatus)[keyof typeof sftpStatus];

export const statusText: Readonly<Record<SftpStatus, string>> = {
  0: 'OK',
  1: 'EOF',
  2: 'no such file',
  3: 'permission denied',
  4: 'failure',
  8: 'operation not supported',
};
