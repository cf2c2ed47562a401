import type { User } from '../users/provider.js';
import type { UserInput } from './accounts.js';

/** Fields of a user that are really given: neither null, nor blank, nor what they are anyway. */
export type Given = Partial<Omit<User, 'groups'>> & { readonly groups?: readonly string[] };

/** `present`: the name the user has. Groups without duplicates. */
export function readGiven(input: UserInput, present = ''): Given {
  const { username = '', password = '', passwordExpired, groups, twoFaSendTo = '', totpSecret = '' } = input;
  return {
    ...(username === '' || username === present ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(typeof passwordExpired === 'boolean' ? { passwordExpired } : {}),
    ...(groups ? { groups: [...new Set(groups)] } : {}),
    ...(twoFaSendTo === '' ? {} : { twoFaSendTo }),
    ...(totpSecret === '' ? {} : { totpSecret }),
  };
}
