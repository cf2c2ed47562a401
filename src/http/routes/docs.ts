/** The API's description: `/openapi.json` and a page to browse it. Open to everybody, no external host. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Type from 'typebox';
import { AppError } from '../../errors.js';
import { jsonText } from '../../go/json-text.js';
import { openApiDocument } from '../openapi.js';
import type { Route } from '../route.js';
import type { WebSocketRoute } from '../ws/websocket-route.js';

const TAG = 'Documentation';

/** The viewer sets styles from script, hence `unsafe-inline` for styles; nothing else is let in. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE_HEADERS = [
  ['Content-Security-Policy', CONTENT_SECURITY_POLICY],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
] as const;
const ASSET_HEADERS = [
  ['Cache-Control', 'public, max-age=3600'],
  ['X-Content-Type-Options', 'nosniff'],
] as const;

/** Addresses are relative to `/api/v1/docs`, so that the page also works behind a path prefix. */
const PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tideway API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="viewer"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;
const START_SCRIPT = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#viewer',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

/** Files of the viewer that may be asked for. */
const ASSET_TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const assets = new Map<string, Buffer>();

/** The routes that describe `described()`, the complete table including these themselves. */
export function docsRoutes(
  described: () => readonly (Route | WebSocketRoute)[],
  serverUrl: string,
): readonly Route[] {
  let document: string | undefined;
  return [
    {
      method: 'GET',
      path: '/openapi.json',
      access: { kind: 'open' },
      docs: {
        tag: TAG,
        summary: 'This API as an OpenAPI 3.1 document',
        contentType: 'application/json',
      },
      responses: { 200: Type.Object({}, { description: 'OpenAPI document' }) },
      handler: (_request, { version }) => {
        document ??= jsonText(openApiDocument(described(), { version, serverUrl }));
        return { status: 200, json: document };
      },
    },
    {
      method: 'GET',
      path: '/docs',
      access: { kind: 'open' },
      docs: { tag: TAG, summary: 'A page to browse and try this API', contentType: 'text/html' },
      responses: { 200: Type.String() },
      handler: () => ({
        status: 200,
        text: PAGE,
        contentType: 'text/html; charset=utf-8',
        headers: PAGE_HEADERS,
      }),
    },
    {
      method: 'GET',
      path: '/docs/{asset}',
      access: { kind: 'open' },
      docs: {
        tag: TAG,
        summary: 'A file of the page',
        contentType: 'text/css',
        errors: { 404: 'No such file' },
      },
      responses: { 200: Type.String() },
      handler: async ({ params }) => {
        const { asset = '' } = params;
        if (asset === 'start.js') return script(START_SCRIPT);
        const contentType = Object.hasOwn(ASSET_TYPES, asset) ? ASSET_TYPES[asset] : undefined;
        if (contentType === undefined) throw new AppError('not_found');
        return { status: 200, text: await viewerFile(asset), contentType, headers: ASSET_HEADERS };
      },
    },
  ];
}

function script(text: string) {
  return { status: 200, text, contentType: 'text/javascript; charset=utf-8', headers: ASSET_HEADERS };
}

async function viewerFile(name: string): Promise<Buffer> {
  const known = assets.get(name);
  if (known !== undefined) return known;
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const content = await readFile(join(folder, name));
  assets.set(name, content);
  return content;
}
