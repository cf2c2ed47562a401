import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { askPassword, Interrupted } from '../../src/user-command/ask-password.js';

/** A terminal somebody types at; `shown` is what it prints. */
function terminal() {
  const shown: string[] = [];
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
  });
  const output = { write: (text: string) => shown.push(text) > 0 };
  return { input, output, shown, modes };
}

function piped(text: string) {
  const input = new PassThrough();
  input.end(text);
  return { input, output: { write: () => assert.fail('nothing is to be printed') } };
}

test('a terminal is asked twice, shows nothing of it, and is left as it was', async () => {
  const { input, output, shown, modes } = terminal();
  input.write('pä ss\rpä');
  const asked = askPassword({ input, output });
  input.write(' ss\r');
  assert.equal(await asked, 'pä ss');
  assert.deepEqual(shown, ['Enter password: ', '\nConfirm password: ', '\n']);
  assert.deepEqual(modes, [true, false]);
  assert.ok(input.destroyed);
});

test('a character cut in two arrives whole', async () => {
  const { input, output } = terminal();
  const bytes = Buffer.from('ü\rü\r');
  const asked = askPassword({ input, output });
  for (const byte of bytes) input.write(Buffer.of(byte));
  assert.equal(await asked, 'ü');
});

test('erasing works; keys that are no text count for nothing', async () => {
  const { input, output } = terminal();
  input.write('wrong\u0015\u007f');
  const asked = askPassword({ input, output });
  input.write('rightt\u007f');
  input.write('\u001b[A');
  input.write('\nright\n');
  assert.equal(await asked, 'right');
});

test('two different ones are refused, Ctrl-C ends it; the terminal is left as it was', async () => {
  const different = terminal();
  different.input.write('one\rother\r');
  await assert.rejects(askPassword(different), /^Error: passwords do not match$/);
  assert.deepEqual(different.modes, [true, false]);
  const interrupted = terminal();
  interrupted.input.write('on\u0003');
  await assert.rejects(askPassword(interrupted), Interrupted);
  assert.deepEqual(interrupted.modes, [true, false]);
});

test('without a terminal the first line is taken as it is', async () => {
  assert.equal(await askPassword(piped(' pass word \r\nmore\n')), ' pass word ');
  assert.equal(await askPassword(piped('no line break')), 'no line break');
  assert.equal(await askPassword(piped('')), '');
  await assert.rejects(askPassword(piped('x'.repeat(100_000))), /too long/);
});

test('a pipe that stays open is not waited for', async () => {
  const input = new PassThrough();
  input.write('secret\n');
  assert.equal(await askPassword({ input, output: { write: () => true } }), 'secret');
  assert.ok(input.destroyed);
});
