import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { verify } from 'argon2';
import type { AgentCredential } from '../../src/auth/agents/credential-source.js';
import type { User } from '../../src/auth/users/provider.js';
import { prepareDataDir } from '../../src/config/bootstrap.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import { load, server } from './surroundings.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

function embeddedIn(test: TestContext, ...argv: string[]) {
  const dataDir = join(tempFolder(test), 'deep', 'data');
  return { dataDir, loaded: load({ argv: ['--data-dir', dataDir, ...argv] }) };
}

/** What is in the store of the data directory. */
async function stored(dataDir: string): Promise<{ users: User[]; agents: AgentCredential[] }> {
  return inStore(dataDir, async ({ users, agentCredentials }) => ({
    users: [...users.all()],
    agents: [...agentCredentials.all()],
  }));
}

async function inStore<Result>(dataDir: string, use: (store: Store) => Promise<Result>): Promise<Result> {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const withIsNew = (agents: readonly object[]): object[] => agents.map((one) => ({ ...one, isNew: true }));

describe('the first start without credentials', () => {
  it('makes secrets, an agent credential and an administrator, readable by the owner only', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    const { config, newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(modeOf(dataDir), 0o700);
    assert.equal(modeOf(join(dataDir, 'secrets.json')), 0o600);
    assert.equal(modeOf(join(dataDir, 'store', 'data.mdb')), 0o600);
    assert.match(config.server.keySeed, /^[0-9a-f]{64}$/);
    assert.match(config.api.jwtSecret, /^[0-9a-f]{64}$/);
    assert.notEqual(config.server.keySeed, config.api.jwtSecret);
    assert.equal(newAdmin?.username, 'admin');
    assert.ok((newAdmin?.password.length ?? 0) >= 20);
    const { users, agents } = await stored(dataDir);
    assert.deepEqual(withIsNew(agents), [agentCredential]);
    assert.equal(agentCredential?.id, 'agent');
    const [user, ...others] = users;
    assert.deepEqual(others, []);
    assert.deepEqual(user?.groups, ['Administrators']);
    assert.match(user?.password ?? '', /^\$argon2id\$/);
    assert.ok(await verify(user?.password ?? '', newAdmin?.password ?? ''));
  });

  it('is the only one: later starts reuse everything and show no password', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    const first = await prepareDataDir(loaded);
    await first.adminWasShown();
    const before = await stored(dataDir);
    const second = await prepareDataDir(loaded);
    assert.deepEqual(second.config, first.config);
    assert.equal(first.agentCredential?.isNew, true);
    assert.deepEqual(second.agentCredential, { ...first.agentCredential, isNew: false });
    assert.equal(second.newAdmin, null);
    assert.deepEqual(await stored(dataDir), before);
  });

  it('is the same with a configuration file that names no credentials', async (test) => {
    const dataDir = tempFolder(test);
    const toml = `[server]\ndata_dir = ${JSON.stringify(dataDir)}\n[api]\naddress = "127.0.0.1:0"\n`;
    const { newAdmin, agentCredential } = await prepareDataDir(load({ toml }));
    assert.equal(newAdmin?.username, 'admin');
    assert.deepEqual(withIsNew((await stored(dataDir)).agents), [agentCredential]);
  });

  it('gives the administrator a new password until one was shown', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    const { newAdmin: lost } = await prepareDataDir(loaded);
    const { newAdmin: lostToo } = await prepareDataDir(loaded);
    const { newAdmin, adminWasShown } = await prepareDataDir(loaded);
    await adminWasShown();
    const [user] = (await stored(dataDir)).users;
    assert.equal(new Set([lost?.password, lostToo?.password, newAdmin?.password]).size, 3);
    assert.ok(await verify(user?.password ?? '', newAdmin?.password ?? ''));
  });

  it('leaves a password alone that somebody else has set meanwhile', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    await prepareDataDir(loaded);
    await inStore(dataDir, ({ users }) => users.change('admin', { password: '$argon2id$by-hand' }));
    assert.equal((await prepareDataDir(loaded)).newAdmin, null);
    assert.equal((await stored(dataDir)).users[0]?.password, '$argon2id$by-hand');
  });

  it('generates nothing that was given', async (test) => {
    const { dataDir, loaded } = embeddedIn(test, '--auth=a:b', '--api-auth=u:p', '--key=seed');
    const { config, newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(config.server.keySeed, 'seed');
    assert.match(config.api.jwtSecret, /^[0-9a-f]{64}$/);
    assert.deepEqual(agentCredential, { id: 'a', password: 'b', isNew: false });
    assert.equal(newAdmin, null);
    assert.equal(existsSync(join(dataDir, 'store')), false);
  });

  it('makes no user when the API is off', async (test) => {
    const { dataDir, loaded } = embeddedIn(test, '--api-addr=');
    assert.equal((await prepareDataDir(loaded)).newAdmin, null);
    assert.deepEqual((await stored(dataDir)).users, []);
  });
});

describe('credentials that an earlier version kept in files', () => {
  const hash = '$2y$10$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
  const users = [
    {
      username: 'anna',
      password: hash,
      password_expired: false,
      groups: ['Administrators'],
      two_fa_send_to: '',
    },
    {
      username: 'bert',
      password: '$argon2id$x',
      password_expired: true,
      groups: null,
      two_fa_send_to: 'b@example.org',
      totp_secret: 'otpauth://totp/b',
      unknown: 1,
    },
  ];
  const imported: readonly User[] = [
    {
      username: 'anna',
      password: hash,
      passwordExpired: false,
      groups: ['Administrators'],
      twoFaSendTo: '',
      totpSecret: '',
    },
    {
      username: 'bert',
      password: '$argon2id$x',
      passwordExpired: true,
      groups: null,
      twoFaSendTo: 'b@example.org',
      totpSecret: 'otpauth://totp/b',
    },
  ];
  const agents = { site: 'one', 'other site': 'two' };

  function earlier(test: TestContext) {
    const { dataDir, loaded } = embeddedIn(test);
    mkdirSync(dataDir, { recursive: true });
    const file = (name: string): string => join(dataDir, name);
    writeFileSync(file('api-users.json'), JSON.stringify(users));
    writeFileSync(file('client-auth.json'), JSON.stringify(agents));
    const names = (): string[] => readdirSync(dataDir).filter((name) => /users|client/.test(name));
    return { dataDir, loaded, file, names };
  }
  const bothImported = ['api-users.json.imported', 'client-auth.json.imported'];
  const expected = {
    users: imported,
    agents: [
      { id: 'other site', password: 'two' },
      { id: 'site', password: 'one' },
    ],
  };

  it('move to the store with all their fields; nothing new is made', async (test) => {
    const { dataDir, loaded, names } = earlier(test);
    const { newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(newAdmin, null);
    assert.deepEqual(agentCredential, { id: 'other site', password: 'two', isNew: false });
    assert.deepEqual(await stored(dataDir), expected);
    assert.deepEqual(names(), bothImported);
    assert.equal((await prepareDataDir(loaded)).newAdmin, null);
    assert.deepEqual(await stored(dataDir), expected);
  });

  it('are there once, wherever a crash cuts the move', async (test) => {
    const { dataDir, loaded, file, names } = earlier(test);
    const digest = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(file(name)))
        .digest('hex');
    // Cut before anything was stored.
    await inStore(dataDir, async ({ settings }) => {
      await settings.put('imported api-users.json', digest('api-users.json'));
      await settings.put('imported client-auth.json', digest('client-auth.json'));
    });
    await prepareDataDir(loaded);
    assert.deepEqual(await stored(dataDir), expected);
    // Cut before the files were renamed; users have changed since.
    for (const name of ['api-users.json', 'client-auth.json'])
      renameSync(file(`${name}.imported`), file(name));
    await inStore(dataDir, async (store) => {
      await store.users.remove('bert');
      await store.agentCredentials.remove('other site');
    });
    assert.equal((await prepareDataDir(loaded)).newAdmin, null);
    assert.deepEqual(await stored(dataDir), { users: [imported[0]], agents: [expected.agents[1]] });
    assert.deepEqual(names(), bothImported);
  });

  it('stay where they are when the store has others, or the configuration names a place', async (test) => {
    const { dataDir, loaded, file, names } = earlier(test);
    const configured = load({
      argv: [
        '--data-dir',
        dataDir,
        '--api-authfile',
        file('api-users.json'),
        '--authfile',
        file('client-auth.json'),
      ],
    });
    assert.equal((await prepareDataDir(configured)).newAdmin, null);
    await inStore(dataDir, async (store) => {
      await store.users.addFirst([imported[0] as User]);
      await store.agentCredentials.addFirst([{ id: 'a', password: 'b' }]);
    });
    await prepareDataDir(loaded);
    assert.deepEqual(names(), ['api-users.json', 'client-auth.json']);
    assert.deepEqual(await stored(dataDir), { users: [imported[0]], agents: [{ id: 'a', password: 'b' }] });
  });

  it('without a user: an administrator is made', async (test) => {
    const { dataDir, loaded, file, names } = earlier(test);
    writeFileSync(file('api-users.json'), '[]');
    writeFileSync(file('client-auth.json'), '{}');
    const { newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(newAdmin?.username, 'admin');
    assert.deepEqual(withIsNew((await stored(dataDir)).agents), [agentCredential]);
    assert.deepEqual(names(), bothImported);
  });

  for (const [name, content] of [
    ['client-auth.json', '{"a": s3cret}'],
    ['client-auth.json', '{"a\\u0000": "s3cret"}'],
    ['api-users.json', '[{"username":"anna","password":"s3cret"}]'],
    ['api-users.json', `[{"username":"a\\u0000","password":"$2y$s3cret"}]`],
  ] as const)
    it(`stop the start when they cannot be used, without being quoted: ${name} ${content}`, async (test) => {
      const { dataDir, loaded, file } = earlier(test);
      writeFileSync(file(name), content);
      await assert.rejects(prepareDataDir(loaded), (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.ok(error.message.startsWith(`can't import ${file(name)}: `), error.message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
      assert.equal(readFileSync(file(name), 'utf8'), content);
      assert.deepEqual((await stored(dataDir)).users, []);
    });
});

describe('the data directory of a configured server', () => {
  const configured = (dataDir: string, ...lines: string[]) =>
    load({ toml: server(`data_dir = ${JSON.stringify(dataDir)}`, ...lines) });

  it('keeps generated secrets, but leaves credentials to the operator', async (test) => {
    const dataDir = tempFolder(test);
    const first = await prepareDataDir(configured(dataDir));
    const second = await prepareDataDir(configured(dataDir));
    assert.equal(first.newAdmin, null);
    assert.deepEqual(first.agentCredential, { id: 'a', password: 'b', isNew: false });
    assert.deepEqual(second.config, first.config);
  });

  it('is left alone when seed and secret are configured', async (test) => {
    const dataDir = tempFolder(test);
    const toml = `${server(`data_dir = ${JSON.stringify(dataDir)}`, 'key_seed = "s"')}[api]\njwt_secret = "t"`;
    const { config } = await prepareDataDir(load({ toml }));
    assert.equal(config.server.keySeed, 's');
    assert.equal(config.api.jwtSecret, 't');
    assert.throws(() => statSync(join(dataDir, 'secrets.json')), { code: 'ENOENT' });
  });

  for (const content of ['', '{', 'null', '{"version":2}', '{"version":1,"key_seed":"s3cret"}'])
    it(`refuses to replace an unusable secrets file: ${content || 'empty'}`, async (test) => {
      const dataDir = tempFolder(test);
      const path = join(dataDir, 'secrets.json');
      writeFileSync(path, content);
      await assert.rejects(prepareDataDir(configured(dataDir)), (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.match(error.message, /secrets\.json is unusable .*restore it from a backup/);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
      assert.equal(readFileSync(path, 'utf8'), content);
    });

  it('must be a directory', async (test) => {
    const folder = tempFolder(test);
    writeFileSync(join(folder, 'file'), '');
    await assert.rejects(
      prepareDataDir(configured(join(folder, 'file', 'data'))),
      /failed to create data dir/,
    );
  });
});
