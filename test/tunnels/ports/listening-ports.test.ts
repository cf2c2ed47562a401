import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, readListeningPorts } from '../../../src/tunnels/ports/listening-ports.js';
import { freePorts, occupy } from '../../support/free-ports.js';

describe('the table of sockets', () => {
  it('is read for listening ones only, IPv4 and IPv6', () => {
    const ports = new Set<number>();
    collect(
      [
        '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
        '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1',
        '   1: 0100007F:1F91 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 2 1',
        '  12: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000',
        '',
      ].join('\n'),
      ports,
    );
    assert.deepEqual([...ports], [8080, 22]);
  });

  it('shows a server of this process', {
    skip: process.platform !== 'linux' && 'only Linux has the table',
  }, async () => {
    const { port, free } = await occupy((await freePorts(1))[0]);
    assert.ok((await readListeningPorts())?.has(port));
    await free();
    assert.ok(!(await readListeningPorts())?.has(port));
  });
});
