import assert from 'node:assert/strict';
import { readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { freeze, isFrozen, thaw } from '../../../src/control/freeze.ts';
import { defaultRegistry as registry } from '../../../src/controllers/index.ts';
import { CgError } from '../../../src/errors.ts';
import { childId, parentId } from '../../../src/hierarchy/id.ts';
import { mountOf, realKernel, until } from '../../support/host.ts';
import { bench } from '../support.ts';
import { EAT_MEMORY, moves, spawnCounter, spawnIn } from './support.ts';

realKernel('a frozen process makes no progress until it is thawed', async (t) => {
  const { host, id } = await bench(t);
  const counter = await spawnCounter(t, host, id);
  const frozen = await freeze(host, registry, id);
  assert.equal(frozen.state, 'frozen');
  assert.equal(frozen.changed, true);
  assert.equal(frozen.files.length, 1);
  assert.deepEqual(frozen.untouched, []);
  assert.equal(await moves(counter), false);

  assert.equal((await freeze(host, registry, id)).changed, false);
  assert.equal(await moves(counter), false);

  assert.equal((await thaw(host, registry, id)).changed, true);
  assert.equal(await moves(counter), true);
  assert.equal((await thaw(host, registry, id)).changed, false);
});

realKernel('freezing reaches the groups below', async (t) => {
  const { host, id, create } = await bench(t);
  await create(childId(id, 'worker'));
  const counter = await spawnCounter(t, host, childId(id, 'worker'));
  await freeze(host, registry, id);
  assert.equal(await moves(counter), false);
  await thaw(host, registry, id);
  assert.equal(await moves(counter), true);
});

realKernel('what an ancestor froze is said, and cannot be thawed below it', async (t) => {
  const { host, id } = await bench(t);
  const above = parentId(id);
  assert.ok(above);
  await freeze(host, registry, above);
  assert.equal(isFrozen(host, registry, id), true);
  assert.equal((await freeze(host, registry, id)).frozenAbove, above);
  await assert.rejects(thaw(host, registry, id), (error) => {
    assert.ok(error instanceof CgError);
    assert.equal(error.code, 'FROZEN');
    assert.equal(error.details.frozenBy, above);
    return true;
  });
  await thaw(host, registry, above);
  assert.equal(isFrozen(host, registry, id), false);
});

const inEitherFreezer = (gone: 'freezer' | undefined, wanted: readonly string[]): void => {
  realKernel(
    `a process that cannot freeze is named, and the group thawed again (${gone ? 'unified' : 'v1'} freezer)`,
    async (t) => {
      const { host, id, set } = await bench(t);
      if (gone) rmdirSync(join(mountOf(gone), id));
      await set({ memory: '48m', 'memory-swap': '48m', 'oom-kill-disable': 'true' });
      const eater = await spawnIn(t, host, id, ...EAT_MEMORY);
      const oom = join(mountOf('memory'), id, 'memory.oom_control');
      await until(() => readFileSync(oom, 'utf8').includes('under_oom 1'));
      await assert.rejects(freeze(host, registry, id, { timeoutMs: 300 }), (error) => {
        assert.ok(error instanceof CgError);
        assert.equal(error.code, 'FREEZE');
        assert.deepEqual(error.details.processes, [{ pid: eater.pid, comm: 'tail', state: 'D' }]);
        assert.match(error.message, new RegExp(`${eater.pid} \\(tail, D\\)`));
        return true;
      });
      assert.equal(isFrozen(host, registry, id), false);
      // nor does it stay half frozen when the user gives up
      await assert.rejects(freeze(host, registry, id, { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
      const state = gone
        ? join(mountOf('cgroup2'), id, 'cgroup.freeze')
        : join(mountOf('freezer'), id, 'freezer.state');
      assert.equal(readFileSync(state, 'utf8').trim(), gone ? '0' : 'THAWED');
    },
    wanted,
  );
};
inEitherFreezer(undefined, ['freezer', 'memory']);
inEitherFreezer('freezer', ['freezer', 'memory', 'cgroup2']);

realKernel(
  'processes that are in different hierarchies are frozen by both freezers',
  async (t) => {
    const { host, id } = await bench(t);
    const { hierarchies } = host.layout;
    const one = await spawnCounter(t, host, id);
    const two = await spawnCounter(t, host, id);
    for (const h of hierarchies) {
      const away = h.dialect === 'v2' ? one.pid : two.pid;
      host.writer?.write(h, parentId(id) ?? id, 'cgroup.procs', String(away));
    }
    assert.equal((await freeze(host, registry, id)).files.length, 2);
    assert.equal(await moves(one), false);
    assert.equal(await moves(two), false);
    await thaw(host, registry, id);
    assert.equal(await moves(one), true);
    assert.equal(await moves(two), true);
  },
  ['freezer', 'cgroup2'],
);

realKernel(
  'a group without a freezer is refused with the reason',
  async (t) => {
    const { host, id } = await bench(t);
    for (const point of ['freezer', 'cgroup2']) rmdirSync(join(mountOf(point), id));
    await assert.rejects(freeze(host, registry, id), { code: 'ABSENT' });
    await assert.rejects(freeze(host, registry, childId(id, 'nobody')), { code: 'NOT_FOUND' });
  },
  ['freezer', 'cgroup2'],
);
