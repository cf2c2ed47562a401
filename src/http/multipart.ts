/**
 * Forms with a file in them (RFC 7578). Texts are kept, the file goes to its receiver as it arrives, and nothing is
 * read that the receiver has not taken.
 */

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { AppError } from '../errors.js';
import type { BodyStream } from './body-stream.js';

export interface MultipartForm {
  /** Values by name, in the order they came. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** There was a part with the file. */
  readonly hasFile: boolean;
}

export interface FileReceiver {
  /** Name of the part. The first of that name counts; other files are read and dropped. */
  readonly name: string;
  write(chunk: Buffer): Promise<void>;
}

/** One value: a path, or a list of tags. */
const VALUE_BYTES = 64 * 1024;
/** All names and values; ten thousand client ids of the longest kind. */
const FIELDS_BYTES = 1024 * 1024;
const MOST_PARTS = 20_000;
const HEADER_BYTES = 8 * 1024;
const MOST_HEADERS = 32;

const TOO_LARGE = 'multipart: message too large';
const BROKEN = 'multipart: NextPart: EOF';

/** Reads a whole form. Rejects with `AppError` 400 for one that is malformed, and as the stream and receiver do. */
export async function readMultipart(
  contentType: string,
  stream: BodyStream,
  receiver: FileReceiver,
): Promise<MultipartForm> {
  const parser = makeParser(contentType);
  const fields = new Map<string, string[]>();
  const feed = new Feed(parser);
  let fieldBytes = 0;
  let file: BusboyFileStream | null = null;
  let received: Promise<void> = Promise.resolve();

  const over = new Promise<void>((resolve, reject) => {
    const tooLarge = (): void => reject(refusal(TOO_LARGE));
    parser.on('partsLimit', tooLarge);
    parser.on('field', (name: string | undefined, value, _nameCut, valueCut) => {
      if (name === undefined) return;
      fieldBytes += name.length + value.length;
      if (valueCut || fieldBytes > FIELDS_BYTES) return tooLarge();
      const values = fields.get(name);
      if (values === undefined) fields.set(name, [value]);
      else values.push(value);
    });
    parser.on('file', (name: string | undefined, part) => {
      // Told to the parser as well, where it is handled.
      part.on('error', () => undefined);
      if (name !== receiver.name || file !== null) {
        part.resume();
        return;
      }
      file = part;
      received = receive(part, receiver);
      received.catch(reject);
    });
    parser.on('finish', resolve);
    parser.on('error', () => reject(refusal(BROKEN)));
  });
  over.catch((error: unknown) => feed.fail(error));

  try {
    await stream.read((chunk) => feed.write(chunk));
    parser.end();
    await over;
    await received;
    return { fields, hasFile: file !== null };
  } finally {
    parser.destroy();
    (file as BusboyFileStream | null)?.destroy();
    await received.catch(() => undefined);
  }
}

function makeParser(contentType: string): BusboyInstance {
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType)) {
    throw refusal("request Content-Type isn't multipart/form-data");
  }
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        fieldSize: VALUE_BYTES,
        parts: MOST_PARTS,
        headerSize: HEADER_BYTES,
        headerPairs: MOST_HEADERS,
      },
      // A part without a name of a file is a text, whatever its type says.
      isPartAFile: (_name, _type, fileName) => fileName !== undefined && fileName !== '',
    });
  } catch {
    throw refusal('no multipart boundary param in Content-Type');
  }
}

async function receive(part: BusboyFileStream, receiver: FileReceiver): Promise<void> {
  try {
    for await (const chunk of part) await receiver.write(chunk as Buffer);
  } catch (error) {
    // What is no refusal of the receiver is the end of the form in the middle of the file.
    throw error instanceof AppError ? error : refusal(BROKEN);
  }
}

/** The way into the parser, which never takes the chunk after a failure. */
class Feed {
  #failed: { readonly error: unknown } | null = null;
  #reject: (error: unknown) => void = () => undefined;

  constructor(private readonly parser: BusboyInstance) {}

  /** Resolves when the chunk is taken, and what it holds of the file as well, but for a small rest. */
  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== null) {
        reject(this.#failed.error);
        return;
      }
      this.#reject = reject;
      this.parser.write(chunk, () => resolve());
    });
  }

  fail(error: unknown): void {
    this.#failed ??= { error };
    this.#reject(error);
  }
}

const refusal = (title: string): AppError => new AppError('bad_request', { title });
