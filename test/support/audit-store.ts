import type { TestContext } from 'node:test';
import type { AuditContent } from '../../src/audit/entry.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { auditContent } from './audit-content.js';
import { MemoryLogger } from './memory-logger.js';
import { tempFolder } from './temp-folder.js';

export interface AuditStore {
  readonly store: Store;
  readonly dataDir: string;
  /** Adds entries of that time. */
  add(timestamp: number, ...fields: Partial<AuditContent>[]): Promise<void>;
}

/** A store in a folder of its own, closed and removed after the test. */
export function auditStore(test: TestContext): AuditStore {
  const dataDir = tempFolder(test);
  const store = openStore(dataDir, { log: new MemoryLogger() });
  test.after(() => store.close());
  return {
    store,
    dataDir,
    add: (timestamp, ...fields) =>
      store.audit.append(fields.map((one) => ({ ...auditContent(one), timestamp }))),
  };
}
