/** `tideway vault import <vault.sqlite.db>`. */

import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { createDataDir } from '../config/bootstrap.js';
import { loadConfig } from '../config/load.js';
import { stderrLogger } from '../logging/stderr-logger.js';
import { openStore } from '../store/open.js';
import { systemClock } from '../time.js';
import { assertStarted } from '../user-command/open-accounts.js';
import { readForeignVault } from '../vault/read-foreign-vault.js';
import { parseVaultCommand, type VaultImport } from './parse.js';

/**
 * Runs one command with the whole command line; resolves with the status to exit with. What goes wrong otherwise
 * is thrown as `Error`, whose text is for the operator.
 */
export async function runVaultCommand(
  argv: readonly string[],
  output: Pick<Writable, 'write'>,
): Promise<number> {
  const parsed = parseVaultCommand(argv);
  switch (parsed.kind) {
    case 'usage':
      output.write(parsed.text);
      return 0;
    case 'wrong':
      process.stderr.write(`Error: ${parsed.error}\n${parsed.usage}`);
      return 1;
    case 'import':
      output.write(`${await importVault(parsed.command)}\n`);
      return 0;
  }
}

/** Resolves with what to tell the operator, when the vault is on disk. */
async function importVault({ file, configArguments }: VaultImport): Promise<string> {
  // Whoever may become root may do this; a server that refuses to run as root is not started here.
  const loaded = loadConfig({ argv: configArguments, isRoot: false });
  assertStarted(loaded);
  const path = resolve(file);
  const { status, rows, nextId } = await readForeignVault(path, systemClock);
  const { dataDir } = loaded.config.server;
  await createDataDir(dataDir);
  const store = openStore(dataDir, { log: stderrLogger() });
  try {
    if (!(await store.vault.importVault(status, rows, nextId))) {
      throw new Error('Could not import the vault: vault is already initialized');
    }
    await store.flushed();
  } finally {
    await store.close();
  }
  return [
    `Imported ${rows.length} values. Unlock the vault through the API with the password it has in rportd; that encrypts`,
    `them anew. When it has worked, remove ${path} and its copies: they are protected by the password alone.`,
  ].join('\n');
}
