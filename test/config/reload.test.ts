import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { keyPaths } from '../../src/config/keys.js';
import { liveConfig } from '../../src/config/live-config.js';
import { planReload, restartOnly } from '../../src/config/reload.js';
import { api, load, server } from './surroundings.js';

const USER = 'auth = "admin:secret"';
const config = (toml: string) => load({ toml }).config;

describe('a reload', () => {
  it('of the same settings changes nothing', () => {
    const { applied, waiting } = planReload(config(api(USER)), config(api(USER)));
    assert.deepEqual([applied, waiting], [[], []]);
  });

  it('applies what is live and names it as written in the file', () => {
    const wanted = config(
      `${api(USER, 'cors = ["https://a.example"]', 'two_fa_token_ttl_seconds = 30')}[logging]\nlog_level = "debug"\n`,
    );
    const plan = planReload(config(api(USER)), wanted);
    assert.deepEqual([...plan.applied].sort(), [
      'api.cors',
      'api.two_fa_token_ttl_seconds',
      'logging.log_level',
    ]);
    assert.deepEqual(plan.waiting, []);
    assert.deepEqual(plan.config, wanted);
  });

  it('leaves what only a start reads as it was, computed values too', () => {
    const running = config(server('used_ports = ["20000-30000"]'));
    const plan = planReload(
      running,
      config(server('used_ports = ["40000-50000"]', 'key_seed = "x"', 'max_failed_login = 9')),
    );
    assert.deepEqual([...plan.waiting].sort(), ['server.key_seed', 'server.used_ports']);
    assert.deepEqual(plan.applied, ['server.max_failed_login']);
    assert.deepEqual(plan.config.server, { ...running.server, maxFailedLogin: 9 });
  });

  it('names an agent credential once, and no value of anything', () => {
    const plan = planReload(config('[server]\nauth = "a:b"\n'), config('[server]\nauth = "a:secret"\n'));
    assert.deepEqual(plan.applied, ['server.auth']);
    assert.deepEqual(plan.config.server.clientAuth, { id: 'a', password: 'secret' });
  });

  it('says again what still waits', () => {
    const wanted = config(server('shards = 7'));
    const first = planReload(config(server('shards = 3')), wanted);
    assert.deepEqual(planReload(first.config, wanted).waiting, ['server.shards']);
  });
});

it('keys that need a restart are keys', () => {
  assert.deepEqual(
    restartOnly.filter((path) => !keyPaths.includes(path)),
    [],
  );
});

it('a kept section of the live configuration shows what was put in its place', () => {
  const next = config(server('check_port_timeout = "9s"'));
  const live = liveConfig(config(server()));
  const kept = live.config.server;
  live.replace(next);
  assert.equal(kept.checkPortTimeout, 9_000);
  assert.deepEqual(live.config, next);
});

it('the keys that need a restart are the ones docs/operation.md lists', () => {
  const text = readFileSync(new URL('../../../docs/operation.md', import.meta.url), 'utf8');
  const reload = text.slice(text.indexOf('These wait for a restart'), text.indexOf('## Threads and crashes'));
  const rows = [...reload.matchAll(/^\| `\[(\w+)\]` \| (.+) \|$/gm)];
  const listed = rows.flatMap(([, section, keys = '']) =>
    [...keys.matchAll(/`(\w+)`/g)].map(([, key]) => `${section}.${key}`),
  );
  assert.deepEqual(listed, restartOnly);
});
