/**
 * Which of the persons that have a user name one after the other has it. Users files and tables of a database know
 * nothing but names, and a name may be given again, by hand as well. What acts for a user later remembers his tenure.
 */

export interface NameTenureRepository {
  /** Number of the present tenure; of the coming one while nobody has the name. */
  current(username: string): number;
  /** Whoever has the name from now on is somebody else. */
  end(username: string): Promise<void>;
  /** Nobody has the name. `tenure`: what `current` said before that was looked for. */
  missed(username: string, tenure: number): Promise<void>;
  /**
   * Somebody has the name. After it was missed he is the same only with the same `mark`, which two persons never
   * share; `null` is the mark of nobody. Resolves with the tenure that goes on, or has begun: API tokens and sessions of
   * the one before have ended then. `tenure` as in `missed`.
   */
  seen(username: string, tenure: number, mark: string | null): Promise<number>;
}
