/** Codes by mail. */

import { createTransport } from 'nodemailer';
import type { SmtpConfig } from '../../../config/types.js';
import { parseListenAddress } from '../../../config/values/listen-address.js';
import type { Milliseconds } from '../../../time.js';
import type { CodeMessage } from '../second-factor.js';
import { type Channel, causeOf, oneLine, TITLE } from './channel.js';
import { checkEmail } from './email-address.js';

const LONGEST_AGENT = 512;
/** Connections end by themselves a little later than whoever waits gives up, so that he gives the reason. */
const AFTER_TIMEOUT: Milliseconds = 1_000;

export interface EmailOptions {
  readonly smtp: SmtpConfig;
  /** Bounds every wait for the mail server, nearly: also what nobody waits for any more ends soon after it. */
  readonly timeout: Milliseconds;
  /** For tests: a certificate to trust besides the usual ones. */
  readonly ca?: string | undefined;
}

export function emailChannel({ smtp, timeout, ca }: EmailOptions): Channel {
  const { host, port } = parseListenAddress(smtp.server);
  const patience = timeout + AFTER_TIMEOUT;
  const authenticated = smtp.authUsername !== '' || smtp.authPassword !== '';
  const transport = createTransport({
    host,
    port,
    secure: smtp.secure,
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    // The password must not cross a network in the clear, whatever the server offers.
    requireTLS: authenticated && !isThisMachine(host),
    ...(authenticated
      ? { auth: { user: smtp.authUsername, pass: smtp.authPassword }, authMethod: 'PLAIN' }
      : {}),
    connectionTimeout: patience,
    greetingTimeout: patience,
    socketTimeout: patience,
    dnsTimeout: patience,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    method: 'email',

    async send(message, signal) {
      // Also what an old file of users holds: nothing that could become another header or receiver.
      checkEmail(message.receiver);
      const mail = {
        from: { name: '', address: smtp.senderEmail },
        to: { name: '', address: message.receiver },
        subject: TITLE,
        text: mailText(message),
        signal,
      };
      try {
        await transport.sendMail(mail);
      } catch (error) {
        const way = smtp.secure ? 'failed to send email using TLS' : 'failed to send email';
        throw new Error(`${way}: ${causeOf(error)}`);
      }
    },

    async checkReceiver(receiver) {
      checkEmail(receiver);
    },

    async checkReady() {
      try {
        await transport.verify();
      } catch (error) {
        throw new Error(`${stepOf(error, smtp.secure)}: ${causeOf(error)}`);
      }
    },
  };
}

/** Clients' tests look for these phrases. Spec 02 §8.1. */
const mailText = ({ code, ip, userAgent, ttlSeconds }: CodeMessage): string =>
  [
    'Your login needs one more step.',
    `The token is: ${code}`,
    '',
    `The token has been requested from ${ip}`,
    `with user agent ${oneLine(userAgent, LONGEST_AGENT)}`,
    `Token is valid for ${ttlSeconds} seconds.`,
    '',
    'If it was not you who logged in, somebody knows your password: change it.',
    '',
  ].join('\n');

/** Which step of a connection failed. Spec 06 §11. */
function stepOf(error: unknown, secure: boolean): string {
  const { code } = error as { code?: unknown };
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return 'failed to connect to smtp server using provided auth_username and auth_password';
    case 'ETLS':
      return 'failed to start tls';
    case 'EPROTOCOL':
      return 'could not init smtp client to smtp.server';
    default:
      return secure ? 'could not connect to smtp.server using TLS' : 'could not connect to smtp.server';
  }
}

const isThisMachine = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);
