import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openLogWriter } from '../../src/logging/log-writer.js';
import { tempFolder } from '../support/temp-folder.js';

const moduleUrl = new URL('../../src/logging/log-writer.js', import.meta.url).href;

/** The disk of a busy machine may stall for longer than a server that stops would wait. */
const PATIENCE_MS = 60_000;

/** Runs a script with a log writer in a process of its own; returns what it wrote to standard output. */
async function run(script: string): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { openLogWriter } from ${JSON.stringify(moduleUrl)};\n${script}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  return output;
}

describe('the log file', () => {
  it('is appended to, and complete once closed', async (test) => {
    const path = join(tempFolder(test), 'a.log');
    writeFileSync(path, 'before\n');
    const writer = openLogWriter(path, PATIENCE_MS);
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    for (const line of lines) writer.write(line);
    await writer.close();
    writer.write('too late');
    assert.equal(readFileSync(path, 'utf8'), `before\n${lines.join('\n')}\n`);
  });

  it('is readable by others, as log collectors need it', async (test) => {
    const path = join(tempFolder(test), 'a.log');
    await openLogWriter(path, PATIENCE_MS).close();
    assert.equal(statSync(path).mode & 0o777, 0o644 & ~process.umask());
  });

  it('is opened again on request, after a rotation', async (test) => {
    const folder = tempFolder(test);
    const path = join(folder, 'a.log');
    const writer = openLogWriter(path, PATIENCE_MS);
    writer.write('old');
    while (readFileSync(path, 'utf8') === '') await new Promise((resolve) => setImmediate(resolve));
    renameSync(path, join(folder, 'a.log.1'));
    writer.reopen();
    writer.write('new');
    await writer.close();
    assert.equal(readFileSync(join(folder, 'a.log.1'), 'utf8'), 'old\n');
    assert.equal(readFileSync(path, 'utf8'), 'new\n');
  });

  it('stays in use when opening it again fails', async (test) => {
    const parent = tempFolder(test);
    mkdirSync(join(parent, 'logs'));
    const writer = openLogWriter(join(parent, 'logs', 'a.log'), PATIENCE_MS);
    renameSync(join(parent, 'logs'), join(parent, 'away'));
    assert.throws(() => writer.reopen(), /can't open log file .*a\.log: open .*: no such file or directory/);
    writer.write('still here');
    await writer.close();
    assert.equal(readFileSync(join(parent, 'away', 'a.log'), 'utf8'), 'still here\n');
  });

  it('that cannot be opened stops the start', (test) => {
    const folder = tempFolder(test);
    assert.throws(() => openLogWriter(folder), {
      message: `can't open log file ${folder}: open ${folder}: is a directory`,
    });
  });

  it('gets what was still waiting when the process exits', async (test) => {
    const path = join(tempFolder(test), 'a.log');
    await run(`const writer = openLogWriter(${JSON.stringify(path)});
      writer.write('one'); writer.write('two'); process.exit(0);`);
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  });

  it('says so when lines were dropped because the disk did not keep up', async (test) => {
    const path = join(tempFolder(test), 'a.log');
    const writer = openLogWriter(path, PATIENCE_MS);
    const line = 'x'.repeat(1_000_000);
    for (let count = 0; count < 20; count++) writer.write(line);
    await writer.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 10);
    assert.equal(lines.at(-1), '(11 log lines dropped: the log could not be written fast enough)');
  });
});

describe('the log on standard output', () => {
  it('is complete through a pipe, whether closed or cut off by the exit', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
    const write = `const writer = openLogWriter('');
      for (let index = 0; index < 5000; index++) writer.write('line ' + index);`;
    assert.equal(await run(`${write} await writer.close();`), `${lines.join('\n')}\n`);
    assert.equal(await run(`${write} process.exit(0);`), `${lines.join('\n')}\n`);
  });
});
