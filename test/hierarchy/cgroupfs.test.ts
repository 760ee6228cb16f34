import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parseCgroupId, ROOT } from '../../src/hierarchy/id.ts';
import { parseAsked } from '../../src/hierarchy/memory.ts';
import { pidsOf, threadsOf } from '../../src/hierarchy/procs.ts';
import type { CgroupId, Hierarchy, Host, Writer } from '../../src/hierarchy/types.ts';
import { native, nativeProblem } from '../../src/native.ts';
import { needsCgroups, needsRoot, realKernel, scratch, spawnIdle, testUnless } from '../support/host.ts';

function open(): Host & { writer: Writer } {
  const host = openHost();
  assert.ok(host.writer);
  return { ...host, writer: host.writer, pageSize: host.pageSize };
}

/** A new group in every hierarchy. */
function make(t: TestContext, { layout, writer }: { layout: Host['layout']; writer: Writer }): CgroupId {
  const id = parseCgroupId(scratch(t).path);
  for (const h of layout.hierarchies) assert.equal(writer.mkdir(h, id), undefined);
  return id;
}

/** A hierarchy, where it does not matter which. */
function any({ layout }: { layout: Host['layout'] }): Hierarchy {
  const h = layout.unified ?? layout.hierarchies[0];
  assert.ok(h);
  return h;
}

realKernel('the layout’s devices are what stat says, and groups are told from files', (t) => {
  const host = open();
  for (const h of host.layout.hierarchies) {
    assert.equal(statSync(h.mountPoint, { bigint: true }).dev, h.device);
    assert.equal(host.reader.exists(h, ROOT), true);
    assert.equal(host.reader.generation(h, ROOT), statSync(h.mountPoint, { bigint: true }).ino);
  }
  const id = make(t, host);
  const { reader } = host;
  assert.deepEqual(reader.places(id), host.layout.hierarchies);
  for (const h of reader.places(id)) {
    assert.deepEqual(reader.children(h, id), []);
    assert.ok(reader.children(h, ROOT).includes(id.slice(1)));
    assert.ok(reader.files(h, id).includes('cgroup.procs'));
    assert.equal(reader.hasFile(h, id, 'cgroup.procs'), true);
    assert.equal(reader.hasFile(h, id, 'no.such_file'), false);
    assert.equal(reader.read(h, id, 'cgroup.procs'), '');
    assert.equal(reader.path(h, id, 'cgroup.procs'), `${h.mountPoint}${id}/cgroup.procs`);
  }
});

realKernel('groups are made and removed, and a path made again is another generation', (t) => {
  const host = open();
  const { reader, writer } = host;
  const id = make(t, host);
  const h = any(host);
  const first = reader.generation(h, id);
  assert.equal(typeof first, 'bigint');
  assert.equal(writer.mkdir(h, id)?.errno, 'EEXIST');
  const child = childId(id, 'child');
  assert.equal(writer.mkdir(h, child), undefined);
  assert.deepEqual(reader.children(h, id), ['child']);
  assert.equal(writer.rmdir(h, id)?.errno, 'EBUSY');
  assert.equal(writer.rmdir(h, child), undefined);
  assert.equal(writer.rmdir(h, id), undefined);
  assert.equal(writer.rmdir(h, id)?.errno, 'ENOENT');
  assert.equal(writer.mkdir(h, child)?.errno, 'ENOENT');
  assert.equal(reader.exists(h, id), false);
  assert.equal(reader.generation(h, id), undefined);
  assert.deepEqual(reader.children(h, id), []);
  assert.deepEqual(reader.files(h, id), []);
  assert.equal(writer.mkdir(h, id), undefined);
  assert.notEqual(reader.generation(h, id), first);
});

realKernel('a read tells the lack of a file from the lack of the group', (t) => {
  const host = open();
  const { reader } = host;
  const id = make(t, host);
  const h = any(host);
  assert.throws(() => reader.read(h, id, 'no.such_file'), { code: 'ABSENT' });
  const gone = childId(id, 'gone');
  assert.throws(() => reader.read(h, gone, 'cgroup.procs'), { code: 'VANISHED' });
  assert.equal(reader.tryRead(h, id, 'no.such_file'), undefined);
  assert.equal(reader.tryRead(h, gone, 'cgroup.procs'), undefined);
  for (const file of ['', '.', '..', '../x', 'a/b', 'a\0']) {
    assert.throws(() => reader.read(h, id, file), { code: 'INTERNAL' });
    assert.throws(() => host.writer.write(h, id, file, '1'), { code: 'INTERNAL' });
  }
});

realKernel(
  'a file that can only be written is absent for tryRead, and an error for read',
  (t) => {
    const host = open();
    const id = make(t, host);
    const memory = host.layout.hierarchies.find(({ key }) => key === 'memory');
    assert.ok(memory);
    assert.equal(host.reader.tryRead(memory, id, 'cgroup.event_control'), undefined);
    assert.throws(() => host.reader.read(memory, id, 'cgroup.event_control'), { code: 'KERNEL' });
  },
  ['memory'],
);

realKernel('a file larger than one read comes whole', async (t) => {
  const host = open();
  const { pid } = await spawnIdle(t);
  const h = any(host);
  // the root holds what is nowhere else; the kernel’s own threads make it long
  const text = host.reader.read(h, ROOT, 'cgroup.procs');
  assert.ok(text.endsWith('\n'));
  assert.ok(text.split('\n').includes(String(pid)));
});

realKernel('a write reaches the kernel, and what it refuses comes back as its errno', async (t) => {
  const host = open();
  const { reader, writer } = host;
  const id = make(t, host);
  const h = any(host);
  const { pid } = await spawnIdle(t);
  assert.deepEqual(pidsOf(reader, h, id), []);
  assert.equal(writer.write(h, id, 'cgroup.procs', String(pid)), undefined);
  assert.deepEqual(pidsOf(reader, h, id), [pid]);
  assert.deepEqual(threadsOf(reader, h, id), [pid]);
  assert.equal(writer.rmdir(h, id)?.errno, 'EBUSY');
  assert.equal(writer.write(h, id, 'cgroup.procs', 'one')?.errno, 'EINVAL');
  assert.equal(writer.write(h, id, 'cgroup.procs', '4194305')?.errno, 'ESRCH');
  assert.equal(writer.write(h, id, 'no.such_file', '1')?.errno, 'ENOENT');
  assert.equal(
    writer.write(h, childId(id, 'gone'), 'cgroup.procs', '0')?.path,
    `${h.mountPoint}${id}/gone/cgroup.procs`,
  );
});

realKernel('an empty text empties a list', (t) => {
  const host = open();
  const { reader, writer, layout } = host;
  const id = make(t, host);
  const h = layout.hierarchies.find(({ dialect, controllers }) => dialect === 'v1' && controllers.includes('cpuset'));
  if (h === undefined) return t.skip('no v1 cpuset');
  assert.equal(writer.write(h, id, 'cpuset.cpus', '0'), undefined);
  assert.equal(reader.read(h, id, 'cpuset.cpus'), '0\n');
  assert.equal(writer.write(h, id, 'cpuset.cpus', ''), undefined);
  assert.equal(reader.read(h, id, 'cpuset.cpus'), '\n');
});

realKernel('a threaded group lists threads alone', (t) => {
  const host = open();
  const h = host.layout.unified;
  if (h === undefined) return t.skip('no unified hierarchy');
  const id = make(t, host);
  assert.equal(host.writer.write(h, id, 'cgroup.type', 'threaded'), undefined);
  assert.throws(() => host.reader.read(h, id, 'cgroup.procs'), { code: 'ABSENT', message: /switched off/ });
  assert.deepEqual(pidsOf(host.reader, h, id), []);
  assert.deepEqual(threadsOf(host.reader, h, id), []);
});

realKernel('odd names are names', (t) => {
  const host = open();
  const { reader, writer } = host;
  const id = make(t, host);
  const h = any(host);
  const names = [
    '-x',
    '--',
    'x'.repeat(255),
    'größe',
    '容器',
    'a b',
    '<img src=x onerror=1>',
    '$(id)',
    '*',
    '"',
    "'",
    '\\x2d',
    '\u202e',
    '...',
  ];
  for (const name of names) {
    const child = childId(id, name);
    assert.equal(writer.mkdir(h, child), undefined, name);
    assert.equal(reader.read(h, child, 'cgroup.procs'), '');
  }
  assert.deepEqual([...reader.children(h, id)].sort(), names.sort());
});

realKernel('writes are confined: another file system over a group, and ids that the mount does not show', (t) => {
  const host = open();
  const { reader, writer } = host;
  const id = make(t, host);
  const h = any(host);
  const other: Hierarchy = { ...h, device: h.device + 1n };
  assert.equal(writer.write(other, id, 'cgroup.procs', '0')?.errno, 'EXDEV');
  assert.equal(writer.mkdir(other, childId(id, 'a'))?.errno, 'EXDEV');
  assert.equal(writer.rmdir(other, id)?.errno, 'EXDEV');
  assert.equal(writer.remember(other, id, {}), false);
  assert.equal(reader.exists(h, id), true);

  const bound: Hierarchy = { ...h, mountPoint: `${h.mountPoint}${id}`, root: id };
  assert.equal(reader.path(bound, id), `${h.mountPoint}${id}`);
  assert.equal(reader.path(bound, childId(id, 'a')), `${h.mountPoint}${id}/a`);
  assert.equal(reader.exists(bound, ROOT), false);
  assert.deepEqual(reader.children(bound, ROOT), []);
  assert.equal(reader.tryRead(bound, ROOT, 'cgroup.procs'), undefined);
  assert.throws(() => reader.read(bound, ROOT, 'cgroup.procs'), { code: 'NOT_FOUND' });
  assert.equal(writer.write(bound, ROOT, 'cgroup.procs', '0')?.errno, 'ENOENT');
  assert.equal(writer.mkdir(bound, id)?.errno, 'EEXIST');
  assert.equal(writer.mkdir(h, ROOT)?.errno, 'EEXIST');
});

testUnless(
  needsRoot() ?? needsCgroups() ?? nativeProblem(),
  'what was asked for is kept with the group, and only what has its form is believed',
  (t) => {
    const host = open();
    const { memory, writer } = host;
    const id = make(t, host);
    for (const h of host.layout.hierarchies) {
      assert.deepEqual(memory.recall(h, id), {});
      const asked = { 'cpu.shares': '512', 'io.read_bps': '{"8:0":1}' };
      assert.equal(writer.remember(h, id, asked), true);
      assert.deepEqual(memory.recall(h, id), asked);
      assert.equal(writer.remember(h, id, { a: 'x'.repeat(65536) }), false);
      assert.deepEqual(memory.recall(h, id), asked);
      assert.equal(writer.remember(h, id, {}), true);
      assert.deepEqual(memory.recall(h, id), {});

      assert.equal(memory.delegated(h, id), false);
      native()?.setxattr(host.reader.path(h, id), 'trusted.delegate', Buffer.from('1'));
      assert.equal(memory.delegated(h, id), true);
    }
    assert.deepEqual(memory.recall(any(host), childId(id, 'gone')), {});
  },
);

test('what is kept is hostile until it is parsed', () => {
  assert.deepEqual(parseAsked('{"cpu.shares":"512","Bad key":"1","n":1,"__proto__":"x","l":["a"],"a/b":"c"}'), {
    'cpu.shares': '512',
  });
  for (const text of ['', '{', 'null', '[]', '"x"', '1', `{"a":"${'x'.repeat(65536)}"}`])
    assert.deepEqual(parseAsked(text), {}, text.slice(0, 9));
  assert.deepEqual(parseAsked('["a"]'), {});
});

realKernel('the page size is the machine’s', () => {
  assert.equal(openHost().pageSize, Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
});

realKernel('opened for reading only, there is no writer', () => {
  const { writer, layout } = openHost({ readOnly: true });
  assert.equal(writer, undefined);
  if (layout.unified !== undefined) {
    const offered = readFileSync(`${layout.unified.mountPoint}/cgroup.controllers`, 'utf8')
      .split(/\s+/)
      .filter(Boolean);
    assert.deepEqual(layout.unified.controllers, offered);
  }
  assert.throws(() => openHost({ cgroupRoot: '/proc' }), { code: 'NO_CGROUPS' });
  const root = layout.hierarchies[0]?.mountPoint;
  assert.deepEqual(
    openHost({ cgroupRoot: root }).layout.hierarchies.map(({ mountPoint }) => mountPoint),
    [root],
  );
});
