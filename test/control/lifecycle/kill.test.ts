import assert from 'node:assert/strict';
import { readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { attach } from '../../../src/control/attach.ts';
import { freeze, isFrozen, thaw } from '../../../src/control/freeze.ts';
import { kill, parseSignal } from '../../../src/control/kill.ts';
import { membersOf } from '../../../src/control/members.ts';
import { processOf } from '../../../src/control/process.ts';
import { run } from '../../../src/control/run.ts';
import { defaultRegistry as registry } from '../../../src/controllers/index.ts';
import { parentId, ROOT } from '../../../src/hierarchy/id.ts';
import { projectRoot } from '../../support/files.ts';
import { mountOf, realKernel, spawnFor, temporary, until } from '../../support/host.ts';
import { bench } from '../support.ts';
import { makeBelow, spawnIn } from './support.ts';

/** Forks without end, some at a time. */
const FORKING = 'while :; do sleep 0.01 & sleep 0.01 & sleep 0.01 & wait; done';

const killsForking = (
  how: string,
  without: readonly string[],
  by: readonly string[],
  wanted: readonly string[],
): void => {
  realKernel(
    `a group that forks without end is killed by ${how}`,
    async (t) => {
      const made = await bench(t);
      const { host, id } = made;
      const below = await makeBelow(made, 'below');
      for (const point of without) for (const group of [below, id]) rmdirSync(join(mountOf(point), group));
      const forking = await spawnIn(t, host, id, 'sh', '-c', FORKING);
      const deep = await spawnIn(t, host, below, 'sh', '-c', FORKING);
      const killed = await kill(host, registry, id);
      assert.deepEqual(killed.by, by);
      assert.ok(killed.pids.includes(forking.pid) && killed.pids.includes(deep.pid));
      assert.deepEqual([...membersOf(host.reader, id, true).keys()], []);
      assert.equal((await forking.exited).signal, 'SIGKILL');
      assert.equal((await deep.exited).signal, 'SIGKILL');
      assert.equal(isFrozen(host, registry, id), false);
    },
    wanted,
  );
};
killsForking('the kill file', [], ['kill-file'], ['cgroup2']);
killsForking('freezing and signals', ['cgroup2'], ['signals'], ['freezer', 'cgroup2']);
killsForking('signals alone', ['cgroup2', 'freezer'], ['signals'], ['freezer', 'cgroup2']);

realKernel(
  'processes that are in different hierarchies are all killed',
  async (t) => {
    const { host, id } = await bench(t);
    const one = await spawnIn(t, host, id, 'sleep', '1000');
    const two = await spawnIn(t, host, id, 'sleep', '1000');
    for (const h of host.layout.hierarchies) {
      const away = h.dialect === 'v2' ? one.pid : two.pid;
      host.writer?.write(h, parentId(id) ?? id, 'cgroup.procs', String(away));
    }
    const killed = await kill(host, registry, id);
    assert.deepEqual(killed.pids.toSorted(), [one.pid, two.pid].toSorted());
    assert.deepEqual(killed.by, ['kill-file', 'signals']);
    await Promise.all([one.exited, two.exited]);
  },
  ['freezer', 'cgroup2'],
);

realKernel('a frozen group is killed by thawing it, a frozen group below it too', async (t) => {
  const made = await bench(t);
  const { host, id } = made;
  const below = await makeBelow(made, 'below');
  const one = await spawnIn(t, host, id, 'sleep', '1000');
  const two = await spawnIn(t, host, below, 'sleep', '1000');
  await freeze(host, registry, id);
  await freeze(host, registry, below);
  await kill(host, registry, id);
  assert.equal((await one.exited).signal, 'SIGKILL');
  assert.equal((await two.exited).signal, 'SIGKILL');
  assert.equal(isFrozen(host, registry, below), false);
});

realKernel(
  'below a frozen v1 group nothing dies, and the message says so',
  async (t) => {
    const { host, id } = await bench(t);
    const { pid, exited } = await spawnIn(t, host, id, 'sleep', '1000');
    const above = parentId(id) ?? id;
    await freeze(host, registry, above);
    await assert.rejects(kill(host, registry, id), { code: 'FROZEN', details: { id, frozenBy: above } });
    assert.notEqual(processOf(pid), undefined);
    await thaw(host, registry, above);
    assert.equal((await exited).signal, 'SIGKILL');
  },
  ['freezer'],
);

realKernel('only the group itself is killed when asked so', async (t) => {
  const made = await bench(t);
  const { host, id } = made;
  const below = await makeBelow(made, 'below');
  const one = await spawnIn(t, host, id, 'sleep', '1000');
  const two = await spawnIn(t, host, below, 'sleep', '1000');
  assert.deepEqual((await kill(host, registry, id, { recursive: false })).pids, [one.pid]);
  assert.deepEqual([...membersOf(host.reader, id, true).keys()], [two.pid]);
});

realKernel('another signal reaches every process once, and a frozen one when it is thawed', async (t) => {
  const { host, id } = await bench(t);
  const file = join(temporary(t), 'got');
  const script = 'trap "echo got >> $1" USR1; echo ready >> $1; while :; do sleep 0.01; done';
  const { pid } = await spawnIn(t, host, id, 'sh', '-c', script, 'sh', file);
  const text = () => readFileSync(file, { encoding: 'utf8', flag: 'a+' });
  await until(() => text() === 'ready\n');
  await freeze(host, registry, id);
  const sent = await kill(host, registry, id, { signal: 'USR1' });
  assert.equal(sent.signal, 'SIGUSR1');
  assert.equal(sent.pending, true);
  assert.ok(sent.pids.includes(pid));
  await thaw(host, registry, id);
  await until(() => text() === 'ready\ngot\n');
});

realKernel('a zombie does not count', async (t) => {
  const { host, id } = await bench(t);
  const file = join(temporary(t), 'pid');
  await spawnFor(t, 'sh', '-c', 'sleep 1000 & echo $! > "$1"; exec sleep 1000', 'sh', file);
  const pid = () => Number(readFileSync(file, { encoding: 'utf8', flag: 'a+' }));
  await until(() => pid() > 0);
  await attach(host, registry, id, [pid()]);
  assert.deepEqual((await kill(host, registry, id)).pids, [pid()]);
  assert.equal(processOf(pid())?.state, 'Z');
  assert.deepEqual((await kill(host, registry, id)).pids, []);
});

realKernel(
  'cgctl does not kill itself unless forced, nor the machine',
  async (t) => {
    const { host, id } = await bench(t);
    // only in the hierarchy where it is easily put back
    for (const h of host.layout.hierarchies) if (h.dialect === 'v1') host.writer?.rmdir(h, id);
    await attach(host, registry, id, [process.pid]);
    await assert.rejects(kill(host, registry, id, { signal: 'CONT' }), { code: 'REFUSED' });
    await kill(host, registry, id, { signal: 'CONT', force: true });
    host.writer?.write(host.layout.unified ?? assert.fail(), ROOT, 'cgroup.procs', String(process.pid));
    await assert.rejects(kill(host, registry, ROOT), { code: 'USAGE' });
  },
  ['cgroup2'],
);

realKernel('a cgctl within the group kills the others first, and itself last', async (t) => {
  const { host, id } = await bench(t);
  const { exited } = await spawnIn(t, host, id, 'sleep', '1000');
  const argv = [join(projectRoot, 'bin/cgctl'), 'kill', id, '--force'];
  const inside = await run(host, registry, id, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  assert.equal(inside.status, 137);
  assert.equal((await exited).signal, 'SIGKILL');
});

realKernel('signals are known by name and number', () => {
  for (const text of ['TERM', 'SIGTERM', 'term', '15']) assert.equal(parseSignal(text), 'SIGTERM');
  assert.throws(() => parseSignal('TERMINATE'), { code: 'VALUE' });
  assert.throws(() => parseSignal('0'), { code: 'VALUE' });
});
