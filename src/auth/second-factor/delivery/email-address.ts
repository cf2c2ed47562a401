/** As HTML has it for `<input type=email>`. Spec 02 §8.1. */
const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
/** RFC 5321 §4.5.3.1.3 allows 254. */
const LONGEST = 254;

/** Throws `Error` `email cannot be empty` or `invalid email format`. */
export function checkEmail(address: string): void {
  if (address === '') throw new Error('email cannot be empty');
  if (address.length > LONGEST || !EMAIL.test(address)) throw new Error('invalid email format');
}
