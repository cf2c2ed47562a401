/** Stored passwords to check the guesses at unknown users with. */

import { createHash } from 'node:crypto';
import type { User } from './provider.js';

/** Of so many users; each is a hash to compute for an unknown name. */
export const SAMPLE = 16;

export class Decoys {
  readonly #sample: Map<string, string>;

  constructor(sample: ReadonlyMap<string, string>) {
    this.#sample = new Map(sample);
  }

  /** Keeps the sample as the table is. */
  seen(name: string, user: User | undefined): void {
    if (user === undefined) this.#sample.delete(name);
    else if (this.#sample.has(user.username) || this.#sample.size < SAMPLE) {
      this.#sample.set(user.username, user.password);
    }
  }

  /**
   * The one of the user who is nearest to the name in a way nobody outside can know; so a name keeps its decoy
   * while others of the sample come and go. Spellings that a collation takes for one have the same decoy.
   */
  for(name: string): string | undefined {
    const wanted = name.trim().toLowerCase();
    let nearest: { readonly distance: string; readonly password: string } | undefined;
    for (const [username, password] of this.#sample) {
      const distance = createHash('sha256')
        .update(JSON.stringify([username, wanted]))
        .digest('hex');
      if (nearest === undefined || distance < nearest.distance) nearest = { distance, password };
    }
    return nearest?.password;
  }
}
