/** Logins that have begun and wait for the user to come back from the provider. */

import type { Milliseconds, Seconds } from '../../time.js';
import { PendingMap } from './pending-map.js';

/** Spec 02 §20.8. */
export const STATE_LIFE: Milliseconds = 10 * 60_000;
/** Whatever a provider says. */
const LONGEST_DEVICE_LIFE: Milliseconds = 60 * 60_000;
/** With ~500 bytes each 10 MiB at worst; all users behind one proxy may count as one address. */
const STATE_BOUNDS = { capacity: 20_000, perAddress: 2_000 };
const DEVICE_BOUNDS = { capacity: 5_000, perAddress: 5_000 };
/** Device logins one address may have waiting: each costs a request to the provider. */
const DEVICES_PER_ADDRESS = 50;
/** A poll may come this much early: it was sent in time. */
const EARLY: Milliseconds = 500;
/** RFC 8628 §3.5: what `slow_down` adds to the interval. */
const SLOWER: Seconds = 5;

/** Never leaves the server. */
export interface PendingLogin {
  readonly verifier: string;
  /** Empty when none was sent. */
  readonly nonce: string;
}

export interface PendingDevice {
  readonly interval: Seconds;
  readonly expiresIn: Seconds;
}

/** What a poll of a device login is met with. */
export type PollVerdict = 'go' | 'too_soon' | 'unknown';

/** As every thread uses it. Secrets given to callers are named by their digests in here. */
export interface PendingLogins {
  keepState(state: string, login: PendingLogin, ip: string): Promise<void>;
  /** Once; `null` when it was not given out, has ended or was taken. */
  takeState(state: string): Promise<PendingLogin | null>;
  mayStartDevice(ip: string): Promise<boolean>;
  keepDevice(deviceCode: string, device: PendingDevice, ip: string): Promise<void>;
  /** `go` counts as a poll. */
  pollDevice(deviceCode: string): Promise<PollVerdict>;
  /** The provider wants to be asked less often. */
  slowDevice(deviceCode: string): void;
  endDevice(deviceCode: string): void;
}

interface Device {
  interval: Milliseconds;
  polledAt: Milliseconds;
}

/** The books themselves; pure, time comes in as an argument. */
export class PendingLoginBooks {
  readonly #states = new PendingMap<PendingLogin>(STATE_BOUNDS);
  readonly #devices = new PendingMap<Device>(DEVICE_BOUNDS);

  get size(): { readonly states: number; readonly devices: number } {
    return { states: this.#states.size, devices: this.#devices.size };
  }

  keepState(key: string, login: PendingLogin, ip: string, now: Milliseconds): void {
    this.#states.set(key, login, ip, now + STATE_LIFE, now);
  }

  takeState(key: string, now: Milliseconds): PendingLogin | null {
    return this.#states.take(key, now) ?? null;
  }

  mayStartDevice(ip: string, now: Milliseconds): boolean {
    return this.#devices.countOf(ip, now) < DEVICES_PER_ADDRESS;
  }

  keepDevice(key: string, { interval, expiresIn }: PendingDevice, ip: string, now: Milliseconds): void {
    const life = Math.min(LONGEST_DEVICE_LIFE, expiresIn * 1000);
    const device = { interval: interval * 1000, polledAt: Number.NEGATIVE_INFINITY };
    this.#devices.set(key, device, ip, now + life, now);
  }

  pollDevice(key: string, now: Milliseconds): PollVerdict {
    const device = this.#devices.get(key, now);
    if (device === undefined) return 'unknown';
    if (now - device.polledAt < device.interval - EARLY) return 'too_soon';
    device.polledAt = now;
    return 'go';
  }

  slowDevice(key: string, now: Milliseconds): void {
    const device = this.#devices.get(key, now);
    if (device !== undefined) device.interval += SLOWER * 1000;
  }

  endDevice(key: string): void {
    this.#devices.delete(key);
  }
}
