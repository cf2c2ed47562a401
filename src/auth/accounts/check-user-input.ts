/** What users may be made of. Spec 02 §12.3. */

import { AppError, AppErrorList } from '../../errors.js';
import { isKeyText } from '../../store/key.js';
import { checkNewPassword } from '../passwords/new-password.js';
import { parseTotpUrl, TotpKeyError } from '../second-factor/totp/secret.js';
import type { User } from '../users/provider.js';
import type { Given } from './given.js';
import type { AccountsOptions } from './make-accounts.js';
import type { ReceiverCheck } from './receiver-check.js';

/** Characters of names of users and groups: the columns of a database hold no more. */
const LONGEST_NAME = 150;
const MOST_GROUPS = 1000;
/** Characters. */
const LONGEST_TOTP_SECRET = 2048;

type Parts = Pick<AccountsOptions, 'config' | 'hasher' | 'checkReceiver'> & {
  readonly receiverCheck: ReceiverCheck;
};

/** Resolves with what a new user must have. Rejects with `AppErrorList` 400. */
export async function checkNewUser(parts: Parts, given: Given): Promise<Pick<User, 'username' | 'password'>> {
  const { username = '', password = '' } = given;
  const missing: AppError[] = [];
  if (username === '') missing.push(refusal('username is required'));
  if (password === '') missing.push(refusal('password is required'));
  if (parts.checkReceiver !== null && given.twoFaSendTo === undefined) {
    missing.push(refusal('two_fa_send_to is required'));
  }
  throwAll([...missing, ...(await checkGiven(parts, null, given))]);
  return { username, password };
}

/** `given` for the user `username`. Rejects with `AppErrorList` 400. */
export async function checkUserChange(parts: Parts, username: string, given: Given): Promise<void> {
  const { twoFaSendTo, ...others } = given;
  const nothing =
    Object.keys(others).length === 0 && (parts.checkReceiver === null || twoFaSendTo === undefined);
  throwAll([
    ...(nothing ? [refusal('nothing to change')] : []),
    ...(await checkGiven(parts, username, given)),
  ]);
}

/** Throws `AppErrorList` 400 for what cannot be the name of a user. */
export function assertUsername(username: string): void {
  throwAll(checkUsername(username));
}

/** `present`: the name the user has so far. */
async function checkGiven(parts: Parts, present: string | null, given: Given): Promise<AppError[]> {
  const { username, password, groups, twoFaSendTo, totpSecret } = given;
  const { config, hasher, receiverCheck } = parts;
  const errors: AppError[] = [];
  if (username !== undefined) errors.push(...checkUsername(username));
  if (password !== undefined) {
    const known = [present, username].filter((name) => typeof name === 'string');
    errors.push(...(await checkNewPassword(password, known, config.api, hasher)));
  }
  if (twoFaSendTo !== undefined) {
    const wrong = await receiverCheck(present ?? username ?? '', twoFaSendTo);
    if (wrong !== undefined) errors.push(refusal(`invalid two_fa_send_to: ${wrong}`));
  }
  if (groups !== undefined) errors.push(...checkGroups(groups));
  if (totpSecret !== undefined) errors.push(...checkTotpSecret(totpSecret));
  return errors;
}

function checkUsername(username: string): AppError[] {
  const errors: AppError[] = [];
  if (username.trim() !== username) errors.push(refusal('username must not start or end with whitespace'));
  if (length(username) > LONGEST_NAME) {
    errors.push(refusal(`username must not be longer than ${LONGEST_NAME} characters`));
  } else if (!isKeyText(username) || INVISIBLE.test(username)) {
    // Neither sessions nor tokens could be kept for some; others look like somebody else.
    errors.push(refusal('username must not have control characters'));
  }
  if (UNREACHABLE.test(username)) errors.push(refusal('username must not be a path'));
  return errors;
}

/** Control characters of all kinds, those that change the direction of writing, and those of no width. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** No route of the API has such a segment: who had this name could not be removed any more. */
const UNREACHABLE = /\/|^\.{1,2}$/;

/** Throws nothing: what is wrong with the names of groups. */
export function checkGroupName(name: string): AppError[] {
  if (length(name) > LONGEST_NAME) {
    return [refusal(`group names must not be longer than ${LONGEST_NAME} characters`)];
  }
  return isKeyText(name) ? [] : [refusal('group names must not be empty or have control characters')];
}

function checkGroups(groups: readonly string[]): AppError[] {
  if (groups.length > MOST_GROUPS) {
    return [refusal(`a user must not be in more than ${MOST_GROUPS} groups`)];
  }
  // One complaint is enough.
  return groups.flatMap(checkGroupName).slice(0, 1);
}

function checkTotpSecret(totpSecret: string): AppError[] {
  if (length(totpSecret) > LONGEST_TOTP_SECRET) {
    return [refusal(`totp_secret must not be longer than ${LONGEST_TOTP_SECRET} characters`)];
  }
  try {
    parseTotpUrl(totpSecret);
    return [];
  } catch (error) {
    if (error instanceof TotpKeyError) return [refusal(`invalid totp_secret: ${error.reason}`)];
    throw error;
  }
}

/** As databases count. */
const length = (text: string): number => [...text].length;

const refusal = (title: string): AppError => new AppError('bad_request', { title });

export function throwAll([first, ...others]: readonly AppError[]): void {
  if (first !== undefined) throw new AppErrorList([first, ...others]);
}
