/**
 * `JSON.parse` for files with secrets: the parser's own message quotes the text around the mistake, and would
 * carry passwords into the log. Throws `Error` with the position only.
 */
export function parseSecretJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /at position \d+/.exec((error as Error).message)?.[0];
    throw new Error(position === undefined ? 'not valid JSON' : `not valid JSON ${position}`);
  }
}
