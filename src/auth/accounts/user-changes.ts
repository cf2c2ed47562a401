/** Changes of users, and what they entail for sessions and tokens. Spec 02 §12. */

import { randomBytes } from 'node:crypto';
import { AppError } from '../../errors.js';
import { ADMINISTRATORS } from '../principal.js';
import { staticUserTitle, type User } from '../users/provider.js';
import { type OnlyIf, type UserChange, unknownUserTitle, userExistsTitle } from '../users/writes.js';
import type { Accounts } from './accounts.js';
import { isLastAdministrator, refuseLastAdministrator } from './administrators.js';
import { assertUsername, checkNewUser, checkUserChange } from './check-user-input.js';
import { readGiven } from './given.js';
import type { AccountsOptions } from './make-accounts.js';
import { makeReceiverCheck } from './receiver-check.js';
import { groupsAfter } from './role-groups.js';

type UserChanges = Omit<Accounts, 'putGroup' | 'removeGroup'>;

const RANDOM_PASSWORD_BYTES = 32;

/**
 * What takes long is done before the turn: nobody's change waits for the mail server of somebody else's.
 * What a rule depends on is read in the turn.
 */
export function makeUserChanges(options: AccountsOptions): UserChanges {
  const { config, users, writes, hasher, store, turns } = options;
  const receiverCheck = makeReceiverCheck(options);
  const parts = {
    config,
    hasher,
    receiverCheck,
    get checkReceiver() {
      return options.checkReceiver;
    },
  };

  const refuseReadOnly = (): void => {
    if (!users.writable) throw new AppError('bad_request', { title: staticUserTitle });
  };

  /** Throws `AppError` 404. */
  const known = async (username: string): Promise<User> => {
    const user = await users.findCurrent(username);
    if (user === undefined) throw unknownUser(username);
    return user;
  };

  const endAccess = async (username: string): Promise<void> => {
    await store.nameTenures.end(username);
    await store.apiTokens.removeUser(username);
    await store.sessions.removeUser(username);
    await store.flushed();
  };

  const moveAccess = async (from: string, to: string): Promise<void> => {
    await store.nameTenures.end(from);
    await store.apiTokens.renameUser(from, to);
    await store.sessions.renameUser(from, to);
    await store.flushed();
  };

  /** Nobody inherits what was left of somebody of the same name. */
  const add = async (user: User): Promise<void> => {
    await endAccess(user.username);
    await writes.add(user);
  };

  /** `false`, and nothing is written, when `onlyIf` says no. */
  const change = (username: string, wanted: UserChange, onlyIf?: OnlyIf): Promise<boolean> =>
    turns.take(async () => writes.change((await known(username)).username, wanted, onlyIf));

  return {
    async addUser(input) {
      const given = readGiven(input);
      const { username, password } = await checkNewUser(parts, given);
      refuseReadOnly();
      const hash = await hasher.hash(password);
      await turns.take(async () => {
        if ((await users.findCurrent(username)) !== undefined) throw userExists();
        await add({ ...blankUser, ...given, username, password: hash });
      });
    },

    async changeUser(username, input) {
      const given = readGiven(input, username);
      await checkUserChange(parts, username, given);
      refuseReadOnly();
      const { password, ...others } = given;
      // A new password counts, unless the change itself says otherwise. Spec 02 §12.5.
      const renewed =
        password === undefined ? {} : { passwordExpired: false, password: await hasher.hash(password) };
      await turns.take(async () => {
        const user = await users.findCurrent(username);
        if (given.username !== undefined) {
          const holder = await users.findCurrent(given.username);
          // A collation may find the user himself, whose spelling changes.
          if (holder !== undefined && holder.username !== user?.username) throw userExists();
        }
        if (user === undefined) throw unknownUser(username);
        if (given.groups?.includes(ADMINISTRATORS) === false) await refuseLastAdministrator(users, user);
        const present = given.username ?? user.username;
        // He is not who had that name before.
        if (present !== user.username) await store.nameTenures.end(present);
        await writes.change(user.username, { ...renewed, ...others });
        if (present !== user.username) await moveAccess(user.username, present);
        if (given.passwordExpired === true) await store.sessions.removeUser(present);
        // Who knew the old password must not go on to choose the second factor.
        else if (password !== undefined) await store.sessions.removePending(present);
        await store.flushed();
      });
    },

    async removeUser(username) {
      refuseReadOnly();
      await turns.take(async () => {
        const user = await known(username);
        await refuseLastAdministrator(users, user);
        await writes.remove(user.username);
        await endAccess(user.username);
      });
    },

    async addVouchedUser(username) {
      assertUsername(username);
      refuseReadOnly();
      const { defaultUserGroup } = config.api;
      const password = await hasher.hash(randomBytes(RANDOM_PASSWORD_BYTES).toString('base64'));
      await turns.take(async () => {
        if ((await users.findCurrent(username)) !== undefined) return;
        const groups = defaultUserGroup === '' ? null : [defaultUserGroup];
        await add({ ...blankUser, username, password, groups });
      });
    },

    async setPasswordHash(username, hash, from) {
      refuseReadOnly();
      const isIt: OnlyIf = ({ password }) => from === undefined || password === from;
      if (!(await change(username, { password: hash, passwordExpired: false }, isIt))) {
        throw new AppError('conflict');
      }
    },

    async replacePasswordHash(username, from, to) {
      refuseReadOnly();
      await change(username, { password: to }, ({ password }) => password === from);
    },

    async setTotpSecret(username, otpauthUrl, onlyIfNone = false) {
      refuseReadOnly();
      const mayBe: OnlyIf = ({ totpSecret }) => !onlyIfNone || totpSecret.trim() === '';
      if (!(await change(username, { totpSecret: otpauthUrl ?? '' }, mayBe))) throw totpSecretExists();
    },

    async applyRoles(username, roles) {
      await checkUserChange(parts, username, { groups: roles.held });
      refuseReadOnly();
      return turns.take(async () => {
        const user = await users.findCurrent(username);
        const groups = groupsAfter(user?.groups ?? [], roles);
        if (user === undefined || groups === null) return false;
        const stays = !groups.includes(ADMINISTRATORS) && (await isLastAdministrator(users, user));
        await writes.change(user.username, { groups: stays ? [...groups, ADMINISTRATORS] : groups });
        return stays;
      });
    },
  };
}

const blankUser: Omit<User, 'username' | 'password'> = {
  passwordExpired: false,
  groups: null,
  twoFaSendTo: '',
  totpSecret: '',
};

const userExists = (): AppError => new AppError('bad_request', { title: userExistsTitle });

const unknownUser = (username: string): AppError =>
  new AppError('not_found', { title: unknownUserTitle(username) });

const totpSecretExists = (): AppError =>
  new AppError('conflict', { title: 'cannot create new totP secret when another one already exists' });
