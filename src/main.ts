#!/usr/bin/env node

/** The command: `tideway [serve] [flags]`, `tideway user …`, `tideway vault …`, `tideway --version`, `tideway --help`. Spec 07 §4. */
/** The command: `tideway [serve] [flags]`, `tideway user …`, `tideway audit …`, `tideway --version`, `tideway --help`. Spec 07 §4. */

import { isAuditCommand } from './audit-command/parse.js';
import { prepareDataDir } from './config/bootstrap.js';
import { helpText, versionText } from './config/command-line/help.js';
import { parseCommandLine } from './config/command-line/parse.js';
import { ConfigError } from './config/config-error.js';
import { loadConfig } from './config/load.js';
import type { Config } from './config/types.js';
import { createLogger, type LevelSetting } from './logging/create-logger.js';
import { openLogWriter } from './logging/log-writer.js';
import { makeReload } from './reload-on-signal.js';
import { systemClock } from './time.js';
import { isUserCommand } from './user-command/parse.js';
import { isVaultCommand } from './vault-command/parse.js';
import { version } from './version.js';
import { welcome } from './welcome.js';
import { serve } from './workers/serve.js';

/** Go's HTTP server reads this much beyond the configured limit of headers. */
const HEADER_SLACK_BYTES = 4096;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Before the log is open, problems go to stderr with a time stamp. Spec 07 §1.1. */
const fail = (text: string): void => {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}/${two(now.getMonth() + 1)}/${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  process.stderr.write(`${day} ${time} ${text}\n`);
  process.exitCode = 1;
};

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (isUserCommand(argv)) {
    const { runUserCommand } = await import('./user-command/run.js');
    process.exitCode = await runUserCommand(argv, { input: process.stdin, output: process.stdout });
    return;
  }
  if (isVaultCommand(argv)) {
    const { runVaultCommand } = await import('./vault-command/run.js');
    process.exitCode = await runVaultCommand(argv, process.stdout);
    return;
  }
  if (isAuditCommand(argv)) {
    const { runAuditCommand } = await import('./audit-command/run.js');
    process.exitCode = await runAuditCommand(argv, say);
    return;
  }
  const commandLine = parseCommandLine(argv);
  if ('error' in commandLine) {
    process.stderr.write(`${commandLine.error}\n`);
    say(helpText());
    process.exitCode = 1;
  } else if (commandLine.command === 'version') {
    say(versionText(version));
  } else if (commandLine.command === 'help') {
    say(helpText());
  } else {
    await run();
  }
}

async function run(): Promise<void> {
  const loaded = loadConfig();
  const prepared = await prepareDataDir(loaded);
  const { config } = prepared;
  limitHeaders(config);
  const writer = openLogWriter(config.logging.logFile);
  const level: LevelSetting = { current: config.logging.logLevel };
  const log = createLogger({ level, sink: writer.write, clock: systemClock });
  for (const warning of loaded.warnings) log.named('server-init')[warning.level](warning.message);

  // A signal that comes too early must not end the process, which is what it does by default.
  let reload = (): void => undefined;
  process.on('SIGHUP', () => reload());
  const server = await serve(config, { writer, level });
  const end = (signal: string): void => {
    process.removeAllListeners('SIGINT');
    process.removeAllListeners('SIGTERM');
    reload = () => undefined;
    // A second signal is ignored while the first one is being obeyed.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => undefined);
    say(`Received ${signal} signal, shutting down...`);
    void server.stop().then(async (orderly) => {
      await writer.close();
      process.exit(orderly ? 0 : 1);
    });
  };
  process.on('SIGINT', () => end('interrupt'));
  process.on('SIGTERM', () => end('terminated'));
  reload = makeReload({ server, dataDir: config.server.dataDir, log, say });
  // Users and credentials are re-read when their file changes; the signal must only not start the debugger.
  process.on('SIGUSR1', () => log.info('user and credential files are re-read when they change'));
  // Only now: who has read this may send signals.
  say(welcome({ ...prepared, server, version, onTerminal: process.stdout.isTTY === true }));
  await prepared.adminWasShown();
}

/** The engine reads its header limit from the environment when it is loaded, for all listeners alike. */
function limitHeaders(config: Config): void {
  const most = Math.max(config.server.maxRequestBytesClient, config.api.maxRequestBytes);
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(most + HEADER_SLACK_BYTES);
}

main().catch((error: unknown) => {
  fail(error instanceof ConfigError ? error.message : reasonOf(error));
});

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
