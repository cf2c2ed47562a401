import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHostKey } from '../../../src/protocol/host-key.js';
import { libraryVersion } from '../../../src/protocol/ssh/library.js';
import { isNativeCryptoLoaded } from '../../../src/protocol/ssh/native.js';
import { PacketOpener } from '../../../src/protocol/ssh/open-packets.js';
import { PacketSealer } from '../../../src/protocol/ssh/seal-packets.js';
import { SshTransport } from '../../../src/protocol/ssh/transport.js';
import { readyPair } from '../../support/transport-pair.js';

test('the ssh2 package is the version whose inner parts this folder was written for', () => {
  assert.equal(libraryVersion, '1.17.0');
});

test('the native ciphers are loaded', () => {
  assert.equal(isNativeCryptoLoaded(), true);
});

test('after the key exchange the library uses our packet reader and writer', () => {
  // Reaches into the transport on purpose: an upgrade that stops taking our functions must not pass unseen.
  const seen: unknown[] = [];
  const hostKey = createHostKey('x');
  const pair = readyPair();
  assert.ok(pair.server.ready);
  const original = PacketSealer.prototype.seal;
  PacketSealer.prototype.seal = function (this: PacketSealer, packet: Buffer, length: number) {
    seen.push('sealed');
    return original.call(this, packet, length);
  };
  const finish = PacketOpener.prototype.decrypt;
  PacketOpener.prototype.decrypt = function (this: PacketOpener, data: Buffer, from: number, to: number) {
    seen.push('opened');
    return finish.call(this, data, from, to);
  };
  try {
    pair.server.transport.send(Buffer.of(80));
    pair.run();
  } finally {
    PacketSealer.prototype.seal = original;
    PacketOpener.prototype.decrypt = finish;
  }
  assert.deepEqual(seen, ['sealed', 'opened']);
  assert.ok(
    new SshTransport({
      role: 'server',
      hostKey,
      write: () => undefined,
      onReady: () => undefined,
      onMessage: () => undefined,
      onEnd: () => undefined,
    }),
  );
});
