/** What the page's pane of one group asks for. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cgroupMounts,
  directoriesOf,
  mountOf,
  realKernel,
  scratch,
  spawnFor,
  spawnIdle,
  until,
} from '../support/host.ts';
import { codeOf, service, WRITING } from './service.ts';

const everywhere = (path: string): void => {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
};
const HOSTILE = 'a)\n<b> "x';

realKernel(
  'the processes of a group: names, threads and memory, no command lines, and not more than wanted',
  async (t) => {
    const { path } = scratch(t);
    const { get, change } = await service(t, WRITING);
    assert.equal((await change('PUT', `/api/v1/cgroups${path}`, {})).status, 200);
    const secret = 'a-secret-on-a-command-line';
    const hostile = await spawnFor(
      t,
      process.execPath,
      '-e',
      `process.title=${JSON.stringify(HOSTILE)};setInterval(()=>{},1e6)`,
      secret,
    );
    const idle = await spawnIdle(t);
    const memory = mountOf('memory');
    writeFileSync(join(memory, path, 'cgroup.procs'), String(hostile.pid));
    for (const directory of directoriesOf(path)) writeFileSync(join(directory, 'cgroup.procs'), String(idle.pid));

    const query = `/api/v1/processes?cgroup=${encodeURIComponent(path)}`;
    const processes = async () => Object((await get(query)).json()).processes;
    await until(async () => (await processes()).some(({ command }: { command: string }) => command === HOSTILE));
    const answer = await get(query);
    assert.ok(!answer.text.includes(secret));
    const { total, cgroup } = Object(answer.json());
    assert.deepEqual([cgroup, total], [path, 2]);
    const found = (await processes()).find(({ pid }: { pid: number }) => pid === hostile.pid);
    assert.deepEqual(found.only, ['memory']);
    assert.ok(found.rssBytes > 0 && found.threads > 0);
    assert.match(found.state, /^[RSD]$/);
    const other = (await processes()).find(({ pid }: { pid: number }) => pid === idle.pid);
    assert.deepEqual([other.command, other.only], ['sleep', undefined]);

    const first = Object((await get(`${query}&limit=1`)).json());
    assert.deepEqual([first.total, first.processes.length], [2, 1]);
    const wrong: [string, number, string][] = [
      ['/api/v1/processes', 400, 'USAGE'],
      ['/api/v1/processes?cgroup=/no/such', 404, 'NOT_FOUND'],
      ['/api/v1/processes?cgroup=/../etc', 400, 'ID_INVALID'],
      [`${query}&limit=0`, 400, 'USAGE'],
    ];
    for (const [address, status, code] of wrong) {
      const refused = await get(address);
      assert.deepEqual([address, refused.status, codeOf(refused)], [address, status, code]);
    }
  },
  ['memory'],
);

realKernel(
  'the charts of a group are described, their past is kept, and what the group lacks has a reason',
  async (t) => {
    const { path } = scratch(t);
    mkdirSync(join(mountOf('memory'), path));
    const { get } = await service(t, { 'history-tick': '0.05' });
    const { charts } = Object((await get('/api/v1/controllers')).json());
    const parts: { metric?: string; knob?: string; as: string }[] = charts.flatMap(
      ({ parts }: { parts: object[] }) => parts,
    );
    const metrics = parts.flatMap(({ metric }) => metric ?? []);
    assert.ok(charts.length >= 5 && metrics.length > 10);
    assert.ok(parts.every(({ metric, knob }) => (metric === undefined) !== (knob === undefined)));

    const wanted = metrics.map((metric) => `metric=${metric}`).join('&');
    const series = async (): Promise<{ metric: string; points: number[][] }[]> =>
      Object((await get(`/api/v1/history?cgroup=${encodeURIComponent(path)}&${wanted}`)).json()).series;
    await until(async () => (await series()).some(({ metric }) => metric === 'memory_anon_bytes'));
    assert.ok((await series()).every(({ metric }) => metrics.includes(metric)));

    const { lacking } = Object((await get(`/api/v1/cgroups${path}`)).json());
    assert.match(lacking.cpu_user_seconds_total, /not in the hierarchy/);
    assert.equal(lacking.memory_anon_bytes, undefined);
  },
  ['memory', 'cpuacct'],
);

realKernel('events of one group are asked for by its path', async (t) => {
  const { path } = scratch(t);
  const { get } = await service(t);
  everywhere(`${path}/a`);
  const kinds = async (cgroup: string) =>
    Object((await get(`/api/v1/events?cgroup=${encodeURIComponent(cgroup)}`)).json()).events.map(
      ({ kind, cgroup }: { kind: string; cgroup: string }) => `${kind} ${cgroup}`,
    );
  await until(async () => (await kinds(`${path}/a`)).length > 0);
  assert.deepEqual(await kinds(`${path}/a`), [`created ${path}/a`]);
  assert.deepEqual(await kinds('/no/such'), []);
});
