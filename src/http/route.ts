/**
 * A route is data. Routing, authentication, access checks, validation, metrics labels and the OpenAPI document
 * all come from these declarations.
 */

import type { TSchema } from 'typebox';
import type { AuditDetails } from '../audit/audit-log.js';
import type { Permission, Principal } from '../auth/principal.js';
import type { Config } from '../config/types.js';
import type { BodyStream } from './body-stream.js';
import type { ApiContext } from './context.js';
import type { QueryString } from './query-string.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who may call a route. Checked in the order: authentication, client access, permission, admin (spec 03 §1.1). */
export type Access =
  /** Anybody whose address is not banned. */
  | { readonly kind: 'open' }
  /**
   * The handler itself looks at the bearer token, and refuses banned addresses unless a session is valid: logout,
   * and the second step of a login.
   */
  | { readonly kind: 'bearer' }
  | {
      readonly kind: 'user';
      readonly permission?: Permission;
      readonly admin?: true;
      /** The path has `{client_id}`; the client must exist and be visible to the caller. */
      readonly client?: true;
    };

export interface RouteDocs {
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** Query parameters by name. `filter[…]`, `sort`, `fields[…]`, `page[…]` are declared by `list`. */
  readonly query?: Readonly<Record<string, { readonly schema: TSchema; readonly description: string }>>;
  /** Statuses of refusals, with the reason in words. 401 is implied by `access`. */
  readonly errors?: Readonly<Record<number, string>>;
  /** Body of a route that declares no `body` because it reads it itself. */
  readonly ownBody?: TSchema;
  /** Content type of `ownBody`; default JSON. */
  readonly bodyType?: string;
  /** The success answer is not the `{data}` envelope: `responses` describe the whole body, of this type. */
  readonly contentType?: string;
}

/** What the HTTP routes and those of WebSockets have in common. */
export interface RouteHead {
  readonly method: Method;
  /** Below `/api/v1`, such as `/clients/{client_id}/tunnels`. */
  readonly path: string;
  readonly access: Access;
  readonly docs: RouteDocs;
}

export interface Route extends RouteHead {
  /** What the audit log calls a success; the reply's `audit` says what it was about. Spec 03 §12.4. */
  readonly audit?: { readonly application: string; readonly action: string };
  /** JSON body schema. Present: the body is required, decoded by the rules of spec 04 §2.3 and checked. */
  readonly body?: TSchema;
  /** The handler takes the body from `ApiRequest.stream` as it arrives, however long. */
  readonly streams?: {
    /** Most bytes of it. */
    readonly limit: (config: Config) => number;
    /** Path of a new file, for what comes faster than it can be taken. */
    readonly overflow: (context: ApiContext) => string;
  };
  /** Title of the refusal of a body that is missing or no such JSON; default: as for every route. */
  readonly invalidBodyTitle?: string;
  /** Schema of `data` in the success answer, by status. `null` = empty body. */
  readonly responses: Readonly<Record<number, TSchema | null>>;
  /** `false`: the query string is not rejected for bad escapes, and no body limit applies. Default true. */
  readonly limits?: false;
  readonly handler: (request: ApiRequest, context: ApiContext) => ApiReply | Promise<ApiReply>;
}

export interface ApiRequest {
  readonly method: string;
  /** Path as received, without query. */
  readonly path: string;
  /** Decoded path variables. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryString;
  /** Decoded body with the key spelling of the schema; `undefined` when the route declares none. */
  readonly body: unknown;
  /** Raw body bytes, for routes without a `body` schema that read it themselves. */
  readonly rawBody: Buffer;
  /** The body of a route that `streams`; `null` on others. */
  readonly stream: BodyStream | null;
  /** Lower-case name; empty string when absent. */
  header(name: string): string;
  /** All lines, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Address of the caller after the trusted-proxy rule. */
  readonly ip: string;
  /** The TCP peer is one of `api.trusted_proxies`, so what its headers say is believed. */
  readonly fromTrustedProxy: boolean;
  /** Set on every route whose access is not `open`. */
  readonly principal: Principal | null;
}

interface Audited {
  /** For the audit log, of routes with `audit`: one entry each. Absent: one entry without details. */
  readonly audit?: AuditDetails | readonly AuditDetails[];
  /** What the request sets going. Called when it is in the audit log, so that what comes of it is recorded after it. */
  readonly begin?: () => void;
}

export type ApiReply = Audited & ApiAnswer;

type ApiAnswer =
  | { readonly status: number; readonly data: unknown; readonly meta?: { readonly count: number } }
  /** A complete JSON document, already serialised. */
  | { readonly status: number; readonly json: string | Buffer }
  | {
      readonly status: number;
      readonly text: string | Buffer;
      readonly contentType: string;
      readonly headers?: readonly (readonly [name: string, value: string])[];
    }
  | { readonly status: 201 | 204; readonly empty: true };
