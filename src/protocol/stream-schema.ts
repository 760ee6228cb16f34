/** The stream's messages as schemas: what comes in is held to them, and docs/stream.asyncapi.json is made of them. */
import * as z from 'zod';
import type { Limits, ServerMessage } from './stream.ts';

/** Of each client. */
export const LIMITS: Limits = {
  subscriptions: 8,
  messageBytes: 64 * 1024,
  messagesPerMinute: 120,
  columns: 256,
  series: 256,
  shortestIntervalMs: 100,
  longestIntervalMs: 10_000,
};

const sub = z.string().min(1).max(64).default('main').describe('A name of the client’s for the subscription');
const metrics = z.array(z.string().max(128)).max(LIMITS.columns);
const path = z.string().max(4096);
const moment = z.number().min(0).describe('Milliseconds since the epoch');
const count = z.int().min(0);

export const subscribeMessage = z.strictObject({
  type: z.literal('subscribe'),
  sub,
  intervalMs: z.int().min(LIMITS.shortestIntervalMs).max(LIMITS.longestIntervalMs).default(1000),
  columns: metrics.optional().describe('Metric names without cgroup_; the view’s columns where not given'),
  subtree: path.optional().describe('Only this group and those below'),
  pattern: z.string().max(1000).optional().describe('Only groups whose path matches this glob'),
  figures: z.enum(['rollup', 'self']).default('rollup'),
  events: z.boolean().default(true),
  since: count.optional().describe('The seq of the table that the client has'),
});

const unsubscribeMessage = z.strictObject({ type: z.literal('unsubscribe'), sub });

const historyRequest = z.strictObject({
  type: z.literal('history'),
  request: count,
  cgroups: z.array(path).min(1).max(LIMITS.series),
  columns: metrics.min(1),
  from: moment.default(0),
  to: moment.default(Number.MAX_SAFE_INTEGER),
});

const tokenMessage = z.strictObject({ type: z.literal('token'), token: z.string().max(4096) });

/** Whatever a client may send. */
export const clientMessage = z.discriminatedUnion('type', [
  subscribeMessage,
  unsubscribeMessage,
  historyRequest,
  tokenMessage,
]);

/** With defaults filled in. */
export type Subscribe = z.output<typeof subscribeMessage>;
export type AskHistory = z.output<typeof historyRequest>;

const row = z.strictObject({
  id: z.string().describe('The path'),
  generation: z.string().describe('Tells a path that was made again from the old one'),
  parent: z.int().min(-1).describe('The place of the row above, which precedes it; -1 for none'),
  depth: count,
  name: z.string().exactOptional().describe('What people know it by, where that is not the end of its path'),
  frozen: z.boolean().exactOptional(),
  populated: z.boolean().exactOptional().describe('Whether there is a process in it or below'),
  created: z.number().exactOptional().describe('Milliseconds since the epoch'),
});
const cell = z.union([z.number(), z.null(), z.literal('max')]).describe('null is absent, "max" no limit');
const column = z.strictObject({
  metric: z.string(),
  title: z.string(),
  brief: z.string().exactOptional(),
  show: z.enum(['cores', 'bytes', 'bytes/s', 'count', 'rate', 'ratio', 'age']),
  rate: z.boolean().describe('The figures are changes per second'),
  help: z.string().exactOptional(),
  role: z.string().exactOptional(),
  local: z.literal(true).exactOptional().describe('Counted in the group alone'),
  made: z
    .strictObject({
      of: z.string(),
      less: z.string().exactOptional(),
      per: z.string().exactOptional(),
      rate: z.boolean(),
    })
    .exactOptional(),
  limit: z.string().exactOptional(),
  marks: z.array(z.strictObject({ metric: z.string(), title: z.string() })).exactOptional(),
  worse: z.string().exactOptional(),
  alarm: z.strictObject({ near: z.number(), bad: z.number() }).exactOptional(),
  event: z.string().exactOptional(),
});
const change = <T extends z.ZodType>(one: T) =>
  z
    .union([z.null(), z.strictObject({ at: z.array(count), to: z.array(one) }), z.array(one)])
    .describe('null for no change, figures of some rows, or of all');
const about = { sub: z.string(), seq: count, time: moment };

/** Whatever the service sends. */
export const serverMessages = {
  locked: z.strictObject({ type: z.literal('locked'), seconds: z.number() }),
  hello: z.strictObject({
    type: z.literal('hello'),
    version: z.literal(2),
    instance: z.string().describe('This life of the service: seq of another one mean nothing here'),
    columns: z.array(column),
    limits: z.strictObject({
      subscriptions: count,
      messageBytes: count,
      messagesPerMinute: count,
      columns: count,
      series: count,
      shortestIntervalMs: count,
      longestIntervalMs: count,
    }),
  }),
  snapshot: z.strictObject({
    type: z.literal('snapshot'),
    ...about,
    columns: z.array(z.string()),
    rows: z.array(row),
    values: z.array(z.array(cell)).describe('By column, then by row'),
    stale: z.array(z.number()).describe('Of each row, how many seconds old its oldest figure is at least'),
  }),
  delta: z.strictObject({
    type: z.literal('delta'),
    ...about,
    after: count.describe('The seq of the table that this changes'),
    gone: z.array(count).describe('Places in the old table'),
    rows: z.array(row).describe('Added at the end'),
    changed: z
      .array(
        z.strictObject({
          at: count,
          frozen: z.boolean().exactOptional(),
          populated: z.boolean().exactOptional(),
        }),
      )
      .describe('Places in the new table'),
    values: z.array(change(cell)).describe('By column'),
    stale: change(z.number()),
  }),
  bookmark: z.strictObject({ type: z.literal('bookmark'), ...about, after: count }),
  resync: z.strictObject({
    type: z.literal('resync'),
    sub: z.string(),
    reason: z.enum(['slow', 'since']),
    dropped: count,
  }),
  event: z.strictObject({
    type: z.literal('event'),
    event: z.strictObject({
      seq: count,
      time: moment,
      kind: z.string(),
      cgroup: z.string(),
      generation: z.string().exactOptional(),
      count: z.number().exactOptional(),
      ancestor: z.string().exactOptional(),
      text: z.string(),
      details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
    }),
  }),
  history: z.strictObject({
    type: z.literal('history'),
    request: count,
    series: z.array(
      z.strictObject({
        id: z.string(),
        generation: z.string(),
        metric: z.string(),
        points: z
          .array(
            z.tuple([
              moment,
              moment,
              z.union([z.number(), z.literal('max')]),
              z.union([z.number(), z.literal('max')]),
              z.union([z.number(), z.literal('max')]),
            ]),
          )
          .describe('From, to, then minimum, mean and maximum'),
      }),
    ),
  }),
  problem: z.strictObject({
    type: z.literal('problem'),
    message: z.string(),
    sub: z.string().exactOptional(),
    request: count.exactOptional(),
  }),
} as const;

export const serverMessage: z.ZodType<ServerMessage> = z.discriminatedUnion('type', [
  serverMessages.locked,
  serverMessages.hello,
  serverMessages.snapshot,
  serverMessages.delta,
  serverMessages.bookmark,
  serverMessages.resync,
  serverMessages.event,
  serverMessages.history,
  serverMessages.problem,
]);
