import { AppError } from '../../errors.js';
import type { Guard } from '../guard.js';

/** A second step that is refused makes the user wait at this address, and counts for the address. Spec 02 §8.4. */
export async function countFailures<Result>(
  guard: Guard,
  username: string,
  ip: string,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthorized') await guard.failed('api', username, ip);
    throw error;
  }
}
