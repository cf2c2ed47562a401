/** A real HTTP server that keeps the forms it gets and answers as it is told. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface ReceivedForm {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly fields: Readonly<Record<string, string>>;
}

export interface FormReceiver {
  readonly url: string;
  readonly forms: readonly ReceivedForm[];
  /** Replaces the answer to every form from now on; the default is an empty 200. */
  answer(how: (response: ServerResponse, form: ReceivedForm) => void): void;
  /** The last form; fails when there is none. */
  last(): ReceivedForm;
  close(): Promise<void>;
}

export async function openFormReceiver(): Promise<FormReceiver> {
  const forms: ReceivedForm[] = [];
  let respond = (response: ServerResponse, _form: ReceivedForm): void => void response.end();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        fields: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
      };
      forms.push(form);
      respond(response, form);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forms,
    answer(how) {
      respond = how;
    },
    last() {
      const form = forms.at(-1);
      if (form === undefined) throw new Error('no form has come');
      return form;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Closed when the test ends. */
export async function formReceiver(test: TestContext): Promise<FormReceiver> {
  const receiver = await openFormReceiver();
  test.after(() => receiver.close());
  return receiver;
}
