/** `execute.done` entries of the audit log. Spec 04 §21. */

import type { AuditDraft, AuditLog } from '../../audit/audit-log.js';
import type { JobRow, OutputName } from '../../jobs/job.js';
import { jobJson } from '../../jobs/job-json.js';
import type { JobRepository } from '../../store/jobs.js';

export interface JobAudit {
  done(row: JobRow, texts: Pick<JobRepository, 'command' | 'output'>, hostname: string): void;
}

/**
 * Entries of one turn of the event loop are recorded together: a command on a fleet ends everywhere at once.
 * `isOn`: asked before anything is made of a job.
 */
export function jobAudit(audit: AuditLog, isOn: () => boolean): JobAudit {
  let drafts: AuditDraft[] = [];
  const record = (): void => {
    const due = drafts;
    drafts = [];
    void audit.record(due);
  };
  return {
    done(row, texts, hostname) {
      if (!isOn()) return;
      drafts.push({
        application: row.isScript ? 'client.script' : 'client.command',
        action: 'execute.done',
        affectedId: row.multiJobId ?? row.jid,
        clientId: row.clientId,
        clientHostname: hostname,
        response: JSON.parse(jobJson(row, { command: texts.command, output })),
      });
      if (drafts.length === 1) setImmediate(record);
    },
  };
}

/** Megabytes of output have no place in the audit log: long texts are named by their size. */
function output({ output: texts }: JobRow, name: OutputName): string {
  const text = texts?.[name] ?? '""';
  return typeof text === 'string' ? text : JSON.stringify(`(${text} bytes, see the job)`);
}
