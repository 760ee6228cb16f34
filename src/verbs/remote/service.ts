/** A service as the verbs use it: the typed client, over TCP or a Unix socket, its errors as ours. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import { AnswerError, Client, type Socket } from '../../client/index.ts';
import { CgError, ERRORS, type ErrorCode, errnoOf } from '../../errors.ts';
import { printable } from '../../parse/printable.ts';
import type { There } from '../host.ts';
import type { Context } from '../verb.ts';

const UNIX = 'unix:';
/** What stands for the machine in requests over a Unix socket: the service knows itself by it. */
const LOCAL = 'http://localhost';

export class Service {
  /** As it was given. */
  readonly url: string;
  readonly client: Client;
  readonly #signal: AbortSignal;

  /** @throws CgError CONFIG for a token file that cannot be read */
  constructor({ url, tokenFile }: There, { env, signal }: Context) {
    this.url = url;
    this.#signal = signal;
    const path = url.startsWith(UNIX) ? url.slice(UNIX.length) : undefined;
    const token = tokenFile === undefined ? env.CGCTL_TOKEN || undefined : tokenIn(tokenFile);
    this.client = new Client({
      url: path === undefined ? url : LOCAL,
      token,
      ...(path !== undefined && { fetch: (input, init) => fetchUnix(path, new Request(input, init)) }),
      socket: (address, protocols) => socketTo(address, protocols, path),
    });
  }

  /** @throws CgError what the service says, or UNREACHABLE */
  get(path: string): Promise<unknown> {
    return this.#told(this.client.get(path));
  }

  /** The same, for changes. */
  change(method: 'post' | 'patch', path: string, body: unknown): Promise<unknown> {
    return this.#told(this.client[method](path, body));
  }

  remove(path: string): Promise<unknown> {
    return this.#told(this.client.delete(path));
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (this.#signal.aborted) throw new DOMException('interrupted', 'AbortError');
      throw this.#asOurs(error);
    }
  }

  #asOurs(error: unknown): unknown {
    if (error instanceof AnswerError) {
      const code = error.code !== undefined && isCode(error.code) ? error.code : 'UNREACHABLE';
      return new CgError(code, printable(error.message), detailsOf(error.details), { cause: error });
    }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const errno =
      errnoOf(cause) ??
      (error instanceof TypeError || error instanceof SyntaxError ? 'no answer of a service' : undefined);
    if (errno === undefined) return error;
    return new CgError(
      'UNREACHABLE',
      `${printable(this.url)} does not answer: ${errno}`,
      { url: this.url, errno },
      { cause: error },
    );
  }
}

/** A group's path in the API. */
export function groupPath(id: string, what = ''): string {
  return `/api/v1/cgroups/${encodeURIComponent(id)}${what === '' ? '' : `/${what}`}`;
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function detailsOf(details: unknown): Readonly<Record<string, unknown>> {
  return typeof details === 'object' && details !== null ? { ...details } : {};
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw new CgError(
      'CONFIG',
      `the token file ${printable(file)} cannot be read: ${errnoOf(error)}`,
      { file },
      { cause: error },
    );
  }
}

/** fetch() knows no Unix sockets. */
async function fetchUnix(socketPath: string, request: Request): Promise<Response> {
  const body = Buffer.from(await request.arrayBuffer());
  const url = new URL(request.url);
  return new Promise((resolve, reject) => {
    const headers = { ...Object.fromEntries(request.headers), host: url.host, 'content-length': body.length };
    const asked = httpRequest(
      { socketPath, path: url.pathname + url.search, method: request.method, headers },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 502, headers: given } = response;
          const type = given['content-type'];
          const text = [204, 304].includes(status) ? null : Buffer.concat(pieces);
          resolve(new Response(text, { status, headers: type === undefined ? {} : { 'content-type': type } }));
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

function socketTo(address: string, protocols: string[], socketPath: string | undefined): Socket {
  if (socketPath === undefined) return new WebSocket(address, protocols);
  const { pathname, host } = new URL(address);
  return new WebSocket(`ws+unix:${socketPath}:${pathname}`, protocols, { headers: { host } });
}
