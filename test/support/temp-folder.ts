import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A directory of its own for one test, removed when the test ends. */
export function tempFolder(test: TestContext): string {
  const path = create();
  test.after(() => remove(path));
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
    remove(path);
  }
}

const create = (): string => mkdtempSync(join(tmpdir(), 'tideway-test-'));
const remove = (path: string): void => rmSync(path, { recursive: true, force: true });
