/**
 * An argon2id hash no password is known for, at the cost of new ones. Compared with when there is no user to
 * take a stored password from.
 */
export const nobodysHash =
  '$argon2id$v=19$m=19456,t=2,p=1$qy0kXo1Wm4Z8r3M6bJr1cA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
