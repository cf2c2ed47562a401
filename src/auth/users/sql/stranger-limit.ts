/** Keeps names that anybody may send from taking all connections of the database. */

import { AppError } from '../../../errors.js';

/**
 * Names looked up at a time, of one thread, that are no user's as far as is known. With four connections and a query
 * that takes 50 ms, a user who is known waits less than a second behind them.
 */
export const MOST_STRANGERS = 50;
/** Users who are known not to be strangers, the latest. */
const MOST_KNOWN = 10_000;
const RETRY_AFTER_SECONDS = 1;

export class StrangerLimit {
  /** In the order they were last added. */
  readonly #known = new Set<string>();
  #running = 0;

  /** `find` looks for the user of that name. Rejects like it, or with `AppError` 429 when too many strangers are looked up. */
  async look<User extends { readonly username: string }>(
    name: string,
    find: () => Promise<User | undefined>,
  ): Promise<User | undefined> {
    if (this.#known.has(name)) return this.#note(name, await find());
    if (this.#running >= MOST_STRANGERS) {
      throw new AppError('too_many_requests', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    this.#running += 1;
    try {
      return this.#note(name, await find());
    } finally {
      this.#running -= 1;
    }
  }

  /** As the user is spelled: other spellings that a database takes for his are without number. */
  #note<User extends { readonly username: string }>(name: string, user: User | undefined): User | undefined {
    if (user === undefined) this.#known.delete(name);
    if (user === undefined || this.#known.has(user.username)) return user;
    this.#known.add(user.username);
    if (this.#known.size > MOST_KNOWN) {
      for (const oldest of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    }
    return user;
  }
}
