/** The OpenAPI document as it is checked in at `docs/openapi.json`. */

import { readFileSync } from 'node:fs';
import { openApiDocument } from '../../src/http/openapi.js';
import { routes, webSocketRoutes } from '../../src/http/routes/index.js';

const root = new URL('../../../', import.meta.url);

export function describedApi(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  return `${JSON.stringify(openApiDocument([...routes, ...webSocketRoutes], { version, serverUrl: '/api/v1' }), null, 2)}\n`;
}
