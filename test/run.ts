/**
 * Runs every `*.test.js` of the build, or those whose path contains one of the arguments. Node 20's test runner
 * takes no globs, so the files are collected here.
 */

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A hung test is reported instead of hanging the run. Holds for whole files too: those of real agents wait for long. */
const TEST_TIMEOUT_MS = 300_000;

const wanted = process.argv.slice(2);
const root = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => join(root, file));

if (files.length === 0) {
  // Without files the test runner would look for tests of its own.
  process.stderr.write(
    `no test file has ${wanted.map((part) => JSON.stringify(part)).join(' or ')} in its path\n`,
  );
  process.exit(1);
}

const child = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    `--test-reporter=${join(root, 'reporter.js')}`,
    '--test-reporter-destination=stdout',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    '--test-concurrency=2',
    ...files,
  ],
  { stdio: 'inherit' },
);
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
