import type { TestContext } from 'node:test';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { MemoryLogger } from './memory-logger.js';
import { tempFolder } from './temp-folder.js';

/** An empty store until the end of the test. */
export function tempStore(test: TestContext): Store {
  const store = openStore(tempFolder(test), { log: new MemoryLogger() });
  test.after(() => store.close());
  return store;
}
