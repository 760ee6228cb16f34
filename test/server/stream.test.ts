import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { LIMITS } from '../../src/protocol/stream-schema.ts';
import { cgroupMounts, mountOf, realKernel, scratch, spawnBusy, until } from '../support/host.ts';
import { READ_TOKEN, service, WRITE_TOKEN } from './service.ts';

const seen = z.object({ seq: z.number(), time: z.number() });

/** Makes a group in every hierarchy. */
function make(id: string): void {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, id), { recursive: true });
}

function remove(id: string): void {
  for (const { point } of cgroupMounts()) rmdirSync(join(point, id));
}

realKernel(
  'the stream shows a group that is made, its CPU rising, and that it is gone',
  async (t) => {
    const { path, cleanup } = scratch(t);
    const { stream } = await service(t);
    const client = stream();
    const { columns } = await client.next('hello');
    assert.ok(columns.some(({ show }) => show === 'cores'));
    client.send({ type: 'subscribe', intervalMs: 100 });
    const first = await client.table();
    assert.equal(first.rows[0]?.id, '/');
    assert.equal(first.values.length, first.columns.length);
    assert.ok(first.values.every((values) => values.length === first.rows.length));

    const name = `${path}/<b>"`;
    make(name);
    await client.table(({ rows }) => rows.some(({ id }) => id === name));
    const busy = await spawnBusy(t);
    for (const controller of ['cpu', 'cpuacct'])
      writeFileSync(join(mountOf(controller), name, 'cgroup.procs'), String(busy.pid));
    const cores = columns.find(({ show }) => show === 'cores')?.metric ?? '';
    const risen = await client.table(({ rows, columns, values }) => {
      const used = values[columns.indexOf(cores)]?.[rows.findIndex(({ id }) => id === name)];
      return typeof used === 'number' && used > 0.05;
    });
    assert.ok(risen.seq > first.seq);

    cleanup();
    await client.table(({ rows }) => !rows.some(({ id }) => id === name));
  },
  ['cpu', 'cpuacct'],
);

realKernel('a subscription is changed and ended without reconnecting', async (t) => {
  const { stream } = await service(t);
  const client = stream();
  const { columns } = await client.next('hello');
  const [one] = columns;
  assert.ok(one);
  client.send({ type: 'subscribe', intervalMs: 100, events: false });
  await client.table((table) => table.columns.length > 1);
  client.send({ type: 'subscribe', intervalMs: 100, columns: [one.metric], events: false });
  await client.table((table) => table.columns.length === 1);
  client.send({ type: 'subscribe', columns: ['nonsense'] });
  const { message, sub } = await client.next('problem');
  assert.match(message, /nonsense/);
  assert.equal(sub, 'main');
  for (const wrong of [{ pattern: 'a' }, { subtree: '../x' }, { subtree: 'x' }]) {
    client.send({ type: 'subscribe', ...wrong });
    assert.equal((await client.next('problem')).sub, 'main');
  }
  await client.table((table) => table.columns.length === 1);
  client.send({ type: 'unsubscribe' });
  client.socket.close();
  assert.equal(await client.ended, 1005);
});

realKernel('first the whole table, then what changed of it, and a bookmark where nothing did', async (t) => {
  const { path } = scratch(t);
  make(path);
  const { stream } = await service(t);
  const client = stream();
  await client.next('hello');
  const wanted = { type: 'subscribe', intervalMs: 100, subtree: path, columns: [] };
  client.send({ ...wanted, sub: 'quiet' });
  const whole = await client.next('snapshot');
  assert.equal(whole.sub, 'quiet');
  assert.deepEqual(
    whole.rows.map(({ id }) => id),
    [path],
  );
  assert.equal(whole.rows[0]?.parent, -1);
  assert.ok(Math.abs((whole.rows[0]?.created ?? 0) - Date.now()) < 60_000, 'when it was made');
  const bookmark = await client.next('bookmark');
  assert.ok(bookmark.seq > bookmark.after && bookmark.after >= whole.seq);

  make(`${path}/a`);
  const more = await client.next('delta', ({ rows }) => rows.length > 0);
  assert.deepEqual(
    more.rows.map(({ id, parent }) => [id, parent]),
    [[`${path}/a`, 0]],
  );
  const { generation } = more.rows[0] ?? {};
  remove(`${path}/a`);
  make(`${path}/a`);
  const again = await client.table(({ rows }) => {
    const row = rows.find(({ id }) => id === `${path}/a`);
    return row !== undefined && row.generation !== generation;
  }, 'quiet');
  assert.equal(again.rows.length, 2);
  remove(`${path}/a`);
  await client.next('delta', ({ gone }) => gone.length === 1);
});

realKernel('who comes is told at once what was last seen, then what is', async (t) => {
  // Nobody else looks meanwhile.
  const { stream, get } = await service(t, { 'history-tick': '3600' });
  const last = seen.parse((await get('/api/v1/cgroups?limit=1')).json());
  const client = stream();
  await client.next('hello');
  // For a client that is told so often, another look would be due.
  await until(() => Date.now() > last.time + 100);
  client.send({ type: 'subscribe', intervalMs: 100 });
  const first = await client.next('snapshot');
  assert.deepEqual([first.seq, first.time], [last.seq, last.time]);
  const { seq, time } = await client.table((table) => table.seq > first.seq);
  assert.ok(seq === first.seq + 1 && time > first.time);
});

realKernel('of a subtree, by a pattern, of groups alone: several subscriptions on one connection', async (t) => {
  const { path } = scratch(t);
  make(`${path}/a/b`);
  const { stream } = await service(t);
  const client = stream();
  await client.next('hello');
  const wanted = { type: 'subscribe', intervalMs: 100, events: false };
  const ids = async (sub: string) => (await client.table(() => true, sub)).rows.map(({ id }) => id);
  client.send({ ...wanted, sub: 'below', subtree: `${path}/a` });
  assert.deepEqual(await ids('below'), [`${path}/a`, `${path}/a/b`]);
  client.send({ ...wanted, sub: 'all', pattern: `${path}/**` });
  assert.deepEqual(await ids('all'), [path, `${path}/a`, `${path}/a/b`]);
  client.send({ ...wanted, sub: 'ends', pattern: '**/b', subtree: path });
  const ends = await client.table(() => true, 'ends');
  assert.deepEqual(
    ends.rows.map(({ id, parent }) => [id, parent]),
    [[`${path}/a/b`, -1]],
  );
  client.send({ ...wanted, sub: 'none', subtree: `${path}/nothing` });
  assert.deepEqual(await ids('none'), []);
  const metric = defaultRegistry.statsByRole('cpu.usage')[0]?.stat.name ?? '';
  client.send({ ...wanted, sub: 'self', columns: [metric], figures: 'self' });
  client.send({ ...wanted, sub: 'rollup', columns: [metric] });
  const self = await client.table(({ values }) => typeof values[0]?.[0] === 'number', 'self');
  const rollup = await client.table(({ seq }) => seq >= self.seq, 'rollup');
  const sum = self.values[0]?.reduce<number>((all, cell) => all + (typeof cell === 'number' ? cell : 0), 0) ?? 0;
  const root = rollup.values[0]?.[0];
  if (rollup.seq === self.seq) assert.ok(typeof root === 'number' && sum >= root - 1e-3, `${sum} and ${root}`);
  client.send({ type: 'unsubscribe', sub: 'rollup' });
  for (let n = 0; n < LIMITS.subscriptions - 5; n++) client.send({ ...wanted, sub: `more ${n}`, columns: [] });
  client.send({ ...wanted, sub: 'one too many', columns: [] });
  const { sub, message } = await client.next('problem');
  assert.deepEqual([sub, message], ['one too many', 'there are 8 subscriptions already']);
  await client.table(() => true, 'below');
});

realKernel(
  'a group that is frozen says so, and is told so again when it is not',
  async (t) => {
    const { path } = scratch(t);
    make(path);
    const { stream } = await service(t);
    const client = stream();
    client.send({ type: 'subscribe', intervalMs: 100, subtree: path, columns: [] });
    await client.table(({ rows }) => rows[0]?.frozen === false);
    const write = (state: string) => writeFileSync(join(mountOf('freezer'), path, 'freezer.state'), state);
    write('FROZEN');
    await client.table(({ rows }) => rows[0]?.frozen === true);
    write('THAWED');
    await client.table(({ rows }) => rows[0]?.frozen === false);
  },
  ['freezer'],
);

realKernel('who comes back is told what changed meanwhile, or that nobody knows it any more', async (t) => {
  const { path } = scratch(t);
  make(path);
  const { stream } = await service(t);
  const wanted = { type: 'subscribe', intervalMs: 100, subtree: path, columns: ['pids'] };
  const [first, other] = [stream(), stream()];
  for (const client of [first, other]) client.send(wanted);
  const had = await first.table();
  first.socket.terminate();
  make(`${path}/new`);
  await other.table(({ rows }) => rows.length === 2);

  const back = stream();
  back.adopt(first.tree());
  back.send({ ...wanted, since: had.seq });
  const delta = await back.next('delta', ({ rows }) => rows.length === 1);
  assert.ok(delta.after >= had.seq);
  assert.equal(back.tree().table?.rows.length, 2);

  // The channel is kept for a while when all are gone.
  const last = back.tree().table?.seq;
  for (const client of [back, other]) client.socket.terminate();
  const late = stream();
  late.adopt(back.tree());
  late.send({ ...wanted, since: last });
  const next = await late.table();
  assert.ok(next.seq > (last ?? 0));

  late.send({ ...wanted, since: 0 });
  assert.deepEqual(await late.next('resync'), { type: 'resync', sub: 'main', reason: 'since', dropped: 0 });
  await late.next('snapshot');
});

realKernel('a client that does not read is told what it missed; nobody waits for it', async (t) => {
  const { path } = scratch(t);
  for (let n = 0; n < 150; n++) make(`${path}/${n}`);
  const { stream, get } = await service(t);
  const dropped = async (): Promise<number> =>
    Number(/^cgctl_stream_frames_dropped_total (\d+)$/m.exec((await get('/metrics?collect[]=service')).text)?.[1]);
  const columns = defaultRegistry.allStats().map(({ stat }) => stat.name);
  const wanted = { type: 'subscribe', intervalMs: 100, columns: columns.slice(0, LIMITS.columns), events: false };
  const [slow, other] = [stream({ unchecked: true }), stream()];
  await slow.next('hello');
  slow.send(wanted);
  await slow.next('snapshot');
  slow.socket.pause();
  other.send({ type: 'subscribe', intervalMs: 100, columns: ['pids'], events: false });
  await other.table();
  // Each time it asks, it is sent the whole table.
  for (let n = 0; n < 100; n++) slow.send(wanted);
  await until(async () => (await dropped()) > 3);
  const before = other.tree().table?.seq ?? 0;
  await other.table(({ seq }) => seq >= before + 5);

  slow.socket.resume();
  const resync = await slow.next('resync');
  assert.equal(resync.reason, 'slow');
  assert.ok(resync.dropped > 0);
  const { seq } = await slow.next('snapshot');
  assert.ok(seq > before, 'the newest');
  await slow.table((table) => table.seq > seq);
});

realKernel('what was is told on request', async (t) => {
  const { path } = scratch(t);
  make(path);
  const { stream } = await service(t);
  const client = stream();
  const { columns } = await client.next('hello');
  client.send({ type: 'subscribe', intervalMs: 100 });
  await client.table(({ rows }) => rows.some(({ id }) => id === path));
  const metrics = columns.map(({ metric }) => metric);
  const asked = { type: 'history', cgroups: ['/', '/no-such-group'], columns: [...metrics, 'nonsense'] };
  client.send({ ...asked, request: 7 });
  const { request, series } = await client.next('history');
  assert.equal(request, 7);
  assert.ok(series.length > 0);
  assert.ok(series.every(({ id, metric, points }) => id === '/' && metrics.includes(metric) && points.length > 0));
  client.send({ ...asked, request: 8, cgroups: new Array(200).fill('/') });
  assert.equal((await client.next('problem')).request, 8);
});

realKernel('a token may be the first message, and until it is right there is nothing', async (t) => {
  const { stream, get } = await service(t, { 'read-token': READ_TOKEN, 'limit-streams': '8' });
  const open = () => stream({ protocols: ['cgctl.v1'] });
  const client = open();
  await client.next('locked');
  client.send({ type: 'token', token: READ_TOKEN });
  await client.next('hello');
  client.send({ type: 'subscribe', columns: [] });
  await client.next('snapshot');
  for (const first of [
    { type: 'token', token: WRITE_TOKEN },
    { type: 'token', token: '' },
    { type: 'subscribe' },
    { type: 'history', request: 1, cgroups: ['/'], columns: ['pids'] },
    { no: 'message' },
  ]) {
    const wrong = open();
    await wrong.next('locked');
    wrong.send(first);
    await assert.rejects(wrong.next('hello'), /4401/);
  }
  // Who sends nothing is sent away, and meanwhile leaves room for those who have a token.
  const silent = [open(), open()];
  for (const one of silent) await one.next('locked');
  assert.equal(await open().ended, 503);
  await stream({ headers: { authorization: `Bearer ${READ_TOKEN}` } }).next('hello');
  assert.equal((await get('/healthz')).status, 200);
  for (const one of silent) assert.equal(await one.ended, 4401);
});

realKernel('what is no message of the protocol ends the stream with the right code', async (t) => {
  const { stream } = await service(t);
  const cases: [string | Buffer, number][] = [
    ['not json', 1007],
    ['{"type":"subscribe"', 1007],
    ['{"type":"obey"}', 1008],
    ['{"type":"subscribe","intervalMs":1}', 1008],
    ['{"type":"history","request":1,"cgroups":[],"columns":["pids"]}', 1008],
    ['{"type":"subscribe","sudo":true}', 1008],
    ['[]', 1008],
    [Buffer.from('{"type":"subscribe"}'), 1003],
    [JSON.stringify({ type: 'subscribe', columns: ['x'.repeat(70_000)] }), 1009],
  ];
  for (const [text, code] of cases) {
    const client = stream();
    await client.next('hello');
    client.sendText(text);
    assert.equal(await client.ended, code, String(text).slice(0, 40));
  }
});

realKernel('a client that sends without end is sent away', async (t) => {
  const { stream } = await service(t);
  const client = stream();
  await client.next('hello');
  for (let turn = 0; turn < 200; turn++) client.send({ type: 'unsubscribe' });
  assert.equal(await client.ended, 1008);
});

realKernel('no more clients than are allowed, and a goodbye at the end', async (t) => {
  const { stream, close, get } = await service(t, { 'limit-streams': '1' });
  const client = stream();
  await client.next('hello');
  assert.equal(await stream().ended, 503);
  assert.match((await get('/metrics')).text, /^cgctl_stream_clients 1$/m);
  await close();
  assert.equal(await client.ended, 1001);
});

realKernel('the stream is at its path only', async (t) => {
  const { url } = await service(t);
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/elsewhere`);
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
    socket.on('error', resolve);
  });
  socket.terminate();
  assert.equal(status, 404);
});
