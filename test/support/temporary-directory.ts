import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `use` with a fresh directory and removes it afterwards, whatever happens. */
export async function withTemporaryDirectory<Result>(
  use: (path: string) => Result | Promise<Result>,
): Promise<Result> {
  const path = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  try {
    return await use(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
