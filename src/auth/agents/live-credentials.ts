/** The credentials a thread goes by: one object for its whole life, whose source a reload replaces. */

import type { AgentCredential, CredentialSource } from './credential-source.js';

export class LiveCredentials implements CredentialSource {
  #present: CredentialSource;
  /** Grows with every change anybody has made. */
  #version = 0;

  constructor(source: CredentialSource) {
    this.#present = source;
  }

  get source(): CredentialSource['source'] {
    return this.#present.source;
  }

  get writable(): boolean {
    return this.#present.writable;
  }

  /** What was being read while something changed is read anew: a removed credential is not answered any more. */
  lookup(authId: string): AgentCredential | undefined | Promise<AgentCredential | undefined> {
    const version = this.#version;
    const found = this.#present.lookup(authId);
    if (!(found instanceof Promise)) return found;
    return found.then(
      (credential) => (version === this.#version ? credential : this.lookup(authId)),
      (error: unknown) => {
        if (version === this.#version) throw error;
        return this.lookup(authId);
      },
    );
  }

  list(): readonly AgentCredential[] | Promise<readonly AgentCredential[]> {
    return this.#present.list();
  }

  add(credential: AgentCredential): Promise<void> {
    return this.#present.add(credential);
  }

  remove(id: string): Promise<void> {
    return this.#present.remove(id);
  }

  forget(): void {
    this.#version += 1;
    this.#present.forget();
  }

  /** Goes by another source from now on. Resolves when the old one is closed. */
  replace(next: CredentialSource): Promise<void> {
    const old = this.#present;
    this.#present = next;
    this.#version += 1;
    return old.close();
  }

  close(): Promise<void> {
    return this.#present.close();
  }
}
