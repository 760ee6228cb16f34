/** The HTTP routes. Every answer but the page's files and the exposition is JSON; every error has the same shape. */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { defaultColumns } from '../exporters/stream.ts';
import { parseCgroupId } from '../hierarchy/id.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { viewColumns } from '../monitor/columns.ts';
import type { EventEngine } from '../monitor/events.ts';
import type { Sampler } from '../monitor/sampler.ts';
import { printable } from '../parse/printable.ts';
import { plainly } from '../verbs/output.ts';
import type { Actions, Caller } from './actions.ts';
import { describeRegistry } from './describe.ts';
import { listGroups, pastOf, pastTableOf, statsOf } from './figures.ts';
import { checkHost, checkOrigin, checkReader, checkWriter, mayRead } from './guard.ts';
import { answerOf, HttpError } from './http.ts';
import type { LiveConfig } from './live.ts';
import type { ServiceMetrics } from './metrics.ts';
import type { Scrapes } from './scrape.ts';

const MAX_BODY = 64 * 1024;

export interface AppOptions {
  readonly registry: Registry;
  readonly sampler: Sampler;
  readonly events: EventEngine;
  readonly scrapes: Scrapes;
  readonly actions: Actions;
  readonly live: LiveConfig;
  readonly metrics: ServiceMetrics;
  readonly log: Logger;
  readonly version: string;
  /** Whether the service itself speaks TLS. */
  readonly secure: boolean;
  /** The page's files. */
  readonly webRoot: string;
}

export function makeApp(options: AppOptions): express.Express {
  const { live, log, metrics, scrapes, secure, webRoot } = options;
  const app = express();
  app.set('query parser', 'simple');
  app.set('json replacer', plainly);
  app.set('etag', false);

  app.use((request, response, next) => {
    const started = performance.now();
    response.on('close', () => {
      const { method, ip, path } = request;
      const { statusCode: status } = response;
      metrics.requests.inc({ method, code: status });
      const fact = { method, path: printable(path), status, from: ip, ms: Math.round(performance.now() - started) };
      log.debug(fact, 'request');
    });
    next();
  });
  app.use(securityHeaders(secure));
  app.use((request, _response, next) => {
    checkHost(request, live.current);
    if (!['GET', 'HEAD'].includes(request.method)) checkOrigin(request, live.current);
    next();
  });

  app.route('/healthz').get(health(options)).all(onlyWith('GET'));
  app.route('/metrics').get(reader(live), scrapes.handler('native')).all(onlyWith('GET'));
  app.route('/metrics/cadvisor').get(reader(live), scrapes.handler('cadvisor')).all(onlyWith('GET'));
  app.use('/api/v1', reader(live), api(options));
  app.use(['/api', '/metrics', '/healthz'], () => {
    throw new HttpError(404, 'NOT_FOUND', 'there is nothing at this path; see /api/v1/info');
  });
  app.use(pageFiles(webRoot));
  app.use((request) => {
    if (!['GET', 'HEAD'].includes(request.method))
      throw new HttpError(405, 'USAGE', `${request.method} is not possible here`, {}, { allow: 'GET, HEAD' });
    throw new HttpError(404, 'NOT_FOUND', 'there is nothing at this path');
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const { status, headers, body } = answerOf(error);
    if (status === 500)
      log.error({ err: error, method: request.method, path: printable(request.path) }, 'request failed');
    response.status(status).set(headers).json(body);
  });
  return app;
}

function securityHeaders(secure: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: secure,
  });
}

/** Liveness, for anybody; what is wrong, for those who may read. */
function health({ live, sampler, events, version }: AppOptions): RequestHandler {
  return (request, response) => {
    const status = live.problem === undefined ? 'ok' : 'degraded';
    const config = { ok: live.problem === undefined, problem: live.problem, waitingForRestart: live.restart };
    const { errors, ...figures } = sampler.status();
    const details = {
      version,
      config,
      sampler: { ...figures, errors: Object.fromEntries(errors) },
      events: events.status(),
    };
    response
      .set('cache-control', 'no-store')
      .json(mayRead(request, live.current) ? { status, ...details } : { status });
  };
}

const listQuery = z.strictObject({
  prefix: z.string().max(4096).default('/'),
  limit: z.coerce.number().int().min(1).max(100_000).default(1000),
});
const names = z.preprocess(
  (given) => (typeof given === 'string' ? [given] : given),
  z.array(z.string().max(4096)).min(1).max(256),
);
const moment = z.coerce.number().min(0);
const historyQuery = z.strictObject({
  cgroup: names,
  metric: names.optional(),
  from: moment.default(0),
  to: moment.default(Number.MAX_SAFE_INTEGER),
});
const pastQuery = z.strictObject({ at: moment });
const processesQuery = z.strictObject({
  cgroup: z.string().max(4096),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});
const eventsQuery = z.strictObject({
  since: z.coerce.number().int().min(0).default(0),
  type: z.string().max(1024).optional(),
  cgroup: z.string().max(4096).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});
const flag = z.stringbool().default(false);
const removeQuery = z.strictObject({ recursive: flag, force: flag, dryRun: flag });
const changeBody = z.strictObject({
  values: z.record(z.string().max(256), z.unknown()).default({}),
  dryRun: z.boolean().default(false),
  force: z.boolean().default(false),
  yes: z.boolean().default(false),
});
const emptyBody = z.strictObject({}).default({});
const killBody = z
  .strictObject({ signal: z.string().max(32).optional(), force: z.boolean().default(false) })
  .prefault({});

/**
 * The kept events after one, oldest first; `seq` is what to give as `since` the next time.
 * @param query with `cgroup`, those of that group and those that its limits brought about in others
 */
function eventsSince(engine: EventEngine, { since, type, cgroup, limit }: z.output<typeof eventsQuery>) {
  const kinds = type?.split(',');
  const all = engine
    .since(since)
    .filter(({ kind }) => kinds === undefined || kinds.includes(kind))
    .filter((event) => cgroup === undefined || event.cgroup === cgroup || event.ancestor === cgroup);
  const events = all.slice(0, limit);
  const seq = events.length < all.length ? events.at(-1)?.seq : engine.status().events;
  return { seq, more: events.length < all.length, events };
}

function api(options: AppOptions): express.Router {
  const { registry, sampler, actions, live, metrics, log, version } = options;
  const router = express.Router({ caseSensitive: true });
  router.use((_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });

  router
    .route('/info')
    .get(async (request, response) => {
      const { enableWrites, interval } = live.current;
      const machine = await actions.machine(callerOf(request, response));
      response.json({ version, host: hostname(), writes: enableWrites, interval, machine });
    })
    .all(onlyWith('GET'));

  router
    .route('/controllers')
    .get((_request, response) => void response.json(describeRegistry(registry)))
    .all(onlyWith('GET'));

  router
    .route('/events')
    .get((request, response) => {
      response.json(eventsSince(options.events, parsed(eventsQuery, request.query)));
    })
    .all(onlyWith('GET'));

  router
    .route('/processes')
    .get(async (request, response) => {
      const { cgroup, limit } = parsed(processesQuery, request.query);
      response.json(await actions.processes(parseCgroupId(cgroup), limit));
    })
    .all(onlyWith('GET'));

  router
    .route('/cgroups')
    .get(async (request, response) => {
      const query = parsed(listQuery, request.query);
      response.json(listGroups(await sampler.latest(live.current.freshness * 1000), registry, query));
    })
    .all(onlyWith('GET'));

  router
    .route('/history')
    .get((request, response) => {
      const {
        cgroup,
        metric = viewColumns(registry).map((column) => column.metric),
        from,
        to,
      } = parsed(historyQuery, request.query);
      response.json({ series: pastOf(sampler.history(metric, from, to, cgroup)) });
    })
    .all(onlyWith('GET'));

  router
    .route('/history/moments')
    .get((_request, response) => void response.json({ moments: sampler.moments() }))
    .all(onlyWith('GET'));

  router
    .route('/history/table')
    .get((request, response) => {
      const { at } = parsed(pastQuery, request.query);
      const metrics = defaultColumns(registry).map(({ metric }) => metric);
      const table = sampler.pastTable(at, metrics);
      if (table === undefined) throw new HttpError(404, 'NOT_FOUND', 'nothing of the past is kept yet');
      response.json(pastTableOf(table));
    })
    .all(onlyWith('GET'));

  /** A change: allowed, and logged with what came of it. */
  const changing = (
    action: string,
    perform: (request: Request, caller: Caller) => Promise<object>,
  ): RequestHandler[] => [
    ...writer(live),
    async (request, response) => {
      const caller = callerOf(request, response);
      const fact = { action, cgroup: printable(idOf(request)), from: request.ip };
      try {
        const outcome = await perform(request, caller);
        metrics.changes.inc({ action, result: 'ok' });
        log.info(fact, 'change');
        response.json(outcome);
      } catch (error) {
        const result = error instanceof CgError ? error.code : 'INTERNAL';
        metrics.changes.inc({ action, result });
        log.warn({ ...fact, result }, 'change failed');
        throw error;
      }
    },
  ];
  const set = changing('set', (request, caller) =>
    actions.set(idOf(request), parsed(changeBody, request.body), caller),
  );

  // A POST's last word is what to do, so that a group of that name can be meant too.
  router.post('/cgroups/*id/set', set);
  router.post(
    '/cgroups/*id/freeze',
    changing('freeze', (request, caller) => {
      parsed(emptyBody, request.body);
      return actions.freeze(idOf(request), caller);
    }),
  );
  router.post(
    '/cgroups/*id/thaw',
    changing('thaw', (request, caller) => {
      parsed(emptyBody, request.body);
      return actions.thaw(idOf(request), caller);
    }),
  );
  router.post(
    '/cgroups/*id/kill',
    changing('kill', (request, caller) => actions.kill(idOf(request), parsed(killBody, request.body), caller)),
  );
  router
    .route('/cgroups/*id')
    .get(async (request, response) => {
      const id = idOf(request);
      const description = await actions.describe(id, callerOf(request, response));
      const figures = statsOf(await sampler.latest(live.current.freshness * 1000), id);
      response.json({ ...description, ...figures, lacking: actions.lacking(id) });
    })
    .put(
      changing('create', (request, caller) =>
        actions.set(idOf(request), parsed(changeBody, request.body), caller, { create: true }),
      ),
    )
    .patch(set)
    .delete(
      changing('remove', (request, caller) =>
        actions.remove(idOf(request), parsed(removeQuery, request.query), caller),
      ),
    )
    .post(() => {
      throw new HttpError(404, 'NOT_FOUND', 'a POST ends in what to do: set, freeze, thaw or kill');
    })
    .all(onlyWith('GET', 'PUT', 'PATCH', 'DELETE', 'POST'));
  return router;
}

function reader(live: LiveConfig): RequestHandler {
  return (request, _response, next) => {
    checkReader(request, live.current);
    next();
  };
}

/** Token first: what comes without one is not even read. */
function writer(live: LiveConfig): RequestHandler[] {
  return [
    (request, _response, next) => {
      checkWriter(request, live.current);
      if (hasBody(request) && request.is('application/json') === false)
        throw new HttpError(415, 'USAGE', 'the body must be application/json');
      next();
    },
    rateLimit({
      windowMs: 60_000,
      limit: live.current.limit.writesPerMinute,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      keyGenerator: ({ ip }) => (ip === undefined ? 'unix' : ipKeyGenerator(ip)),
      handler: () => {
        throw new HttpError(429, 'OVERLOAD', 'too many changes in a minute (limit.writesPerMinute)');
      },
    }),
    express.json({ limit: MAX_BODY, strict: true }),
  ];
}

function pageFiles(webRoot: string): RequestHandler {
  if (existsSync(join(webRoot, 'index.html')))
    return express.static(webRoot, { redirect: false, dotfiles: 'ignore', etag: true });
  return (request, response, next) => {
    if (request.path !== '/') return next();
    response
      .status(503)
      .type('text/plain')
      .send('The live view is not built: run "npm run build". /metrics and /api/v1/info work without it.\n');
  };
}

function onlyWith(...methods: readonly string[]): RequestHandler {
  return ({ method }) => {
    throw new HttpError(
      405,
      'USAGE',
      `${method} is not possible here`,
      { allowed: methods },
      { allow: methods.join(', ') },
    );
  };
}

/** `/cgroups/a/b` and `/cgroups/%2Fa%2Fb` are the same group. @throws CgError ID_INVALID */
function idOf({ params }: Request): CgroupId {
  const path = [params.id ?? []].flat().join('/');
  return parseCgroupId(path.startsWith('/') ? path : `/${path}`);
}

function callerOf(request: IncomingMessage, response: Response): Caller {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return { who: `cgctl serve, for ${request.socket.remoteAddress ?? 'its Unix socket'}`, signal: gone.signal };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || !['0', undefined].includes(headers['content-length']);
}

/** @throws CgError USAGE that lists what is wrong */
function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map(({ path, message }) =>
    [path.join('.'), message].filter((word) => word !== '').join(': '),
  );
  throw new CgError('USAGE', mistakes.join('\n'), { mistakes });
}
