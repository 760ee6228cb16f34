import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freeze, isFrozen, thaw } from '../../src/control/freeze.ts';
import { kill } from '../../src/control/kill.ts';
import { remove } from '../../src/control/remove.ts';
import { run } from '../../src/control/run.ts';
import { defaultRegistry as registry } from '../../src/controllers/index.ts';
import { directoriesOf, realKernel, temporary } from '../support/host.ts';
import { eventually, pause, type TestGroup, testGroup } from './group.ts';

/** Writes a byte at a time to a file for as long as it runs. @returns how many so far */
async function counter(t: TestContext, group: TestGroup): Promise<() => number> {
  const file = join(temporary(t), 'count');
  await group.sh(`while :; do echo >> ${file}; done`);
  const count = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  await eventually(
    async () => count(),
    (seen) => seen > 0,
  );
  return count;
}

const grows = (count: () => number, from = count()): Promise<number> =>
  eventually(
    async () => count(),
    (seen) => seen > from,
  );

realKernel('a frozen process makes no progress, and goes on when thawed', async (t) => {
  const group = await testGroup(t);
  const count = await counter(t, group);
  assert.equal((await freeze(group.host, registry, group.id)).state, 'frozen');
  assert.equal(isFrozen(group.host, registry, group.id), true);
  assert.equal(await group.figure('frozen'), 1);
  const frozen = count();
  await pause(500);
  assert.equal(count(), frozen);
  await thaw(group.host, registry, group.id);
  await grows(count, frozen);
  assert.equal(await group.figure('frozen'), 0);
});

realKernel('freezing a group freezes those below it', async (t) => {
  const group = await testGroup(t);
  const count = await counter(t, await group.child('below'));
  await freeze(group.host, registry, group.id);
  const frozen = count();
  await pause(300);
  assert.equal(count(), frozen);
  await thaw(group.host, registry, group.id);
  await grows(count, frozen);
});

realKernel('kill ends every process, those that are forked meanwhile too', async (t) => {
  const group = await testGroup(t);
  const { exited } = await group.sh('while :; do sleep 0.01 & done');
  const idle = await group.spawn('sleep', '100');
  await pause(100);
  const killed = await kill(group.host, registry, group.id);
  assert.ok(killed.pids.length >= 1);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.equal((await idle.exited).signal, 'SIGKILL');
  assert.deepEqual(group.members().flat(), []);
});

realKernel('what is frozen can be killed, and the group is thawed then', async (t) => {
  const group = await testGroup(t);
  const { exited } = await group.spawn('sleep', '100');
  await freeze(group.host, registry, group.id);
  await kill(group.host, registry, group.id);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.equal(isFrozen(group.host, registry, group.id), false);
});

realKernel('a kill leaves a frozen group thawed, also where nobody was in it', async (t) => {
  const group = await testGroup(t);
  await freeze(group.host, registry, group.id);
  assert.deepEqual((await kill(group.host, registry, group.id)).pids, []);
  assert.equal(isFrozen(group.host, registry, group.id), false);
});

realKernel('rm takes a group away in every hierarchy: empty, or with what is in it and below', async (t) => {
  const group = await testGroup(t);
  const child = await group.child('child');
  const { exited } = await child.spawn('sleep', '100');
  await assert.rejects(remove(group.host, registry, group.id), { code: 'BUSY' });
  assert.notDeepEqual(directoriesOf(child.id), []);
  await remove(group.host, registry, group.id, { recursive: true, force: true });
  assert.deepEqual(directoriesOf(group.id), []);
  assert.equal((await exited).signal, 'SIGKILL');
  await assert.rejects(remove(group.host, registry, group.id), { code: 'NOT_FOUND' });
});

realKernel('a command runs inside from its first instruction, in a group of 16 MiB', async (t) => {
  const group = await testGroup(t, { memory: '16m', 'memory-swap': '16m' });
  const file = join(temporary(t), 'cgroup');
  const script = 'cat /proc/self/cgroup > "$1"; exit 7';
  const ran = await run(group.host, registry, group.id, ['sh', '-c', script, 'sh', file], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  assert.equal(ran.status, 7);
  const places = group.host.reader.places(group.id).length;
  const inside = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(`:${group.id}`));
  assert.equal(inside.length, places);
  assert.equal(await group.figure('memory_oom_kills_total'), 0);

  const last = await run(group.host, registry, group.id, ['true'], { rm: true, stdio: ['ignore', 'ignore', 'ignore'] });
  assert.equal(last.status, 0);
  assert.equal(last.kept, undefined);
  assert.ok(directoriesOf(group.id).every((path) => !existsSync(path)));
});
