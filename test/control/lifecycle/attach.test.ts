import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attach, planAttach } from '../../../src/control/attach.ts';
import { isKernelThread, processOf } from '../../../src/control/process.ts';
import { defaultRegistry as registry } from '../../../src/controllers/index.ts';
import { CgError } from '../../../src/errors.ts';
import { openHost } from '../../../src/hierarchy/host.ts';
import { childId, parseCgroupId } from '../../../src/hierarchy/id.ts';
import type { Host } from '../../../src/hierarchy/types.ts';
import { directoriesOf, mountOf, realKernel, scratch, spawnFor, spawnIdle } from '../../support/host.ts';
import { bench } from '../support.ts';
import { makeBare, membersByPlace, spawnIn } from './support.ts';

const cgroupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, 'utf8');

realKernel('processes are moved in every hierarchy; those that are gone are told', async (t) => {
  const { host, id } = await bench(t);
  const [one, two, gone] = [await spawnIdle(t), await spawnIdle(t), await spawnFor(t, 'true')];
  await gone.exited;
  const attached = await attach(host, registry, id, [one.pid, gone.pid, two.pid]);
  assert.deepEqual(attached, { id, pids: [one.pid, two.pid], threads: [], gone: [gone.pid], skipped: [] });
  const members = membersByPlace(id);
  assert.equal(members.size, host.layout.hierarchies.length);
  for (const pids of members.values()) assert.deepEqual(pids, [one.pid, two.pid]);
  await assert.rejects(attach(host, registry, id, [gone.pid]), { code: 'NOT_FOUND' });
  await assert.rejects(attach(host, registry, childId(id, 'nobody'), [one.pid]), { code: 'NOT_FOUND' });
});

realKernel(
  'a refusal in one hierarchy moves everything back, and says what to set',
  async (t) => {
    const made = await bench(t);
    const { host, id } = made;
    const bad = makeBare(made, 'bad');
    const one = await spawnIdle(t);
    const two = await spawnIn(t, host, id, 'sleep', '1000');
    const before = [cgroupOf(one.pid), cgroupOf(two.pid)];
    await assert.rejects(attach(host, registry, bad, [one.pid, two.pid]), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.code, 'KERNEL');
      assert.equal(error.details.errno, 'ENOSPC');
      assert.match(error.message, /cgroup\.procs: .*ENOSPC.*--cpuset-cpus.*--cpuset-mems.*moved back/);
      return true;
    });
    assert.deepEqual([cgroupOf(one.pid), cgroupOf(two.pid)], before);
  },
  ['cpuset'],
);

realKernel('a refusal for the second process moves the first one back', async (t) => {
  const { host, id } = await bench(t);
  const one = await spawnIdle(t);
  const two = await spawnIdle(t);
  const before = cgroupOf(one.pid);
  const { writer } = host;
  assert.ok(writer);
  const refusing: Host = {
    ...host,
    pageSize: host.pageSize,
    writer: {
      write: (h, group, file, text) =>
        text === String(two.pid)
          ? { errno: 'EBUSY', path: host.reader.path(h, group, file) }
          : writer.write(h, group, file, text),
      mkdir: (h, group) => writer.mkdir(h, group),
      rmdir: (h, group) => writer.rmdir(h, group),
      remember: (h, group, asked) => writer.remember(h, group, asked),
    },
  };
  await assert.rejects(attach(refusing, registry, id, [one.pid, two.pid]), { code: 'KERNEL' });
  assert.equal(cgroupOf(one.pid), before);
});

realKernel(
  'a single thread is moved in the v1 hierarchies, and v2 is left out',
  async (t) => {
    const { host, id } = await bench(t);
    const { pid } = await spawnFor(t, process.execPath, '-e', 'setInterval(() => {}, 1e6)');
    const threads = () => readdirSync(`/proc/${pid}/task`).map(Number);
    while (threads().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const thread = threads().find((tid) => tid !== pid) ?? assert.fail();
    const attached = await attach(host, registry, id, [], [thread]);
    assert.deepEqual(attached.threads, [thread]);
    assert.deepEqual(attached.skipped, ['unified']);
    for (const h of host.layout.hierarchies.filter(({ dialect }) => dialect === 'v1')) {
      assert.equal(host.reader.read(h, id, 'tasks'), `${thread}\n`);
    }
    assert.ok(!cgroupOf(pid).includes(id));
  },
  ['cpu', 'cgroup2'],
);

realKernel(
  'a v2 group that is not threaded says why it takes no thread',
  async (t) => {
    const host = openHost();
    const id = childId(parseCgroupId(scratch(t).path), 'web');
    mkdirSync(join(mountOf('cgroup2'), id), { recursive: true });
    const { pid } = await spawnFor(t, process.execPath, '-e', 'setInterval(() => {}, 1e6)');
    await assert.rejects(attach(host, registry, id, [], [pid]), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.details.errno, 'EOPNOTSUPP');
      assert.match(error.message, /threaded/);
      return true;
    });
    writeFileSync(join(mountOf('cgroup2'), id, 'cgroup.type'), 'threaded', { flag: 'r+' });
    await assert.rejects(attach(host, registry, id, [], [pid]), { code: 'KERNEL' });
  },
  ['cgroup2'],
);

realKernel('kernel threads are refused before anything moves', async (t) => {
  const { host, id } = await bench(t);
  const { pid } = await spawnIdle(t);
  const kernel = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? [])
    .find(isKernelThread);
  if (kernel === undefined) return t.skip('no kernel thread is visible here');
  await assert.rejects(attach(host, registry, id, [pid, kernel.pid]), { code: 'UNSUPPORTED' });
  assert.ok(!cgroupOf(pid).includes(id));
});

realKernel('a plan names every write and where the process is now', async (t) => {
  const { host, id } = await bench(t);
  const { pid } = await spawnIn(t, host, id, 'sleep', '1000');
  const steps = planAttach(host, id, [pid]).steps;
  assert.deepEqual(
    steps.map(({ path, text }) => [path, text]),
    directoriesOf(id).map((directory) => [join(directory, 'cgroup.procs'), String(pid)]),
  );
  assert.ok(steps.every(({ why }) => why.includes(id)));
});
