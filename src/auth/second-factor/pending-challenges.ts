/**
 * The books behind `Challenges`: who waits for which second step, and how often it failed. One instance, on main.
 * Pure: time comes in as an argument.
 *
 * A challenge belongs to one login, not to a user: whoever knows a password can log in as often as he likes, and must
 * not end the logins of the owner by that. Neither must he use up what the owner may do, so there are two kinds of
 * places and allowances: those of one address, and those that all addresses share from which the user has not
 * completed a login lately.
 */

import { AppError } from '../../errors.js';
import type { Milliseconds } from '../../time.js';
import { ExpiringMap } from '../expiring-map.js';
import { banKey } from '../ip-address.js';
import { sameText } from '../same-text.js';
import { Budget } from './budget.js';
import { type ChallengeAnswer, EXPIRED_REMEMBERED, type NewChallenge, type Proof } from './challenges.js';

/** Enough for slips of the pen; a code that was sent is guessed with 5 tries in 1 of 10¹⁰ cases. */
const TRIES = 5;
/** Open logins of a user; the oldest one gives way. Five windows, or five codes asked for again. */
const PENDING_PER_ADDRESS = 5;
const PENDING_ELSEWHERE = 20;
/** ~600 bytes each, the hash of a new password included: 6 MiB at most. Only right passwords make one. */
const CAPACITY = 10_000;
const MINUTE: Milliseconds = 60_000;
const DAY: Milliseconds = 24 * 60 * MINUTE;
/** Addresses remembered, of all users, ~150 bytes each. */
const KNOWN_ADDRESSES = 10_000;
const ADDRESS_KNOWN: Milliseconds = 30 * DAY;
/** Codes of authenticator apps that are on their way into the store. */
const USED_REMEMBERED = 10_000;

interface Origin {
  readonly address: string;
  /** `null`: the user has completed a login from this address lately. */
  readonly elsewhere: string | null;
}

interface Challenge extends NewChallenge {
  readonly origin: Origin;
  readonly expiresAt: Milliseconds;
  failures: number;
}

/** Codes of authenticator apps used so far, by `TotpUse.key`. */
export interface EarlierUses {
  lastStep(key: string): number | undefined;
}

export class PendingChallenges {
  readonly #pending = new Map<number, Challenge>();
  /** Sessions with a challenge by address and by user, oldest first. */
  readonly #groups = new Map<string, Set<number>>();
  /**
   * Three of 10⁶ codes of an authenticator app are right at any time, so 100 guesses a day are right once in nine
   * years on average; 20 in ten minutes keep a burst from using up the whole day. One address gets half of it, so
   * that it takes more than one to lock the owner out.
   */
  readonly #failures = new Quota(
    new Budget({ most: 10, within: 10 * MINUTE }, { most: 50, within: DAY }),
    new Budget({ most: 20, within: 10 * MINUTE }, { most: 100, within: DAY }),
  );
  /** Every code costs the owner's attention, maybe a short message. One that was used does not count. */
  readonly #codes = new Quota(
    new Budget({ most: 10, within: 10 * MINUTE }, { most: 50, within: DAY }),
    new Budget({ most: 20, within: 10 * MINUTE }, { most: 100, within: DAY }),
  );
  readonly #known = new ExpiringMap<string, true>(KNOWN_ADDRESSES);
  readonly #used = new ExpiringMap<string, number>(USED_REMEMBERED);
  readonly #earlier: EarlierUses;

  constructor(earlier: EarlierUses) {
    this.#earlier = earlier;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Throws `AppError` 429. */
  admit({ username, ip }: Pick<NewChallenge, 'username' | 'ip'>, now: Milliseconds): void {
    const origin = this.#origin(username, ip, now);
    this.#failures.assertLeft(origin, now);
    this.#codes.assertLeft(origin, now);
    this.#codes.spend(origin, now);
  }

  /** Throws `AppError` 429. */
  open(challenge: NewChallenge, now: Milliseconds): void {
    const { username, ip, sessionId, ttl } = challenge;
    const origin = this.#origin(username, ip, now);
    this.#failures.assertLeft(origin, now);
    this.#makeRoom(origin, now);
    this.#pending.set(sessionId, { ...challenge, origin, expiresAt: now + ttl, failures: 0 });
    for (const group of groupsOf(origin)) {
      const members = this.#groups.get(group);
      if (members === undefined) this.#groups.set(group, new Set([sessionId]));
      else members.add(sessionId);
    }
  }

  /** Throws `AppError` 401, 409, 429. */
  complete(answer: ChallengeAnswer, now: Milliseconds): Pick<NewChallenge, 'newPasswordHash'> {
    const { username, sessionId, method, ip, proof } = answer;
    const origin = this.#origin(username, ip, now);
    // Before the proof is looked at: a right one must not stand out among too many wrong ones.
    this.#failures.assertLeft(origin, now);
    const titles = proof.kind === 'code' ? codeTitles : totpTitles;
    const challenge = this.#pending.get(sessionId);
    // After a reload a challenge may be of a method that is none any more.
    if (challenge === undefined || challenge.username !== username || challenge.method !== method)
      throw new AppError('unauthorized', { title: titles.unknown });
    if (challenge.expiresAt <= now) throw new AppError('unauthorized', { title: titles.expired });
    if (proof.kind === 'no_secret') throw new AppError('conflict', { title: noSecretTitle });
    if (!this.#isRight(proof, challenge, now)) {
      challenge.failures += 1;
      if (challenge.failures >= TRIES) this.#remove(challenge);
      this.#failures.spend(origin, now);
      throw new AppError('unauthorized', { title: titles.wrong });
    }
    this.#remove(challenge);
    if (proof.kind === 'totp' && proof.use !== null)
      this.#used.set(proof.use.key, proof.use.step, proof.use.until, now);
    if (challenge.codeDigest !== '') this.#codes.giveBack(challenge.origin, now);
    this.#known.set(origin.address, true, now + ADDRESS_KNOWN, now);
    return { newPasswordHash: challenge.newPasswordHash };
  }

  #isRight(proof: Exclude<Proof, { kind: 'no_secret' }>, challenge: Challenge, now: Milliseconds): boolean {
    if (proof.kind === 'code') return sameText(proof.digest, challenge.codeDigest);
    if (proof.use === null) return false;
    const { key, step } = proof.use;
    const last = this.#used.get(key, now) ?? this.#earlier.lastStep(key);
    return last === undefined || step > last;
  }

  #origin(username: string, ip: string, now: Milliseconds): Origin {
    const address = `at ${banKey(ip)} ${username}`;
    const known = this.#known.get(address, now) !== undefined;
    return { address, elsewhere: known ? null : `elsewhere ${username}` };
  }

  #makeRoom({ address, elsewhere }: Origin, now: Milliseconds): void {
    this.#thin(address, PENDING_PER_ADDRESS);
    if (elsewhere !== null) this.#thin(elsewhere, PENDING_ELSEWHERE);
    for (const challenge of this.#pending.values()) {
      if (challenge.expiresAt + EXPIRED_REMEMBERED > now && this.#pending.size < CAPACITY) break;
      this.#remove(challenge);
    }
  }

  /** Leaves room for one more in a group. */
  #thin(group: string, most: number): void {
    const members = this.#groups.get(group) ?? new Set();
    for (const sessionId of members) {
      if (members.size < most) return;
      const challenge = this.#pending.get(sessionId);
      if (challenge === undefined) members.delete(sessionId);
      else this.#remove(challenge);
    }
  }

  #remove({ sessionId, origin }: Challenge): void {
    this.#pending.delete(sessionId);
    for (const group of groupsOf(origin)) {
      const members = this.#groups.get(group);
      members?.delete(sessionId);
      if (members?.size === 0) this.#groups.delete(group);
    }
  }
}

/** An allowance of each address, and one that unknown addresses share. */
class Quota {
  constructor(
    private readonly perAddress: Budget,
    private readonly elsewhere: Budget,
  ) {}

  /** Throws `AppError` 429. */
  assertLeft(origin: Origin, now: Milliseconds): void {
    this.perAddress.assertLeft(origin.address, now);
    if (origin.elsewhere !== null) this.elsewhere.assertLeft(origin.elsewhere, now);
  }

  spend(origin: Origin, now: Milliseconds): void {
    this.perAddress.spend(origin.address, now);
    if (origin.elsewhere !== null) this.elsewhere.spend(origin.elsewhere, now);
  }

  giveBack(origin: Origin, now: Milliseconds): void {
    this.perAddress.giveBack(origin.address, now);
    if (origin.elsewhere !== null) this.elsewhere.giveBack(origin.elsewhere, now);
  }
}

const groupsOf = ({ address, elsewhere }: Origin): readonly string[] =>
  elsewhere === null ? [address] : [address, elsewhere];

/** Spec 02 §8.2 step 5. */
export const codeTitles = {
  unknown: '2fa token not found for provided username',
  expired: '2fa token expired',
  wrong: 'invalid token',
};

/** Spec 02 §9.3. */
export const totpTitles = {
  unknown: 'login request not found for provided username',
  expired: 'login request expired',
  wrong: 'invalid code',
};
export const noSecretTitle = 'time based one time secret key should be generated for this user';
