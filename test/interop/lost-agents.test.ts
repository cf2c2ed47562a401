/**
 * The real agent that is cut off or killed during a job, and comes back. Skipped without `RPORT_BIN`. The tests wait for
 * agents to come back and for times to run out, so they run side by side. Spec 04 §10.3, §11.7 and §11.8.
 */

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { BreakableProxy } from '../support/breakable-proxy.js';
import { eventually } from '../support/eventually.js';
import { JobReader } from '../support/job-reader.js';
import { AGENT_PATIENCE_MS, noAgent, RealAgent } from '../support/real-agent.js';
import { ADMIN, FINGERPRINT, TestServer } from '../support/server.js';

interface Shown {
  readonly status: string;
  readonly error: string;
  readonly finished_at: string | null;
  readonly result: { readonly stdout: string } | null;
}

interface World {
  readonly agent: RealAgent;
  readonly proxy: BreakableProxy;
  /** Prints its first line, waits for `goOn`, prints its second one. */
  readonly script: string;
  goOn(): void;
  start(more?: object): Promise<string>;
  job(jid: string): Promise<Shown>;
  ended(jid: string): Promise<Shown>;
  untilConnected(): Promise<void>;
  untilDisconnected(): Promise<boolean>;
  /** A job that runs as ever. */
  assertUsable(): Promise<void>;
}

const givenUp = (timeoutSec: number): string =>
  `no result from the client within ${timeoutSec} seconds (timeout_sec) and 30 seconds of grace`;

let server: TestServer;
before(async () => {
  if (noAgent === false) server = await TestServer.start();
});
after(() => server?.remove());

async function world(t: TestContext, id: string): Promise<World> {
  const proxy = await BreakableProxy.to(server.agentPort);
  const agent = new RealAgent({
    agentPort: proxy.port,
    id,
    fingerprint: FINGERPRINT,
    runsCommands: true,
  });
  const [go, pid] = [join(server.folder, `${id}.go`), join(server.folder, `${id}.pid`)];
  const script = `echo $$ > ${pid}; echo before; until [ -e ${go} ]; do sleep 0.1; done; echo after`;
  t.after(async () => {
    // Nobody else ends what a killed agent has left.
    writeFileSync(go, '');
    await eventually('the script to end', () => hasEnded(pid));
    await agent.stop();
    await proxy.close();
  });
  const api = server.api();
  const made: World = {
    agent,
    proxy,
    script,
    goOn: () => writeFileSync(go, ''),
    async start(more = {}) {
      rmSync(go, { force: true });
      const answer = await api.post(`/clients/${id}/scripts`, { body: { script: btoa(script), ...more } });
      return answer.data<{ jid: string }>().jid;
    },
    job: async (jid) => (await api.get(`/clients/${id}/commands/${jid}`)).data<Shown>(),
    ended: (jid) =>
      eventually(
        'the job to end',
        async () => {
          const shown = await made.job(jid);
          return shown.status !== 'running' && shown;
        },
        60_000,
      ),
    untilConnected: () => server.untilKnown(id, api, AGENT_PATIENCE_MS),
    untilDisconnected: () =>
      eventually(
        `${id} to be disconnected`,
        async () => {
          const { connection_state } = (await api.get(`/clients/${id}`)).data<{ connection_state: string }>();
          return connection_state === 'disconnected';
        },
        AGENT_PATIENCE_MS,
      ),
    async assertUsable() {
      const { jid } = (await api.post(`/clients/${id}/commands`, { body: { command: '/usr/bin/id' } })).data<{
        jid: string;
      }>();
      assert.equal((await made.ended(jid)).status, 'successful');
    },
  };
  await made.untilConnected();
  return made;
}

function hasEnded(pidFile: string): boolean {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  try {
    process.kill(pid, 0);
    // A zombie whose parent has not looked yet.
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

const listen = async (id: string, body: object): Promise<JobReader> => {
  const reader = await JobReader.open(server.apiPort, 'scripts', basic(ADMIN.username, ADMIN.password));
  return reader.ask({ client_ids: [id], ...body });
};

describe('in the middle of a job', { skip: noAgent, timeout: 170_000, concurrency: 4 }, () => {
  test('a lost connection: the job goes on and reports when the agent is back', async (t) => {
    const { proxy, start, goOn, job, ended, untilConnected, untilDisconnected, assertUsable } = await world(
      t,
      'cut',
    );
    const jid = await start();
    proxy.cut();
    await untilDisconnected();
    assert.equal((await job(jid)).status, 'running');
    await untilConnected();
    goOn();
    const { status, error, result } = await ended(jid);
    assert.deepEqual([status, error, result?.stdout], ['successful', '', 'before\nafter\n']);
    await assertUsable();
  });

  test('a lost connection with a listener: what came stays, and the end is told', async (t) => {
    const { proxy, script, goOn, ended, untilConnected, untilDisconnected, assertUsable } = await world(
      t,
      'streamed',
    );
    const reader = await listen('streamed', { script: btoa(script) });
    await eventually('the beginning', () => reader.output('streamed') === 'before\n');
    proxy.cut();
    await untilDisconnected();
    await untilConnected();
    goOn();
    const end = await eventually('the end', () => reader.ends[0]);
    // The agent cannot copy the output any more where it streamed it, and says so.
    assert.equal(end.status, 'failed');
    assert.notEqual(end.error, '');
    assert.match(end.result.stdout, /^before\n/);
    assert.equal((await reader.untilClosed()).code, 1000);
    assert.deepEqual((await ended(end.jid)).error, end.error);
    await assertUsable();
  });

  test('an agent killed: the job is given up with a reason after its time, the row goes on', async (t) => {
    const { agent, script, ended, untilConnected, untilDisconnected, assertUsable } = await world(
      t,
      'killed',
    );
    const reader = await listen('killed', {
      script: btoa(script),
      timeout_sec: 1,
      client_ids: ['killed', 'killed'],
    });
    await eventually('the beginning', () => reader.output('killed') === 'before\n');
    await agent.kill();
    await untilDisconnected();
    agent.startAgain();
    await untilConnected();
    await assertUsable();
    const end = await eventually('the end', () => reader.ends[0], 45_000);
    assert.deepEqual([end.status, end.error, end.result], ['unknown', givenUp(1), null]);
    assert.notEqual((await ended(end.jid)).finished_at, null);
    await eventually('the second of the row', () => reader.output('killed') === 'before\nbefore\n');
  });

  test('a job that ends while there is no connection: its result is lost with the agent', async (t) => {
    const { agent, proxy, start, goOn, job, ended, untilConnected, untilDisconnected, assertUsable } =
      await world(t, 'away');
    const jid = await start({ timeout_sec: 5 });
    proxy.break();
    await untilDisconnected();
    goOn();
    await eventually('the agent to end', () => agent.exited);
    assert.equal((await job(jid)).status, 'running');
    proxy.mend();
    agent.startAgain();
    await untilConnected();
    await assertUsable();
    const { status, error } = await ended(jid);
    assert.deepEqual([status, error], ['unknown', givenUp(5)]);
  });
});
