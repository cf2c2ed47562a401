/**
 * A user who is not root and may use sudo without a password, to run the real agent as. Root borrows `nobody` for it: the
 * rule for sudo is in a mount namespace of that process alone, so that nothing of it is left behind, whatever happens.
 */

import { spawnSync } from 'node:child_process';

export interface SudoUser {
  readonly uid: number;
  readonly gid: number;
  /** The command line that runs `command` as this user. */
  as(command: readonly string[]): readonly string[];
}

/** As root: an `/etc/sudoers.d` that only this process and its children see, with a rule for user $1. */
const BORROW = `
  uid=$1 gid=$2
  shift 2
  mount -t tmpfs -o mode=0755 tmpfs /etc/sudoers.d &&
  echo "#$uid ALL=(root) NOPASSWD: ALL" > /etc/sudoers.d/tideway-test &&
  chmod 0440 /etc/sudoers.d/tideway-test &&
  exec setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"`;

const CHECK = '[ -x "$1" ] || { echo "$1 is not for them" >&2; exit 1; }; sudo -n id -u';

/** The user who may run `binary`, or the reason why there is none. */
export function sudoUser(binary: string): SudoUser | string {
  const user = process.geteuid?.() === 0 ? borrowed() : own();
  if (typeof user === 'string') return user;
  const [program = '', ...rest] = user.as(['/bin/sh', '-c', CHECK, 'sh', binary]);
  const { status, stdout, stderr, error } = spawnSync(program, rest, { encoding: 'utf8' });
  if (status === 0 && stdout.trim() === '0') return user;
  return `there is no user here who may use sudo: ${error?.message ?? stderr.trim()}`;
}

function own(): SudoUser {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, as: (command) => command };
}

function borrowed(): SudoUser | string {
  const id = (kind: '-u' | '-g'): number =>
    Number(spawnSync('id', [kind, 'nobody'], { encoding: 'utf8' }).stdout || Number.NaN);
  const [uid, gid] = [id('-u'), id('-g')];
  if (!(uid > 0 && gid > 0)) return 'there is no user nobody here';
  const as = (command: readonly string[]): readonly string[] => [
    ...['unshare', '--mount', '/bin/sh', '-c', BORROW, 'sh', String(uid), String(gid)],
    ...command,
  ];
  return { uid, gid, as };
}
