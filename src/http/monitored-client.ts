/** What the routes of monitoring data have in common. Spec 06 §3. */

import Type from 'typebox';
import { AppError } from '../errors.js';
import type { ApiContext } from './context.js';
import type { Access, RouteDocs } from './route.js';

export const MONITORING_TAG = 'Monitoring';

export const ofMonitoredClient: Access = { kind: 'user', client: true, permission: 'monitoring' };

/** Throws `AppError` 404 when the server takes no measurements. */
export function checkMonitoringEnabled({ config }: Pick<ApiContext, 'config'>): void {
  if (config.monitoring.enabled) return;
  throw new AppError('not_found', {
    title: 'monitoring disabled. re-enable to view monitoring statistics.',
  });
}

/** Documentation of `sort` and of the filters. `needed`: both bounds must be given. */
export function timeParameters(needed: boolean): NonNullable<RouteDocs['query']> {
  const rule = needed
    ? 'One lower and one upper bound of the same kind, 2 to 48 hours apart.'
    : 'All that are given must match.';
  return {
    sort: {
      schema: Type.String({ default: '-timestamp' }),
      description: '`timestamp` for the oldest first, `-timestamp` for the newest first',
    },
    'filter[timestamp]': {
      schema: Type.Record(Type.String(), Type.String()),
      description:
        'Written `filter[timestamp][gt]=SECONDS` (since the epoch, included) and `filter[timestamp][lt]=SECONDS` ' +
        '(excluded), or `filter[timestamp][since]=TIME` (RFC 3339, included) and ' +
        `\`filter[timestamp][until]=TIME\` (excluded). ${rule}`,
    },
  };
}
