import { AppError } from '../../../errors.js';
import type { User } from '../../users/provider.js';
import { parseTotpUrl, type TotpKey, TotpKeyError } from './secret.js';

/** The key of a user's authenticator app; `null` without. Throws `AppError` 500 when what is stored is none. */
export function readTotpKey({ totpSecret }: Pick<User, 'totpSecret'>): TotpKey | null {
  try {
    return parseTotpUrl(totpSecret);
  } catch (error) {
    if (error instanceof TotpKeyError) throw new AppError('internal', { title: error.message });
    throw error;
  }
}
