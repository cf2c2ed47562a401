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
  /** The address is banned after failed logins. Answered as `text/plain` with the title and a line feed. */
  banned: { status: 423, title: 'Too many bad attempts. Please try later.' },
  forbidden: { status: 403, title: 'forbidden' },
  not_found: { status: 404, title: 'not found' },
  bad_request: { status: 400, title: 'bad request' },
  conflict: { status: 409, title: 'conflict' },
  gone: { status: 410, title: 'gone' },
  missing_body: { status: 400, title: 'Missing body with json data.' },
  invalid_json: { status: 400, title: 'Invalid JSON data.' },
  method_not_allowed: { status: 405, title: 'method not allowed' },
  /** The API boundary turns it into `invalid_json` for JSON bodies. */
  body_too_large: { status: 413, title: 'http: request body too large' },
  /** The peer left before its request was complete; nobody reads the answer. */
  aborted: { status: 400, title: 'request aborted' },
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
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Plain form that crosses threads unchanged. */
export interface ErrorPayload {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly apiCode: string;
  readonly retryAfterSeconds?: number;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly apiCode: string;
  /** Value of the `Retry-After` header of the answer; absent when it has none. */
  readonly retryAfterSeconds?: number;

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
    if (overrides.retryAfterSeconds !== undefined) this.retryAfterSeconds = overrides.retryAfterSeconds;
  }

  toPayload(): ErrorPayload {
    return {
      code: this.code,
      status: this.status,
      title: this.title,
      detail: this.detail,
      apiCode: this.apiCode,
      ...(this.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: this.retryAfterSeconds }),
    };
  }

  static fromPayload(payload: ErrorPayload): AppError {
    return new AppError(payload.code, payload);
  }
}

/** Several refusals at once, shown as one item each; the status is that of the first. Spec 03 §1.3. */
export class AppErrorList extends Error {
  constructor(readonly errors: readonly [AppError, ...AppError[]]) {
    super(errors.map((error) => error.title).join('; '));
    this.name = 'AppErrorList';
  }
}
