/** Errors as HTTP tells them: one table from codes to statuses, one shape of answer. */
import { CgError, ERRORS, type ErrorCode } from '../errors.ts';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  USAGE: 400,
  VALUE: 400,
  ID_INVALID: 400,
  AUTH: 401,
  PERMISSION: 403,
  NOT_FOUND: 404,
  AMBIGUOUS: 409,
  BUSY: 409,
  EXISTS: 409,
  FREEZE: 409,
  FROZEN: 409,
  KERNEL: 409,
  REFUSED: 409,
  VANISHED: 410,
  ABSENT: 422,
  RUN: 422,
  LOCKED: 423,
  CONSENT: 428,
  CONFIG: 500,
  INTERNAL: 500,
  PARSE: 500,
  ROLLBACK: 500,
  UNSUPPORTED: 501,
  UNREACHABLE: 502,
  NO_CGROUPS: 503,
  OVERLOAD: 503,
};

/** An error for which HTTP has a closer status than its code's. */
export class HttpError extends CgError {
  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, details);
  }
}

/** What a client is told, and with which status. What is not a CgError is a mistake of ours and stays in the log. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: {
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: object;
      /** What to do about errors of that code. */
      readonly advice: string;
    };
  };
}

export function answerOf(error: unknown): Answer {
  const told =
    error instanceof CgError
      ? error
      : (fromMiddleware(error) ?? new CgError('INTERNAL', 'the service failed; its log says how'));
  const { status, headers } = told instanceof HttpError ? told : { status: STATUS[told.code], headers: {} };
  return { status, headers, body: { error: { ...told.toJSON(), advice: ERRORS[told.code].advice } } };
}

/** Express and its body parser say what is wrong with a request by a status below 500. */
function fromMiddleware(error: unknown): HttpError | undefined {
  if (!(error instanceof Error)) return undefined;
  const status = 'status' in error ? error.status : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const message = error instanceof URIError ? 'the path is not properly percent-encoded' : error.message;
  return new HttpError(status, 'USAGE', message);
}
