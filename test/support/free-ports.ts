import { type AddressInfo, createServer, type Server } from 'node:net';

/** Listens on a port the system chooses, on every address. */
export async function occupy(port = 0, host = '::'): Promise<{ port: number; free: () => Promise<void> }> {
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = createServer();
    starting.once('error', reject);
    starting.listen({ port, host, exclusive: true }, () => resolve(starting));
  });
  return {
    port: (server.address() as AddressInfo).port,
    free: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/**
 * Below the ports the system hands out for port 0 (32768 and up on Linux): nothing that asks for any port can be
 * given one of these between its being found free and its use. Each process takes a slice of its own, for the same
 * reason: test files run at the same time.
 */
const LOWEST = 28_000;
const SLICES = 30;
/** The first one is listened on for as long as the process lives, and says that the slice is taken. */
const PORTS_PER_SLICE = 150;

let slice: Promise<number> | null = null;
let given = 0;

async function takeSlice(): Promise<number> {
  const start = Math.floor(Math.random() * SLICES);
  for (let step = 0; step < SLICES; step += 1) {
    const first = LOWEST + ((start + step) % SLICES) * PORTS_PER_SLICE;
    const mark = createServer();
    const taken = await new Promise<boolean>((resolve) => {
      mark.once('error', () => resolve(false));
      mark.listen({ port: first, host: '127.0.0.1', exclusive: true }, () => resolve(true));
    });
    if (!taken) continue;
    mark.unref();
    return first;
  }
  throw new Error('every slice of the ports for tests is taken');
}

/**
 * What servers of tests choose from, in the words of `used_ports`: none of a slice, so that no tunnel of one file takes
 * what another file means to use, and none that the system hands out, so that a tunnel finds its port free when it comes
 * back on it.
 */
export const RANDOM_PORTS = `1024-${LOWEST - 1}`;

/** The slice of this process, in the same words: where its `freePorts` are. */
export async function ownPorts(): Promise<string> {
  slice ??= takeSlice();
  const first = await slice;
  return `${first + 1}-${first + PORTS_PER_SLICE - 1}`;
}

/** Ports that were free a moment ago, all different, and not given to this process before until all have been. */
export async function freePorts(count: number): Promise<number[]> {
  slice ??= takeSlice();
  const first = await slice;
  const found = new Set<number>();
  while (found.size < count) {
    given = (given % (PORTS_PER_SLICE - 1)) + 1;
    const port = first + given;
    try {
      await (await occupy(port)).free();
      found.add(port);
    } catch {
      // Somebody listens there.
    }
  }
  return [...found];
}
