import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { removeFolder } from './remove-folder.js';

/** Of tests of this file. */
const left = new Set<string>();
after(() => {
  for (const path of left) removeFolder(path);
});

/**
 * A directory of its own for one test. It is removed when all tests of the file have ended: hooks of a test run in the
 * order in which they were made, so one made here would run before those that end whoever still writes into it.
 */
export function tempFolder(_test: TestContext): string {
  const path = create();
  left.add(path);
  return path;
}

/** Runs `use` with a fresh directory and removes it afterwards, whatever happens. */
export async function withTempFolder<Result>(
  use: (path: string) => Result | Promise<Result>,
): Promise<Result> {
  const path = create();
  try {
    return await use(path);
  } finally {
    removeFolder(path);
  }
}

const create = (): string => mkdtempSync(join(tmpdir(), 'tideway-test-'));
