/** Asks for a new password: without echo on a terminal, else the first line of standard input. Spec 02 §19. */

import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** UTF-16 units. Far beyond any password; a file piped in by mistake must not fill the memory. */
const LONGEST = 4_096;
const INTERRUPT = '\u0003';
const END = '\u0004';
const KILL_LINE = '\u0015';
const ERASE: readonly string[] = ['\b', '\u007f'];
/** What arrow keys and their like send. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const ESCAPES = /\u001b(?:\[[\d;?]*[ -/]*[@-~]|O[@-~])?/g;

export interface Terminal {
  /** Standard input: a terminal when `isTTY`. */
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly output: Pick<Writable, 'write'>;
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Resolves with the password, empty when none was given; a terminal is asked twice. Nothing can be read after it.
 * Rejects with `Error`: `passwords do not match`, or one that is too long; and with `Interrupted`.
 */
export async function askPassword({ input, output }: Terminal): Promise<string> {
  const characters = charactersOf(input);
  if (input.isTTY !== true) {
    try {
      const line = await readLine(characters, (character) => character === '\n');
      return line.replace(/\r$/, '');
    } finally {
      await characters.return(undefined);
    }
  }
  input.setRawMode?.(true);
  try {
    output.write('Enter password: ');
    const password = await readLine(characters, isTypedEnd);
    output.write('\nConfirm password: ');
    if ((await readLine(characters, isTypedEnd)) !== password) throw new Error('passwords do not match');
    return password;
  } finally {
    output.write('\n');
    input.setRawMode?.(false);
    await characters.return(undefined);
  }
}

const isTypedEnd = (character: string): boolean => ['\r', '\n', END].includes(character);

async function* charactersOf(input: Terminal['input']): AsyncGenerator<string, undefined> {
  const decoder = new StringDecoder('utf8');
  for await (const chunk of input) {
    const text = decoder.write(chunk as Buffer);
    yield* input.isTTY === true ? text.replace(ESCAPES, '') : text;
  }
}

/** What is typed until the line ends, as a terminal would have edited it. */
async function readLine(
  characters: AsyncGenerator<string, undefined>,
  isEnd: (character: string) => boolean,
): Promise<string> {
  const line: string[] = [];
  for (;;) {
    const { value: character, done } = await characters.next();
    if (done || isEnd(character)) return line.join('');
    if (character === INTERRUPT) throw new Interrupted();
    if (character === KILL_LINE) line.length = 0;
    else if (ERASE.includes(character)) line.pop();
    else if (line.push(character) > LONGEST) throw new Error('the password is too long');
  }
}
