import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { Feed, type Knowledge } from '../../src/exporters/feed.ts';
import { snapshotJson } from '../../src/exporters/json.ts';
import { defaultColumns, encode, encodeHello, resolveColumns } from '../../src/exporters/stream.ts';
import { viewColumns } from '../../src/monitor/columns.ts';
import { clientMessage, LIMITS, serverMessage } from '../../src/protocol/stream-schema.ts';
import { keyedOf, rowsOf, snapshotOf } from '../monitor/support.ts';

const rows = rowsOf('/a');
const snapshot = snapshotOf(
  rows,
  { memory_usage_bytes: [Number.NaN, 5], memory_limit_bytes: [Number.NaN, Number.POSITIVE_INFINITY] },
  {
    rates: new Map([['cpu_usage_seconds_total', Float64Array.of(0.5, Number.NaN)]]),
    keyed: new Map([['io_read_bytes_total', keyedOf([0, 'vda', 7])]]),
    staleness: Float64Array.of(0, 2),
    errors: new Map([['x', 2]]),
  },
);
const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

const nothing: Knowledge = { of: () => ({}), frozen: () => undefined, populated: () => undefined };
const feedOf = (...metrics: readonly string[]): Feed => {
  const { columns } = resolveColumns(defaultRegistry, metrics);
  return new Feed({ columns, figures: 'rollup', wants: () => true }, nothing);
};

test('a snapshot: ids once, then a list of figures a column; null is absent, "max" no limit', () => {
  const metrics = ['cpu_usage_seconds_total', 'memory_usage_bytes', 'memory_limit_bytes', 'pids'];
  assert.deepEqual(resolveColumns(defaultRegistry, [...metrics, 'nonsense']).unknown, ['nonsense']);
  const feed = feedOf(...metrics);
  assert.equal(feed.advance(snapshot), undefined);
  assert.deepEqual(parse(feed.snapshot().bytes('a"b')), {
    type: 'snapshot',
    sub: 'a"b',
    seq: 1,
    time: 1_700_000_000_000,
    columns: metrics,
    rows,
    values: [
      [0.5, null],
      [null, 5],
      [null, 'max'],
      [null, null],
    ],
    stale: [0, 0],
  });
});

test('it is encoded once for all who call it the same', () => {
  const feed = feedOf('pids');
  feed.advance(snapshot);
  assert.equal(feed.snapshot().bytes('main'), feed.snapshot().bytes('main'));
  assert.notEqual(feed.snapshot().bytes('main'), feed.snapshot().bytes('other'));
});

test('the other messages', () => {
  const event = { seq: 1, time: 2, kind: 'oom_kill', cgroup: '/a', text: 'x' };
  assert.deepEqual(parse(encode({ type: 'event', event })), { type: 'event', event });
  assert.deepEqual(parse(encode({ type: 'problem', message: 'no' })), { type: 'problem', message: 'no' });
  const hello = parse(encodeHello(defaultRegistry, 'life'));
  assert.deepEqual(hello, {
    type: 'hello',
    version: 2,
    instance: 'life',
    columns: viewColumns(defaultRegistry),
    limits: LIMITS,
  });
  assert.deepEqual(serverMessage.parse(hello), hello);
  const columns = defaultColumns(defaultRegistry);
  for (const { limit } of columns) assert.ok(limit === undefined || columns.some(({ metric }) => metric === limit));
});

test('the whole snapshot as JSON', () => {
  assert.deepEqual(parse(snapshotJson(snapshot)), {
    seq: 1,
    time: 1_700_000_000_000,
    monotonic: 100,
    rows,
    durationSeconds: 0.01,
    columns: { memory_usage_bytes: [null, 5], memory_limit_bytes: [null, 'max'] },
    keyed: { io_read_bytes_total: { row: [0], label: ['vda'], value: [7] } },
    rates: { cpu_usage_seconds_total: [0.5, null] },
    staleness: [0, 2],
    errors: { x: 2 },
  });
});

test('a client may ask for what the schema says, and for nothing else', () => {
  assert.deepEqual(clientMessage.parse({ type: 'subscribe' }), {
    type: 'subscribe',
    sub: 'main',
    intervalMs: 1000,
    figures: 'rollup',
    events: true,
  });
  assert.deepEqual(clientMessage.parse({ type: 'unsubscribe' }), { type: 'unsubscribe', sub: 'main' });
  const wrong = [
    {},
    null,
    'subscribe',
    { type: 'hello' },
    { type: 'subscribe', intervalMs: 99 },
    { type: 'subscribe', intervalMs: 10_001 },
    { type: 'subscribe', intervalMs: 1000.5 },
    { type: 'subscribe', columns: 'pids' },
    { type: 'subscribe', columns: ['x'.repeat(129)] },
    { type: 'subscribe', columns: new Array(257).fill('pids') },
    { type: 'subscribe', more: 1 },
    { type: 'subscribe', sub: '' },
    { type: 'subscribe', sub: 'x'.repeat(65) },
    { type: 'subscribe', figures: 'leaf' },
    { type: 'subscribe', since: -1 },
    { type: 'history', request: 1, cgroups: [], columns: ['pids'] },
    { type: 'history', request: 1, cgroups: ['/'], columns: ['pids'], from: -1 },
    { type: 'token' },
  ];
  for (const message of wrong)
    assert.equal(clientMessage.safeParse(message).success, false, JSON.stringify(message).slice(0, 80));
});
