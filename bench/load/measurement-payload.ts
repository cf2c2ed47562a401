/** What an agent sends as `save_measurement`: about 1 KiB with processes and mount points. Spec 01 §8.4. */

const PROCESSES = 6;

/** `number` makes payloads differ. */
export function measurementPayload(number: number): string {
  const processes = Array.from({ length: PROCESSES }, (_, at) => ({
    pid: 800 + PROCESSES - at,
    parent_pid: 1,
    name: `worker-${at}`,
    cmdline: `/usr/sbin/worker-${at} --number=${number}`,
    state: 'sleeping',
    rss: 7_340_032 + number,
    vms: 12_582_912,
    memory_usage_percent: 0.09,
  }));
  const mountpoints = { 'free_b./': 34_182_758_400 - number, 'total_b./': 105_555_197_952 };
  return JSON.stringify({
    client_id: '',
    timestamp: '2024-05-01T10:00:00.123456789Z',
    cpu_usage_percent: number % 100,
    memory_usage_percent: 61.2,
    io_usage_percent: 0.5,
    processes: JSON.stringify(processes),
    mountpoints: JSON.stringify(mountpoints),
    net_lan: { in: 3_000 + number, out: 2_000 },
    net_wan: null,
  });
}
