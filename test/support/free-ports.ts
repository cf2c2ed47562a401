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
 * Below the ports the system hands out for port 0 (32768 and up on Linux): other tests that run at the same time
 * cannot be given one of these between its being found free and its use.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    try {
      await (await occupy(port)).free();
      found.add(port);
    } catch {
      // Somebody listens there.
    }
  }
  return [...found];
}
