/**
 * Every refusal this server gives on purpose: a closed set of codes with the HTTP status and the title that
 * API callers see. Anything thrown that is not an `AppError` becomes a 500 with a generic title at the HTTP
 * boundary (`src/http`), and its text goes to the log only.
 */

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** Value of `errors[].code` in the answer, where the reference server emits one. */
  readonly apiCode?: string;
}

export const errorKinds = {
  unauthorized: { status: 401, title: 'unauthorized' },
  too_many_requests: { status: 429, title: 'too many requests, please try later' },
  forbidden: { status: 403, title: 'forbidden' },
  not_found: { status: 404, title: 'not found' },
  bad_request: { status: 400, title: 'bad request' },
  conflict: { status: 409, title: 'conflict' },
  missing_body: { status: 400, title: 'Missing body with json data.' },
  invalid_json: { status: 400, title: 'Invalid JSON data.' },
  overloaded: { status: 503, title: 'server is overloaded, please try later' },
  timeout: { status: 503, title: 'the operation timed out' },
  internal: { status: 500, title: 'internal error' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ErrorOverrides {
  /** Replaces the title of the kind. */
  readonly title?: string;
  readonly detail?: string;
  readonly apiCode?: string;
  readonly status?: number;
  readonly cause?: unknown;
}

/** Plain form that crosses threads unchanged. */
export interface ErrorPayload {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly apiCode: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly apiCode: string;

  constructor(code: ErrorCode, overrides: ErrorOverrides = {}) {
    const kind: ErrorKind = errorKinds[code];
    const title = overrides.title ?? kind.title;
    super(title, overrides.cause === undefined ? undefined : { cause: overrides.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = overrides.status ?? kind.status;
    this.title = title;
    this.detail = overrides.detail ?? '';
    this.apiCode = overrides.apiCode ?? kind.apiCode ?? '';
  }

  toPayload(): ErrorPayload {
    return {
      code: this.code,
      status: this.status,
      title: this.title,
      detail: this.detail,
      apiCode: this.apiCode,
    };
  }

  static fromPayload(payload: ErrorPayload): AppError {
    return new AppError(payload.code, payload);
  }
}
