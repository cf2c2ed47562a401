/** The channels through which one agent fetches files, and what it may fetch. Spec 04 §17. */

import type { IncomingChannel } from '../../protocol/session.js';
import type { FileChannel, ServeFiles } from '../../protocol/sftp/serve-files.js';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED and SSH_OPEN_RESOURCE_SHORTAGE. */
const PROHIBITED = 1;
const NO_RESOURCES = 4;
/** An agent uses one, and leaves it open when something goes wrong. */
const MOST_CHANNELS = 4;

export class FileChannels {
  #path: string | null = null;
  readonly #open = new Set<FileChannel>();

  constructor(private readonly serve: ServeFiles) {}

  /** From now on the agent may read this one file, by this very name. */
  allow(path: string): void {
    this.#path = path;
  }

  /** It may not any more; every channel is closed, those an agent has forgotten as well. */
  revoke(): void {
    this.#path = null;
    for (const channel of this.#open) channel.close();
    this.#open.clear();
  }

  /** @param onActivity called with every request on the channel */
  offer(incoming: IncomingChannel, onActivity: () => void): void {
    if (this.#path === null) {
      incoming.refuse(PROHIBITED, 'no file is due');
      return;
    }
    if (this.#open.size >= MOST_CHANNELS) {
      incoming.refuse(NO_RESOURCES, 'too many file transfers');
      return;
    }
    const channel = this.serve(incoming, {
      resolve: (path) => (path === this.#path ? path : undefined),
      onActivity,
      onClose: () => this.#open.delete(channel),
    });
    this.#open.add(channel);
  }
}
