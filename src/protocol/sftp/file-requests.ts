/** What each SFTP request is answered, without the channel it comes through. */

import { PacketReader, packet } from '../ssh/wire.js';
import {
  ATTRS_SIZE,
  OPEN_READ,
  SFTP_VERSION,
  type SftpStatus,
  sftp,
  sftpStatus,
  statusText,
} from './messages.js';
import { OpenFile } from './open-file.js';

/** Parts of one packet, without its length; or nothing that could be answered. */
export type SftpAnswer = readonly Buffer[] | 'malformed';

/** What agents ask for at once, and what fits a packet of every implementation. */
const MOST_DATA_BYTES = 32 * 1024;
/** An agent opens one file. */
const MOST_OPEN = 4;
const U32 = 2 ** 32;

export class FileRequests {
  readonly #files = new Map<string, OpenFile>();
  #opened = 0;
  #greeted = false;
  #closed = false;

  constructor(private readonly access: { resolve(name: string): string | undefined }) {}

  /** Answers one packet. Call it again only when the answer is there. Never rejects. */
  answer(request: Buffer): SftpAnswer | Promise<SftpAnswer> {
    const type = request[0];
    const reader = new PacketReader(request);
    if (type === sftp.init) return this.#greet(reader);
    const id = reader.u32();
    if (!this.#greeted || id === null) return 'malformed';
    switch (type) {
      case sftp.open:
        return this.#open(id, reader);
      case sftp.read:
        return this.#read(id, reader);
      case sftp.close:
        return this.#close(id, reader);
      case sftp.fstat:
        return this.#fstat(id, reader);
      case sftp.opendir:
      case sftp.lstat:
      case sftp.stat:
      case sftp.realpath:
      case sftp.readlink:
      case sftp.readdir:
      case sftp.write:
      case sftp.setstat:
      case sftp.fsetstat:
      case sftp.remove:
      case sftp.mkdir:
      case sftp.rmdir:
      case sftp.rename:
      case sftp.symlink:
        return status(id, sftpStatus.permissionDenied);
      default:
        return status(id, sftpStatus.unsupported);
    }
  }

  /** Closes every file; what is being opened is closed when it is open. */
  close(): void {
    this.#closed = true;
    for (const file of this.#files.values()) void file.close().catch(() => undefined);
    this.#files.clear();
  }

  #greet(reader: PacketReader): SftpAnswer {
    if (this.#greeted || reader.u32() === null) return 'malformed';
    this.#greeted = true;
    return [packet(sftp.version, [SFTP_VERSION])];
  }

  #open(id: number, reader: PacketReader): SftpAnswer | Promise<SftpAnswer> {
    const name = reader.text();
    const flags = reader.u32();
    if (name === null || flags === null || reader.u32() === null) return 'malformed';
    if (flags !== OPEN_READ) return status(id, sftpStatus.permissionDenied);
    const path = this.access.resolve(name);
    if (path === undefined) return status(id, sftpStatus.noSuchFile);
    if (this.#files.size >= MOST_OPEN) return status(id, sftpStatus.failure);
    return OpenFile.open(path).then(
      (file) => {
        if (this.#closed) {
          void file.close().catch(() => undefined);
          return 'malformed';
        }
        const handle = String(this.#opened++);
        this.#files.set(handle, file);
        return [packet(sftp.handle, [id, handle])];
      },
      () => status(id, sftpStatus.noSuchFile),
    );
  }

  #read(id: number, reader: PacketReader): SftpAnswer | Promise<SftpAnswer> {
    const handle = reader.text();
    const high = reader.u32();
    const low = reader.u32();
    const length = reader.u32();
    if (handle === null || high === null || low === null || length === null) return 'malformed';
    const file = this.#files.get(handle);
    if (file === undefined) return status(id, sftpStatus.failure);
    // Beyond 2^53 it is inexact, and beyond the end of every file.
    const bytes = file.read(high * U32 + low, Math.min(length, MOST_DATA_BYTES));
    if (!(bytes instanceof Promise)) return dataOf(id, bytes);
    return bytes.then(
      (late) => dataOf(id, late),
      () => status(id, sftpStatus.failure),
    );
  }

  #close(id: number, reader: PacketReader): SftpAnswer | Promise<SftpAnswer> {
    const handle = reader.text();
    if (handle === null) return 'malformed';
    const file = this.#files.get(handle);
    if (file === undefined) return status(id, sftpStatus.failure);
    this.#files.delete(handle);
    return file.close().then(
      () => status(id, sftpStatus.ok),
      () => status(id, sftpStatus.failure),
    );
  }

  #fstat(id: number, reader: PacketReader): SftpAnswer {
    const handle = reader.text();
    if (handle === null) return 'malformed';
    const file = this.#files.get(handle);
    if (file === undefined) return status(id, sftpStatus.failure);
    const { size } = file;
    return [packet(sftp.attrs, [id, ATTRS_SIZE, Math.floor(size / U32), size % U32])];
  }
}

/** Nothing at all means the end of the file. */
function dataOf(id: number, bytes: Buffer): SftpAnswer {
  if (bytes.length === 0) return status(id, sftpStatus.eof);
  return [packet(sftp.data, [id, bytes.length]), bytes];
}

function status(id: number, code: SftpStatus): SftpAnswer {
  return [packet(sftp.status, [id, code, statusText[code], ''])];
}
