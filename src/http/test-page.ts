/** Pages that try a WebSocket by hand. Nothing is loaded from anywhere, and what is typed stays in the page. Spec 04 §14. */

import { createHash } from 'node:crypto';

export interface TestPage {
  /** The last part of the WebSocket's path: `commands`. */
  readonly socket: string;
  readonly title: string;
  /** Request shown at first; `null`: there is nothing to send. */
  readonly request: object | null;
  /** There is a box for a script, which goes into the request. */
  readonly script: boolean;
}

const STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color-scheme: light dark }
label { display: block; margin: .5rem 0 }
input, textarea { display: block; box-sizing: border-box; width: 100%; font: .9rem/1.4 ui-monospace, monospace }
pre { border: 1px solid; padding: .5rem; min-height: 8rem; max-height: 30rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere }`;

/** The address is that of the page, so it also works behind a proxy that speaks TLS, or below a path. */
const SCRIPT = `'use strict';
const field = (id) => document.getElementById(id);
const output = field('output');
let socket = null;
const say = (text) => { output.textContent += text.endsWith('\\n') ? text : text + '\\n'; output.scrollTop = output.scrollHeight; };
const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
field('open').onclick = () => {
  if (socket !== null) return say('-- it is open already');
  const address = new URL('../../ws/' + document.body.dataset.socket, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.search = '?access_token=' + encodeURIComponent(field('token').value);
  socket = new WebSocket(address);
  socket.onopen = () => say('-- open');
  socket.onmessage = ({ data }) => say(data);
  socket.onclose = ({ code, reason }) => { socket = null; say('-- closed, code ' + code + (reason === '' ? '' : ', ' + reason)); };
};
field('close').onclick = () => socket?.close();
const send = field('send');
if (send !== null) send.onclick = () => {
  if (socket === null || socket.readyState !== WebSocket.OPEN) return say('-- open it first');
  let text = field('request').value;
  const script = field('script');
  if (script !== null) {
    try {
      text = JSON.stringify({ ...JSON.parse(text), script: base64(script.value) });
    } catch (error) {
      return say('-- the request is no JSON: ' + error.message);
    }
  }
  socket.send(text);
};`;

const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export const testPageHeaders = [
  [
    'Content-Security-Policy',
    `default-src 'none'; script-src ${digest(SCRIPT)}; style-src ${digest(STYLE)}; connect-src 'self'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cache-Control', 'no-store'],
] as const;

/** Texts are ours: nothing of a caller gets in. */
export function testPage({ socket, title, request, script }: TestPage): string {
  const sending =
    request === null
      ? ''
      : `<label>Request <textarea id="request" rows="8" spellcheck="false">${JSON.stringify(request, null, 2)}</textarea></label>
${script ? '<label>Script <textarea id="script" rows="8" spellcheck="false">id\n</textarea></label>\n' : ''}<button id="send" type="button">Send</button>
`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body data-socket="${socket}">
<h1>${title}</h1>
<label>Token of a login <input id="token" type="password" autocomplete="off"></label>
<button id="open" type="button">Open</button>
<button id="close" type="button">Close</button>
${sending}<pre id="output"></pre>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
