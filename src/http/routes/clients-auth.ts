/** What agents log in with. Spec 03 §8.2. */

import Type from 'typebox';
import type { AgentCredential } from '../../auth/agents/credential-source.js';
import { credentialBytes } from '../../auth/agents/limits.js';
import { AppError } from '../../errors.js';
import { parseGoBool } from '../../go/bool.js';
import { goQuote } from '../../go/quote.js';
import { compileFilters, ownColumn } from '../../query/match.js';
import { paginate } from '../../query/paginate.js';
import { compileStoredFilters, type StoredColumns } from '../../query/stored.js';
import type { ListOptions, ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import { readJsonBody } from '../json/body.js';
import { listParameters } from '../list-parameters.js';
import type { Access, Route } from '../route.js';

const TAG = 'Client Auth Credentials';
const administrators: Access = { kind: 'user', admin: true };
const READ_ONLY =
  'The credentials cannot be changed here. Codes: ERR_CODE_CLIENT_AUTH_SINGLE, ERR_CODE_CLIENT_AUTH_RO';

const listSupport: ListSupport = {
  sorts: [],
  filters: ['id'],
  page: { defaultLimit: 50, maxLimit: 500 },
};

export const credentialSchema = Type.Object({
  id: Type.String({ description: 'Client auth id, the part of the agent’s `auth` before the colon' }),
  password: Type.String({ description: 'In clear text' }),
});

const newCredential = Type.Object({
  id: Type.Optional(Type.String({ description: 'At least 3 bytes' })),
  password: Type.Optional(Type.String({ description: 'At least 3 bytes' })),
});

const listCredentials: Route = {
  method: 'GET',
  path: '/clients-auth',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'List the credentials of agents',
    description:
      'Sorted by id. Letter case counts in a filter without `*` where credentials are kept in a database, and not ' +
      'where they are in a file or in the configuration.',
    query: listParameters(listSupport),
    errors: {
      400: 'Unsupported sort or filter, or a page out of range',
      403: 'The caller is no administrator',
    },
  },
  responses: { 200: Type.Array(credentialSchema) },
  async handler(request, { agentCredentials }) {
    const options = readListOptions(request.query, listSupport);
    const all = await agentCredentials.list();
    const { items, count } =
      agentCredentials.source === 'DB' ? storedPage(all, options) : memoryPage(all, options);
    return { status: 200, data: items.map(shown), meta: { count } };
  },
};

const showCredential: Route = {
  method: 'GET',
  path: '/clients-auth/{client_auth_id}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Show one credential of agents',
    errors: { 403: 'The caller is no administrator', 404: 'There is no credential of that id' },
  },
  responses: { 200: credentialSchema },
  async handler({ params: { client_auth_id: id = '' } }, { agentCredentials }) {
    const credential = await agentCredentials.find(id);
    if (credential === undefined) {
      throw new AppError('not_found', { title: `Client Auth with ID ${goQuote(id)} not found` });
    }
    return { status: 200, data: shown(credential) };
  },
};

const addCredential: Route = {
  method: 'POST',
  path: '/clients-auth',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Add a credential for agents',
    description: 'It counts as soon as this is answered. There is no change of a password: delete and add.',
    ownBody: newCredential,
    errors: {
      400: 'Missing or invalid body, or id or password too short or too long. Code: ERR_CODE_INVALID_REQUEST',
      403: 'The caller is no administrator',
      405: READ_ONLY,
      409: 'There is a credential of that id. Code: ERR_CODE_ALREADY_EXIST',
    },
  },
  audit: { application: 'client.auth', action: 'create' },
  responses: { 201: null },
  async handler(request, { agentCredentials }) {
    // Before the body is looked at, as in the reference.
    agentCredentials.checkWritable();
    const { id = '', password = '' } = readJsonBody(
      request.rawBody,
      newCredential,
    ) as Partial<AgentCredential>;
    checkLength('ID', id, credentialBytes.id);
    checkLength('password', password, credentialBytes.password);
    await agentCredentials.add({ id, password });
    return { status: 201, empty: true, audit: { affectedId: id } };
  },
};

const deleteCredential: Route = {
  method: 'DELETE',
  path: '/clients-auth/{client_auth_id}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Delete a credential of agents',
    description: 'Nobody can log in with it as soon as this is answered.',
    query: {
      force: {
        schema: Type.Boolean({ default: false }),
        description: 'Disconnect and delete all clients that use it, too',
      },
    },
    errors: {
      400: '`force` is not a boolean. Code: ERR_CODE_INVALID_REQUEST',
      403: 'The caller is no administrator',
      404: 'There is no credential of that id. Code: ERR_CODE_CLIENT_AUTH_NOT_FOUND',
      405: READ_ONLY,
      409: 'Clients, connected or not, use it. Code: ERR_CODE_CLIENT_AUTH_HAS_CLIENT',
    },
  },
  audit: { application: 'client.auth', action: 'delete' },
  responses: { 204: null },
  async handler(request, { agentCredentials }) {
    agentCredentials.checkWritable();
    const force = readForce(request.query.get('force') ?? '');
    const id = request.params.client_auth_id ?? '';
    await agentCredentials.remove(id, force);
    return { status: 204, empty: true, audit: { affectedId: id, request: { force } } };
  },
};

export const clientsAuthRoutes: readonly Route[] = [
  listCredentials,
  showCredential,
  addCredential,
  deleteCredential,
];

/** A file and a single credential are searched without regard to letter case, a database with it. */
const memoryPage = (all: readonly AgentCredential[], options: ListOptions) =>
  paginate(all.filter(compileFilters(options.filters, ownColumn)), options);

const columns: StoredColumns<AgentCredential> = { id: { kind: 'text', read: ({ id }) => id } };

const storedPage = (all: readonly AgentCredential[], options: ListOptions) =>
  paginate(all.filter(compileStoredFilters(options.filters, columns)), options);

const shown = ({ id, password }: AgentCredential): AgentCredential => ({ id, password });

function checkLength(
  name: string,
  value: string,
  { min, max }: { readonly min: number; readonly max: number },
) {
  const bytes = Buffer.byteLength(value);
  if (bytes < min) throw invalid(`Invalid or missing ${name}.`, `Min size is ${min}.`);
  if (bytes > max) throw invalid(`Invalid or missing ${name}.`, `Max size is ${max}.`);
}

function readForce(value: string): boolean {
  if (value === '') return false;
  const force = parseGoBool(value);
  if (!force.ok) throw invalid(`Invalid force param ${value}.`);
  return force.value;
}

const invalid = (title: string, detail = ''): AppError =>
  new AppError('bad_request', { title, detail, apiCode: 'ERR_CODE_INVALID_REQUEST' });
