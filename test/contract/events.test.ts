import assert from 'node:assert/strict';
import { rmdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { errnoOf } from '../../src/errors.ts';
import { EventEngine, type EventStatus } from '../../src/monitor/events.ts';
import { parseThreshold } from '../../src/monitor/thresholds.ts';
import { UNATTRIBUTED } from '../../src/monitor/whereabouts.ts';
import { native, nativeProblem } from '../../src/native.ts';
import type { CgroupEvent } from '../../src/protocol/event.ts';
import { directoriesOf, realKernel, until } from '../support/host.ts';
import { absent, type TestGroup, testGroup } from './group.ts';
import { covers } from './support.ts';

const LIMITED = { memory: '24m', 'memory-swap': '24m' };
/** So long that a test which waits for a poll never ends. */
const NEVER = 1 << 30;

interface Listening {
  readonly engine: EventEngine;
  readonly status: EventStatus;
  readonly told: CgroupEvent[];
  readonly of: (kind: string) => readonly CgroupEvent[];
}

/** An engine that hears of a group and those below it. Nothing is left in the kernel's caches when it has begun. */
async function listen(
  t: TestContext,
  group: TestGroup,
  thresholds: readonly string[] = [],
  pollMs = NEVER,
): Promise<Listening> {
  const engine = new EventEngine(group.host, defaultRegistry, {
    pollMs,
    thresholds: thresholds.map((text) => parseThreshold(defaultRegistry, text)),
  });
  t.after(() => engine.close());
  const told: CgroupEvent[] = [];
  engine.subscribe((event) => {
    if (event.cgroup === group.id || event.cgroup.startsWith(`${group.id}/`)) told.push(event);
  });
  await engine.start();
  writeFileSync('/proc/sys/vm/drop_caches', '2');
  return { engine, status: engine.status(), told, of: (kind) => told.filter((event) => event.kind === kind) };
}

/** A process within that takes memory until the kernel kills it. */
async function exhaust(group: TestGroup): Promise<void> {
  const { exited } = await group.spawn('tail', '/dev/zero');
  assert.equal((await exited).signal, 'SIGKILL');
}

realKernel('the addon is there', () => assert.ok(native(), nativeProblem()));

realKernel(
  'an OOM kill is told once, with whose limit it was, who was killed and what was in use, the caches dropped before',
  async (t) => {
    const group = await testGroup(t, LIMITED);
    const lacking = group.lacks('memory.max');
    if (lacking !== undefined) return absent(t, lacking);
    const child = await group.child('child', { memory: 'max' });
    const sibling = await group.child('sibling', { memory: 'max' });
    const { engine, of, status } = await listen(t, group);
    await exhaust(child);
    await until(() => of('oom_kill').length > 0);
    await engine.poll();
    const [event] = of('oom_kill');
    assert.equal(of('oom_kill').length, 1);
    assert.deepEqual([event?.cgroup, event?.count, event?.ancestor], [child.id, 1, group.id]);
    assert.equal(event?.details?.memory_limit_bytes, 24 << 20);
    assert.ok(Number(event?.details?.memory_usage_bytes) > 0);
    assert.ok(status.kernelLog);
    assert.equal(event?.details?.victim, 'tail');
    assert.equal(engine.totals().find(({ kind, cgroup }) => kind === 'oom_kill' && cgroup === sibling.id)?.count, 0);
    covers(t, 'effect', 'event oom_kill');
  },
);

realKernel('an OOM in a group that is made later, and has a process at once, is told', async (t) => {
  const group = await testGroup(t);
  const { of } = await listen(t, group);
  const child = await group.child('child', LIMITED);
  if (child.lacks('memory.max') !== undefined) return absent(t, child.lacks('memory.max') ?? '');
  await exhaust(child);
  await until(() => of('oom_kill').length > 0);
  assert.deepEqual(
    of('created').map(({ cgroup }) => cgroup),
    [child.id],
  );
  assert.equal(of('oom_kill')[0]?.cgroup, child.id);
});

realKernel('kills in groups that are removed at once are all counted', async (t) => {
  const group = await testGroup(t, { memory: 'max' });
  if (group.lacks('memory.max') !== undefined) return absent(t, group.lacks('memory.max') ?? '');
  const { engine, of } = await listen(t, group, [], 100);
  let lost = 0;
  engine.subscribe(({ cgroup, kind, count = 0 }) => {
    if (cgroup === UNATTRIBUTED && kind === 'oom_kill') lost += count;
  });
  const children = [await group.child('a', LIMITED), await group.child('b', LIMITED), await group.child('c', LIMITED)];
  for (const child of children) {
    const files = directoriesOf(child.id);
    const { exited } = await child.spawn('tail', '/dev/zero');
    await exited;
    // In one breath: no turn of the engine's lies between.
    for (const place of files) removeNow(place);
  }
  const counted = () => of('oom_kill').reduce((sum, { count = 0 }) => sum + count, 0);
  await until(() => counted() + lost >= children.length);
  assert.ok(counted() <= children.length);
  t.diagnostic(`${counted()} of ${children.length} were given to their group`);
});

realKernel('a fork that the limit refuses is told', async (t) => {
  const group = await testGroup(t, { 'pids-limit': '3' });
  const { of } = await listen(t, group, [], 1000);
  const { exited } = await group.sh('sleep 100 & sleep 100 & sleep 100 & sleep 100 & wait');
  await exited;
  if (Number.isNaN(await group.figure('pids_limit_hits_total'))) return absent(t, 'nothing counts refused forks');
  await until(() => of('pids_max').length > 0);
  assert.equal(of('pids_max')[0]?.cgroup, group.id);
  covers(t, 'effect', 'event pids_max');
});

realKernel('a group that gets its first process, is frozen, thawed and left is told of', async (t) => {
  const group = await testGroup(t);
  const { of, told } = await listen(t, group);
  const { unified } = group.host.layout;
  if (unified === undefined) return absent(t, 'only cgroup2 tells of it');
  const states = () =>
    told.flatMap(({ kind, details }) => (details?.[kind] === undefined ? [] : `${kind} ${details[kind]}`));
  const { child, exited } = await group.spawn('sleep', '1000');
  await until(() => states().includes('populated 1'));
  writeFileSync(group.host.reader.path(unified, group.id, 'cgroup.freeze'), '1');
  await until(() => states().includes('frozen 1'));
  writeFileSync(group.host.reader.path(unified, group.id, 'cgroup.freeze'), '0');
  await until(() => states().includes('frozen 0'));
  child.kill('SIGKILL');
  await exited;
  await until(() => states().includes('populated 0'));
  assert.deepEqual(states(), ['populated 1', 'frozen 1', 'frozen 0', 'populated 0']);
  assert.ok(of('limit_changed').length <= 2);
});

realKernel('a limit that is written is told with what it was, and by whom', async (t) => {
  const group = await testGroup(t, { 'pids-limit': '100' });
  const { of, status } = await listen(t, group);
  assert.notEqual(status.writes, 'polling');
  await group.set({ 'pids-limit': '50' });
  await until(() => of('limit_changed').length > 0);
  const [event] = of('limit_changed');
  assert.deepEqual([event?.cgroup, event?.details?.knob], [group.id, 'pids.max']);
  assert.deepEqual([event?.details?.before, event?.details?.after], ['100', '50']);
  if (status.writes === 'fanotify') assert.deepEqual([event?.details?.pid, event?.details?.own], [process.pid, true]);
  covers(t, 'effect', 'event limit_changed');
});

realKernel('groups are told of when they are made and removed', async (t) => {
  const group = await testGroup(t);
  const { told, of, status } = await listen(t, group);
  assert.notEqual(status.tree, 'polling');
  const child = await group.child('child');
  await until(() => of('created').length > 0);
  for (const place of directoriesOf(child.id)) removeNow(place);
  await until(() => of('removed').length > 0);
  const passing = told.filter(({ kind }) => kind === 'created' || kind === 'removed');
  assert.deepEqual(
    passing.map(({ kind, cgroup }) => `${kind} ${cgroup}`),
    [`created ${child.id}`, `removed ${child.id}`],
  );
  assert.equal(passing[0]?.generation, passing[1]?.generation);
});

realKernel('a threshold of memory is told when it is reached, and when it no longer is', async (t) => {
  const group = await testGroup(t, { memory: '200m' });
  if (group.lacks('memory.max') !== undefined) return absent(t, group.lacks('memory.max') ?? '');
  const { of } = await listen(t, group, [`${group.id}: memory.usage >= 25%`], 200);
  const { child, exited } = await group.spawn(
    process.execPath,
    '-e',
    'const held = Buffer.alloc(96 << 20, 1); setTimeout(() => held, 1e8)',
  );
  await until(() => of('threshold').length === 1);
  child.kill('SIGKILL');
  await exited;
  await until(() => of('threshold').length === 2);
  assert.deepEqual(
    of('threshold').map(({ details }) => details?.above),
    [true, false],
  );
});

realKernel('pressure is told by a trigger', async (t) => {
  const group = await testGroup(t);
  if (Number.isNaN(await group.figure('pressure_cpu_waiting_seconds_total')))
    return absent(t, 'no pressure is accounted');
  const { of, status } = await listen(t, group, [`${group.id}: pressure.cpu >= 1%`]);
  assert.equal(status.triggers, 1);
  for (let i = 0; i < 6; i++) await group.sh('while :; do :; done');
  await until(() => of('threshold').length > 0);
  assert.equal(of('threshold')[0]?.details?.above, true);
});

/** rmdir(2) until the last process has left. */
function removeNow(directory: string): void {
  for (;;) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY') throw error;
    }
  }
}
