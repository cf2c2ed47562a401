/** `GET /client-tags`. Spec 03 §6. */

import Type from 'typebox';
import { tagFields } from '../../clients/tag-table.js';
import { AppError } from '../../errors.js';
import type { ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import { listParameters } from '../list-parameters.js';
import type { Route } from '../route.js';

const support: ListSupport = {
  sorts: [],
  filters: [],
  fields: { client_tags: tagFields },
  page: { defaultLimit: 50, maxLimit: 500 },
};

const tagSchema = Type.Object(
  {
    tag: Type.Optional(Type.String()),
    client_ids: Type.Optional(Type.Array(Type.String(), { description: 'Connected or not' })),
  },
  { $id: 'ClientTag' },
);

const listTags: Route = {
  method: 'GET',
  path: '/client-tags',
  access: { kind: 'user' },
  docs: {
    tag: 'Clients and Tunnels',
    summary: 'List the tags of the clients the caller may access',
    description: 'Sorted by tag.',
    query: listParameters(support),
    errors: { 400: 'A sort, a filter, an unsupported field, or a page out of range' },
  },
  responses: { 200: Type.Array(tagSchema) },
  handler(request, { clients }) {
    const options = readListOptions(request.query, support);
    if (request.principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
    const { items, count } = clients.tags(options, request.principal);
    return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
  },
};

export const clientTagRoutes: readonly Route[] = [listTags];
