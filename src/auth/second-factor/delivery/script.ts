/** Codes by a program of the operator's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { goQuote } from '../../../go/quote.js';
import type { Logger } from '../../../logging/logger.js';
import type { Clock, Milliseconds } from '../../../time.js';
import { compileRegularExpression } from '../../restrictions/regular-expression.js';
import { withoutCode } from '../code.js';
import type { CodeMessage } from '../second-factor.js';
import { type Channel, oneLine } from './channel.js';
import { checkEmail } from './email-address.js';

const LONGEST_AGENT = 512;
const STDERR_BYTES = 1024;
/** Of one run, for the log. */
const STDOUT_BYTES = 4096;
/** What a program has written before it ended arrives within this time. */
const LAST_WORDS: Milliseconds = 250;

export interface ScriptOptions {
  /** A path, or a name found in `PATH`. */
  readonly script: string;
  readonly receiverType: string;
  /** RE2 syntax; of type `regex`. */
  readonly receiverRegex: string;
  /** Life of what the program leaves running. */
  readonly timeout: Milliseconds;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Throws `Error` for a bad expression. */
export function scriptChannel(options: ScriptOptions): Channel {
  const { script, receiverType, receiverRegex, log } = options;
  const regex = receiverType === 'regex' ? compileRegularExpression(receiverRegex) : null;
  return {
    method: 'script',

    async send(message, signal) {
      const child = spawn(script, [], {
        env: { ...process.env, ...environment(message) },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own, so that it can be ended with everything it has started.
        detached: true,
      });
      const say = (line: string): void => log.info(`2fa script: ${withoutCode(line, message.code)}`);
      await watch(child, signal, say, options);
    },

    async checkReceiver(receiver) {
      if (receiverType === 'email') checkEmail(receiver);
      if (regex !== null && !regex.test(receiver))
        throw new Error(`does not match ${goQuote(receiverRegex)}`);
    },

    checkReady: () => Promise.resolve(),
  };
}

const environment = ({ code, receiver, ttlSeconds, userAgent, ip }: CodeMessage) => ({
  RPORT_2FA_TOKEN: code,
  RPORT_2FA_SENDTO: receiver,
  RPORT_2FA_TOKEN_TTL: String(ttlSeconds),
  RPORT_2FA_USER_AGENT: oneLine(userAgent, LONGEST_AGENT),
  RPORT_2FA_REMOTE_ADDRESS: ip,
});

/** Resolves when the program itself has ended well, whoever still holds its output. Rejects when the signal comes. */
async function watch(
  child: ChildProcess,
  signal: AbortSignal,
  say: (line: string) => void,
  { clock, timeout }: Pick<ScriptOptions, 'clock' | 'timeout'>,
): Promise<void> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the program has no output');
  const said = beginning(stdout, STDOUT_BYTES);
  const complaint = beginning(stderr, STDERR_BYTES);
  let open = true;
  const closed = once(child, 'close')
    .catch(() => undefined)
    .then(() => {
      open = false;
    });
  const endGroup = (): void => {
    // Its number may be somebody else's once all of the group are gone.
    if (!open) return;
    killGroup(child);
    stdout.destroy();
    stderr.destroy();
  };
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Rejects with the reason when the program cannot be started.
  const ended = once(child, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  const [code, killedBy] = await Promise.race([ended, aborted]).catch((error) => {
    endGroup();
    throw error;
  });
  await Promise.race([closed, new Promise<void>((resolve) => clock.after(LAST_WORDS, resolve))]);
  for (const line of said().split('\n')) if (line.trim() !== '') say(oneLine(line, STDOUT_BYTES));
  if (code === 0) {
    // It may have left somebody behind to do the sending.
    if (open) clock.after(timeout, endGroup);
    return;
  }
  endGroup();
  const outcome = killedBy === null ? `exit status ${code}` : `signal: ${killedBy}`;
  throw new Error(`${outcome} ${complaint()}`.trim());
}

/** Reads all of a stream and keeps the first bytes. */
function beginning(stream: Readable, most: number): () => string {
  let kept = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    if (kept.length < most) kept = Buffer.concat([kept, chunk]).subarray(0, most);
  });
  stream.on('error', () => undefined);
  return () => kept.toString('utf8');
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left, or the system knows no groups.
    child.kill('SIGKILL');
  }
}
