/** What `tideway user --help` and its like print. Spec 02 §19. */

export type UserAction = 'add' | 'change' | 'delete' | 'list';

const GROUP = [
  '      --2fa-sendto string   receiver of two-factor codes',
  '  -g, --group strings       group(s) user should be part of (comma separated)',
];

interface ActionUsage {
  readonly summary: string;
  readonly examples: readonly string[];
  readonly flags: readonly string[];
  readonly takesName: boolean;
}

const actions: Readonly<Record<UserAction, ActionUsage>> = {
  add: {
    summary: 'Add a new user',
    examples: [
      'tideway user add -u admin -g Administrators --2fa-sendto admin@example.com',
      'tideway user add -u robot < password.txt',
    ],
    flags: [...GROUP, '  -h, --help                help for add'],
    takesName: true,
  },
  change: {
    summary: 'Change a user',
    examples: ['tideway user change -u admin -p', 'tideway user change -u admin -g ""   (in no group)'],
    flags: [
      ...GROUP,
      '  -h, --help                help for change',
      "  -p, --password            update user's password",
    ],
    takesName: true,
  },
  delete: {
    summary: 'Delete a user',
    examples: ['tideway user delete -u admin'],
    flags: ['  -h, --help   help for delete'],
    takesName: true,
  },
  list: {
    summary: 'List the users',
    examples: ['tideway user list'],
    flags: ['  -h, --help   help for list'],
    takesName: false,
  },
};

const CONFIG = '  -c, --config string     location of the config file';
const USERNAME = '  -u, --username string   username [required]';
const SETTINGS =
  'Flags of the server (tideway --help) that say where users are, such as --data-dir, work here, too.';

/** All about one action. */
export const actionHelp = (action: UserAction): string =>
  lines(actions[action].summary, '', actionUsage(action).trimEnd());

/** How one action is used. */
export function actionUsage(action: UserAction): string {
  const { examples, flags, takesName } = actions[action];
  const global = takesName ? [CONFIG, USERNAME] : [CONFIG];
  return lines(
    'Usage:',
    `  tideway user ${action} [flags]`,
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    'Flags:',
    ...flags,
    '',
    'Global Flags:',
    ...global,
    '',
    SETTINGS,
  );
}

/** Of all of them. */
export const userUsage = (): string =>
  lines(
    'Add, change, delete or list api users',
    '',
    'Usage:',
    '  tideway user [command]',
    '',
    'Available Commands:',
    ...Object.entries(actions).map(([action, { summary }]) => `  ${action.padEnd(11)} ${summary}`),
    '',
    'Flags:',
    '  -h, --help              help for user',
    USERNAME,
    '',
    'Global Flags:',
    CONFIG,
    '',
    'Use "tideway user [command] --help" for more information about a command.',
  );

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;
