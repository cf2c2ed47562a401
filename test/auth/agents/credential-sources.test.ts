import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentCredential, CredentialSource } from '../../../src/auth/agents/credential-source.js';
import { fileCredentials } from '../../../src/auth/agents/file-credentials.js';
import { LiveCredentials } from '../../../src/auth/agents/live-credentials.js';
import { ownCredentials } from '../../../src/auth/agents/own-credentials.js';
import { staticCredentials } from '../../../src/auth/agents/static-credentials.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';
import { tempStore } from '../../support/temp-store.js';

const EXISTS = {
  status: 409,
  title: 'Client Auth with ID "one" already exist.',
  apiCode: 'ERR_CODE_ALREADY_EXIST',
};
const UNKNOWN = {
  status: 404,
  title: 'Client Auth with ID="none" not found.',
  apiCode: 'ERR_CODE_CLIENT_AUTH_NOT_FOUND',
};

function fileWith(test: TestContext, text: string) {
  const folder = tempFolder(test);
  const path = join(folder, 'clients.json');
  writeFileSync(path, text);
  const log = new MemoryLogger();
  const { exclusively } = tempStore(test);
  const source = fileCredentials({ path, exclusively, clock: new ManualClock(), log });
  return { folder, path, exclusively, log, source, text: () => readFileSync(path, 'utf8') };
}

function ownStore(test: TestContext): CredentialSource {
  return ownCredentials(tempStore(test));
}

for (const [name, open] of [
  ['the file', (test: TestContext) => fileWith(test, '{}').source],
  ['the own store', ownStore],
] as const) {
  test(`${name}: add, look up, list, remove`, async (t) => {
    const source = open(t);
    assert.equal(source.writable, true);
    assert.deepEqual(await source.list(), []);
    for (const id of ['two', 'one', '10', '9', 'Ünï']) await source.add({ id, password: `of ${id}` });
    assert.deepEqual(
      (await source.list()).map(({ id }) => id),
      ['10', '9', 'one', 'two', 'Ünï'],
    );
    assert.equal((await source.lookup('one'))?.password, 'of one');
    await assert.rejects(source.add({ id: 'one', password: 'other' }), EXISTS);
    assert.equal((await source.lookup('one'))?.password, 'of one');
    await source.remove('one');
    assert.equal(await source.lookup('one'), undefined);
    await assert.rejects(source.remove('none'), UNKNOWN);
    await source.add({ id: 'one', password: 'again' });
    assert.equal((await source.lookup('one'))?.password, 'again');
    for (const id of ['', '__proto__', 'x'.repeat(5000), '\u0000', '\ud800']) {
      assert.equal(await source.lookup(id), undefined);
    }
  });
}

test('the static credential cannot be changed', async () => {
  const source = staticCredentials({ id: 'agent', password: 'secret' });
  assert.equal(source.writable, false);
  assert.deepEqual(await source.list(), [{ id: 'agent', password: 'secret' }]);
  const refusal = { status: 405, apiCode: 'ERR_CODE_CLIENT_AUTH_SINGLE' };
  await assert.rejects(source.add({ id: 'new', password: 'secret' }), refusal);
  await assert.rejects(source.remove('agent'), refusal);
});

test('the file is written as the reference writes it', async (t) => {
  const file = fileWith(t, '{"b":"1","10":"x","9":"y"}');
  await file.source.add({ id: 'a"\n', password: 'ä<>' });
  assert.equal(file.text(), '{\n\t"10": "x",\n\t"9": "y",\n\t"a\\"\\n": "ä<>",\n\t"b": "1"\n}\n');
  for (const id of ['10', '9', 'a"\n', 'b']) await file.source.remove(id);
  assert.equal(file.text(), '{}\n');
  assert.deepEqual(readdirSync(file.folder), ['clients.json']);
});

test('edits by hand survive, whatever they are', async (t) => {
  const file = fileWith(t, '{"one":"first"}');
  assert.equal((await file.source.lookup('one'))?.password, 'first');
  writeFileSync(file.path, '\uFEFF{"one":"changed","two":"second","later":"","note":{"by":"hand"}}');
  await file.source.add({ id: 'three', password: 'third' });
  assert.deepEqual(JSON.parse(file.text()), {
    later: '',
    note: { by: 'hand' },
    one: 'changed',
    three: 'third',
    two: 'second',
  });
  // An entry nobody can log in with is no credential, and makes way for one.
  await assert.rejects(file.source.remove('later'), { status: 404 });
  await file.source.add({ id: 'later', password: 'now' });
  assert.equal((await file.source.lookup('later'))?.password, 'now');
});

test('mode and links of the file stay', async (t) => {
  const file = fileWith(t, '{}');
  chmodSync(file.path, 0o640);
  const link = join(file.folder, 'link.json');
  symlinkSync(file.path, link);
  const source = fileCredentials({ ...file, path: link, clock: new ManualClock() });
  await source.add({ id: 'one', password: 'first' });
  assert.deepEqual(JSON.parse(file.text()), { one: 'first' });
  assert.equal(statSync(file.path).mode & 0o777, 0o640);
});

test('a file that is bad or gone is left alone, and the answer tells nothing of it', async (t) => {
  for (const text of ['{"one":"topsecret"', '[]', '"topsecret"']) {
    const file = fileWith(t, text);
    await assert.rejects(file.source.add({ id: 'new', password: 'secret' }), {
      status: 500,
      title: 'the file of client credentials cannot be changed',
    });
    assert.equal(file.text(), text);
    assert.equal(file.log.lines.length, 1);
    assert.ok(!file.log.lines[0]?.includes('topsecret'));
  }
  const gone = fileCredentials({
    path: join(tempFolder(t), 'none.json'),
    exclusively: tempStore(t).exclusively,
    clock: new ManualClock(),
    log: new MemoryLogger(),
  });
  await assert.rejects(gone.add({ id: 'new', password: 'secret' }), { status: 500 });
});

test('a lookup that a change overtakes is made anew', async () => {
  const answers: ((credential: AgentCredential | undefined) => void)[] = [];
  const slow: CredentialSource = {
    ...staticCredentials({ id: 'x', password: 'y' }),
    lookup: () => new Promise((resolve) => answers.push(resolve)),
  };
  const live = new LiveCredentials(slow);
  const found = live.lookup('agent');
  live.forget();
  answers[0]?.({ id: 'agent', password: 'deleted meanwhile' });
  await new Promise((resolve) => setImmediate(resolve));
  answers[1]?.(undefined);
  assert.equal(await found, undefined);

  const other = live.lookup('agent');
  await live.replace(staticCredentials({ id: 'agent', password: 'of the new source' }));
  answers[2]?.({ id: 'agent', password: 'of the old source' });
  assert.equal((await other)?.password, 'of the new source');
  assert.equal(live.source, 'Static Credentials');
});

test('a look at the file that a change overtakes is made anew', async (t) => {
  const file = fileWith(t, '{"one":"first"}');
  for (let n = 0; n < 50; n += 1) {
    const found = file.source.lookup('one');
    // As another thread does it, which then says so.
    writeFileSync(file.path, `{"one":"change ${n}"}`);
    file.source.forget();
    assert.equal((await found)?.password, `change ${n}`);
  }
});
