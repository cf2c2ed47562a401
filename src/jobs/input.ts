/** What is to be run, as API callers, schedules and WebSocket clients say it. Spec 04 §3.6 and §7. */

import { AppError } from '../errors.js';
import { jsonText } from '../go/json-text.js';
import type { Seconds } from '../time.js';
import { decodeBase64 } from './base64.js';
import { interpreterProblem } from './interpreter.js';

/** The part of a request that does not depend on where it runs. */
export interface ExecuteInput {
  /** Of commands. */
  readonly command: string;
  /** Of scripts, in base64. */
  readonly script: string;
  readonly interpreter: string;
  readonly cwd: string;
  readonly isSudo: boolean;
  /** 0 and less: the server's default. */
  readonly timeoutSec: Seconds;
}

/** What a client is told to do. */
export interface Work {
  readonly command: string;
  readonly interpreter: string;
  readonly cwd: string;
  readonly isSudo: boolean;
  readonly isScript: boolean;
  /** Above 0. */
  readonly timeoutSec: Seconds;
}

/**
 * Agents drop a connection over a request of more than 256 KiB (spec 04 §11.6). This leaves 16 KiB for the other
 * fields, whose longest, the name of the client, has at most 4096 characters.
 */
const LARGEST_TEXT = 245_000;

/**
 * Throws `AppError` 400 for an empty command, an interpreter that commands may not use, or too much text.
 * @param interpreterTitle WebSocket clients get another one. Spec 04 §12.3
 */
export function commandWork(
  input: ExecuteInput,
  defaultTimeout: Seconds,
  interpreterTitle = 'Invalid interpreter.',
): Work {
  if (input.command === '') throw refusal('Command cannot be empty.');
  const problem = interpreterProblem(input.interpreter);
  if (problem !== null) throw refusal(interpreterTitle, problem);
  return work(input, input.command, false, defaultTimeout);
}

/** Refusals differ between a script for one client, one for several, and a WebSocket. Spec 04 §7.2, §9.2, §12.3. */
export type ScriptKind = 'single' | 'multi' | 'socket';

const SOCKET_TITLE = 'Failed to create script on multiple clients';

/** Throws `AppError` 400 for a missing script, one that is not base64, or too much text. */
export function scriptWork(input: ExecuteInput, defaultTimeout: Seconds, kind: ScriptKind): Work {
  if (input.script === '') {
    throw kind === 'socket' ? refusal(SOCKET_TITLE, 'Missing script body') : refusal('Missing script body');
  }
  const decoded = decodeBase64(input.script);
  if (!decoded.ok) {
    if (kind === 'single') throw refusal(decoded.error);
    throw refusal(
      kind === 'socket' ? SOCKET_TITLE : 'failed to decode script payload from base64',
      decoded.error,
    );
  }
  const text = decoded.value.toString('utf8');
  // An empty script on several clients is run over REST; it does nothing.
  if (text === '' && kind !== 'multi') throw refusal('Command cannot be empty.');
  return work(input, text, true, defaultTimeout);
}

function work(input: ExecuteInput, command: string, isScript: boolean, defaultTimeout: Seconds): Work {
  const { interpreter, cwd, isSudo, timeoutSec } = input;
  const bytes = Buffer.byteLength(jsonText([command, interpreter, cwd]));
  if (bytes > LARGEST_TEXT) {
    throw refusal(
      isScript ? 'Script is too large.' : 'Command is too large.',
      `it has ${bytes} bytes as JSON, clients take at most ${LARGEST_TEXT}`,
    );
  }
  return {
    command,
    interpreter,
    cwd,
    isSudo,
    isScript,
    timeoutSec: timeoutSec > 0 ? timeoutSec : defaultTimeout,
  };
}

const refusal = (title: string, detail = ''): AppError => new AppError('bad_request', { title, detail });
