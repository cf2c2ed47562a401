/** A `POST /files` whose body is sent piece by piece, without its length told. */

import { once } from 'node:events';
import { request } from 'node:http';
import { FORM_TYPE } from './upload-form.js';

export interface SlowUpload {
  send(bytes: Buffer): void;
  end(): void;
  /** Leaves without a word. */
  destroy(): void;
  /** Status and body. */
  readonly answer: Promise<string>;
}

export async function startUpload(port: number, authorization: string): Promise<SlowUpload> {
  const headers = { authorization, 'content-type': FORM_TYPE, 'transfer-encoding': 'chunked' };
  const sent = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/v1/files',
    headers,
    agent: false,
  });
  const answer = new Promise<string>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = `${response.statusCode} `;
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
      // The server may close with a rest of the body unread.
      response.on('error', () => resolve(text));
    });
  });
  answer.catch(() => undefined);
  sent.flushHeaders();
  await once(sent, 'socket');
  return {
    send: (bytes) => {
      sent.write(bytes);
    },
    end: () => {
      sent.end();
    },
    destroy: () => {
      sent.destroy();
    },
    answer,
  };
}
