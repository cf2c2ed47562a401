/** Files on their way to clients, as they are stored. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import type { UploadRepository } from '../../src/store/uploads.js';
import type { Upload } from '../../src/uploads/upload.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const upload = (id: string): Upload => ({
  id,
  sourcePath: `/data/${id}`,
  destination: '/etc/app.conf',
  mode: 0o644,
  owner: 'app',
  group: '',
  force: true,
  sync: false,
  md5: 'kAFQmDzST7DWlj99KOF/cg==',
  size: 3,
});
const ids = (count: number) => Array.from({ length: count }, (_, index) => clientId(`client-${index}`));

function opened(t: TestContext, folder = tempFolder(t)): { readonly store: Store; readonly folder: string } {
  const store = openStore(folder, { log: new MemoryLogger() });
  t.after(() => store.close());
  return { store, folder };
}
const shown = (uploads: UploadRepository): string[] =>
  [...uploads.unfinished()].map(({ upload: { id }, clientIds }) => `${id}: ${clientIds.join(' ')}`);

test('the next server knows who had no result, and of what', async (t) => {
  const { store, folder } = opened(t);
  await store.uploads.begin(upload('b'), ids(3));
  await store.uploads.begin(upload('a'), ids(2));
  await store.uploads.done('b', clientId('client-1'));
  await store.uploads.done('a', clientId('client-0'));
  await store.uploads.done('a', clientId('client-1'));
  await store.close();
  const { uploads } = opened(t, folder).store;
  assert.deepEqual(shown(uploads), ['a: ', 'b: client-0 client-2']);
  assert.deepEqual([...uploads.unfinished()][1]?.upload, upload('b'));
  await uploads.clear();
  assert.deepEqual(shown(uploads), []);
});

test('what came to its end is forgotten, however many clients it was for', async (t) => {
  const { uploads } = opened(t).store;
  const many = ids(1_001);
  await uploads.begin(upload('a'), many);
  await uploads.begin(upload('ab'), ids(1));
  await Promise.all(many.map((id) => uploads.done('a', id)));
  await uploads.end('a');
  assert.deepEqual(shown(uploads), ['ab: client-0']);
  // Nothing is left that would count for another one of that id.
  await uploads.begin(upload('a'), ids(2));
  assert.deepEqual(shown(uploads), ['a: client-0 client-1', 'ab: client-0']);
});
