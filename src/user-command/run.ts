/** `tideway user add|change|delete|list`. Spec 02 §19. */

import type { UserInput } from '../auth/accounts/accounts.js';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { AppError, AppErrorList } from '../errors.js';
import { stderrLogger } from '../logging/stderr-logger.js';
import { askPassword, Interrupted, type Terminal } from './ask-password.js';
import { auditEntry } from './audit-entry.js';
import { userTable } from './list-users.js';
import { assertStarted, openAccounts } from './open-accounts.js';
import { parseUserCommand, type UserCommand } from './parse.js';

/** As a shell reports a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

/**
 * Runs one command with the whole command line; resolves with the status to exit with. What goes wrong otherwise
 * is thrown as `Error`, whose text is for the operator.
 */
export async function runUserCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const parsed = parseUserCommand(argv);
  switch (parsed.kind) {
    case 'usage':
      terminal.output.write(parsed.text);
      return 0;
    case 'wrong':
      process.stderr.write(`Error: ${parsed.error}\n${parsed.usage}`);
      return 1;
    case 'run':
      // Whoever may become root may change users; a server that refuses to run as root is not started here.
      return run(
        parsed.command,
        loadConfig({ argv: parsed.command.configArguments, isRoot: false }),
        terminal,
      );
  }
}

async function run(command: UserCommand, loaded: LoadedConfig, terminal: Terminal): Promise<number> {
  const { action, username } = command;
  assertStarted(loaded);
  const asks = action === 'add' || (action === 'change' && command.password);
  let password: string | null = null;
  try {
    if (asks) password = await askPassword(terminal);
  } catch (error) {
    if (error instanceof Interrupted) return INTERRUPTED;
    throw error;
  }
  const opened = await openAccounts(loaded, stderrLogger());
  const { accounts, users, audit } = opened;
  const record = (what: 'add' | 'change' | 'delete'): Promise<void> =>
    audit.record([auditEntry(what, command, password !== null)]);
  const say = (text: string): void => {
    terminal.output.write(`${text}\n`);
  };
  try {
    switch (action) {
      case 'list':
        say(userTable(await users.all()));
        break;
      case 'add':
        await attempt('add', accounts.addUser({ username, ...changes(command, password) }));
        await record('add');
        say('User added successfully.');
        break;
      case 'change':
        await attempt('change', accounts.changeUser(username, changes(command, password)));
        await record('change');
        say('User changed successfully.');
        break;
      case 'delete':
        await attempt('delete', accounts.removeUser(username));
        await record('delete');
        say('User deleted successfully.');
    }
  } finally {
    await opened.close();
  }
  return 0;
}

function changes({ groups, twoFaSendTo }: UserCommand, password: string | null): UserInput {
  return {
    ...(password === null ? {} : { password }),
    ...(groups === null ? {} : { groups }),
    ...(twoFaSendTo === null ? {} : { twoFaSendTo }),
  };
}

/** Throws `Error` with the texts of the rules that were broken. */
async function attempt(what: 'add' | 'change' | 'delete', change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    const items = error instanceof AppErrorList ? error.errors : [error as Error];
    const texts = items.map((item) =>
      item instanceof AppError && item.detail !== '' ? item.detail : item.message,
    );
    throw new Error(`Could not ${what} user: ${texts.join(', ')}`);
  }
}
