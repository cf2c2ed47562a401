/** A real mail server on a port of its own that keeps what it gets. */

import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body as received. */
  readonly source: string;
  /** The connection was encrypted. */
  readonly secure: boolean;
  /** Name the sender has logged in with; empty without. */
  readonly user: string;
}

export interface MailReceiver {
  /** `host:port`. */
  readonly address: string;
  readonly mails: readonly ReceivedMail[];
}

/** Closed when the test ends. By default it offers neither TLS nor logins. */
export async function mailReceiver(
  test: TestContext,
  { host = '127.0.0.1', ...options }: SMTPServerOptions & { readonly host?: string } = {},
): Promise<MailReceiver> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    hideSTARTTLS: true,
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    logger: false,
    ...options,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString(),
          secure: session.secure,
          user: String(session.user ?? ''),
        });
        callback();
      });
    },
  });
  // A client that does not like the certificate is no event here.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  test.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { address: `${host}:${(server.server.address() as AddressInfo).port}`, mails };
}
