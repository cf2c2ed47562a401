import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { verify } from 'argon2';
import { prepareDataDir } from '../../src/config/bootstrap.js';
import { tempFolder } from '../support/temp-folder.js';
import { load, server } from './surroundings.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

function embeddedIn(test: TestContext, ...argv: string[]) {
  const dataDir = join(tempFolder(test), 'deep', 'data');
  return { dataDir, loaded: load({ argv: ['--data-dir', dataDir, ...argv] }) };
}

describe('the first start without a configuration', () => {
  it('makes secrets, an agent credential and an administrator, readable by the owner only', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    const { config, newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(modeOf(dataDir), 0o700);
    for (const name of ['secrets.json', 'client-auth.json', 'api-users.json'])
      assert.equal(modeOf(join(dataDir, name)), 0o600, name);
    assert.match(config.server.keySeed, /^[0-9a-f]{64}$/);
    assert.match(config.api.jwtSecret, /^[0-9a-f]{64}$/);
    assert.notEqual(config.server.keySeed, config.api.jwtSecret);
    assert.equal(config.server.authFile, join(dataDir, 'client-auth.json'));
    assert.equal(config.api.authFile, join(dataDir, 'api-users.json'));
    assert.equal(newAdmin?.username, 'admin');
    assert.ok((newAdmin?.password.length ?? 0) >= 20);
    assert.deepEqual(JSON.parse(readFileSync(config.server.authFile, 'utf8')), {
      [agentCredential?.id ?? '']: agentCredential?.password,
    });
    const [user, ...others] = JSON.parse(readFileSync(config.api.authFile, 'utf8'));
    assert.deepEqual(others, []);
    assert.deepEqual(user.groups, ['Administrators']);
    assert.match(user.password, /^\$argon2id\$/);
    assert.ok(await verify(user.password, newAdmin?.password ?? ''));
  });

  it('is the only one: later starts reuse everything and show no password', async (test) => {
    const { loaded } = embeddedIn(test);
    const first = await prepareDataDir(loaded);
    const second = await prepareDataDir(loaded);
    assert.deepEqual(second.config, first.config);
    assert.deepEqual(second.agentCredential, first.agentCredential);
    assert.equal(second.newAdmin, null);
  });

  it('generates nothing that was given', async (test) => {
    const { loaded } = embeddedIn(test, '--auth=a:b', '--api-auth=u:p', '--key=seed');
    const { config, newAdmin, agentCredential } = await prepareDataDir(loaded);
    assert.equal(config.server.keySeed, 'seed');
    assert.match(config.api.jwtSecret, /^[0-9a-f]{64}$/);
    assert.equal(config.server.authFile, '');
    assert.equal(config.api.authFile, '');
    assert.deepEqual(agentCredential, { id: 'a', password: 'b' });
    assert.equal(newAdmin, null);
  });

  it('makes no user when the API is off', async (test) => {
    const { loaded } = embeddedIn(test, '--api-addr=');
    const { config, newAdmin } = await prepareDataDir(loaded);
    assert.equal(newAdmin, null);
    assert.equal(config.api.authFile, '');
  });
});

describe('the data directory of a configured server', () => {
  const configured = (dataDir: string, ...lines: string[]) =>
    load({ toml: server(`data_dir = ${JSON.stringify(dataDir)}`, ...lines) });

  it('keeps generated secrets, but leaves credentials to the operator', async (test) => {
    const dataDir = tempFolder(test);
    const first = await prepareDataDir(configured(dataDir));
    const second = await prepareDataDir(configured(dataDir));
    assert.equal(first.config.server.authFile, '');
    assert.equal(first.newAdmin, null);
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

  it('reports agent credentials that cannot be read, without quoting them', async (test) => {
    const { dataDir, loaded } = embeddedIn(test);
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'client-auth.json'), '{"a": s3cret}');
    await assert.rejects(prepareDataDir(loaded), (error: Error) => {
      assert.match(error.message, /can't read agent credentials/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  });
});
