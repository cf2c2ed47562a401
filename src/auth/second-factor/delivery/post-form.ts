/** HTTP forms to services the operator has named. */

/** Answers are a line or a small document; the rest is not read. */
const LONGEST_ANSWER = 64 * 1024;

export interface FormAnswer {
  readonly status: number;
  /** `404 Not Found`. */
  readonly statusLine: string;
  readonly text: string;
}

/**
 * POSTs a form. Redirects are answers like others: they would carry the code to somebody nobody has named.
 * Rejects with what `fetch` rejects with.
 */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<FormAnswer> {
  const target = new URL(url);
  const headers: Record<string, string> = { connection: 'close' };
  if (target.username !== '' || target.password !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    // `fetch` refuses them inside a URL, and says so with the URL.
    target.username = '';
    target.password = '';
  }
  const response = await fetch(target, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
    redirect: 'manual',
    signal,
  });
  const statusLine = `${response.status} ${response.statusText.slice(0, 100)}`.trim();
  return { status: response.status, statusLine, text: await beginning(response) };
}

async function beginning({ body }: Response): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop closes the connection.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= LONGEST_ANSWER) break;
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_ANSWER).toString('utf8');
}
