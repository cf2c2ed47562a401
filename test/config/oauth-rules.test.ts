import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { api, load, refusal, server } from './surroundings.js';

const complete = {
  provider: '"github"',
  authorize_url: '"https://github.example/login/oauth/authorize"',
  token_url: '"https://github.example/login/oauth/access_token"',
  redirect_uri: '"https://tideway.example/oauth/callback"',
  client_id: '"id"',
  client_secret: '"secret"',
  required_organization: '"acme"',
};
const openId = {
  ...complete,
  provider: '"oidc"',
  required_organization: null,
  jwks_url: '"https://github.example/jwks"',
  permitted_user_list: 'true',
};

type Changes = Readonly<Record<string, string | null>>;

const section = (base: Changes, changes: Changes = {}): string =>
  Object.entries({ ...base, ...changes })
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} = ${value}`)
    .join('\n');
const toml = (base: Changes, changes: Changes = {}, ...lines: readonly string[]): string =>
  `${api('auth_file = "/users"', ...lines)}[plus-oauth]\n${section(base, changes)}\n`;

const PREFIX = 'invalid oauth configuration: ';

describe('[plus-oauth]', () => {
  for (const [changes, text] of [
    [{ provider: null }, 'missing provider'],
    [{ provider: '"gitlab"' }, 'provider "gitlab" is not currently supported'],
    [{ authorize_url: null }, 'missing authorize_url'],
    [{ token_url: null }, 'missing token_url'],
    [{ redirect_uri: null }, 'missing redirect_uri'],
    [{ client_id: null }, 'missing client_id'],
    [{ client_secret: '""' }, 'missing client_secret'],
    [{ authorize_url: '"nothing"' }, 'invalid authorize_url: it is no absolute URL'],
    [{ token_url: '"http://github.example/t"' }, 'invalid token_url: http is allowed for this machine only'],
    [{ token_url: '"ftp://127.0.0.1/t"' }, 'invalid token_url: scheme must be https'],
    [
      { token_url: '"http://127.0.0.1.evil.example/t"' },
      'invalid token_url: http is allowed for this machine only',
    ],
    [
      { redirect_uri: '"https://a:b@tideway.example/"' },
      'invalid redirect_uri: it must not hold credentials',
    ],
    [{ redirect_uri: '"https://tideway.example/#a"' }, 'invalid redirect_uri: it must not hold a fragment'],
    [
      { device_authorize_url: '"https://a b/"' },
      'invalid device_authorize_url: it holds blanks or control characters',
    ],
    [{ required_organization: null }, 'permitted_user_list OR permitted_user_match must be specified'],
    [
      { permitted_user_match: '"[a"' },
      'invalid permitted_user_match: error parsing regexp: missing closing ]: `[a`',
    ],
    [{ required_group_id: '"g"' }, "required_group_id is not supported by provider 'github'"],
    [{ required_role: '"r"' }, "required_role is not supported by provider 'github'"],
    [{ issuer: '"https://github.example"' }, "issuer is not supported by provider 'github'"],
  ] as const) {
    it(`is refused: ${text}`, () => {
      assert.equal(refusal({ toml: toml(complete, changes) }), PREFIX + text);
    });
  }
  for (const [changes, text] of [
    [{ jwks_url: null }, 'missing jwks_url'],
    [{ jwks_url: '"x"' }, 'invalid jwks_url: it is no absolute URL'],
    [{ issuer: '"x"' }, 'invalid issuer: it is no absolute URL'],
    [{ required_role: '"r"' }, 'missing role_claim'],
    [{ role_group_map: '{ a = "b" }' }, 'missing role_claim'],
    [{ required_organization: '"acme"' }, "required_organization is not supported by provider 'oidc'"],
  ] as const) {
    it(`is refused for OpenID: ${text}`, () => {
      assert.equal(refusal({ toml: toml(openId, changes) }), PREFIX + text);
    });
  }
  it('needs an application for devices with Google', () => {
    const google = {
      ...complete,
      provider: '"google"',
      required_organization: null,
      required_group_id: '"g"',
      device_authorize_url: '"https://google.example/device"',
    };
    assert.equal(refusal({ toml: toml(google) }), `${PREFIX}missing device_client_id`);
    const half = { device_client_id: '"d"' };
    assert.equal(refusal({ toml: toml(google, half) }), `${PREFIX}missing device_client_secret`);
    load({ toml: toml(google, { ...half, device_client_secret: '"s"' }) });
  });
  it('is accepted when complete; no plugin or licence is needed', () => {
    const { config, warnings } = load({ toml: toml(complete) });
    assert.equal(config.plusOauth.provider, 'github');
    assert.equal(config.plusOauth.requiredOrganization, 'acme');
    assert.deepEqual(warnings, []);
  });
  it('may use http on this machine', () => {
    for (const host of ['127.0.0.1:8080', '127.9.9.9', 'localhost', '[::1]:1']) {
      load({ toml: toml(complete, { token_url: `"http://${host}/token"` }) });
    }
  });
  it('may leave endpoints to the issuer', () => {
    const none = { authorize_url: null, token_url: null, jwks_url: null };
    load({ toml: toml(openId, { ...none, issuer: '"https://id.example/"' }) });
  });
  it('is not looked at without an API', () => {
    load({ toml: `${server()}[plus-oauth]\nprovider = "x"` });
  });
  it('says that plugin and licence are ignored', () => {
    const { warnings } = load({ toml: `${toml(complete)}[plus-plugin]\nplugin_path = "/p.so"` });
    assert.deepEqual(
      warnings.map(({ level }) => level),
      ['info'],
    );
    assert.match(warnings[0]?.message ?? '', /^plugin_path and licence are ignored/);
  });
  it('puts the single user out of service', () => {
    const { config, warnings } = load({
      toml: `${api('auth = "admin:secret"')}[plus-oauth]\n${section(complete)}`,
    });
    assert.equal(config.api.auth, '');
    assert.match(warnings[0]?.message ?? '', /'auth' is ignored with \[plus-oauth\]/);
  });
});

describe('role_group_map', () => {
  const mapOf = (value: string) =>
    load({ toml: toml(complete, { role_group_map: value }) }).config.plusOauth.roleGroupMap;

  it('is a table of groups, or of lists of groups', () => {
    assert.deepEqual(mapOf('{ Ops = "Operators", "https://x/a.b" = ["Administrators", "A", "A"] }'), [
      { role: 'Ops', groups: ['Operators'] },
      { role: 'https://x/a.b', groups: ['Administrators', 'A'] },
    ]);
    assert.deepEqual(mapOf('{}'), []);
  });
  it('may be a section of its own', () => {
    const { config } = load({
      toml: `${toml(complete)}[plus-oauth.role_group_map]\nboss = "Administrators"`,
    });
    assert.deepEqual(config.plusOauth.roleGroupMap, [{ role: 'boss', groups: ['Administrators'] }]);
  });
  it('is a text in the environment', () => {
    const { config } = load({
      toml: toml(complete),
      env: { RPORTD_PLUS_OAUTH_ROLE_GROUP_MAP: 'ops=Operators,cn=x=Night shift,ops=Day shift' },
    });
    assert.deepEqual(config.plusOauth.roleGroupMap, [
      { role: 'ops', groups: ['Operators', 'Day shift'] },
      { role: 'cn=x', groups: ['Night shift'] },
    ]);
  });
  it('refuses what has no role or no group', () => {
    for (const value of ['{ a = "" }', '{ a = [] }', '{ " " = "x" }', '"a"', '{ a = { b = "c" } }']) {
      assert.match(refusal({ toml: toml(complete, { role_group_map: value }) }), /role_group_map/, value);
    }
  });
});
