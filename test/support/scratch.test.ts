import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoriesOf, mountOf, realKernel, scratch, spawnBusy, spawnFor, spawnIdle, until } from './host.ts';
import { sweep } from './scratch.ts';

realKernel(
  'a scratch cgroup goes with its frozen and busy processes and its children',
  async (t) => {
    const { path, cleanup } = scratch(t);
    assert.deepEqual(directoriesOf(path), []);
    const places = [mountOf('freezer'), mountOf('memory'), mountOf('cgroup2')].map((point) => join(point, path));
    for (const place of places) mkdirSync(join(place, 'child/grandchild'), { recursive: true });
    assert.equal(directoriesOf(path).length, 3);

    const frozen = await spawnIdle(t);
    const busy = await spawnBusy(t);
    const [freezer = '', ...rest] = places;
    writeFileSync(join(freezer, 'child/cgroup.procs'), String(frozen.pid));
    writeFileSync(join(freezer, 'freezer.state'), 'FROZEN');
    for (const place of rest) writeFileSync(join(place, 'child/grandchild/cgroup.procs'), String(busy.pid));

    cleanup();
    assert.deepEqual(directoriesOf(path), []);
    assert.equal((await frozen.exited).signal, 'SIGKILL');
    assert.equal((await busy.exited).signal, 'SIGKILL');
  },
  ['freezer', 'memory', 'cgroup2'],
);

realKernel(
  'the test’s own process is moved out of a scratch cgroup, not killed',
  (t) => {
    const { path, cleanup } = scratch(t);
    const place = join(mountOf('cgroup2'), path);
    mkdirSync(place);
    writeFileSync(join(place, 'cgroup.procs'), String(process.pid));
    cleanup();
    assert.deepEqual(directoriesOf(path), []);
  },
  ['cgroup2'],
);

realKernel('until waits for what holds later', async () => {
  let turns = 0;
  await until(() => {
    turns += 1;
    return turns === 3;
  });
  assert.equal(turns, 3);
});

realKernel(
  'what a killed test left is swept',
  async (t) => {
    const gone = await spawnFor(t, 'true');
    await gone.exited;
    const path = `/cgctl-test-${gone.pid}-1`;
    mkdirSync(join(mountOf('cgroup2'), path, 'child'), { recursive: true });
    assert.ok(sweep().includes(path));
    assert.deepEqual(directoriesOf(path), []);
  },
  ['cgroup2'],
);
