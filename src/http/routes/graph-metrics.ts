/** Measurements of a client as graphs of some 124 points. Spec 06 §3.4 and §3.5. */

import Type, { type TSchema } from 'typebox';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { jsonText } from '../../go/json-text.js';
import type { ClientId } from '../../ids.js';
import { bucketWidth, intoBuckets } from '../../monitoring/buckets.js';
import { combinedGraph, type Graph, graphNames, graphOf, needsMissingCard } from '../../monitoring/graphs.js';
import { type NetworkCards, networkCards } from '../../monitoring/network-cards.js';
import { readGraphSpan, timeFilters, timeSorts } from '../../monitoring/time-filter.js';
import type { ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import { connectedClient } from '../connected-client.js';
import type { ApiContext } from '../context.js';
import {
  checkMonitoringEnabled,
  MONITORING_TAG,
  ofMonitoredClient,
  timeParameters,
} from '../monitored-client.js';
import type { ApiRequest, Route } from '../route.js';

const PATH = '/clients/{client_id}/graph-metrics';
const support: ListSupport = { sorts: timeSorts, filters: timeFilters, searchable: false, fields: {} };

/** Of this thread: graphs of unusually many measurements are made one after the other. */
const turns = new Turns();

const aggregate = Type.Partial(Type.Object({ avg: Type.Number(), min: Type.Number(), max: Type.Number() }), {
  description: 'What is exactly 0 is left out',
});
const traffic = Type.Partial(
  Type.Object({
    in_avg: Type.Number(),
    in_min: Type.Number(),
    in_max: Type.Number(),
    out_avg: Type.Number(),
    out_min: Type.Number(),
    out_max: Type.Number(),
  }),
  { description: 'Empty where nothing was measured' },
);
const timestamp = Type.String({ format: 'date-time', description: 'Of the first measurement of the point' });
const usages = { cpu_usage_percent: aggregate, memory_usage_percent: aggregate, io_usage_percent: aggregate };
const networks = {
  net_usage_bps_lan: traffic,
  net_usage_bps_wan: traffic,
  net_usage_percent_lan: traffic,
  net_usage_percent_wan: traffic,
};
const url = (description: string) => Type.String({ format: 'uri', description });
const links = Type.Object({
  cpu_usage_percent: url('CPU'),
  mem_usage_percent: url('Memory'),
  io_usage_percent: url('Waiting for disks'),
  net_usage_percent_lan: Type.Optional(url('With a LAN card: share of its speed')),
  net_usage_bps_lan: Type.Optional(url('With a LAN card: bytes per second')),
  net_usage_percent_wan: Type.Optional(url('With a WAN card: share of its speed')),
  net_usage_bps_wan: Type.Optional(url('With a WAN card: bytes per second')),
});

const graphRoute = (path: string, summary: string, body: TSchema, handler: Route['handler']): Route => ({
  method: 'GET',
  path,
  access: ofMonitoredClient,
  docs: {
    tag: MONITORING_TAG,
    summary,
    description:
      'A point stands for some 29 seconds per hour of the span; where nothing was measured there is none. The client ' +
      'must be connected.',
    query: timeParameters(true),
    contentType: 'application/json',
    errors: {
      400: 'Unsupported sort, filter or field, a bound that is no time, or not one span of 2 to 48 hours',
      404: 'The client is unknown or not connected, there is no such graph, or monitoring is disabled',
    },
  },
  responses: { 200: body },
  handler,
});

const combined = graphRoute(
  PATH,
  'CPU, memory and disk usage of a client over a time',
  Type.Object({ data: Type.Array(Type.Object({ timestamp, ...usages })), links }),
  async (request, context) => {
    const { id, cards } = watched(request, context);
    const data = await draw(combinedGraph, id, request, context);
    return { status: 200, json: jsonText({ data, links: linksTo(request, context, cards) }) };
  },
);

const single = graphRoute(
  `${PATH}/{graph_name}`,
  'One graph of a client over a time',
  Type.Object({
    data: Type.Array(
      Type.Object({ timestamp, ...Type.Partial(Type.Object({ ...usages, ...networks })).properties }),
    ),
  }),
  async (request, context) => {
    const { id, cards } = watched(request, context);
    const { graph_name: name = '' } = request.params;
    if (needsMissingCard(name, cards)) {
      throw notFound(`graph data ${name} not available for client with id ${id}`);
    }
    const data = await draw(graphOf(name, cards) ?? `unknown graph: ${name}`, id, request, context);
    return { status: 200, json: jsonText({ data }) };
  },
);

export const graphMetricsRoutes: readonly Route[] = [combined, single];

const notFound = (title: string): AppError => new AppError('not_found', { title });

function watched(
  request: ApiRequest,
  context: ApiContext,
): { readonly id: ClientId; readonly cards: NetworkCards } {
  checkMonitoringEnabled(context);
  const client = connectedClient(request, context);
  return { id: client.id, cards: networkCards(client.clientConfiguration) };
}

/** The items of a graph, or the title of the 404 that comes after the checks of the query. */
async function draw(
  graph: Graph | string,
  id: ClientId,
  request: ApiRequest,
  { store }: ApiContext,
): Promise<readonly object[]> {
  const { sorts, filters } = readListOptions(request.query, support);
  const span = readGraphSpan(filters);
  if (typeof graph === 'string') throw notFound(graph);
  const rows = store.measurements.numbers(id, span);
  const buckets = await turns.soon(intoBuckets(rows, bucketWidth(span), graph.columns));
  const items = buckets.map((bucket) => graph.item(bucket));
  return (sorts[0]?.descending ?? true) ? items.reverse() : items;
}

/** Addresses of the single graphs, as the caller reaches this server. */
function linksTo(request: ApiRequest, { config }: ApiContext, cards: NetworkCards): object {
  const proxied = request.fromTrustedProxy && request.header('x-forwarded-proto') === 'https';
  const scheme = config.api.certFile !== '' || proxied ? 'https' : 'http';
  const base = `${scheme}://${request.header('host')}${request.path}`;
  return Object.fromEntries(graphNames(cards).map((name) => [name, `${base}/${name}`]));
}
