/** A simulated agent that takes files as real ones do, and keeps them in memory. */

import { createHash } from 'node:crypto';
import { fetchFile } from '../../bench/fleet/sftp-client.js';
import type { Answer, SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import type { TestServer } from './server.js';

/** The request of the server. Spec 04 §16.6. */
export interface UploadRequest {
  readonly ID: string;
  readonly SourceFilePath: string;
  readonly DestinationPath: string;
  readonly DestinationFileMode: number;
  readonly DestinationFileOwner: string;
  readonly DestinationFileGroup: string;
  readonly ForceWrite: boolean;
  readonly Sync: boolean;
  readonly Md5Checksum: string;
}

type Handle = (request: UploadRequest, agent: SimulatedAgent) => Promise<Answer>;

export interface FileAgent {
  readonly agent: SimulatedAgent;
  /** Requests so far, as JSON texts. */
  readonly requests: string[];
  /** Contents by id of the upload. */
  readonly files: Map<string, Buffer>;
}

/** @param handle what it does with a request; default: fetches the file and checks it */
export async function fileAgent(
  server: TestServer,
  id: string,
  options: { readonly fields?: Readonly<Record<string, unknown>>; readonly handle?: Handle } = {},
): Promise<FileAgent> {
  const requests: string[] = [];
  const files = new Map<string, Buffer>();
  const take: Handle = async (request, agent) => {
    const chunks: Buffer[] = [];
    await fetchFile(agent, request.SourceFilePath, (chunk) => {
      chunks.push(Buffer.from(chunk));
    });
    const file = Buffer.concat(chunks);
    if (createHash('md5').update(file).digest('base64') !== request.Md5Checksum) {
      return failure('md5 check failed');
    }
    files.set(request.ID, file);
    return taken(request, file.length);
  };
  const handle = options.handle ?? take;
  let connected: SimulatedAgent | null = null;
  const agent = await server.agent(id, options.fields, {
    onRequest(name, payload) {
      if (name !== 'upload' || connected === null) return undefined;
      requests.push(payload.toString());
      const request = JSON.parse(payload.toString()) as UploadRequest;
      return handle(request, connected).catch((error: unknown) => failure(String(error)));
    },
  });
  connected = agent;
  return { agent, requests, files };
}

/** The reply of an agent that has the file. */
export const taken = (request: UploadRequest, size: number): Answer => ({
  ok: true,
  payload: JSON.stringify({
    uuid: request.ID,
    filepath: request.DestinationPath,
    size,
    message: `file successfully copied to destination ${request.DestinationPath}`,
    status: 'success',
  }),
});

export const failure = (text: string): Answer => ({ ok: false, payload: text });
