/** Which part may know which: architecture §7. Read from the imports in `src`. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** From the lowest: a layer may use itself and what is below it. Folders and files of `src`. */
const layers: readonly (readonly string[])[] = [
  ['errors.ts', 'file-error.ts', 'go', 'ids.ts', 'json-fields.ts', 'time.ts', 'version.ts'],
  ['logging'],
  ['store', 'sql'],
  [
    'audit',
    'auth',
    'clients',
    'config',
    'events',
    'jobs',
    'library',
    'monitoring',
    'query',
    'schedules',
    'tunnels',
    'uploads',
    'vault',
  ],
  ['audit', 'auth', 'clients', 'config', 'jobs', 'query', 'tunnels'],
  ['actors'],
  ['protocol', 'http'],
  ['workers'],
  ['main.ts', 'reload-on-signal.ts', 'audit-command', 'user-command', 'vault-command', 'welcome.ts'],
];

/**
 * Vocabulary that layers below its own use as well. Types may be imported from everywhere; these have a few words
 * of code beside them, which rest on the lowest layer alone.
 */
const contracts: ReadonlySet<string> = new Set([
  // The text of an entry of the audit log, sealed inside the transaction that stores it.
  'audit/chain.ts',
  // What actors expect of a session, and the error it rejects with.
  'protocol/session.ts',
  // What a row of the store must hold to be a client group.
  'clients/groups/group.ts',
  'clients/groups/tag-param.ts',
  // The one JSON form of a tunnel, on the wire, in the API and in the store.
  'tunnels/remote-json.ts',
  // What a job is, and the text of one that was given up.
  'jobs/job.ts',
  // Times in rows, by which they are ordered.
  'query/instant.ts',
]);

interface Import {
  /** File below `src`. */
  readonly from: string;
  /** File below `src`, or the name of a package. */
  readonly to: string;
  readonly local: boolean;
  readonly typeOnly: boolean;
}

const root = fileURLToPath(new URL('../../src', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'));
const imports = files.flatMap(importsOf);
const atRunTime = imports.filter(({ typeOnly }) => !typeOnly);

function importsOf(from: string): Import[] {
  const text = readFileSync(posix.join(root, from), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s(?:([^;'"]*?)\sfrom\s)?\s*'([^']+)';/gm);
  // Loaded by a call: `import('x')`, or a `require` of whatever name.
  const calls = text.matchAll(/\bimport\(\s*['"`]([^'"`]+)|\b(?:require|load)\(\s*['"`]([^'"`]+)/g);
  return [
    ...[...statements].map(([, names = '', target = '']) => imported(from, target, isTypeOnly(names))),
    ...[...calls].map(([, one, other]) => imported(from, one ?? other ?? '', false)),
  ];
}

function imported(from: string, target: string, typeOnly: boolean): Import {
  const local = target.startsWith('.');
  const path = posix.join(posix.dirname(from), target).replace(/\.js$/, '.ts');
  return { from, to: local ? path : target, local, typeOnly };
}

/** `type X`, `type { X }`, `{ type X, type Y }`. */
function isTypeOnly(names: string): boolean {
  if (/^type\s/.test(names)) return true;
  const listed = /^\{([^}]*)\}$/.exec(names.trim())?.[1]?.split(',') ?? [];
  const given = listed.map((name) => name.trim()).filter((name) => name !== '');
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

const partOf = (file: string): string => file.split('/')[0] ?? '';
const layerOf = (file: string): number => layers.findIndex((layer) => layer.includes(partOf(file)));
const shown = (found: readonly Import[]): string[] => found.map(({ from, to }) => `${from} imports ${to}`);

test('the imports are found', () => {
  assert.ok(files.length > 100);
  assert.ok(imports.some(({ from, to }) => from === 'main.ts' && to === 'workers/serve.ts'));
  assert.ok(imports.some(({ typeOnly }) => typeOnly));
  assert.deepEqual(
    imports.filter(({ to, local }) => local && !files.includes(to)).map(({ from, to }) => [from, to]),
    [],
  );
});

test('every part of the source has its layer', () => {
  assert.deepEqual([...new Set(files.filter((file) => layerOf(file) < 0).map(partOf))], []);
});

test('imports point one way', () => {
  const upwards = atRunTime.filter(
    ({ from, to, local }) => local && layerOf(to) > layerOf(from) && !contracts.has(to),
  );
  assert.deepEqual(shown(upwards), []);
});

test('http does not know the agent protocol, which uses its engine', () => {
  const known = atRunTime.filter(({ from, to }) => partOf(from) === 'http' && partOf(to) === 'protocol');
  assert.deepEqual(shown(known), []);
});

test('contracts rest on the lowest layer', () => {
  const heavy = atRunTime.filter(({ from, to, local }) => contracts.has(from) && local && layerOf(to) > 0);
  assert.deepEqual(shown(heavy), []);
});

test('the actor runtime imports nothing of ours', () => {
  const RUNTIME = 'actors/runtime/';
  const foreign = imports.filter(
    ({ from, to, local }) => local && from.startsWith(RUNTIME) && !to.startsWith(RUNTIME),
  );
  assert.deepEqual(shown(foreign), []);
});

test('nobody imports main, and only main and its neighbours the workers', () => {
  const found = imports.filter(
    ({ from, to, local }) =>
      local &&
      (to === 'main.ts' ||
        (partOf(to) === 'workers' && partOf(from) !== 'workers' && layerOf(from) < layers.length - 1)),
  );
  assert.deepEqual(shown(found), []);
});

test('few files touch the HTTP engine and the SSH library', () => {
  const users = (name: string): string[] => [
    ...new Set(imports.filter(({ to }) => to === name || to.startsWith(`${name}/`)).map(({ from }) => from)),
  ];
  assert.deepEqual(
    users('uWebSockets.js').filter(
      (file) => !/^http\/(?:server|engine-cork|engine-socket|exchange)\.ts$/.test(file),
    ),
    [],
  );
  assert.ok(users('uWebSockets.js').includes('http/server.ts'));
  const ssh = users('ssh2');
  assert.notEqual(ssh.length, 0);
  assert.deepEqual(
    ssh.filter((file) => !file.startsWith('protocol/ssh/')),
    [],
  );
});

test('files are named by what they do', () => {
  const vague = files.filter((file) => /util|helper|common|misc/i.test(basename(file)));
  assert.deepEqual(vague, []);
});
