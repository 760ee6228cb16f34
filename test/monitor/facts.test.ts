import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import type { Host } from '../../src/hierarchy/types.ts';
import { Births } from '../../src/monitor/births.ts';
import { machineFacts } from '../../src/monitor/facts.ts';
import { processFigures } from '../../src/monitor/processes.ts';
import { cgroupMounts, realKernel, scratch, spawnFor } from '../support/host.ts';
import { rowsOf, snapshotOf } from './support.ts';

/** Where its processes are counted: a group's first hierarchy. */
function enter({ reader }: Host, path: string, pid: number): void {
  const id = parseCgroupId(path);
  const [first] = reader.places(id);
  assert.ok(first);
  writeFileSync(reader.path(first, id, 'cgroup.procs'), String(pid));
}

/** Waits until a shell has become sleep, which by then has loaded its libraries, too. */
async function asleep(pid: number): Promise<void> {
  while (!/ \(sleep\) S /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

realKernel('the machine is as /proc and /sys say', () => {
  const facts = machineFacts(openHost({ readOnly: true }));
  assert.equal(facts.cpus, availableParallelism());
  assert.ok(facts.physicalCores <= facts.cpus && facts.sockets <= facts.physicalCores);
  assert.match(readFileSync('/proc/meminfo', 'utf8'), new RegExp(`^MemTotal: +${facts.memoryBytes / 1024} kB$`, 'm'));
  assert.ok(facts.nodes.length > 0 && facts.nodes.every(({ distances }) => distances.includes(10)));
  assert.ok(facts.bootTime > 1e9 && facts.bootTime <= Date.now() / 1000);
});

realKernel('descriptors, sockets and limits are those of the group’s own processes', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path));
  const host = openHost({ readOnly: true });
  const script = 'ulimit -Sn 77; exec 5</dev/null 6</dev/null; echo $$ >/dev/null; exec sleep infinity';
  const { pid } = await spawnFor(t, 'sh', '-c', script);
  enter(host, path, pid);
  await asleep(pid);
  const snapshot = snapshotOf(rowsOf(path), {});
  const figures = await processFigures(host, snapshot, [0, 1], { descriptors: true, network: true });
  assert.deepEqual([...figures.descriptors], [Number.NaN, readdirSync(`/proc/${pid}/fd`).length]);
  assert.deepEqual([...figures.sockets], [Number.NaN, 0]);
  assert.deepEqual([...figures.openFiles], [Number.NaN, 77]);
  // It is in this machine's network namespace, which is the root's.
  assert.deepEqual([...figures.network.keys()], [0]);
  assert.ok(figures.network.get(0)?.every(({ name }) => name !== 'lo'));
});

realKernel('a network namespace is counted at the group of its process', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path));
  const host = openHost({ readOnly: true });
  const { pid } = await spawnFor(
    t,
    'unshare',
    '--net',
    'sh',
    '-c',
    'ip link set lo up; ip link add dummy0 type dummy; exec sleep infinity',
  );
  enter(host, path, pid);
  await asleep(pid);
  const { network } = await processFigures(host, snapshotOf(rowsOf(path), {}), [0, 1], {
    descriptors: false,
    network: true,
  });
  assert.deepEqual([...network.keys()], [0, 1]);
});

realKernel('the first look at a directory’s times counts', async (t) => {
  const { path } = scratch(t);
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path));
  const births = new Births(openHost({ readOnly: true }));
  const snapshot = snapshotOf(rowsOf(path, `${path}/none`), {});
  const [, born = Number.NaN, never] = await births.of(snapshot);
  assert.ok(Math.abs(Date.now() / 1000 - born) < 60);
  assert.equal(never, Number.NaN);
  for (const { point } of cgroupMounts()) utimesSync(join(point, path), 1, 1);
  assert.equal((await births.of(snapshot))[1], born);
});
