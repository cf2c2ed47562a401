/**
 * `npm run demo`: a server with three simulated agents, a small web server behind one of them and a tunnel to it.
 * Prints the commands to try and runs until interrupted; everything it made is removed then.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SimulatedAgent } from './fleet/simulated-agent.js';
import { stopProcess } from './servers/server-under-test.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const AGENT_AUTH = 'demo:demo-agent-secret';
const ADMIN_AUTH = 'admin:demo-admin-secret';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const folder = mkdtempSync(join(tmpdir(), 'tideway-demo-'));
const server = spawn(
  process.execPath,
  [
    MAIN,
    ...['--addr', '127.0.0.1:0', '--api-addr', '127.0.0.1:0'],
    ...['--auth', AGENT_AUTH, '--api-auth', ADMIN_AUTH, '--data-dir', join(folder, 'data')],
    ...['--log-level', 'error'],
  ],
  { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
);
const addresses = await readAddresses();

const site = createServer((request, response) => {
  response.end(`Hello from behind the firewall. You asked for ${request.url ?? '/'}\n`);
});
site.listen(0, '127.0.0.1');
await once(site, 'listening');
const sitePort = (site.address() as AddressInfo).port;

const agents = await Promise.all(
  [
    { ID: 'web-1', Name: 'Web server', Tags: ['linux', 'web'], Labels: { city: 'Oslo' } },
    { ID: 'db-1', Name: 'Database', Tags: ['linux', 'db'], Labels: { city: 'Bergen' } },
    { ID: 'till-7', Name: 'Till in the shop', Tags: ['windows', 'shop'], Labels: { city: 'Oslo' } },
  ].map((fields) => SimulatedAgent.connect({ port: addresses.agentPort, auth: AGENT_AUTH, fields })),
);

const opened = await fetch(
  `${addresses.api}/clients/web-1/tunnels?remote=127.0.0.1:${sitePort}&scheme=http`,
  {
    method: 'PUT',
    headers: { authorization: `Basic ${Buffer.from(ADMIN_AUTH).toString('base64')}` },
  },
);
const { data: tunnel } = (await opened.json()) as { data: { lport: string } };

say(`A server with ${agents.length} simulated agents is running. Try:

  the web server behind web-1, through its tunnel
    curl http://127.0.0.1:${tunnel.lport}/

  all clients, then only those in Oslo, with their tags
    curl -u ${ADMIN_AUTH} ${addresses.api}/clients
    curl -g -u ${ADMIN_AUTH} '${addresses.api}/clients?filter[labels]=city:%20Oslo&fields[clients]=id,name,tags'

  one client, all tunnels, the server's status
    curl -u ${ADMIN_AUTH} ${addresses.api}/clients/web-1
    curl -u ${ADMIN_AUTH} ${addresses.api}/tunnels
    curl -u ${ADMIN_AUTH} ${addresses.api}/status

  another tunnel to the same web server, for this machine only; then close it
    curl -X PUT -u ${ADMIN_AUTH} '${addresses.api}/clients/db-1/tunnels?remote=127.0.0.1:${sitePort}&acl=127.0.0.1'
    curl -X DELETE -u ${ADMIN_AUTH} ${addresses.api}/clients/db-1/tunnels/1

  all operations, in a browser
    ${addresses.api}/docs

Ctrl-C ends the demo.`);

const signals = ['SIGINT', 'SIGTERM'] as const;
await Promise.race([...signals.map((signal) => once(process, signal)), once(server, 'exit')]);
for (const agent of agents) agent.destroy();
site.close();
site.closeAllConnections();
await stopProcess(server);
rmSync(folder, { recursive: true, force: true });

/** From the lines the server prints when it is up. */
async function readAddresses(): Promise<{ readonly api: string; readonly agentPort: number }> {
  let api: string | undefined;
  let agents: string | undefined;
  for await (const line of createInterface({ input: server.stdout })) {
    api ??= /^ +API +(http\S+)$/.exec(line)?.[1];
    agents ??= /^ +Agents +http:\/\/\S+:(\d+)$/.exec(line)?.[1];
    if (api !== undefined && agents !== undefined) {
      server.stdout.resume();
      return { api, agentPort: Number(agents) };
    }
  }
  throw new Error('the server did not start');
}
