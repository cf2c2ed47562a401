/** What an agent says of a command that ended at once. */

const OUTPUT = `${'uid=0(root) gid=0(root) groups=0(root)\n'.repeat(4)}`;

/** @param order payload of `run_cmd` */
export function runJob(order: Buffer): { readonly reply: string; readonly result: string } {
  const job = JSON.parse(order.toString()) as Record<string, unknown>;
  const now = new Date().toISOString();
  const result = {
    ...job,
    status: 'successful',
    finished_at: now,
    pid: 4711,
    started_at: now,
    result: { stdout: OUTPUT, stderr: '', summary: '' },
  };
  return { reply: JSON.stringify({ Pid: 4711, StartedAt: now }), result: JSON.stringify(result) };
}
