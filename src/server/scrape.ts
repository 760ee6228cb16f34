/** The scrapes: /metrics and /metrics/cadvisor. Pages are written as they are made; compressed ones once for each snapshot. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGzip, constants as zlib } from 'node:zlib';
import type { RequestHandler } from 'express';
import { CgError } from '../errors.ts';
import { NETWORK, PROCESSES } from '../exporters/cadvisor.ts';
import { Choice, EVERYTHING, type Wish } from '../exporters/choice.ts';
import { type Exporter, type Names, SERVICE } from '../exporters/exporter.ts';
import { CONTENT_TYPES, type Format, pages, release } from '../exporters/exposition.ts';
import { parseSelector } from '../exporters/selector.ts';
import { Slices } from '../monitor/pause.ts';
import type { Sampler } from '../monitor/sampler.ts';
import { glob } from '../parse/pattern.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import type { Config } from './config.ts';
import { HttpError } from './http.ts';
import type { LiveConfig } from './live.ts';
import type { ServiceMetrics } from './metrics.ts';
import { formatFor } from './negotiate.ts';

export interface ScrapeOptions {
  readonly sampler: Sampler;
  readonly exporter: Exporter;
  readonly metrics: ServiceMetrics;
  readonly live: LiveConfig;
}

/** Prometheus says how long it waits; so much of it is left for the way back. */
const TIMEOUT_HEADER = 'x-prometheus-scrape-timeout-seconds';
const RETURN_MS = 250;
const LONGEST_MS = 600_000;
/** Patterns and selectors of one scrape. */
const MOST_PATTERNS = 50;
/** Compressed expositions that are kept of one snapshot. */
const MOST_KEPT = 16;

export class Scrapes {
  readonly #options: ScrapeOptions;
  readonly #compressed = new WeakMap<Snapshot, Map<string, Promise<readonly Buffer[]>>>();
  #chosen: { readonly config: Config; readonly choice: Choice } | undefined;
  #running = 0;

  constructor(options: ScrapeOptions) {
    this.#options = options;
  }

  handler(names: Names): RequestHandler {
    return async (request, response) => {
      const { live, metrics } = this.#options;
      const { scrapes } = live.current.limit;
      if (this.#running >= scrapes) throw overload(`${this.#running} scrapes are running already (limit.scrapes)`);
      this.#running += 1;
      const stop = metrics.scrapes.startTimer();
      try {
        await this.#scrape(names, request, response);
      } finally {
        this.#running -= 1;
        stop();
      }
    };
  }

  async #scrape(names: Names, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sampler, live } = this.#options;
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const wish = this.#wishOf(query);
    const deadline = deadlineOf(request);
    const snapshot = await within(deadline, sampler.latest(live.current.freshness * 1000));
    const format = formatFor(request.headers.accept);
    const packed = acceptsGzip(request);
    const head = () => {
      response.setHeader('content-type', CONTENT_TYPES[format]);
      response.setHeader('cache-control', 'no-store');
      response.setHeader('vary', 'accept, accept-encoding');
      if (packed) response.setHeader('content-encoding', 'gzip');
    };
    if (request.method === 'HEAD') {
      head();
      response.end();
    } else if (packed) {
      const bytes = await within(deadline, this.#packed(names, snapshot, format, wish, query.toString()));
      head();
      await send(bytes, response, deadline);
    } else {
      const written = await within(deadline, this.#plain(names, snapshot, format, wish));
      head();
      await send(written, response, deadline, release);
    }
  }

  async #plain(names: Names, snapshot: Snapshot, format: Format, wish: Wish): Promise<Iterable<Buffer>> {
    const { exporter, metrics, live } = this.#options;
    const choice = this.#choice();
    const own = names === 'native' && choice.collects(SERVICE, wish) ? await metrics.families(snapshot) : [];
    const keepMs = live.current.metrics.keepGone * 1000;
    const { families, audience } = await exporter.expose(names, snapshot, choice, wish, keepMs, own);
    return pages(families, audience, format);
  }

  /** The same bytes for all who ask the same of a snapshot. */
  #packed(names: Names, snapshot: Snapshot, format: Format, wish: Wish, query: string): Promise<readonly Buffer[]> {
    const kept = this.#compressed.get(snapshot) ?? new Map<string, Promise<readonly Buffer[]>>();
    this.#compressed.set(snapshot, kept);
    const key = `${names} ${format} ${query}`;
    let ready = kept.get(key);
    if (ready === undefined) {
      ready = this.#plain(names, snapshot, format, wish).then(compress);
      if (kept.size < MOST_KEPT) kept.set(key, ready);
    }
    return ready;
  }

  /** The operator's choice, with what it has found out about groups, for as long as the configuration stays. */
  #choice(): Choice {
    const { current } = this.#options.live;
    if (this.#chosen?.config !== current) this.#chosen = { config: current, choice: new Choice(policyOf(current)) };
    return this.#chosen.choice;
  }

  /** @throws CgError USAGE */
  #wishOf(query: URLSearchParams): Wish {
    const collect = [...query.getAll('collect[]'), ...query.getAll('collect')];
    const { collectors } = this.#options.exporter;
    const unknown = collect.filter((name) => !collectors.includes(name));
    if (unknown.length > 0) {
      throw new CgError('USAGE', `collect[] does not know ${unknown.join(', ')}; there are ${collectors.join(', ')}`);
    }
    const groups = query.getAll('cgroup');
    const selectors = query.getAll('match[]');
    if (groups.length + selectors.length > MOST_PATTERNS)
      throw new CgError('USAGE', `more than ${MOST_PATTERNS} patterns in one scrape`);
    return {
      collect: collect.length > 0 ? new Set(collect) : EVERYTHING.collect,
      groups: groups.map(glob),
      selectors: selectors.map(parseSelector),
    };
  }
}

function policyOf({ metrics }: Config): Choice['policy'] {
  const { include, exclude, depth, skip, network, processes, ...rest } = metrics;
  return {
    ...rest,
    include: include.map(glob),
    exclude: exclude.map(glob),
    skip: [...skip, ...(network ? [] : [NETWORK]), ...(processes ? [] : [PROCESSES])],
    depth: depth ?? Number.POSITIVE_INFINITY,
  };
}

/**
 * What is not asked for is not made, and what is sent is let go of. When the client has given up the connection is ended: a part
 * of an exposition must not look like a whole one.
 */
async function send(
  chunks: Iterable<Buffer>,
  response: ServerResponse,
  deadline: number,
  sent: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  const closed = once(response, 'close');
  const late = setTimeout(() => response.destroy(), deadline - performance.now());
  const slices = new Slices();
  try {
    for (const chunk of chunks) {
      if (response.destroyed) return;
      if (!response.write(chunk, () => sent(chunk))) await Promise.race([once(response, 'drain'), closed]);
      if (slices.due()) await slices.pause();
    }
    response.end();
    await closed;
  } finally {
    clearTimeout(late);
  }
}

async function compress(chunks: Iterable<Buffer>): Promise<readonly Buffer[]> {
  const gzip = createGzip({ level: zlib.Z_BEST_SPEED });
  const packed: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => packed.push(chunk));
  const ended = once(gzip, 'end');
  const slices = new Slices();
  for (const chunk of chunks) {
    if (!gzip.write(chunk, () => release(chunk))) await once(gzip, 'drain');
    if (slices.due()) await slices.pause();
  }
  gzip.end();
  await ended;
  return packed;
}

function acceptsGzip({ headers }: IncomingMessage): boolean {
  const weights = new Map(
    (headers['accept-encoding'] ?? '').split(',').map((word) => {
      const [coding = '', weight = 'q=1'] = word.split(';').map((part) => part.trim().toLowerCase());
      return [coding, Number(weight.replace(/^q=/, ''))];
    }),
  );
  const gzip = weights.get('gzip') ?? weights.get('*') ?? 0;
  return gzip > 0 && gzip >= (weights.get('identity') ?? 0);
}

/** When the client will have given up, on the monotonic clock in ms. */
function deadlineOf({ headers }: IncomingMessage): number {
  const seconds = Number(headers[TIMEOUT_HEADER]);
  const given = seconds > 0 ? Math.min(seconds * 1000, LONGEST_MS) : LONGEST_MS;
  return performance.now() + given - Math.min(RETURN_MS, given / 2);
}

/** @throws HttpError 503 when it takes longer than the client waits; the work goes on for the next one who asks */
async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()));
  });
  try {
    const done = await Promise.race([work.then((value) => ({ value })), late]);
    if (done !== undefined && performance.now() < deadline) return done.value;
  } finally {
    clearTimeout(timer);
  }
  throw overload('the sample takes longer than the scrape may (its time-out is over)');
}

const overload = (message: string): HttpError => new HttpError(503, 'OVERLOAD', message, {}, { 'retry-after': '1' });
