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

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => occupy()));
  await Promise.all(held.map((one) => one.free()));
  return held.map((one) => one.port);
}
