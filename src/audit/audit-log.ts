/** What the audit log takes. Spec 03 §12. */

/** What one change was about. Absent texts are empty; documents are JSON texts without secrets. */
export interface AuditDetails {
  readonly affectedId?: string;
  readonly clientId?: string;
  /** Of the client at that time. */
  readonly clientHostname?: string;
  /** What was asked for. Plain data, made JSON here. */
  readonly request?: unknown;
  /** What came of it. */
  readonly response?: unknown;
}

export interface AuditDraft extends AuditDetails {
  /** Empty where no user is behind it. */
  readonly username?: string;
  readonly remoteIp?: string;
  readonly application: string;
  readonly action: string;
}

/** As every thread uses it. */
export interface AuditLog {
  /**
   * Adds entries that belong together, with one time stamp. Resolves when they would survive a power loss, or it is
   * logged that they could not be kept: what they tell of has happened in any case. Never rejects.
   */
  record(entries: readonly AuditDraft[]): Promise<void>;
}
