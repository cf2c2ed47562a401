/** Requests to the REST API exactly as given: no redirects followed, no paths cleaned, one connection each. */

import { type Agent, type IncomingHttpHeaders, request } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

const TIMEOUT_MS = 30_000;

export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

export interface ApiErrorItem {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  /** Default: a new connection, which may land on any shard. */
  readonly agent?: Agent;
}

/** One answer, read completely. */
export class ApiAnswer {
  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    readonly body: Buffer,
  ) {}

  get text(): string {
    return this.body.toString();
  }

  get json(): unknown {
    return JSON.parse(this.text);
  }

  /** `data` of the envelope; fails when this is no success. */
  data<Data>(): Data {
    if (this.status !== 200) throw new Error(`answered ${this.status}: ${this.text}`);
    return (this.json as { data: Data }).data;
  }

  get count(): number | undefined {
    return (this.json as { meta?: { count: number } }).meta?.count;
  }

  get errors(): readonly ApiErrorItem[] {
    return (this.json as { errors: ApiErrorItem[] }).errors;
  }

  get titles(): readonly string[] {
    return this.errors.map(({ title }) => title);
  }

  /** Status and first title, or the text of an answer that is no envelope: what most tests compare. */
  get refusal(): string {
    const isJson = this.headers['content-type']?.startsWith('application/json') ?? false;
    return `${this.status} ${isJson ? (this.titles[0] ?? '') : this.text.trimEnd()}`;
  }
}

export class ApiClient {
  readonly #port: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(port: number, headers: Readonly<Record<string, string>> = {}) {
    this.#port = port;
    this.#headers = headers;
  }

  /** The same caller with more headers. */
  with(headers: Readonly<Record<string, string>>): ApiClient {
    return new ApiClient(this.#port, { ...this.#headers, ...headers });
  }

  /** The bearer token it sends; empty without. */
  get bearer(): string {
    return /^Bearer (.*)$/.exec(this.#headers.authorization ?? '')?.[1] ?? '';
  }

  /** `path` below `/api/v1`. */
  get(path: string, options?: RequestOptions): Promise<ApiAnswer> {
    return this.send('GET', `/api/v1${path}`, options);
  }

  put(path: string, options?: RequestOptions): Promise<ApiAnswer> {
    return this.send('PUT', `/api/v1${path}`, options);
  }

  post(path: string, options?: RequestOptions): Promise<ApiAnswer> {
    return this.send('POST', `/api/v1${path}`, options);
  }

  delete(path: string, options?: RequestOptions): Promise<ApiAnswer> {
    return this.send('DELETE', `/api/v1${path}`, options);
  }

  /** `target` as it goes into the request line. */
  send(method: string, target: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const { body, agent = false, headers } = options;
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
    const all: Record<string, string | number> = { ...this.#headers, ...headers };
    if (bytes !== undefined) all['content-length'] = Buffer.byteLength(bytes);
    if (bytes !== undefined && !isRaw) all['content-type'] ??= 'application/json';
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.#port, method, path: target, headers: all, agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const plain = unpack(Buffer.concat(chunks), response.headers['content-encoding']);
            resolve(new ApiAnswer(response.statusCode ?? 0, response.headers, plain));
          });
        },
      );
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`${method} ${target}: no answer`)));
      sent.on('error', reject);
      sent.end(bytes);
    });
  }
}

function unpack(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case 'gzip':
      return gunzipSync(body);
    case 'br':
      return brotliDecompressSync(body);
    case 'deflate':
      // The reference sends raw DEFLATE.
      return (body[0] ?? 0) === 0x78 ? inflateSync(body) : inflateRawSync(body);
    default:
      return body;
  }
}
