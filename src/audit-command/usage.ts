/** What `tideway audit --help` prints. */

export const auditUsage = `Check that nothing in the audit log was changed, removed or added afterwards

Usage:
  tideway audit verify [flags]

Examples:
  tideway audit verify -c /etc/rport/rportd.conf
  tideway audit verify --data-dir /srv/tideway

Flags:
  -c, --config string     location of the config file
      --data-dir string   data folder of the server
  -h, --help              help for audit

Exits with 0 when the log is whole, with 1 when it is not. The server may be running.
`;
