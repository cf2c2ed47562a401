/** Schedules of users in a file that is changed by hand while the server runs. */

import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashPassword } from '../../src/auth/passwords/hash.js';
import { JobAgent } from '../support/job-agent.js';
import { as, command, created, order, ordersOf, PASSWORD } from '../support/schedule-world.js';
import { TestServer } from '../support/server.js';

interface Row {
  readonly username: string;
  readonly password: string;
  readonly groups: readonly string[];
}

let server: TestServer;
let one: JobAgent;
let root: Row;

const row = async (username: string, password: string = PASSWORD): Promise<Row> => ({
  username,
  password: await hashPassword(password),
  groups: ['Administrators'],
});

function write(folder: string, ...rows: readonly Row[]): void {
  const path = join(folder, 'users.json');
  writeFileSync(`${path}.new`, JSON.stringify(rows));
  renameSync(`${path}.new`, path);
}

before(async () => {
  root = await row('root');
  server = await TestServer.start({
    api: { auth: null, auth_file: 'users.json', user_login_wait: 0, max_failed_login: 0 },
    prepare: (_dataDir, folder) => write(folder, root),
  });
  one = await new JobAgent('client-1', {}).connect(server, as(server));
});
after(() => server?.remove());

test('taken out by hand and put back he is the same; who gets his name after him has none of his schedules', async () => {
  const eve = await row('eve');
  write(server.folder, root, eve);
  const body = command({ schedule: '@every 1s', overlaps: true, command: 'of eve' });
  const { id } = created(await as(server, 'eve').post('/schedules', { body }));
  await order(one, 'of eve');
  write(server.folder, root);
  await server.untilLogged(new RegExp(`schedule ${id} is not run: there is no user "eve"`));
  const before = ordersOf(one, 'of eve').length;
  // A new password afterwards is a change of the same person.
  write(server.folder, root, eve);
  await order(one, 'of eve', before);
  write(server.folder, root, await row('eve', 'another-password'));
  await order(one, 'of eve', ordersOf(one, 'of eve').length + 1);

  const seen = server.output.length;
  write(server.folder, root);
  await server.untilLogged(new RegExp(`schedule ${id} is not run: there is no user "eve"`), seen);
  const until = ordersOf(one, 'of eve').length;
  write(server.folder, root, await row('eve'));
  await server.untilLogged(
    new RegExp(`schedule ${id} is not run: user "eve" is not the one of that name who has made it`),
    seen,
  );
  assert.equal(ordersOf(one, 'of eve').length, until);
  const other = command({ schedule: '@every 1s', overlaps: true, command: 'of the new one' });
  created(await as(server, 'eve').post('/schedules', { body: other }));
  await order(one, 'of the new one', 1);
  assert.equal(ordersOf(one, 'of eve').length, until);
});
