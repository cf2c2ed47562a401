import { makePrincipal, type Principal } from '../../src/auth/principal.js';

export const admin: Principal = makePrincipal('admin', ['Administrators'], null);

/** A user who is no administrator, where groups carry no permissions. */
export const member = (...groups: string[]): Principal => makePrincipal('user', groups, null);
