/** Where the credentials of agents come from. Spec 03 §8.1. */

export interface AgentCredential {
  /** The client auth id. */
  readonly id: string;
  /** In clear text: administrators may read it. Never in a log or an error. */
  readonly password: string;
}

export interface CredentialSource {
  /** As `GET /status` shows it. */
  readonly source: 'Static Credentials' | 'File' | 'DB';
  /** The password of a client auth id. Rejects or throws when the source cannot be read. */
  lookup(authId: string): string | undefined | Promise<string | undefined>;
}
