/** Stored measurements of a client, one by one. Spec 06 §3.1 to §3.3. */

import Type, { type TSchema } from 'typebox';
import { Turns } from '../../clients/in-turns.js';
import { type ClientId, clientId } from '../../ids.js';
import {
  type MeasurementPage,
  metricsFields,
  metricsPage,
  type PageRequest,
  textsPage,
} from '../../monitoring/measurement-lists.js';
import { readSpan, timeFilters, timeSorts } from '../../monitoring/time-filter.js';
import type { ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import type { MeasuredText, MeasurementRepository } from '../../store/measurements.js';
import { listParameters } from '../list-parameters.js';
import {
  checkMonitoringEnabled,
  MONITORING_TAG,
  ofMonitoredClient,
  timeParameters,
} from '../monitored-client.js';
import type { Route } from '../route.js';

const DEFAULT_LIMIT = 1;

/** Of this thread: works of more than one piece are done one after the other. */
const turns = new Turns();

interface MeasurementList {
  readonly resource: string;
  readonly summary: string;
  readonly fields: readonly string[];
  readonly maxLimit: number;
  readonly item: TSchema;
  readonly read: (
    measurements: MeasurementRepository,
    id: ClientId,
    page: PageRequest,
  ) => Generator<void, MeasurementPage>;
}

const timestamp = Type.String({ format: 'date-time', description: 'When the server received it' });
const percent = (description: string) => Type.Number({ description });

const metricsSchema = Type.Object(
  {
    timestamp,
    cpu_usage_percent: percent('Since the measurement before'),
    memory_usage_percent: percent('Used memory'),
    io_usage_percent: percent('Time the CPU waited for disks'),
  },
  { $id: 'Metrics' },
);

const processSchema = Type.Partial(
  Type.Object({
    pid: Type.Integer(),
    parent_pid: Type.Integer({ description: '-1 when unknown' }),
    name: Type.String(),
    cmdline: Type.String(),
    state: Type.String({ description: 'Such as `running`, `sleeping`' }),
    cpu_avg_usage_percent: Type.Number({ description: 'Absent when 0' }),
    rss: Type.Integer({ description: 'Bytes' }),
    vms: Type.Integer({ description: 'Bytes' }),
    memory_usage_percent: Type.Number(),
  }),
);

const textItem = (name: MeasuredText, schema: TSchema, description: string) =>
  Type.Object({ timestamp, [name]: Type.Union([schema, Type.Null()], { description }) });

const lists: readonly MeasurementList[] = [
  {
    resource: 'metrics',
    summary: 'CPU, memory and disk usage of a client',
    fields: metricsFields,
    maxLimit: 120,
    item: metricsSchema,
    read: metricsPage,
  },
  {
    resource: 'mountpoints',
    summary: 'Free and total space of the file systems of a client',
    fields: ['timestamp', 'mountpoints'],
    maxLimit: 100,
    item: textItem(
      'mountpoints',
      Type.Record(Type.String(), Type.Number()),
      'Bytes by `free_b.` or `total_b.` and the mount point; null when the agent had none to report',
    ),
    read: (measurements, id, page) => textsPage(measurements, id, 'mountpoints', page),
  },
  {
    resource: 'processes',
    summary: 'Processes of a client',
    fields: ['timestamp', 'processes'],
    maxLimit: 10,
    item: textItem('processes', Type.Array(processSchema), 'Null when the agent had none to report'),
    read: (measurements, id, page) => textsPage(measurements, id, 'processes', page),
  },
];

export const measurementListRoutes: readonly Route[] = lists.map(route);

function route({ resource, summary, fields, maxLimit, item, read }: MeasurementList): Route {
  const support: ListSupport = {
    sorts: timeSorts,
    filters: timeFilters,
    searchable: false,
    fields: { [resource]: fields },
    page: { defaultLimit: DEFAULT_LIMIT, maxLimit },
  };
  return {
    method: 'GET',
    path: `/clients/{client_id}/${resource}`,
    access: ofMonitoredClient,
    docs: {
      tag: MONITORING_TAG,
      summary,
      description:
        'The newest measurement unless asked for more; the client need not be connected. Fields that are not ' +
        'selected are present with an empty value.',
      query: { ...listParameters({ ...support, sorts: [], filters: [] }), ...timeParameters(false) },
      errors: {
        400: 'Unsupported sort, filter or field, a page out of range, or a bound that is no time',
        404: 'No such client, or monitoring is disabled on this server',
      },
    },
    responses: { 200: Type.Array(item) },
    async handler(request, context) {
      checkMonitoringEnabled(context);
      const { sorts, filters, fields: selected, offset, limit } = readListOptions(request.query, support);
      const page: PageRequest = {
        span: readSpan(filters),
        newestFirst: sorts[0]?.descending ?? true,
        fields: selected[resource],
        offset,
        limit,
      };
      const id = clientId(request.params.client_id ?? '');
      const { items, count } = await turns.soon(read(context.store.measurements, id, page));
      return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
    },
  };
}
