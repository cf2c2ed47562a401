import type { Principal } from '../../src/auth/principal.js';

export const admin: Principal = { username: 'admin', groups: ['Administrators'], admin: true };

/** A user who is no administrator. */
export const member = (...groups: string[]): Principal => ({ username: 'user', groups, admin: false });
