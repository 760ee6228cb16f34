import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { AnswerError, Client, type ClientOptions, type State } from '../../src/client/client.ts';
import type { LiveTable } from '../../src/client/tree.ts';
import type { CgroupEvent } from '../../src/protocol/event.ts';
import type { ClientMessage } from '../../src/protocol/stream.ts';
import { READ_TOKEN, service, WRITE_TOKEN, WRITING } from '../server/service.ts';
import { cgroupMounts, realKernel, scratch, until } from '../support/host.ts';

const socket = (url: string, protocols: string[]) => new WebSocket(url, protocols);

/** A client whose tables end with the test. */
function follow(t: TestContext, options: Omit<ClientOptions, 'socket'>) {
  const tables: LiveTable[] = [];
  const events: CgroupEvent[] = [];
  const states: State['kind'][] = [];
  const client = new Client({ ...options, socket });
  const live = client.live(
    { intervalMs: 100 },
    {
      table: (table) => tables.push(table),
      event: (event) => events.push(event),
      state: ({ kind }) => states.push(kind),
    },
  );
  t.after(() => live.close());
  return { client, live, tables, events, states };
}

function make(id: string): void {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, id), { recursive: true });
}

realKernel('a table is followed, changed and ended, with events and the past beside it', async (t) => {
  const { path } = scratch(t);
  const { url } = await service(t);
  const { client, live, tables, events, states } = follow(t, { url });
  await until(() => tables.length > 0);
  make(path);
  await until(() => tables.at(-1)?.rows.some(({ id }) => id === path) === true);
  await until(() => events.some(({ kind, cgroup }) => kind === 'created' && cgroup === path));
  const first = tables[0];
  assert.ok(
    first?.rows.every(({ id }) => id !== path),
    'tables that were handed out stay as they were',
  );

  const { series } = await client.history([path], tables[0]?.columns ?? []);
  assert.ok(series.every(({ id }) => id === path));
  live.change({ intervalMs: 100, subtree: path, columns: [] });
  await until(() => tables.at(-1)?.rows.length === 1);
  assert.deepEqual(tables.at(-1)?.columns, []);

  const second: LiveTable[] = [];
  const other = client.live({ intervalMs: 100, columns: ['pids'] }, { table: (table) => second.push(table) });
  await until(() => second.length > 1);
  other.close();
  assert.deepEqual(states, ['connecting', 'open']);

  const info = await client.get('/api/v1/info');
  assert.ok(typeof info === 'object' && info !== null && 'version' in info);
  await assert.rejects(client.get('/api/v1/cgroups/no-such-group'), (error) => {
    assert.ok(error instanceof AnswerError);
    assert.deepEqual([error.status, error.code], [404, 'NOT_FOUND']);
    return true;
  });
});

realKernel('the token is sent when it is wanted; without the right one nothing goes on', async (t) => {
  const { url } = await service(t, { ...WRITING, 'read-token': READ_TOKEN });
  const { client, tables, states } = follow(t, { url });
  await until(() => states.at(-1) === 'locked');
  client.unlock(`${READ_TOKEN}x`);
  await until(() => states.filter((state) => state === 'locked').length === 2);
  assert.equal(tables.length, 0);
  client.unlock(READ_TOKEN);
  await until(() => tables.length > 0);

  const changing = new Client({ url, token: WRITE_TOKEN });
  for (const ask of [
    () => changing.post('/api/v1/cgroups/no-such-group/set', { values: { memory: '1g' } }),
    () => changing.patch('/api/v1/cgroups/no-such-group', { values: { memory: '1g' } }),
    () => changing.delete('/api/v1/cgroups/no-such-group'),
  ])
    await assert.rejects(ask(), { name: 'AnswerError', status: 404 });
  await assert.rejects(client.post('/api/v1/cgroups/x/set'), { status: 401 });
});

/** A service that says what it is told to, and keeps what it is sent. */
async function scripted(t: TestContext): Promise<{
  readonly url: string;
  readonly received: ClientMessage[];
  say(message: object): void;
  drop(): void;
}> {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  const received: ClientMessage[] = [];
  let last: WebSocket | undefined;
  server.on('connection', (one) => {
    last = one;
    one.on('message', (data) => received.push(JSON.parse(String(data))));
    one.send(JSON.stringify({ type: 'hello', version: 2, instance: 'life', columns: [], limits: {} }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const one of server.clients) one.terminate();
    server.close();
    http.close();
  });
  const address = http.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    say: (message) => last?.send(JSON.stringify(message)),
    drop: () => last?.terminate(),
  };
}

const about = { sub: '1', time: 5 };
const rows = [{ id: '/', generation: '1', parent: -1, depth: 0 }];
const snapshot = (seq: number) => ({
  type: 'snapshot',
  ...about,
  seq,
  columns: ['a'],
  rows,
  values: [[seq]],
  stale: [0],
});
const change = (seq: number, after: number) => ({
  type: 'delta',
  ...about,
  seq,
  after,
  gone: [],
  rows: [],
  changed: [],
  values: [[seq]],
  stale: null,
});

test('after a gap the whole table is asked for; after a loss, what changed since', async (t) => {
  const { url, received, say, drop } = await scripted(t);
  const { tables, states, events } = follow(t, { url });
  const event = (seq: number) => ({ type: 'event', event: { seq, time: 1, kind: 'created', cgroup: '/a', text: '' } });
  await until(() => received.length === 1);
  assert.deepEqual(received[0], { type: 'subscribe', sub: '1', intervalMs: 100 });
  say(snapshot(1));
  say(change(2, 1));
  await until(() => tables.length === 2);
  assert.deepEqual(tables.at(-1)?.values, [[2]]);
  say(change(4, 3));
  say(change(5, 4));
  await until(() => received.length === 2);
  assert.deepEqual(received[1], { type: 'subscribe', sub: '1', intervalMs: 100 });
  say(snapshot(6));
  say(event(1));
  await until(() => events.length === 1);
  assert.equal(tables.at(-1)?.seq, 6);
  drop();
  await until(() => received.length === 3);
  assert.deepEqual(received[2], { type: 'subscribe', sub: '1', intervalMs: 100, since: 6 });
  assert.deepEqual(states, ['connecting', 'open', 'lost', 'connecting', 'open']);
  for (const seq of [1, 2]) say(event(seq));
  say(change(8, 6));
  await until(() => tables.at(-1)?.seq === 8);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    [1, 2],
    'each once',
  );
  assert.equal(tables.length, 4);
});
