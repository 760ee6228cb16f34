/** The service: one HTTP server for each address, one sampler and one event engine behind them all. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Registry } from '../controllers/registry.ts';
import { CgError, errnoOf } from '../errors.ts';
import { Exporter } from '../exporters/exporter.ts';
import type { Host } from '../hierarchy/types.ts';
import { mostEventfds } from '../monitor/descriptors.ts';
import { EventEngine } from '../monitor/events.ts';
import { Sampler } from '../monitor/sampler.ts';
import { parseThreshold } from '../monitor/thresholds.ts';
import { Tree } from '../monitor/tree.ts';
import { Actions } from './actions.ts';
import { makeApp } from './app.ts';
import type { Config } from './config.ts';
import { checkHost, checkOrigin, checkReader, mayRead, opens, sendsToken } from './guard.ts';
import { answerOf, HttpError } from './http.ts';
import { type Address, forget, listen, parseAddress } from './listen.ts';
import type { LiveConfig } from './live.ts';
import { ServiceMetrics } from './metrics.ts';
import { Scrapes } from './scrape.ts';
import { StreamServer } from './stream.ts';

const STREAM_PATH = '/api/v1/stream';
/** How long requests in progress may take when the service stops. */
const GRACE_MS = 3_000;

export interface ServiceOptions {
  readonly host: Host;
  readonly registry: Registry;
  readonly live: LiveConfig;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Where the page's files are. */
  readonly webRoot: string;
}

export interface Service {
  /** Where it answers: `http://127.0.0.1:9753`, `unix:/run/cgctl/cgctl.sock`. */
  readonly urls: readonly string[];
  /** Answers what has begun, says goodbye to streams, and lets go of everything. */
  close(): Promise<void>;
}

/** @throws CgError UNREACHABLE, PERMISSION, EXISTS or UNSUPPORTED when it cannot listen; CONFIG for TLS files that cannot be used */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { host, registry, live, log, env, version, webRoot } = options;
  const { listen: addresses, tls, budget, history, limit, thresholds } = live.current;
  const tree = new Tree(host);
  const onError = (err: unknown) => log.error({ err }, 'sampling failed');
  const sampler = new Sampler(host, registry, {
    tree,
    budget: budget.descriptors,
    beside: mostEventfds(),
    history: { tick: history.tick, bytes: history.megabytes * 2 ** 20 },
    writesAreTold: () => events.tellsWrites,
    onError,
  });
  const events: EventEngine = new EventEngine(host, registry, {
    tree,
    onError,
    keepGoneMs: () => live.current.metrics.keepGone * 1000,
    thresholds: thresholds.map((text) => parseThreshold(registry, text)),
  });
  events.watchWrites((group, file) => sampler.invalidate(group.id, file));
  events.subscribe(({ cgroup }) => sampler.invalidate(cgroup));
  const metrics: ServiceMetrics = new ServiceMetrics({
    version,
    registry,
    sampler: () => sampler.status(),
    events: () => events.status(),
    streams: () => streams.size,
    configured: () => live.problem === undefined,
  });
  const streams = new StreamServer({ host, registry, sampler, events, metrics, log });
  const actions = new Actions(host, registry, env);
  const exporter = new Exporter({
    registry,
    host,
    version,
    events: () => events.totals(),
    onError: (err) => log.error({ err }, 'the machine’s figures cannot be read'),
  });
  const app = makeApp({
    registry,
    sampler,
    events,
    scrapes: new Scrapes({ sampler, exporter, metrics, live }),
    actions,
    live,
    metrics,
    log,
    version,
    secure: tls.cert !== undefined,
    webRoot,
  });

  const running: { readonly server: Server; readonly address: Address }[] = [];
  const close = async (): Promise<void> => {
    streams.close();
    await Promise.all(running.map(({ server, address }) => stop(server, address)));
    await live.close();
    await events.close();
    await sampler.close();
  };
  try {
    await events.start();
    for (const warning of events.status().warnings) log.warn(warning);
    await live.follow();
    const urls: string[] = [];
    for (const text of addresses) {
      const address = parseAddress(text);
      if (address === undefined) throw new CgError('INTERNAL', `"${text}" is not an address`);
      const secured = address.kind === 'tcp' && tls.cert !== undefined;
      const server = secured ? createTlsServer(tlsFiles(tls), app) : createServer(app);
      server.maxConnections = limit.connections;
      server.on('upgrade', (request, socket, head) => upgrade(request, socket, head));
      urls.push(await listen(server, address, secured ? 'https' : 'http'));
      running.push({ server, address });
    }
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (err) => log.debug({ err }, 'upgrade failed'));
    try {
      checkHost(request, live.current);
      checkOrigin(request, live.current);
      if (new URL(request.url ?? '/', 'http://localhost').pathname !== STREAM_PATH)
        throw new HttpError(404, 'NOT_FOUND', `the stream is at ${STREAM_PATH}`);
      const locked = !mayRead(request, live.current) && sendsToken(request);
      if (!locked) checkReader(request, live.current);
      if (streams.isFull(live.current.limit.streams, locked))
        throw new HttpError(503, 'OVERLOAD', 'too many streams are open (limit.streams)');
      streams.accept(request, socket, head, locked ? (token) => opens(token, live.current) : undefined);
    } catch (error) {
      refuse(socket, error);
    }
  }
}

/** An answer to an upgrade that is refused: there is no response object yet. */
function refuse(socket: Duplex, error: unknown): void {
  const { status, headers, body } = answerOf(error);
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', text].join('\r\n'));
}

/** Stops accepting, and waits for what has begun, but not for ever. */
async function stop(server: Server, address: Address): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const impatient = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(impatient);
  forget(address);
}

function tlsFiles({ cert, key }: Config['tls']): { cert: Buffer; key: Buffer } {
  return { cert: pem(cert), key: pem(key) };
}

function pem(file = ''): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CgError('CONFIG', `${file} cannot be read: ${errnoOf(error)}`, { file });
  }
}
