/** A token endpoint in front of a provider's that passes everything on but the ID token. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { OpenIdIssuer } from '../openid-issuer.js';

/** Returns its URL. `tamper` returns what comes instead; `undefined`: none. */
export async function tamperedTokens(
  test: TestContext,
  issuer: OpenIdIssuer,
  tamper: (idToken: string) => Promise<string | undefined>,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(issuer.endpoints.token_url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', connection: 'close' },
      body: Buffer.concat(chunks),
    });
    const body = (await answer.json()) as Record<string, unknown>;
    if (typeof body.id_token === 'string') body.id_token = await tamper(body.id_token);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}
