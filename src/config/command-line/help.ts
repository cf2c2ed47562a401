import { flags } from './flags.js';

const WIDTH = 36;

/** What `--help` prints. */
export function helpText(): string {
  const options = flags.map(({ name, short, kind, help }) => {
    const value = kind === 'bool' ? '' : kind === 'list' ? '=<a,b-c>' : `=<${kind}>`;
    const left = `--${name}${value}${short === undefined ? '' : `, -${short}`}`;
    return `  ${left.padEnd(WIDTH)}  ${help}`;
  });
  return `Usage: tideway [serve] [options]
       tideway user add|change|delete|list [options]
       tideway vault import <vault.sqlite.db> [options]
       tideway audit verify [options]

Remote management and reverse tunnels for fleets behind firewalls: a server for rport agents.

  tideway
    starts with generated credentials, data in ./data, or with ./rportd.conf when that exists
  tideway -c /etc/rport/rportd.conf
    starts with that configuration file
  tideway --addr 0.0.0.0:9999 --auth site-a:s3cret --data-dir /srv/tideway
    starts without a file
  tideway user change -u admin -p
    gives a user another password, also while the server runs; see tideway user --help
  tideway vault import /var/lib/rport/vault.sqlite.db
    takes over the vault of an rportd, also while the server runs; see tideway vault --help
  tideway audit verify -c /etc/rport/rportd.conf
    checks that nothing in the audit log was changed or removed, also while the server runs

A flag beats the environment variable RPORTD_<SECTION>_<KEY>, which beats the configuration file.

Options:
${options.join('\n')}

Signals:
  SIGTERM, SIGINT  stop
  SIGHUP           reload the configuration and reopen the log files
`;
}

/** What `--version` prints. */
export const versionText = (version: string): string => `tideway version ${version}`;
