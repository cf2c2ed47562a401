/** The time of the processor `work` takes, in milliseconds: a machine that is busy with others does not lengthen it. */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
