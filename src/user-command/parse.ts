/** The arguments of `tideway user`. Spec 02 §19. */

import { firstWordAt, without } from '../config/command-line/first-word.js';
import { type Flag, flags as serverFlags } from '../config/command-line/flags.js';
import { splitArguments, typedValue } from '../config/command-line/split.js';
import { reasonOf } from '../config/config-error.js';
import { actionHelp, actionUsage, type UserAction, userUsage } from './usage.js';

export interface UserCommand {
  readonly action: UserAction;
  /** Empty for `list`. */
  readonly username: string;
  /** `null`: not given. */
  readonly groups: readonly string[] | null;
  readonly twoFaSendTo: string | null;
  /** Ask for one. */
  readonly password: boolean;
  /** Arguments that name the configuration. */
  readonly configArguments: readonly string[];
}

export type ParsedUserCommand =
  | { readonly kind: 'run'; readonly command: UserCommand }
  | { readonly kind: 'usage'; readonly text: string }
  /** `error` without line break. */
  | { readonly kind: 'wrong'; readonly error: string; readonly usage: string };

const username: Flag = { name: 'username', short: 'u', kind: 'string', path: null, help: '' };
const group: Flag = { name: 'group', short: 'g', kind: 'list', path: null, help: '' };
const twoFaSendTo: Flag = { name: '2fa-sendto', kind: 'string', path: null, help: '' };
const password: Flag = { name: 'password', short: 'p', kind: 'bool', path: null, help: '' };

const own: Readonly<Record<UserAction, readonly Flag[]>> = {
  add: [username, group, twoFaSendTo],
  change: [username, group, twoFaSendTo, password],
  delete: [username],
  list: [],
};

/** Flags that say where users are; what only a running server does is none of them. */
const shared = serverFlags.filter(({ name }) => !['service', 'service-user', 'version'].includes(name));
const everyFlag = [username, group, twoFaSendTo, password, ...serverFlags];

/** Whether the command line is one of these: its first word is `user`. */
export const isUserCommand = (argv: readonly string[]): boolean =>
  argv[firstWordAt(argv, everyFlag)] === 'user';

/** Takes the whole command line. Never throws. */
export function parseUserCommand(argv: readonly string[]): ParsedUserCommand {
  const rest = without(argv, firstWordAt(argv, everyFlag));
  const actionAt = firstWordAt(rest, everyFlag);
  const action = actionOf(rest[actionAt]);
  if (action === undefined) return { kind: 'usage', text: userUsage() };
  try {
    // Neither what is wrong with it nor which letter of it: it may be a password.
    if (rest.some(isPasswordWithValue))
      throw new Error('flag -p, --password takes no value, it is asked for');
    const { given, words } = splitArguments(without(rest, actionAt), [...own[action], ...shared]);
    const values = given.map((one) => ({ ...one, typed: typedValue(one) }));
    const valuesOf = (flag: Flag) => values.filter((one) => one.flag === flag).map(({ typed }) => typed);
    if (values.some(({ flag, typed }) => flag.name === 'help' && typed === true))
      return { kind: 'usage', text: actionHelp(action) };
    // Not quoted: it may be a password.
    if (words.length > 0) throw new Error('unexpected argument');
    const groups = valuesOf(group);
    const name = String(valuesOf(username).at(-1) ?? '');
    if (name === '' && own[action].includes(username)) throw new Error('required flag(s) "username" not set');
    return {
      kind: 'run',
      command: {
        action,
        username: name,
        groups:
          groups.length === 0
            ? null
            : groups.flatMap((names) => (Array.isArray(names) ? names.map(String) : [])),
        twoFaSendTo: valuesOf(twoFaSendTo).map(String).at(-1) ?? null,
        password: valuesOf(password).at(-1) === true,
        configArguments: given
          .filter(({ flag }) => shared.includes(flag))
          .map(({ flag, value }) => `--${flag.name}${value === null ? '' : `=${value}`}`),
      },
    };
  } catch (thrown) {
    return { kind: 'wrong', error: reasonOf(thrown), usage: actionUsage(action) };
  }
}

const isPasswordWithValue = (argument: string): boolean =>
  /^(?:--password=|-p.)/s.test(argument) && !/^(?:--password|-p)=(?:true|false)$/.test(argument);

const actionOf = (word = ''): UserAction | undefined =>
  (['add', 'change', 'delete', 'list'] as const).find((action) => action === word);
