/** What `tideway vault --help` and its like print. */

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;

/** Of the command as a whole. */
export const vaultUsage = (): string =>
  lines(
    'Take over a vault',
    '',
    'Usage:',
    '  tideway vault import <vault.sqlite.db> [flags]',
    '',
    'Use "tideway vault import --help" for more information.',
  );

/** How `import` is used. */
export const importUsage = (): string =>
  lines(
    'Usage:',
    '  tideway vault import <vault.sqlite.db> [flags]',
    '',
    'Takes over status and values of the vault of an rportd, as they are encrypted: no password is needed. The file',
    'is only read. Works beside a running server, and is refused when there is a vault already. The first unlock',
    'through the API, with the password the vault has in rportd, encrypts all values anew.',
    '',
    'Examples:',
    '  tideway vault import /var/lib/rport/vault.sqlite.db -c /etc/rport/rportd.conf',
    '  tideway vault import vault.sqlite.db --data-dir /srv/tideway',
    '',
    'Flags:',
    '  -c, --config string     location of the config file',
    '      --data-dir string   directory of all stored data',
    '  -h, --help              help for import',
  );
