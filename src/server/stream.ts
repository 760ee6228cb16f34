/** The live stream's server side: each message is encoded once and handed to all; a slow client misses some, nobody waits for it. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { encode, encodeHello } from '../exporters/stream.ts';
import type { Host } from '../hierarchy/types.ts';
import type { EventEngine } from '../monitor/events.ts';
import type { Sampler } from '../monitor/sampler.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { CLOSE, type ServerMessage, STREAM_PROTOCOL } from '../protocol/stream.ts';
import { type AskHistory, clientMessage, LIMITS, type Subscribe } from '../protocol/stream-schema.ts';
import { Channels } from './channels.ts';
import { pastOf } from './figures.ts';
import { GroupKnowledge } from './knowledge.ts';
import type { ServiceMetrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { Subscription } from './subscription.ts';

/** A client that does not answer a ping until the next is gone; one that wants nothing for two is sent away. */
const PING_MS = 30_000;
const MINUTE_MS = 60_000;
/** What a `history` counts as: it looks at all that is kept. */
const HISTORY_MESSAGES = 4;
/** How many past events a client is told that missed them. */
const PAST_EVENTS = 200;
/** How long a client may take to send its token, and to answer a goodbye. */
const LOCKED_MS = 5_000;
const GOODBYE_MS = 1_000;
/** The part of all streams that may wait for their token. */
const LOCKED_SHARE = 0.25;

export interface StreamOptions {
  readonly host: Host;
  readonly registry: Registry;
  readonly sampler: Sampler;
  readonly events: EventEngine;
  readonly metrics: ServiceMetrics;
  readonly log: Logger;
}

/** What all clients share. */
interface Shared extends StreamOptions {
  readonly channels: Channels;
  readonly hello: Buffer;
}

export class StreamServer {
  readonly #shared: Shared;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LIMITS.messageBytes,
    // Never the subprotocol that carries a token.
    handleProtocols: (offered) => (offered.has(STREAM_PROTOCOL) ? STREAM_PROTOCOL : false),
  });
  readonly #clients = new Set<Client>();
  readonly #pings: NodeJS.Timeout;

  constructor(options: StreamOptions) {
    const { host, registry, sampler } = options;
    const knowledge = new GroupKnowledge(host, registry, sampler.tree);
    this.#shared = {
      ...options,
      channels: new Channels(registry, sampler, knowledge),
      hello: encodeHello(registry, randomUUID()),
    };
    this.#pings = setInterval(() => {
      for (const client of this.#clients) client.ping();
    }, PING_MS);
    this.#pings.unref();
  }

  get size(): number {
    return this.#clients.size;
  }

  /** @param locked whether it is about a client that has to send its token yet: of those there may be fewer */
  isFull(limit: number, locked: boolean): boolean {
    if (this.size >= limit) return true;
    const waiting = [...this.#clients].filter((client) => client.locked).length;
    return locked && waiting >= Math.max(1, limit * LOCKED_SHARE);
  }

  /**
   * Completes the handshake of a request that the guards let through.
   * @param opens whether a token lets read, where the client has to send it first
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, opens?: (token: string) => boolean): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const client = new Client(ws, this.#shared, opens);
      this.#clients.add(client);
      ws.on('close', () => {
        client.end();
        this.#clients.delete(client);
      });
    });
  }

  /** Says goodbye to everybody; the sockets close when they have answered. */
  close(): void {
    clearInterval(this.#pings);
    for (const client of this.#clients) client.close(CLOSE.goingAway, 'the service stops');
    this.#shared.channels.close();
    this.#server.close();
  }
}

class Client {
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;
  readonly #shared: Shared;
  readonly #subscriptions = new Map<string, Subscription>();
  #opens: ((token: string) => boolean) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  /** The last event that it was told, or that was not for it. */
  #seq = 0;
  /** There was no room for events after that one. */
  #missed = false;
  #alive = true;
  #idle = 0;
  /** Messages of this minute. */
  #messages = 0;
  #minute = performance.now();

  constructor(ws: WebSocket, shared: Shared, opens: ((token: string) => boolean) | undefined) {
    this.#ws = ws;
    this.#shared = shared;
    this.#opens = opens;
    this.#outbox = new Outbox(ws);
    ws.on('pong', () => {
      this.#alive = true;
    });
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // A broken or oversized frame: ws closes with the right code by itself.
    ws.on('error', (error) => shared.log.debug({ err: error }, 'stream client failed'));
    if (opens === undefined) this.#outbox.send(shared.hello);
    else {
      this.#send({ type: 'locked', seconds: LOCKED_MS / 1000 });
      this.#timer = setTimeout(() => this.close(CLOSE.token, 'no token came'), LOCKED_MS);
    }
  }

  /** Whether it has to send its token yet. */
  get locked(): boolean {
    return this.#opens !== undefined;
  }

  ping(): void {
    this.#idle = this.#subscriptions.size === 0 ? this.#idle + 1 : 0;
    if (!this.#alive) this.#ws.terminate();
    else if (this.#idle >= 2) this.close(CLOSE.idle, 'nothing is subscribed');
    else {
      this.#alive = false;
      this.#ws.ping();
    }
  }

  close(code: number, reason: string): void {
    this.end();
    this.#ws.close(code, reason);
    const impatient = setTimeout(() => this.#ws.terminate(), GOODBYE_MS);
    this.#ws.once('close', () => clearTimeout(impatient));
  }

  /** Ends what is subscribed. */
  end(): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
    this.#listen();
  }

  #receive(data: RawData, isBinary: boolean): void {
    // What was on its way when we said goodbye.
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const json = isBinary ? undefined : parseJson(String(data));
    if (isBinary) this.close(CLOSE.text, 'messages are JSON texts');
    else if (this.#isTooMuch(1)) this.close(CLOSE.policy, 'too many messages');
    else if (json === undefined) this.close(CLOSE.malformed, 'not JSON');
    else this.#obey(json.value);
  }

  #isTooMuch(messages: number): boolean {
    if (performance.now() - this.#minute > MINUTE_MS) {
      this.#minute = performance.now();
      this.#messages = 0;
    }
    this.#messages += messages;
    return this.#messages > LIMITS.messagesPerMinute;
  }

  #obey(json: unknown): void {
    const parsed = clientMessage.safeParse(json);
    const opens = this.#opens;
    if (opens !== undefined) {
      const right = parsed.success && parsed.data.type === 'token' && opens(parsed.data.token);
      if (right) this.#unlock();
      else this.close(CLOSE.token, 'the first message must have the token');
    } else if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.#send({ type: 'problem', message: `${issue?.path.join('.') || 'message'}: ${issue?.message}` });
      this.close(CLOSE.policy, 'not a message of this protocol');
    } else if (parsed.data.type === 'subscribe') this.#subscribe(parsed.data);
    else if (parsed.data.type === 'unsubscribe') this.#unsubscribe(parsed.data.sub);
    else if (parsed.data.type === 'history') this.#history(parsed.data);
    // A token that nobody wants does no harm.
  }

  #unlock(): void {
    clearTimeout(this.#timer);
    this.#opens = undefined;
    this.#outbox.send(this.#shared.hello);
  }

  #subscribe(wanted: Subscribe): void {
    const { sub } = wanted;
    const { channels, metrics } = this.#shared;
    const before = this.#subscriptions.get(sub);
    try {
      if (before === undefined && this.#subscriptions.size >= LIMITS.subscriptions)
        throw new CgError('USAGE', `there are ${LIMITS.subscriptions} subscriptions already`);
      const channel = channels.find(wanted);
      const subscription = new Subscription(wanted, channel, this.#outbox, {
        sent: () => metrics.frames.inc(),
        dropped: () => metrics.dropped.inc(),
        drained: () => this.#missed && this.#catchUp(),
      });
      this.#subscriptions.set(sub, subscription);
      subscription.start(wanted.since);
      // Last, so that the channel goes on where it is the same.
      before?.end();
      this.#listen();
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      this.#send({ type: 'problem', message: error.message, sub });
    }
  }

  #unsubscribe(sub: string): void {
    this.#subscriptions.get(sub)?.end();
    this.#subscriptions.delete(sub);
    this.#listen();
  }

  #history({ request, cgroups, columns, from, to }: AskHistory): void {
    if (this.#isTooMuch(HISTORY_MESSAGES - 1)) this.close(CLOSE.policy, 'too many messages');
    else if (this.#outbox.isFull)
      this.#send({ type: 'problem', message: 'the connection is too slow for more', request });
    else if (cgroups.length * columns.length > LIMITS.series)
      this.#send({ type: 'problem', message: `more than ${LIMITS.series} series at a time`, request });
    else
      this.#send({
        type: 'history',
        request,
        series: pastOf(this.#shared.sampler.history(columns, from, to, cgroups)),
      });
  }

  /** Events are told as long as a subscription wants them. */
  #listen(): void {
    const { events } = this.#shared;
    const wanted = [...this.#subscriptions.values()].some((subscription) => subscription.events);
    if (wanted && this.#unlisten === undefined) {
      this.#catchUp();
      this.#unlisten = events.subscribe((event) => this.#tell(event));
    } else if (!wanted) {
      this.#unlisten?.();
      this.#unlisten = undefined;
    }
  }

  #tell(event: CgroupEvent): void {
    // What is missed now is told when there is room again, if it is among the last then.
    if (this.#outbox.isFull) this.#missed = true;
    else if (this.#missed) this.#catchUp();
    else this.#pass(event);
  }

  #catchUp(): void {
    this.#missed = false;
    for (const event of this.#shared.events.since(this.#seq).slice(-PAST_EVENTS)) this.#pass(event);
  }

  #pass(event: CgroupEvent): void {
    this.#seq = event.seq;
    if ([...this.#subscriptions.values()].some((subscription) => subscription.wants(event)))
      this.#send({ type: 'event', event });
  }

  #send(message: ServerMessage): void {
    this.#outbox.send(encode(message));
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
