/** SFTP as agents speak it, and as they should not: any request can be sent. Spec 01 §10.5. */

import { SFTP_VERSION, sftp, sftpStatus } from '../../src/protocol/sftp/messages.js';
import { PacketReader, packet } from '../../src/protocol/ssh/wire.js';
import type { OwnChannel } from './own-channel.js';
import type { SimulatedAgent } from './simulated-agent.js';

export interface SftpReply {
  readonly type: number;
  /** Status code; -1 for other replies. */
  readonly status: number;
  /** Behind the id. */
  readonly rest: Buffer;
}

const READ_BYTES = 32_768;
const SUBSYSTEM = Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('sftp')]);

export class SftpClient {
  readonly #replies: { resolve(reply: SftpReply): void; reject(error: Error): void }[] = [];
  #buffered: Buffer = Buffer.alloc(0);
  #lastId = 0;

  private constructor(readonly channel: OwnChannel) {
    channel.onBytes = (chunk) => this.#receive(chunk);
    void channel.ended.then(() => {
      for (const waiting of this.#replies.splice(0)) waiting.reject(new Error('the channel has ended'));
    });
  }

  /** Opens a channel and greets. Rejects when the server refuses. */
  static async connect(agent: SimulatedAgent): Promise<SftpClient> {
    const channel = await agent.openChannel('session');
    const client = new SftpClient(channel);
    if (!(await channel.request('subsystem', SUBSYSTEM))) throw new Error('no subsystem sftp');
    await client.send(packet(sftp.init, [SFTP_VERSION]));
    return client;
  }

  /** One request with its id; resolves with the reply. */
  request(type: number, fields: Parameters<typeof packet>[1]): Promise<SftpReply> {
    this.#lastId += 1;
    return this.send(packet(type, [this.#lastId, ...fields]));
  }

  send(body: Buffer): Promise<SftpReply> {
    return new Promise((resolve, reject) => {
      this.#replies.push({ resolve, reject });
      const head = Buffer.alloc(4);
      head.writeUInt32BE(body.length);
      this.channel.write(Buffer.concat([head, body]));
    });
  }

  /** OPEN for reading; the handle, or the status that was answered. */
  async open(path: string, flags = 1): Promise<Buffer | number> {
    const reply = await this.request(sftp.open, [path, flags, 0]);
    if (reply.type !== sftp.handle) return reply.status;
    return Buffer.from(new PacketReader(reply.rest, 0).string() ?? '');
  }

  /** READ; empty at the end of the file, the status for anything else. */
  async read(handle: Buffer, offset: number, length = READ_BYTES): Promise<Buffer | number> {
    const high = Math.floor(offset / 2 ** 32);
    const reply = await this.request(sftp.read, [handle, high, offset % 2 ** 32, length]);
    if (reply.status === sftpStatus.eof) return Buffer.alloc(0);
    if (reply.type !== sftp.data) return reply.status;
    return new PacketReader(reply.rest, 0).string() ?? Buffer.alloc(0);
  }

  #receive(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    while (this.#buffered.length >= 4) {
      const end = 4 + this.#buffered.readUInt32BE(0);
      if (this.#buffered.length < end) return;
      const body = this.#buffered.subarray(4, end);
      this.#buffered = this.#buffered.subarray(end);
      const type = body[0] ?? 0;
      const status = type === sftp.status ? body.readUInt32BE(5) : -1;
      this.#replies.shift()?.resolve({ type, status, rest: Buffer.from(body.subarray(5)) });
    }
  }
}

/** Fetches a file as the real agent does, the half-close at the end included. Rejects when it cannot be opened. */
export async function fetchFile(
  agent: SimulatedAgent,
  path: string,
  onChunk: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  const client = await SftpClient.connect(agent);
  const handle = await client.open(path);
  if (typeof handle === 'number') throw new Error(`status ${handle}`);
  for (let offset = 0; ; ) {
    const bytes = await client.read(handle, offset);
    if (typeof bytes === 'number') throw new Error(`status ${bytes}`);
    if (bytes.length === 0) break;
    offset += bytes.length;
    await onChunk(bytes);
  }
  await client.request(sftp.close, [handle]);
  client.channel.sendEof();
  await client.channel.ended;
}
