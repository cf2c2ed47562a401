/**
 * Reads `save_measurement` as agents write it: members in one order, no white space. Several times as fast as parsing
 * it as JSON, of which most would be two strings that nobody looks at now. Whatever is not of that form is left to
 * the general decoder, which also finds out what is wrong with it.
 */

import type { ClientId } from '../../../ids.js';
import type { MeasuredNumbers, NewMeasurement } from '../../../store/measurements.js';
import type { Milliseconds } from '../../../time.js';

type Traffic = MeasuredNumbers['netLan'];

const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE = 0x7d;
/** Digits up to which a decimal number is one exact integer divided by another, so that the quotient is rounded once. */
const MOST_DIGITS = 15;
/** Characters of any number Go writes. */
const LONGEST_NUMBER = 32;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[,}])/;

const start = Buffer.from('{"client_id":"');
const time = Buffer.from(',"timestamp":"');
const cpu = Buffer.from(',"cpu_usage_percent":');
const memory = Buffer.from(',"memory_usage_percent":');
const io = Buffer.from(',"io_usage_percent":');
const processesStart = Buffer.from(',"processes":"');
/** Its second quote is not escaped, so it cannot be inside a string. The same holds for the ends of other texts. */
const mountpointsStart = Buffer.from('","mountpoints":"');
const lan = Buffer.from('","net_lan":');
const wan = Buffer.from(',"net_wan":');
const none = Buffer.from('null');
const received = Buffer.from('{"in":');
const sent = Buffer.from(',"out":');
const end = Buffer.from('}');

/** `null` when the general decoder has to look at it. */
export function scanMeasurement(
  payload: Buffer,
  clientId: ClientId,
  timestamp: Milliseconds,
): NewMeasurement | null {
  const scanner = new Scanner(payload);
  if (!scanner.take(start)) return null;
  if (!scanner.skipText() || !scanner.take(time) || !scanner.skipText() || !scanner.take(cpu)) return null;
  const cpuUsagePercent = scanner.number();
  if (cpuUsagePercent === null || !scanner.take(memory)) return null;
  const memoryUsagePercent = scanner.number();
  if (memoryUsagePercent === null || !scanner.take(io)) return null;
  const ioUsagePercent = scanner.number();
  if (ioUsagePercent === null || !scanner.take(processesStart)) return null;
  const processes = scanner.textBefore(mountpointsStart);
  const mountpoints = scanner.textBefore(lan);
  if (processes === null || mountpoints === null) return null;
  const netLan = scanner.traffic();
  if (netLan === undefined || !scanner.take(wan)) return null;
  const netWan = scanner.traffic();
  if (netWan === undefined || !scanner.take(end) || !scanner.atEnd) return null;
  return {
    clientId,
    timestamp,
    cpuUsagePercent,
    memoryUsagePercent,
    ioUsagePercent,
    processes,
    mountpoints,
    netLan,
    netWan,
  };
}

class Scanner {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  take(literal: Buffer): boolean {
    const { bytes } = this;
    const at = this.#at;
    for (let index = 0; index < literal.length; index++) {
      if (bytes[at + index] !== literal[index]) return false;
    }
    this.#at = at + literal.length;
    return true;
  }

  /** To the end of a short text without escapes. */
  skipText(): boolean {
    for (let at = this.#at; at < this.bytes.length; at++) {
      const byte = this.bytes[at];
      if (byte === BACKSLASH) return false;
      if (byte !== QUOTE) continue;
      this.#at = at + 1;
      return true;
    }
    return false;
  }

  /** What comes before `mark`, which is taken, too. */
  textBefore(mark: Buffer): Buffer | null {
    const at = this.#at;
    const found = this.bytes.indexOf(mark, at);
    if (found === -1) return null;
    this.#at = found + mark.length;
    return this.bytes.subarray(at, found);
  }

  number(): number | null {
    const { bytes } = this;
    const at = this.#at;
    let value = 0;
    let divisor = 0;
    let next = at;
    for (; ; next++) {
      const byte = bytes[next] ?? 0;
      if (byte >= ZERO && byte <= NINE) {
        value = value * 10 + (byte - ZERO);
        divisor *= 10;
      } else if (byte === POINT && divisor === 0) divisor = 1;
      else break;
    }
    const ends = bytes[next] === COMMA || bytes[next] === CLOSE;
    const isPlain = ends && next - at <= MOST_DIGITS && next > at && divisor !== 1;
    const startsWell =
      bytes[at] !== POINT && (bytes[at] !== ZERO || next === at + 1 || bytes[at + 1] === POINT);
    if (!isPlain || !startsWell) return this.#anyNumber();
    this.#at = next;
    return divisor === 0 ? value : value / divisor;
  }

  /** `undefined` for what is neither traffic nor `null`. */
  traffic(): Traffic | undefined {
    if (this.take(none)) return null;
    if (!this.take(received)) return undefined;
    const bytesIn = this.number();
    if (bytesIn === null || !this.take(sent)) return undefined;
    const bytesOut = this.number();
    if (bytesOut === null || !this.take(end)) return undefined;
    return isCount(bytesIn) && isCount(bytesOut) ? { in: bytesIn, out: bytesOut } : undefined;
  }

  #anyNumber(): number | null {
    const [text] = NUMBER.exec(this.bytes.toString('latin1', this.#at, this.#at + LONGEST_NUMBER)) ?? [];
    if (text === undefined || !Number.isFinite(Number(text))) return null;
    this.#at += text.length;
    return Number(text);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
