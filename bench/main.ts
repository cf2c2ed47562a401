/**
 * `npm run bench [scenario words…] [-- --runs=3 --seconds=60]`: runs the scenarios against this server and, when `RPORTD_BIN`
 * names the reference server, against that one too, side by side. Prints a table and writes
 * `bench/results/<time>.json`. `RPORT_BIN` names a real agent for the tunnel rows.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { printTable, type Row, rowsOf } from './report/table.js';
import { apiReads } from './scenarios/api-reads.js';
import { commands } from './scenarios/commands.js';
import { connectRamp } from './scenarios/connect-ramp.js';
import { graphs } from './scenarios/graphs.js';
import { groups } from './scenarios/groups.js';
import { library } from './scenarios/library.js';
import { logins } from './scenarios/logins.js';
import { measurements } from './scenarios/measurements.js';
import type { Scenario } from './scenarios/scenario.js';
import { tunnel } from './scenarios/tunnel.js';
import { webhookOutage } from './scenarios/webhook-outage.js';
import { startReference, startTideway } from './servers/start.js';

/** `--seconds=10` shortens the scenarios that offer a load for a time. */
const seconds = Number(process.argv.find((word) => word.startsWith('--seconds='))?.slice(10) ?? 60);

const scenarios: readonly Scenario[] = [
  connectRamp(500),
  connectRamp(2_000),
  connectRamp(10_000),
  apiReads(2_000),
  apiReads(10_000),
  groups(1_000),
  groups(10_000),
  library(1_000),
  library(10_000),
  logins,
  measurements(seconds),
  graphs,
  commands(500),
  commands(5_000),
  webhookOutage,
  tunnel,
];

/** Fleets above this size take the reference server too long to connect. */
const LARGEST_REFERENCE_FLEET = 2_000;

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const runs = Number(process.argv.find((word) => word.startsWith('--runs='))?.slice(7) ?? 3);
const chosen = scenarios.filter((scenario) => words.every((word) => scenario.name.includes(word)));

const rows: Row[] = [];
for (const scenario of chosen) {
  process.stdout.write(`\n${scenario.name}: ${scenario.about}\n`);
  const times = scenario.repeatable === false ? 1 : runs;
  const fleet = Number(/(\d+) agents/.exec(scenario.name)?.[1] ?? 0);
  const reference =
    scenario.onlyOurs !== true && process.env.RPORTD_BIN !== undefined && fleet <= LARGEST_REFERENCE_FLEET;
  const ours = [];
  const theirs = [];
  for (let run = 0; run < times; run += 1) {
    ours.push(await scenario.run(startTideway));
    if (reference) {
      theirs.push(
        await scenario.run((options) => {
          const started = startReference(options);
          if (started === null) throw new Error('RPORTD_BIN is not set');
          return started;
        }),
      );
    }
  }
  const added = rowsOf(scenario.name, ours, theirs);
  printTable(added);
  rows.push(...added);
}

const folder = join('bench', 'results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`);
writeFileSync(
  file,
  JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, rows }, null, 2),
);
process.stdout.write(`\nwritten to ${file}\n`);
