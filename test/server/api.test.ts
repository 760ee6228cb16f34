import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cgroupMounts, directoriesOf, mountOf, realKernel, scratch, spawnIdle, until } from '../support/host.ts';
import { ask, codeOf, service, WRITING } from './service.ts';

const everywhere = (path: string): void => {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
};
const url = (path: string): string => `/api/v1/cgroups/${encodeURIComponent(path)}`;

realKernel('a scrape shows a group that was just made, and the service itself', async (t) => {
  const { path } = scratch(t);
  const hostile = `${path}/a"b\\c<img src=x>`;
  everywhere(hostile);
  const { get } = await service(t);
  const { status, headers, text } = await get('/metrics');
  assert.equal(status, 200);
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  assert.ok(text.includes(`cgroup_info{cgroup="${path}/a\\"b\\\\c<img src=x>"`));
  assert.match(text, /^cgctl_sample_rows \d+$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
  const packed = await get('/metrics', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(packed.bytes).toString(), /^cgroup_info\{/m);
});

realKernel(
  'groups are listed, and one is described with what the kernel has',
  async (t) => {
    const { path } = scratch(t);
    everywhere(`${path}/web`);
    const { get } = await service(t);
    const list = await get(`/api/v1/cgroups?prefix=${encodeURIComponent(path)}&limit=1`);
    const { total, cgroups } = Object(list.json());
    assert.equal(total, 2);
    assert.deepEqual(
      cgroups.map(({ id }: { id: string }) => id),
      [path],
    );

    const both = await Promise.all([get(url(`${path}/web`)), get(`/api/v1/cgroups${path}/web`)]);
    for (const answer of both) {
      const { id, places, knobs, stats } = Object(answer.json());
      assert.equal(id, `${path}/web`);
      assert.equal(places.memory, join(mountOf('memory'), path, 'web'));
      assert.equal(knobs['memory.max'].value, 'max');
      assert.equal(knobs['memory.max'].flag, '--memory');
      assert.equal(typeof stats.memory_usage_bytes, 'number');
    }
  },
  ['memory'],
);

realKernel('what is wrong is said, with its status', async (t) => {
  const { get, change } = await service(t, WRITING);
  const cases: [string, string, number, string][] = [
    ['GET', '/api/v1/cgroups/no/such/group', 404, 'NOT_FOUND'],
    ['GET', '/api/v1/cgroups/%2e%2e%2fetc', 400, 'ID_INVALID'],
    ['GET', '/api/v1/cgroups/a%00b', 400, 'ID_INVALID'],
    ['GET', '/api/v1/cgroups/a%0ab', 400, 'ID_INVALID'],
    ['GET', '/api/v1/cgroups/%ff', 400, 'USAGE'],
    ['GET', '/api/v1/cgroups?limit=many', 400, 'USAGE'],
    ['GET', '/api/v1/cgroups?nonsense=1', 400, 'USAGE'],
    ['GET', '/api/v1/nothing', 404, 'NOT_FOUND'],
    ['DELETE', '/api/v1/cgroups', 405, 'USAGE'],
    ['POST', '/metrics', 405, 'USAGE'],
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['GET', '/..%2f..%2fpackage.json', 404, 'NOT_FOUND'],
  ];
  for (const [method, path, status, code] of cases) {
    const answer = await get(path, { method });
    assert.deepEqual([path, answer.status, codeOf(answer)], [path, status, code]);
  }
  const wrong = await change('PATCH', '/api/v1/cgroups/x', { values: { 'cpu-shares': 'many', nonsense: 1 } });
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /cpu-shares/);
  assert.match(wrong.text, /nonsense/);
});

realKernel(
  'a change is planned, made, remembered and shown',
  async (t) => {
    const { path } = scratch(t);
    everywhere(`${path}/web`);
    const file = join(mountOf('memory'), path, 'web/memory.limit_in_bytes');
    const before = readFileSync(file, 'utf8');
    const { get, change, log } = await service(t, WRITING);
    const values = { memory: '64m', 'cpu.shares': 512 };

    const planned = await change('PATCH', url(`${path}/web`), { values, dryRun: true });
    assert.equal(planned.status, 200);
    assert.equal(Object(planned.json()).dryRun, true);
    assert.equal(readFileSync(file, 'utf8'), before);

    const made = await change('POST', `${url(`${path}/web`)}/set`, { values });
    assert.equal(made.status, 200, made.text);
    assert.equal(readFileSync(file, 'utf8').trim(), String(64 * 2 ** 20));
    const { knobs } = Object((await get(url(`${path}/web`))).json());
    assert.equal(knobs['memory.max'].value, 64 * 2 ** 20);
    assert.equal(knobs['memory.max'].asked, 64 * 2 ** 20);
    assert.equal(knobs['cpu.shares'].value, 512);
    assert.ok(log.some((line) => line.includes('"change"') && line.includes(path)));
  },
  ['memory', 'cpu'],
);

realKernel(
  'groups are made, frozen, thawed, killed and removed',
  async (t) => {
    const { path } = scratch(t);
    const { change } = await service(t, WRITING);
    const made = await change('PUT', url(`${path}/web`), { values: { 'pids-limit': 50 } });
    assert.equal(made.status, 200, made.text);
    assert.ok(directoriesOf(`${path}/web`).length > 1);

    const idle = await spawnIdle(t);
    for (const directory of directoriesOf(`${path}/web`))
      writeFileSync(join(directory, 'cgroup.procs'), String(idle.pid), { flag: 'r+' });
    const frozen = await change('POST', `${url(`${path}/web`)}/freeze`);
    assert.equal(frozen.status, 200, frozen.text);
    assert.equal(readFileSync(join(mountOf('freezer'), path, 'web/freezer.state'), 'utf8').trim(), 'FROZEN');
    assert.equal((await change('POST', `${url(`${path}/web`)}/thaw`, {})).status, 200);

    const busy = await change('DELETE', url(`${path}/web`));
    assert.deepEqual([busy.status, codeOf(busy)], [409, 'BUSY']);
    assert.equal((await change('POST', `${url(`${path}/web`)}/kill`, { signal: 'KILL' })).status, 200);
    assert.equal((await idle.exited).signal, 'SIGKILL');
    assert.equal((await change('DELETE', `${url(path)}?recursive=true`)).status, 200);
    await until(() => directoriesOf(path).length === 0);
  },
  ['freezer', 'pids'],
);

realKernel('the declarations are shown, with what can be set', async (t) => {
  const { get } = await service(t);
  const { controllers } = Object((await get('/api/v1/controllers')).json());
  const knobs = controllers.flatMap(({ knobs }: { knobs: object[] }) => knobs);
  const max = knobs.find(({ key }: { key?: string }) => key === 'memory.max');
  assert.equal(max.flag, '--memory');
  assert.equal(max.short, '-m');
  assert.deepEqual(max.type.schema, { anyOf: [{ type: 'integer', minimum: 0 }, { const: 'max' }] });
  assert.ok(
    controllers.every(({ stats }: { stats: { metric: string }[] }) => stats.every(({ metric }) => metric !== '')),
  );
});

realKernel('a Unix socket answers, and is gone afterwards', async (t) => {
  const socketPath = `/tmp/cgctl-test-${process.pid}/s`;
  const { urls, close } = await service(t, {
    listen: [`unix:${socketPath}`],
    'read-token': 'not-needed-on-a-unix-socket',
  });
  assert.deepEqual(urls, [`unix:${socketPath}`]);
  const { host, machine } = Object((await ask('', '/api/v1/info', { socketPath })).json());
  assert.equal(typeof host, 'string');
  assert.ok(['v1', 'hybrid', 'v2'].includes(machine.mode));
  await close();
  assert.ok(!existsSync(socketPath));
});

realKernel('events are kept, and asked for from one on', async (t) => {
  const { path, cleanup } = scratch(t);
  const { get } = await service(t);
  const asked = async (query: string) => Object((await get(`/api/v1/events?${query}`)).json());
  everywhere(path);
  const mine = async () => {
    const { events } = await asked('type=created,removed&limit=10000');
    return events.filter(({ cgroup }: { cgroup: string }) => cgroup === path);
  };
  await until(async () => (await mine()).length === 1);
  const [made] = await mine();
  assert.equal(made.kind, 'created');
  cleanup();
  await until(async () => (await mine()).length === 2);
  const later = await asked(`since=${made.seq}&limit=10000`);
  assert.ok(later.events.every(({ seq }: { seq: number }) => seq > made.seq));
  assert.ok(later.seq >= later.events.at(-1).seq);
  assert.equal(later.more, false);
  const first = await asked(`since=${made.seq - 1}&limit=1`);
  assert.deepEqual([first.events.length, first.seq, first.more], [1, made.seq, true]);
  assert.equal((await get('/api/v1/events?since=never')).status, 400);
});

realKernel(
  'what the view’s columns were is told; nobody has to have watched',
  async (t) => {
    const { path } = scratch(t);
    everywhere(path);
    const { get } = await service(t, { 'history-tick': '0.05' });
    const query = `/api/v1/history?cgroup=${encodeURIComponent(path)}&cgroup=/&metric=memory_usage_bytes&metric=pids`;
    const seriesOf = async () => Object((await get(query)).json()).series;
    await until(async () =>
      (await seriesOf()).some((one: { id: string; points: unknown[] }) => one.id === path && one.points.length > 0),
    );
    const [first] = await seriesOf();
    assert.deepEqual(Object.keys(first).sort(), ['generation', 'id', 'metric', 'points']);
    const [from, to, min, mean, max] = first.points[0];
    assert.ok(from <= to && Math.abs(Date.now() - from) < 60_000 && min <= mean && mean <= max);
    assert.equal((await get('/api/v1/history')).status, 400);
    assert.equal((await get(`${query}&from=yesterday`)).status, 400);
  },
  ['memory'],
);

realKernel(
  'a limit that somebody writes is in the next look, however slowly limits are looked at',
  async (t) => {
    const { path } = scratch(t);
    everywhere(path);
    const { get } = await service(t, { freshness: '0', 'history-tick': '0' });
    const limit = async () => Object((await get(url(path))).json()).stats.memory_limit_bytes;
    assert.equal(await limit(), 'max');
    writeFileSync(join(mountOf('memory'), path, 'memory.limit_in_bytes'), String(64 << 20));
    const before = performance.now();
    await until(async () => (await limit()) === 64 << 20);
    t.diagnostic(`seen after ${Math.round(performance.now() - before)} ms`);
  },
  ['memory'],
);
