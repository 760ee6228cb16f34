/** A client of the service: requests with its token, and live tables that heal when the connection is lost. */
import {
  CLOSE,
  type ClientMessage,
  type EventMessage,
  type Hello,
  type HistoryMessage,
  type ProblemMessage,
  type ResyncMessage,
  type ServerMessage,
  STREAM_PROTOCOL,
  type SubscribeMessage,
  type TableMessage,
} from '../protocol/stream.ts';
import { type LiveTable, LiveTree } from './tree.ts';

/** What is needed of a WebSocket: the browser's and that of `ws` have it. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
}

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:9753`. */
  readonly url: string;
  /** The read token, or the write token for changes. */
  readonly token?: string | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Makes a WebSocket. Default: the global one, which Node has from 22 on; `(url, protocols) => new WebSocket(url, protocols)` with that of `ws` does before. */
  readonly socket?: (url: string, protocols: string[]) => Socket;
}

export type State =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** @property retryAt when it is tried again, in milliseconds since the epoch */
  | { readonly kind: 'lost'; readonly retryAt: number }
  /** The service wants a token, another one where one was given; nothing goes on before {@link Client.unlock}. */
  | { readonly kind: 'locked'; readonly wrong: boolean };

/** What is wanted of the stream; names and defaults are the protocol's. */
export type Wanted = Omit<SubscribeMessage, 'type' | 'sub' | 'since'>;

export interface LiveListener {
  /** The groups as they are now; each time another table. */
  table?(table: LiveTable): void;
  event?(event: EventMessage['event']): void;
  /** A connection was made: to which life of the service, and what columns it has. */
  hello?(hello: Hello): void;
  state?(state: State): void;
  /** The service refused what was wanted. */
  problem?(problem: ProblemMessage): void;
  /** Messages were left out; a whole table follows. */
  resync?(resync: ResyncMessage): void;
}

export interface Live {
  /** Asks for something else; the last table stays until that comes. */
  change(wanted: Wanted): void;
  close(): void;
}

/** An answer of the service that is an error. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  /** As in docs/ERRORS.md; undefined where something else answered. */
  readonly code: string | undefined;
  readonly details: unknown;

  constructor(status: number, body: unknown) {
    const error = fieldOf(body, 'error');
    const message = fieldOf(error, 'message');
    super(typeof message === 'string' ? message : `the service answered ${status}`);
    this.status = status;
    const code = fieldOf(error, 'code');
    this.code = typeof code === 'string' ? code : undefined;
    this.details = fieldOf(error, 'details');
  }
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

// Not every Node has it.
declare const WebSocket: undefined | (new (url: string, protocols: string[]) => Socket);

export class Client {
  readonly #options: ClientOptions;
  readonly #lives = new Map<string, LiveSubscription>();
  readonly #histories = new Map<number, { resolve(message: HistoryMessage): void; reject(error: Error): void }>();
  #token: string | undefined;
  #state: State = { kind: 'connecting' };
  #socket: Socket | undefined;
  #greeted = false;
  #instance = '';
  #pause = FIRST_PAUSE_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #subs = 0;
  #requests = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#token = options.token;
  }

  /** An answer as it is. @param path as `/api/v1/info` */
  request(path: string, init: RequestInit = {}): Promise<Response> {
    const { url, fetch: ask = fetch } = this.#options;
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    return ask(new URL(path, url), { ...init, headers });
  }

  /** @throws AnswerError */
  get(path: string): Promise<unknown> {
    return this.#json(path, {});
  }

  /** @throws AnswerError */
  post(path: string, body: unknown = {}): Promise<unknown> {
    return this.#change('POST', path, body);
  }

  /** @throws AnswerError */
  put(path: string, body: unknown = {}): Promise<unknown> {
    return this.#change('PUT', path, body);
  }

  /** @throws AnswerError */
  patch(path: string, body: unknown): Promise<unknown> {
    return this.#change('PATCH', path, body);
  }

  /** @throws AnswerError */
  delete(path: string): Promise<unknown> {
    return this.#json(path, { method: 'DELETE' });
  }

  /** Follows a table until it is closed. All that are followed share one connection, which is made again when it is lost. */
  live(wanted: Wanted, listener: LiveListener): Live {
    const sub = String(++this.#subs);
    const live = new LiveSubscription(sub, wanted, listener);
    this.#lives.set(sub, live);
    if (this.#socket === undefined) this.#connect();
    else {
      listener.state?.(this.#state);
      if (this.#greeted) this.#subscribe(live);
    }
    return {
      change: (next) => {
        live.change(next);
        if (this.#greeted) this.#subscribe(live);
      },
      close: () => {
        if (!this.#lives.delete(sub)) return;
        if (this.#lives.size === 0) this.#hangUp();
        else if (this.#greeted) this.#send({ type: 'unsubscribe', sub });
      },
    };
  }

  /** Figures of the last minutes; while a table is followed. Times in milliseconds since the epoch. */
  history(cgroups: readonly string[], columns: readonly string[], from = 0, to = Date.now()): Promise<HistoryMessage> {
    if (!this.#greeted) return Promise.reject(new Error('there is no connection'));
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#histories.set(request, { resolve, reject });
      this.#send({ type: 'history', request, cgroups, columns, from, to });
    });
  }

  /** Goes on with a token where the service wanted one. */
  unlock(token: string): void {
    this.#token = token;
    if (this.#lives.size > 0 && this.#state.kind === 'locked') this.#connect();
  }

  async #json(path: string, init: RequestInit): Promise<unknown> {
    const response = await this.request(path, init);
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    if (!response.ok) throw new AnswerError(response.status, body);
    return body;
  }

  #change(method: string, path: string, body: unknown): Promise<unknown> {
    return this.#json(path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#become({ kind: 'connecting' });
    const url = new URL('/api/v1/stream', this.#options.url);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = (this.#options.socket ?? globalSocket)(url.href, [STREAM_PROTOCOL]);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#receive(JSON.parse(String(data)));
    });
    socket.addEventListener('close', ({ code }) => {
      if (this.#socket === socket) this.#closed(code);
    });
    // It is told as closed too.
    socket.addEventListener('error', () => undefined);
  }

  #hangUp(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#forgetSocket();
    socket?.close(CLOSE.idle);
  }

  #forgetSocket(): void {
    this.#socket = undefined;
    this.#greeted = false;
    for (const { reject } of this.#histories.values()) reject(new Error('the connection was lost'));
    this.#histories.clear();
  }

  #closed(code: number): void {
    this.#forgetSocket();
    if (code === CLOSE.token) {
      this.#become({ kind: 'locked', wrong: this.#token !== undefined });
      return;
    }
    // Many clients that lost the same service do not come back at once.
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    this.#become({ kind: 'lost', retryAt: Date.now() + pause });
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  #become(state: State): void {
    this.#state = state;
    for (const { listener } of this.#lives.values()) listener.state?.(state);
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'locked':
        if (this.#token !== undefined) this.#send({ type: 'token', token: this.#token });
        else {
          this.#hangUp();
          this.#become({ kind: 'locked', wrong: false });
        }
        return;
      case 'hello':
        this.#greet(message);
        return;
      case 'event':
        for (const live of this.#lives.values()) live.happened(message);
        return;
      case 'history':
        this.#histories.get(message.request)?.resolve(message);
        this.#histories.delete(message.request);
        return;
      case 'problem':
        this.#refused(message);
        return;
      case 'resync':
        this.#lives.get(message.sub)?.listener.resync?.(message);
        return;
      default:
        this.#follow(message);
    }
  }

  #greet(hello: Hello): void {
    this.#greeted = true;
    this.#pause = FIRST_PAUSE_MS;
    // Another life of the service counts anew.
    if (hello.instance !== this.#instance) for (const live of this.#lives.values()) live.restart();
    this.#instance = hello.instance;
    this.#become({ kind: 'open' });
    for (const live of this.#lives.values()) {
      live.listener.hello?.(hello);
      this.#subscribe(live);
    }
  }

  #refused(problem: ProblemMessage): void {
    if (problem.request !== undefined) {
      this.#histories.get(problem.request)?.reject(new Error(problem.message));
      this.#histories.delete(problem.request);
      return;
    }
    for (const { sub, listener } of this.#lives.values())
      if (problem.sub === undefined || problem.sub === sub) listener.problem?.(problem);
  }

  #follow(message: TableMessage): void {
    const live = this.#lives.get(message.sub);
    if (live === undefined) return;
    const table = live.tree.apply(message);
    if (table !== undefined) live.listener.table?.(table);
    else if (!live.waiting) this.#subscribe(live);
    live.waiting = table === undefined;
  }

  #subscribe(live: LiveSubscription): void {
    this.#send(live.message());
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }
}

class LiveSubscription {
  readonly sub: string;
  readonly listener: LiveListener;
  readonly tree = new LiveTree();
  /** A whole table was asked for. */
  waiting = false;
  #wanted: Wanted;
  /** The last event that was told: who comes back is told of some again. */
  #event = 0;

  constructor(sub: string, wanted: Wanted, listener: LiveListener) {
    this.sub = sub;
    this.#wanted = wanted;
    this.listener = listener;
  }

  /** Another life of the service. */
  restart(): void {
    this.tree.clear();
    this.#event = 0;
  }

  change(wanted: Wanted): void {
    this.#wanted = wanted;
    this.tree.clear();
    this.waiting = true;
  }

  message(): SubscribeMessage {
    const seq = this.tree.table?.seq;
    return { type: 'subscribe', sub: this.sub, ...this.#wanted, ...(seq !== undefined && { since: seq }) };
  }

  happened({ event }: EventMessage): void {
    if (this.#wanted.events === false || event.seq <= this.#event) return;
    this.#event = event.seq;
    this.listener.event?.(event);
  }
}

function globalSocket(url: string, protocols: string[]): Socket {
  if (typeof WebSocket === 'undefined') throw new Error('there is no WebSocket here: give one as the option "socket"');
  return new WebSocket(url, protocols);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}
