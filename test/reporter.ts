/**
 * The test runner's TAP, and what failed once more in comments before the closing lines: where only the end of a
 * long output is kept, it still says which test failed and why.
 */

import { type TestEvent, tap } from 'node:test/reporters';
import { inspect } from 'node:util';

/** A failure in closing lines says enough in so many lines; the whole of it stands where it happened. */
const MAX_LINES = 40;

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data'];

/** What a reporter of the test runner is: text for events. */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: Failure[] = [];
  async function* watched(): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      if (event.type === 'test:fail') {
        failures.push(event.data);
      }
      yield event;
    }
  }
  for await (const text of tap(watched() as Parameters<typeof tap>[0])) {
    // The plan of the whole run, which comes last, is the only one that is not indented.
    if (/^1\.\./.test(text)) {
      yield failures.map(described).join('');
    }
    yield text;
  }
}

function described({ name, file, line, details }: Failure): string {
  const reason = inspect(details.error.cause ?? details.error, { breakLength: 120, maxStringLength: 2_000 });
  const indented = reason.split('\n', MAX_LINES).map((text) => `  ${text}`);
  const lines = [`failed: ${name} (${file ?? ''}:${line ?? ''})`, ...indented];
  return lines.map((text) => `# ${text}\n`).join('');
}
