/** `tideway audit verify`. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Checked, type Verification, verifyAuditLog } from '../audit/verify.js';
import { loadConfig } from '../config/load.js';
import { stderrLogger } from '../logging/stderr-logger.js';
import { openStore } from '../store/open.js';
import { parseAuditCommand } from './parse.js';
import { auditUsage } from './usage.js';

/**
 * Runs one command with the whole command line; resolves with the status to exit with. What keeps it from looking at
 * the log is thrown as `Error`, whose text is for the operator.
 */
export async function runAuditCommand(argv: readonly string[], say: (text: string) => void): Promise<number> {
  const parsed = parseAuditCommand(argv);
  switch (parsed.kind) {
    case 'usage':
      say(auditUsage.trimEnd());
      return 0;
    case 'wrong':
      process.stderr.write(`Error: ${parsed.error}\n${auditUsage}`);
      return 1;
    case 'verify': {
      // Whoever may become root may look; a server that refuses to run as root is not started here.
      const { config } = loadConfig({ argv: parsed.configArguments, isRoot: false });
      return verify(config.server.dataDir, say);
    }
  }
}

async function verify(dataDir: string, say: (text: string) => void): Promise<number> {
  // Opening makes a store where there is none, and a slip would then be reported as an empty log.
  if (!existsSync(join(dataDir, 'store', 'data.mdb'))) {
    throw new Error(
      `no server has been started with the data folder ${dataDir}: name it, or the configuration file`,
    );
  }
  const store = openStore(dataDir, { log: stderrLogger() });
  try {
    const result = await verifyAuditLog(store.audit, dataDir);
    for (const line of report(result)) say(line);
    return result.checked.every(({ wrong }) => wrong === null) ? 0 : 1;
  } finally {
    await store.close();
  }
}

function report({ checked, head, anchor, strangers }: Verification): readonly string[] {
  const broken = checked.find(({ wrong }) => wrong !== null);
  const whole = checked.reduce((sum, { entries }) => sum + entries, 0);
  return [
    ...(anchor.seq === 0 ? [] : [`entries up to ${anchor.seq} were deleted with their files, as configured`]),
    ...checked.map(result),
    ...strangers.map((name) => `${name}: not part of the log, not checked`),
    broken === undefined
      ? `the audit log is whole: ${whole} entries, the last is ${head.seq} with hash ${head.hash}`
      : `the audit log is BROKEN, first in ${placeOf(broken)}: ${broken.wrong}`,
  ];
}

const result = (one: Checked): string =>
  `${placeOf(one)}: ${one.entries} entries from ${one.first}, ${one.wrong === null ? 'ok' : `BROKEN: ${one.wrong}`}`;

const placeOf = ({ file }: Checked): string => file ?? 'live table';
