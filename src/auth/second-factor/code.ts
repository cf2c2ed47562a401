/** Codes that are sent. Spec 02 §8.1. */

import { createHash, randomInt } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LENGTH = 6;

/** Six unbiased characters of `[0-9a-zA-Z]`: 5.7·10¹⁰ codes. */
export function newCode(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** What is kept and passed between threads instead of a code; differs from session to session. */
export function codeDigest(sessionId: number, code: string): string {
  return createHash('sha256').update(`${sessionId} ${code}`).digest('base64');
}

/** `text` without the code, which a server or a script may have repeated in what it says. */
export const withoutCode = (text: string, code: string): string => text.replaceAll(code, '*'.repeat(LENGTH));
