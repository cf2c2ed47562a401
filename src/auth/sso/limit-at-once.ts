import { AppError } from '../../errors.js';

/** Runs what it is given unless `most` are running already: then `AppError` 503. */
export type Limited = <Value>(operation: () => Promise<Value>) => Promise<Value>;

export function limitAtOnce(most: number): Limited {
  let running = 0;
  return async (operation) => {
    if (running >= most) throw new AppError('overloaded');
    running += 1;
    try {
      return await operation();
    } finally {
      running -= 1;
    }
  };
}
