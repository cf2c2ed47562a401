/** Rules of `[database]` and of the tables in it. Spec 02 §18.3, 07 §2.4. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { api, load, refusal, server } from './surroundings.js';

const USERS = ['auth_user_table="users"', 'auth_group_table="groups"'];
const mysql = (...lines: readonly string[]): string =>
  `[database]\ndb_type = "mysql"\ndb_name = "rport"\n${lines.join('\n')}\n`;

describe('users and agents in a database', () => {
  it('are accepted with MySQL and SQLite', () => {
    const { config, warnings } = load({
      toml: `${api(...USERS, 'auth_group_details_table="group_details"')}${mysql('db_host="socket:/run/db.sock"')}`,
    });
    assert.equal(config.api.authGroupDetailsTable, 'group_details');
    assert.deepEqual(
      warnings.filter(({ message }) => /database|table/.test(message)),
      [],
    );
    const toml = '[server]\nauth_table="clients_auth"\n[database]\ndb_type="sqlite"\ndb_name="/a.db"';
    assert.equal(load({ toml }).config.server.authTable, 'clients_auth');
  });

  it('need the name of a database, and a host that can be one', () => {
    const nameless = '[database]\ndb_type = "sqlite"\n';
    const title = "'db_name' must be set when tables of a database are used";
    assert.equal(refusal({ toml: `${api(...USERS)}${nameless}` }), title);
    assert.equal(refusal({ toml: `[server]\nauth_table="t"\n${nameless}` }), title);
    assert.equal(
      refusal({ toml: `${api(...USERS)}${mysql('db_host="tcp(127.0.0.1:3306)"')}` }),
      'invalid db_host "tcp(127.0.0.1:3306)": expected <host>:<port> or socket:<path>',
    );
    // Nothing uses them.
    assert.ok(load({ toml: `${server()}${nameless}` }));
    assert.ok(load({ toml: `${server()}${mysql('db_host="a:b"')}` }));
  });

  it('need names of tables that can be quoted', () => {
    const details = (name: string) => `auth_group_details_table="${name}"`;
    for (const [toml, text] of [
      [api('auth_user_table="u`"', 'auth_group_table="g"'), /^invalid 'auth_user_table': .*back-tick/],
      [api('auth_user_table="u"', 'auth_group_table="g` --"'), /^invalid 'auth_group_table': .*back-tick/],
      [api(...USERS, details('d`')), /^invalid 'auth_group_details_table': .*back-tick/],
      [api(...USERS, details('d\\u0000')), /^invalid 'auth_group_details_table': .*control/],
      ['[server]\nauth_table="a`b"\n', /^invalid 'auth_table': .*back-tick/],
      ['[server]\nauth_table="a..b"\n', /^invalid 'auth_table': .*empty/],
    ] as const) {
      assert.match(refusal({ toml: toml + mysql() }), text, toml);
    }
    assert.ok(load({ toml: `[server]\nauth_table="other.clients"\n${mysql()}` }));
  });
});
