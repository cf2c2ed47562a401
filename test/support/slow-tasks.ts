/** Tasks for the pool's tests, under the names of the real ones. */

import { threadId } from 'node:worker_threads';

export const verifyPassword = ({ stored }: { stored: string }): boolean => {
  if (stored === 'throw') throw new Error('task failed');
  // Held until the test lets go.
  if (stored === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  return threadId > 0;
};
