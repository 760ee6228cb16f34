/** A service of a test's own: on loopback, on the real kernel, gone when the test ends. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { type LiveTable, LiveTree } from '../../src/client/tree.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import type { Registry } from '../../src/controllers/registry.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import type { ServerMessage } from '../../src/protocol/stream.ts';
import { serverMessage } from '../../src/protocol/stream-schema.ts';
import type { Sources } from '../../src/server/config.ts';
import { LiveConfig } from '../../src/server/live.ts';
import { startService } from '../../src/server/server.ts';
import { projectRoot } from '../support/files.ts';

export const READ_TOKEN = 'read-token-of-the-tests';
export const WRITE_TOKEN = 'write-token-of-the-tests';
export const WRITING = { 'enable-writes': true, 'write-token': WRITE_TOKEN };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON. */
  json(): unknown;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Path of a Unix socket. */
  readonly socketPath?: string;
}

export interface Running {
  readonly url: string;
  readonly urls: readonly string[];
  /** Log lines so far. */
  readonly log: string[];
  get(path: string, asking?: Asking): Promise<Answer>;
  /** A change with the write token and a JSON body. */
  change(method: string, path: string, body?: unknown): Promise<Answer>;
  /** @param options.unchecked its messages are not held to the schema, which takes long where they are many and large */
  stream(options?: {
    readonly protocols?: string[];
    readonly headers?: Record<string, string>;
    readonly unchecked?: boolean;
  }): Stream;
  close(): Promise<void>;
}

export async function service(
  t: TestContext,
  flags: Sources['flags'] = {},
  { registry = defaultRegistry, file }: { registry?: Registry; file?: string } = {},
): Promise<Running> {
  const log: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void log.push(line) });
  const live = new LiveConfig({ flags: { listen: ['127.0.0.1:0'], ...flags }, env: {}, file }, logger);
  const webRoot = join(projectRoot, 'dist/web');
  const started = await startService({
    host: openHost(),
    registry,
    live,
    log: logger,
    env: process.env,
    version: '0',
    webRoot,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= started.close();
    return closed;
  };
  // Of a test that has had its time nothing is undone any more: the service would keep the process for ever.
  if (t.signal.aborted) await close();
  t.signal.throwIfAborted();
  t.after(close);
  const [url = ''] = started.urls;
  const get = (path: string, asking: Asking = {}) => ask(url, path, asking);
  return {
    url,
    urls: started.urls,
    log,
    get,
    change: (method, path, body) =>
      get(path, {
        method,
        headers: {
          authorization: `Bearer ${WRITE_TOKEN}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    stream: ({ protocols = [], headers = {}, unchecked = false } = {}) =>
      new Stream(new WebSocket(`${url.replace('http', 'ws')}/api/v1/stream`, protocols, { headers }), unchecked),
    close,
  };
}

/** A request as written: fetch() would not send another Host, and would tidy the path up. */
export function ask(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body, socketPath }: Asking,
): Promise<Answer> {
  const { hostname, port } = socketPath === undefined ? new URL(url) : { hostname: 'localhost', port: '' };
  const where = socketPath === undefined ? { host: hostname.replace(/^\[|\]$/g, ''), port } : { socketPath };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...where, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          text,
          json: () => JSON.parse(text),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The code of an error answer, whose shape is checked. */
export function codeOf(answer: Answer): unknown {
  const body = answer.json();
  assert.ok(typeof body === 'object' && body !== null && 'error' in body);
  const { error } = body;
  assert.ok(typeof error === 'object' && error !== null && 'code' in error && 'message' in error && 'details' in error);
  return error.code;
}

export class Stream {
  readonly #messages: ServerMessage[] = [];
  /** By subscription. */
  readonly #trees = new Map<string, LiveTree>();
  readonly #waiting = new Set<() => void>();
  /** The close code, or the HTTP status of a refused handshake. */
  readonly ended: Promise<number>;

  constructor(
    readonly socket: WebSocket,
    unchecked: boolean,
  ) {
    this.ended = new Promise((resolve) => {
      socket.on('close', resolve);
      socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      socket.on('error', () => undefined);
    });
    socket.on('message', (data) => {
      const message: ServerMessage = JSON.parse(String(data));
      this.#messages.push(unchecked ? message : serverMessage.parse(message));
      for (const wake of this.#waiting) wake();
    });
  }

  send(message: unknown): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string | Buffer): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else this.socket.once('open', () => this.socket.send(text));
  }

  /** The next message of a type that fits; others are passed over. */
  async next<T extends ServerMessage['type']>(
    type: T,
    fits: (message: Extract<ServerMessage, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ServerMessage, { type: T }>> {
    for (;;) {
      const { message } = await this.#take();
      if (isOf(message, type) && fits(message)) return message;
    }
  }

  /** The table that the last message came to, as a client keeps it that comes back with another connection. */
  tree(sub = 'main'): LiveTree {
    const tree = this.#trees.get(sub) ?? new LiveTree();
    this.#trees.set(sub, tree);
    return tree;
  }

  /** Goes on with what another connection had. */
  adopt(tree: LiveTree, sub = 'main'): void {
    this.#trees.set(sub, tree);
  }

  /** The next table of a subscription that fits, from whole ones and from changes. */
  async table(fits: (table: LiveTable) => boolean = () => true, sub = 'main'): Promise<LiveTable> {
    for (;;) {
      const { message, table } = await this.#take();
      if (table !== undefined && 'sub' in message && message.sub === sub && fits(table)) return table;
    }
  }

  async #take(): Promise<{ readonly message: ServerMessage; readonly table?: LiveTable }> {
    let message = this.#messages.shift();
    while (message === undefined) {
      await this.#more();
      message = this.#messages.shift();
    }
    if (message.type !== 'snapshot' && message.type !== 'delta' && message.type !== 'bookmark') return { message };
    const table = this.tree(message.sub).apply(message);
    assert.ok(table, `${message.type} ${message.seq} follows what came before`);
    return { message, table };
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      this.ended.then((code) => reject(new Error(`the stream ended with ${code}`)));
    });
  }
}

function isOf<T extends ServerMessage['type']>(
  message: ServerMessage,
  type: T,
): message is Extract<ServerMessage, { type: T }> {
  return message.type === type;
}
