/** SIGHUP: reads the configuration again and applies what can be applied without a restart. */

import { prepareDataDir } from './config/bootstrap.js';
import { loadConfig } from './config/load.js';
import type { Config } from './config/types.js';
import type { Logger } from './logging/logger.js';
import type { RunningServer } from './workers/serve.js';

export interface ReloadOptions {
  readonly server: Pick<RunningServer, 'reload'>;
  /** Where secrets and generated credentials are, whatever the new configuration says. */
  readonly dataDir: string;
  readonly log: Logger;
  /** For a password that must not be in the log. */
  readonly say: (text: string) => void;
}

/**
 * Makes the function to call for each signal. Signals that come while one is being obeyed are obeyed together
 * afterwards. An unusable configuration is one line in the log and changes nothing.
 */
export function makeReload(options: ReloadOptions): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await reload(options).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        options.log.error(`the configuration was not reloaded, the old one stays: ${reason}`);
      });
    } while (again);
    running = false;
  };
  return () => {
    again = true;
    if (!running) void run();
  };
}

async function reload({ server, dataDir, log, say }: ReloadOptions): Promise<void> {
  const loaded = loadConfig();
  // Not in the new `data_dir`, which waits for a restart: its secrets would end every login now.
  const { config, newAdmin, adminWasShown } = await prepareDataDir({
    ...loaded,
    config: withDataDir(loaded.config, dataDir),
  });
  const { applied, waiting } = await server.reload(withDataDir(config, loaded.config.server.dataDir));
  for (const warning of loaded.warnings) log.named('server-init')[warning.level](warning.message);
  if (newAdmin !== null) {
    say(`New administrator: ${newAdmin.username} / ${newAdmin.password}`);
    await adminWasShown();
  }
  log.info(`configuration reloaded, log files re-opened; changed: ${applied.join(', ') || 'nothing'}`);
  if (waiting.length > 0)
    log.error(`warning: changes that take effect after a restart: ${waiting.join(', ')}`);
}

const withDataDir = (config: Config, dataDir: string): Config => ({
  ...config,
  server: { ...config.server, dataDir },
});
