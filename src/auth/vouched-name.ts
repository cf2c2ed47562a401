/** Whom somebody's word is for. Spec 02 §7.5. */

/**
 * Whether the user `stored` may be the one that a proxy or an identity provider calls `vouched`. A database may find him
 * under names that are not his for those who vouch, such as `ádmin` for `admin`, and no password is going to tell; only
 * letter case may differ. Both cases are compared, because signs such as the Kelvin sign share one with a letter.
 */
export const isVouchedName = (vouched: string, stored: string): boolean =>
  vouched === stored ||
  (vouched.toLowerCase() === stored.toLowerCase() && vouched.toUpperCase() === stored.toUpperCase());
