import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { attach } from '../../../src/control/attach.ts';
import { freeze } from '../../../src/control/freeze.ts';
import { planRemove, remove } from '../../../src/control/remove.ts';
import { defaultRegistry as registry } from '../../../src/controllers/index.ts';
import { CgError } from '../../../src/errors.ts';
import { childId, ROOT } from '../../../src/hierarchy/id.ts';
import type { Host, Refusal } from '../../../src/hierarchy/types.ts';
import { directoriesOf, mountOf, realKernel, spawnFor, temporary, until } from '../../support/host.ts';
import { bench } from '../support.ts';
import { makeBelow, spawnIn } from './support.ts';

realKernel('an empty group is removed from every hierarchy', async (t) => {
  const { host, id } = await bench(t);
  const paths = directoriesOf(id);
  const removed = await remove(host, registry, id);
  assert.deepEqual(removed.paths.toSorted(), paths.toSorted());
  assert.deepEqual(directoriesOf(id), []);
  await assert.rejects(remove(host, registry, id), { code: 'NOT_FOUND' });
  await assert.rejects(remove(host, registry, ROOT), { code: 'USAGE' });
});

realKernel(
  'children are listed, and removed first when asked for, also those that only one hierarchy has',
  async (t) => {
    const { host, id, create } = await bench(t);
    await create(childId(id, 'a'));
    await create(childId(childId(id, 'a'), 'b'));
    mkdirSync(join(mountOf('pids'), id, 'partial'));
    await assert.rejects(remove(host, registry, id), {
      code: 'BUSY',
      details: { id, children: [`${id}/a`, `${id}/partial`] },
    });
    await remove(host, registry, id, { recursive: true });
    assert.deepEqual(directoriesOf(id), []);
  },
  ['pids'],
);

realKernel('processes are named, and killed only by force, frozen ones too', async (t) => {
  const { host, id, create } = await bench(t);
  await create(childId(id, 'a'));
  const { pid, exited } = await spawnIn(t, host, childId(id, 'a'), 'sleep', '1000');
  await freeze(host, registry, id);
  await assert.rejects(remove(host, registry, id, { recursive: true }), (error) => {
    assert.ok(error instanceof CgError);
    assert.equal(error.code, 'BUSY');
    assert.match(error.message, new RegExp(`${pid} \\(sleep, `));
    return true;
  });
  const removed = await remove(host, registry, id, { recursive: true, force: true });
  assert.deepEqual(removed.killed, [pid]);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.deepEqual(directoriesOf(id), []);
});

realKernel('zombies do not keep a group', async (t) => {
  const { host, id } = await bench(t);
  const file = join(temporary(t), 'pids');
  const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & echo $! >> "$1"; done; echo end >> "$1"; exec sleep 1000';
  await spawnFor(t, 'sh', '-c', script, 'sh', file);
  const text = () => readFileSync(file, { encoding: 'utf8', flag: 'a+' });
  await until(() => text().includes('end'));
  const pids = text()
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  await attach(host, registry, id, pids);
  const removed = await remove(host, registry, id, { force: true });
  assert.deepEqual(removed.killed.toSorted(), pids.toSorted());
  assert.deepEqual(directoriesOf(id), []);
});

realKernel('EBUSY is tried again, and what stays is said with its hierarchy', async (t) => {
  const { host, id } = await bench(t);
  const [first] = host.reader.places(id);
  assert.ok(first && host.writer);
  const busy = (times: number): Host => {
    const { writer } = host;
    let left = times;
    const refused = (): Refusal | undefined =>
      left-- > 0 ? { errno: 'EBUSY', path: host.reader.path(first, id) } : undefined;
    return {
      ...host,
      pageSize: host.pageSize,
      writer: writer && {
        write: (h, group, file, content) => writer.write(h, group, file, content),
        mkdir: (h, group) => writer.mkdir(h, group),
        rmdir: (h, group) => (h === first ? refused() : undefined) ?? writer.rmdir(h, group),
        remember: (h, group, asked) => writer.remember(h, group, asked),
      },
    };
  };
  await assert.rejects(remove(busy(Number.POSITIVE_INFINITY), registry, id, { timeoutMs: 50 }), (error) => {
    assert.ok(error instanceof CgError);
    assert.equal(error.code, 'BUSY');
    assert.deepEqual(error.details.left, [
      { hierarchy: first.key, cgroup: id, path: host.reader.path(first, id), errno: 'EBUSY' },
    ]);
    return true;
  });
  assert.deepEqual(directoriesOf(id), [host.reader.path(first, id)]);
  assert.deepEqual((await remove(busy(3), registry, id)).paths, [host.reader.path(first, id)]);
});

realKernel('what goes meanwhile is success', async (t) => {
  const { host, id } = await bench(t);
  const { writer } = host;
  assert.ok(writer);
  const racing: Host = {
    ...host,
    pageSize: host.pageSize,
    writer: {
      write: (h, group, file, content) => writer.write(h, group, file, content),
      mkdir: (h, group) => writer.mkdir(h, group),
      rmdir(h, group) {
        rmdirSync(host.reader.path(h, group));
        return writer.rmdir(h, group);
      },
      remember: (h, group, asked) => writer.remember(h, group, asked),
    },
  };
  assert.deepEqual((await remove(racing, registry, id)).paths, []);
});

realKernel('a plan names every directory, children first, and touches nothing', async (t) => {
  const made = await bench(t);
  const { host, id } = made;
  await makeBelow(made, 'a');
  const { pid } = await spawnIn(t, host, id, 'sleep', '1000');
  const plan = planRemove(host, id, { recursive: true, force: true });
  const expected = directoriesOf(id).flatMap((path) => [join(path, 'a'), path]);
  assert.deepEqual(
    plan.steps.map(({ path }) => path),
    expected,
  );
  assert.match(plan.notes[0]?.text ?? '', new RegExp(`${pid} \\(sleep`));
  assert.equal(directoriesOf(id).length, expected.length / 2);
});
