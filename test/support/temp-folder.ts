import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A directory of its own for one test, removed when the test ends. */
export function tempFolder(test: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
